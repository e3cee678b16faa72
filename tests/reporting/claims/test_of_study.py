"""The verdicts on a study's claims: from the files of its cells to a line per claim, printed and drawn."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sirbench.config import load
from sirbench.evaluation.measures import read_per_query, write_per_query
from sirbench.jobs import needs
from sirbench.jobs.folders import Cell
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.claims.of_study import judged_claims
from sirbench.reporting.claims.printed import present_claims
from sirbench.reporting.figures import draw
from sirbench.reporting.figures.drawing import style
from sirbench.steps.claims import make_claims
from tests.checkouts import ROOT

QUERIES = 60
EFFECT = {"v0": 0.0, "v4-top-16": 0.2}
"""What a recipe adds to every query's value."""


def write_cell(config, cell, draw):
    values = 0.3 + EFFECT.get(cell.recipe, 0.1) + 0.02 * draw.standard_normal(QUERIES)
    index = pd.Index([f"q{number}" for number in range(QUERIES)], name="query_id")
    write_per_query(pd.DataFrame(dict.fromkeys(needs.measures(config), values), index=index), cell.per_query)
    cell.provenance.write_text(json.dumps(made_as(job_of_cell(config, cell), config.study)))


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Study `test` in three seeds, all of whose compared cells are measured; it has BERT and PROP alone."""
    monkeypatch.chdir(tmp_path)
    for part in ("config", "published"):
        shutil.copytree(ROOT / part, part)
    config = load("test")
    config = replace(config, study=config.study.model_copy(update={"seeds": [1, 2, 3]}))
    draw = np.random.default_rng(1)
    for one in needs.claimed_conditions(config):
        for seed in config.study.seeds:
            write_cell(config, one.cell(seed), draw)
    return config


def test_a_clear_difference_is_supported_and_its_reverse_contradicted(study):
    lines = judged_claims(study).set_index("claim")
    helped = lines.loc["sir-helps-prop"]
    assert helped["verdict"] == "supported"
    values = {
        recipe: np.mean([pd.read_csv(cell.per_query)["RR@100"].mean() for cell in cells_of(study, recipe)])
        for recipe in ("v0", "v4-top-16")
    }
    assert helped["effect"] == pytest.approx(values["v4-top-16"] - values["v0"], abs=1e-12)
    assert helped["ci_low"] < 0.2 < helped["ci_high"]
    # V4's selections differ by 0.1, far beyond 2 % of a mean of 0.5.
    assert lines.loc["top-equals-random-v4", "verdict"] == "contradicted"
    assert lines.loc["top-equals-random-v3", "verdict"] != "contradicted"


def cells_of(config, recipe):
    return [
        one.cell(seed)
        for one in needs.claimed_conditions(config)
        if (one.backbone, one.recipe) == ("prop", recipe)
        for seed in config.study.seeds
    ]


def test_the_papers_difference_is_its_printed_numbers(study):
    """0.440 - 0.437 on HDCT, which this study calls bm25 here."""
    candidates = {"hdct": study.study.candidates["bm25"]}
    assert np.isnan(judged_claims(study).set_index("claim").loc["v4-over-v3", "effect_of_paper"])
    renamed = replace(study, study=study.study.model_copy(update={"candidates": candidates}))
    for one in needs.claimed_conditions(renamed):
        for seed in study.study.seeds:
            write_cell(renamed, one.cell(seed), np.random.default_rng([seed, len(one.recipe)]))
    line = judged_claims(renamed).set_index("claim").loc["v4-over-v3"]
    assert line["effect_of_paper"] == pytest.approx(0.440 - 0.437)


def test_with_one_seed_nothing_is_said_of_the_recipe(study):
    one_seed = replace(study, study=study.study.model_copy(update={"seeds": [1]}))
    lines = judged_claims(one_seed)
    assert set(lines["verdict"]) == {"one seed: nothing can be said of the recipe"}
    assert lines["p_paired_t"].notna().any() and lines["p_value"].isna().all()


def diverge(config, recipe, seeds, backbone="bert"):
    """Let so many seeds of a recipe have diverged, as training, re-ranking and measuring leave them."""
    for seed in seeds:
        cell = Cell(config.name, "bm25", backbone, recipe, seed)
        made = json.loads(cell.provenance.read_text())
        cell.provenance.write_text(json.dumps(made | {"diverged": f"at step {seed} the loss is nan"}))
        cell.per_query.write_text("query_id,RR@100\n")


def test_a_seed_that_diverged_is_reported_and_the_others_are_judged(study):
    whole = judged_claims(study).set_index("claim")
    diverge(study, "v4-top-16", [2])
    lines = judged_claims(study).set_index("claim")
    line = lines.loc["v4-over-as-many-negatives"]
    assert line["remarks"] == ("bert/v4-top-16: 2 of 3 seeds converged (seed 2: at step 2 the loss is nan)")
    assert (line["seeds_better"], line["seeds_than"]) == (2, 3)
    assert line["verdict"] == "two seeds: too few to judge a recipe by"
    means = {
        recipe: np.mean([np.mean(values(study, recipe, seed)) for seed in seeds])
        for recipe, seeds in (("v4-top-16", (1, 3)), ("v0-88", (1, 2, 3)))
    }
    assert line["effect"] == pytest.approx(means["v4-top-16"] - means["v0-88"], abs=1e-12)
    # What is said of other recipes with other backbones is what was said before.
    same = ["effect", "p_value", "verdict", "analysis"]
    assert lines.loc["sir-helps-prop", same].equals(whole.loc["sir-helps-prop", same])


def values(config, recipe, seed, backbone="bert"):
    return read_per_query(Cell(config.name, "bm25", backbone, recipe, seed).per_query)["RR@100"]


def test_a_claim_with_a_side_that_never_converged_has_a_verdict_in_words(study):
    diverge(study, "v4-top-16", [1, 2, 3])
    make_claims(study)
    lines = pd.read_csv(Layout("test").claims()).set_index("claim")
    for claim in ("v4-over-v3", "top-equals-random-v4"):
        assert lines.loc[claim, "verdict"] == "not measured: no seed of bert/v4-top-16 gave a model"
        assert np.isnan(lines.loc[claim, "effect"]) and np.isnan(lines.loc[claim, "p_holm"])
        assert lines.loc[claim, "to_decide"].startswith("bert/v4-top-16: 0 of 3 seeds converged (seed 1: at")
    assert lines.loc["v3-over-v2", "verdict"] != lines.loc["v4-over-v3", "verdict"]
    printed = Layout("test").claims("md").read_text()
    assert "nan" not in printed.replace("the loss is nan", "")
    assert printed.count("On bm25: bert/v4-top-16: 0 of 3 seeds converged") == 2, "once in each family"
    assert "no other takes its place" in printed and "another seed" not in printed


def test_a_study_of_seeds_that_all_diverged_is_judged_all_the_same(study):
    for one in needs.claimed_conditions(study):
        diverge(study, one.recipe, study.study.seeds, one.backbone)
    make_claims(study)
    verdicts = pd.read_csv(Layout("test").claims())["verdict"]
    assert verdicts.str.startswith("not measured: no seed of").all()
    assert "over 0 dev queries, no seeds." in Layout("test").claims("md").read_text()
    with style.applied():
        (panel,) = draw(study, "claims").canvas.axes
    assert sum(text.get_text() == "no seed converged" for text in panel.texts) == len(verdicts)


def test_other_recipes_of_the_family_help_with_the_variance_between_seeds(study):
    """BERT has eleven recipes in the paper's family, PROP the two that are compared and no other."""
    analysis = judged_claims(study).set_index("claim")["analysis"]
    assert analysis["sir-helps-prop"] == "paired seeds"
    pooled = "paired seeds, variance of seeds pooled (4 degrees of freedom of other recipes)"
    of_bert = analysis.drop("sir-helps-prop")
    assert set(of_bert) <= {pooled, "paired seeds"} and (of_bert == pooled).sum() > 5


