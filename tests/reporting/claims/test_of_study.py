"""The verdicts on a study's claims: from the files of its cells to a line per claim, printed and drawn."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sirbench.config import load
from sirbench.evaluation.measures import write_per_query
from sirbench.jobs import needs
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.claims.of_study import judged_claims
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


def test_a_seed_that_diverged_is_reported_and_left_out(study):
    _, cell, _ = cells_of(study, "v4-top-16")
    record = json.loads(cell.provenance.read_text()) | {"diverged": "The loss is NaN at step 3."}
    cell.provenance.write_text(json.dumps(record))
    cell.per_query.write_text("query_id,RR@100\n")
    make_claims(study)
    line = judged_claims(study).set_index("claim").loc["sir-helps-prop"]
    assert (line["seeds_better"], line["seeds_than"]) == (2, 3)
    assert line["effect"] == pytest.approx(0.2, abs=0.02)
    said = "prop/v4-top-16: 2 of 3 seeds converged (seed 2: The loss is NaN at step 3)"
    assert line["remarks"] == said
    assert f"- bm25: {said}." in Layout("test").claims("md").read_text()


def test_a_recipe_that_diverged_in_every_seed_has_no_number_and_no_verdict(study):
    for cell in cells_of(study, "v4-top-16"):
        record = json.loads(cell.provenance.read_text()) | {"diverged": "NaN"}
        cell.provenance.write_text(json.dumps(record))
        cell.per_query.write_text("query_id,RR@100\n")
    make_claims(study)
    line = judged_claims(study).set_index("claim").loc["sir-helps-prop"]
    assert line["verdict"] == "not measured: no seed of prop/v4-top-16 gave a model"
    printed = Layout("test").claims("md").read_text()
    assert (
        "| SIR helps PROP (Table 1). | – | – | – | – | – | not measured" in printed and "nan" not in printed
    )


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
    assert list(pd.read_csv(Layout("test").claims())["family"].unique()) == ["paper", "ours"]


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
