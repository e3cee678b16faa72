"""Input that makes no sense is refused with one message; seeds without a model are part of the result."""

import pandas as pd
import pytest

from sirbench.evaluation.claims.measured import Measured, Trainings, check_comparable
from sirbench.machine.errors import InputError
from tests.evaluation.claims.made import measured, nothing


def test_a_seed_without_a_model_is_counted_with_its_reason():
    recipe = measured("v4", [[0.1, 0.2], [0.3, 0.4]], seeds=[1, 3], absent={2: "the loss is NaN"})
    assert recipe.seeds == 2
    assert recipe.remark == "v4: 2 of 3 seeds converged (seed 2: the loss is NaN)"
    assert nothing("v0", {2: "constant", 1: "NaN"}).remark == (
        "v0: 0 of 2 seeds converged (seed 1: NaN; seed 2: constant)"
    )
    assert measured("v0", [[0.1, 0.2]]).remark == ""


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: measured("v4", [[0.1, 0.2], [0.3, 0.4]], seeds=[1, 1]), "v4: seed 1 appears twice"),
        (
            lambda: Measured("v4", pd.DataFrame([[0.1, 0.2]], index=[1], columns=["a", "a"])),
            "v4: query a appears twice",
        ),
        (
            lambda: measured("v4", [[0.1, 0.2]], absent={1: "NaN"}),
            "v4: seed 1 is both measured and absent",
        ),
        (lambda: Measured("v4", pd.DataFrame(index=[1, 2])), "v4: there are no queries"),
        (lambda: measured("v4", [[0.1, float("nan")]]), "v4: a value is missing or infinite"),
        (lambda: measured("v4", [[0.1, float("inf")]]), "v4: a value is missing or infinite"),
    ],
)
def test_values_that_make_no_sense_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_only_the_same_queries_can_be_compared():
    first, other = measured("v4", [[0.1, 0.2, 0.3]]), measured("v0", [[0.1, 0.2]])
    with pytest.raises(InputError, match=r"v4 and v0 are measured on different queries \(1 in one only, q2"):
        check_comparable(first, other)
    with pytest.raises(InputError, match="v4 is measured on one query"):
        check_comparable(measured("v4", [[0.1]]), measured("v0", [[0.2]]))
    check_comparable(first, nothing("v0", {1: "NaN"}))


def frame(values, queries=("q0", "q1")):
    return pd.DataFrame({"RR@10": values, "AP@20": 0.5}, index=pd.Index(queries, name="query_id"))


def test_seeds_are_averaged_query_by_query():
    seeds = {1: frame([1.0, 0.0]), 2: frame([0.5, 0.25]), 4: frame([0.5, 0.0], ("q1", "q0"))}
    of_measure = Trainings("v4", seeds, {3: "NaN"}).by("RR@10")
    assert of_measure.of_queries[["q0", "q1"]].tolist() == pytest.approx([0.5, 0.25])
    assert of_measure.of_seeds.to_dict() == pytest.approx({1: 0.5, 2: 0.375, 4: 0.25})
    assert of_measure.remark == "v4: 3 of 4 seeds converged (seed 3: NaN)"


@pytest.mark.parametrize("other", [frame([1.0, 0.2], ("q0", "q2")), frame([1.0, 0.2]).drop(columns="AP@20")])
def test_seeds_about_other_queries_or_measures_are_refused(other):
    with pytest.raises(InputError, match="v4: seeds 1 and 2 are about different queries or measures"):
        Trainings("v4", {1: frame([1.0, 0.2]), 2: other})


def test_trainings_that_all_diverged_have_no_values_and_their_reasons():
    none = Trainings("v4", {}, {1: "NaN"})
    assert none.measures == [] and none.queries == set() and none.by("RR@10").seeds == 0
    assert none.convergence == none.by("RR@10").convergence == "0 of 1 seeds converged (seed 1: NaN)"
    assert Trainings("v4", {1: frame([1.0, 0.2])}).convergence == ""