def test_a_cell_that_is_not_measured_is_named(study):
    cells_of(study, "v4-top-16")[1].per_query.unlink()
    with pytest.raises(InputError, match=r"not measured.*bm25/prop/v4-top-16/seed2; `snakemake claims"):
        judged_claims(study)


def test_a_study_without_any_claims_backbone_says_so(study):
    without = study.study.model_copy(update={"backbones": {"other": study.study.backbones["bert"]}})
    with pytest.raises(InputError, match="study test has no backbone that any claim is about"):
        judged_claims(replace(study, study=without))


def test_what_is_printed(study):
    make_claims(study)
    printed = Layout("test").claims("md").read_text()
    assert printed.index("# What the paper claims") < printed.index("# What the gain may come from")
    assert "these numbers mean nothing" in printed
    assert "| Claim | Difference | 95 % interval | p | p (Holm) | Paper's | Verdict |" in printed
    assert "Differences of MRR@100 over 60 dev queries, 3 seeds." in printed
    assert "| SIR helps PROP (Table 1). |" in printed and "| supported |" in printed
    assert "SIR helps WLP (Table 1)." in printed.split("Left out, as this study lacks their backbones:")[1]
    assert r"\label{tab:claims-paper}" in Layout("test").claims("tex").read_text()
    assert list(pd.read_csv(Layout("test").claims())["family"].unique())[:2] == ["paper", "ours"]


def test_the_figure_has_a_row_per_claim(study):
    make_claims(study)
    with style.applied():
        drawing = draw(study, "claims")
    (panel,) = drawing.canvas.axes
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert len(labels) == len(drawing.data) == len(judged_claims(study))
    assert labels[0].startswith("sir-helps-prop, BM25")


def test_the_figure_says_where_there_is_no_verdict(study):
    with style.applied():
        drawing = draw(study, "claims")
    assert drawing.data.empty


def test_with_one_seed_what_would_decide_is_said_once(study):
    alone = replace(study, study=study.study.model_copy(update={"seeds": [1]}))
    lines = judged_claims(alone)
    assert set(lines["verdict"]) == {"one seed: nothing can be said of the recipe"}
    shown = present_claims(alone, "paper", lines[lines["family"] == "paper"])
    assert sum("three seeds or more" in note for note in shown.notes) == 1


def test_what_a_reader_needs_for_a_verdict_is_printed(study):
    """Margins, the reading of Eq. 7, and what the intervals are not."""
    lines = judged_claims(study)
    shown = present_claims(study, "ours", lines[lines["family"] == "ours"])
    equal = lines[lines["claim"] == "v4-equals-v3-all"].iloc[0]
    assert any(f"(Margin: {equal['margin']:.3f}.)" in row.label for row in shown.rows)
    notes = " ".join(shown.notes)
    assert (
        "CPR of Eq. 7 read as product: v4-top-16, v4-top-16-fixed; literal: v4-top-16-literal-fresh" in notes
    )
    assert "Intervals are not corrected" in notes
    assert "<0.001" in [number.text for row in shown.rows for number in row.numbers]
