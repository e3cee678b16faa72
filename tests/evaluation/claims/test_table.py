"""A family of claims becomes one frame, whatever is missing."""

import numpy as np
import pytest

from sirbench.evaluation.claims.equality import Margin
from sirbench.evaluation.claims.table import Claim, claim_table
from sirbench.evaluation.claims.verdict import ONE_SEED
from sirbench.machine.errors import InputError
from tests.evaluation.claims.made import measured, nothing, study

COLUMNS = [
    *("claim", "sentence", "kind", "measure", "candidates", "better", "than", "margin"),
    *("effect", "ci_low", "ci_high", "p_value", "p_holm", "p_paired_t", "sd_seeds"),
    *(
        "seeds_better",
        "seeds_than",
        "queries",
        "effect_of_paper",
        "verdict",
        "to_decide",
        "analysis",
        "remarks",
    ),
]


def claim(better, than, kind="better", **more):
    name = f"{better}-{than}"
    return Claim(name, f"{better} is {kind} than {than}", kind, "RR@100", "hdct", better, than, **more)


@pytest.fixture
def recipes():
    third, first, second, twin = study(
        np.random.default_rng(4), recipes=4, of_queries=0.1, of_seeds=0.005, rest=0.1
    )
    return {
        "v0": measured("v0", first),
        "v3": measured("v3", second + 0.1),
        "v4": measured("v4", third + 0.1),
        "v4-literal": measured("v4-literal", twin[:2], absent={3: "constant scores"}),
        "once": measured("once", twin[:1]),
        "never": nothing("never", {1: "NaN"}),
    }


def table(claims, recipes, **options):
    return claim_table(claims, lambda claim, name: recipes[name], **options)


def test_a_row_says_what_was_claimed_and_found(recipes):
    claims = [
        claim("v3", "v0", effect_of_paper=0.05),
        claim("v0", "v4"),
        claim("v4", "v3", "equal", margin=Margin(0.25, "relative")),
        claim("once", "v0"),
        claim("v4", "never", "equal", margin=Margin(0.02, "relative")),
        claim("v4", "v4-literal"),
    ]
    frame = table(claims, recipes)
    assert list(frame.columns) == COLUMNS
    assert list(frame["claim"]) == ["v3-v0", "v0-v4", "v4-v3", "once-v0", "v4-never", "v4-v4-literal"]
    assert list(frame["verdict"])[:5] == [
        *("supported", "contradicted", "supported", ONE_SEED),
        "not measured: no seed of never gave a model",
    ]
    first = frame.iloc[0]
    assert first["effect"] == pytest.approx(
        (recipes["v3"].values.to_numpy() - recipes["v0"].values.to_numpy()).mean()
    )
    assert first["ci_low"] < first["effect"] < first["ci_high"] and first["effect_of_paper"] == 0.05
    assert (first["seeds_better"], first["seeds_than"], first["queries"]) == (3, 3, 200)
    assert first["p_value"] < first["p_holm"] < 0.05 and first["sd_seeds"] > 0
    assert frame.loc[2, "margin"] == pytest.approx(0.25 * recipes["v3"].values.to_numpy().mean())
    assert np.isnan(first["margin"]) and np.isnan(frame.loc[4, "margin"])
    assert np.isnan(frame.loc[3, "p_value"]) and frame.loc[3, "p_paired_t"] > 0
    assert frame.loc[5, "analysis"] == "independent seeds"
    assert frame.loc[5, "remarks"] == "v4-literal: 2 of 3 seeds converged (seed 3: constant scores)"


def test_other_recipes_help_but_not_those_that_are_compared(recipes):
    three = [recipes["v0"], recipes["v3"], recipes["v4"]]
    frame = table([claim("v4", "v3")], recipes, others=lambda claim: three)
    alone = table([claim("v4", "v3")], recipes)
    assert frame.loc[0, "analysis"] == (
        "paired seeds, variance of seeds pooled (2 degrees of freedom of other recipes)"
    )
    assert alone.loc[0, "analysis"] == "paired seeds"
    assert frame.loc[0, "effect"] == alone.loc[0, "effect"]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: claim("v4", "v3", "equal"), "claim v4-v3: equality needs a margin"),
        (lambda: claim("v4", "v3", margin=Margin(0.1, "absolute")), "only a claim of equality has a margin"),
        (lambda: claim("v4", "v3", "worse"), "its kind is better or equal, not 'worse'"),
        (lambda: claim("v4", "v4"), "v4 is compared with itself"),
        (lambda: claim_table([claim("v4", "v3")] * 2, None), "claim v4-v3 RR@100 hdct v4 v3 appears twice"),
    ],
)
def test_claims_that_make_no_sense_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_no_claims_make_an_empty_table(recipes):
    assert table([], recipes).empty
