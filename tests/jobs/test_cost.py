"""The cost of a study: pairs counted again by running strategies, operations by torch, the docs by hand."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel

from sirbench.config import load
from sirbench.evaluation.claims.plan import plan_table
from sirbench.evaluation.measures import write_per_query
from sirbench.jobs import cost
from sirbench.jobs.cost import Sizes, Speed
from sirbench.jobs.encoders import BERT_BASE, Encoder, encoder_of
from sirbench.jobs.folders import Cell
from sirbench.jobs.job import compressors, job_of, job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.steps.cost import describe_cost
from sirbench.strategies import Pairs
from sirbench.strategies.levels.blocks import Blocks
from sirbench.study import Input, OneSet, Split, TinyBackbone
from tests.checkouts import ROOT

PAPER = Sizes(3_213_835, 367_013, 5_193)


@pytest.fixture(scope="module")
def paper():
    return load("paper", ROOT / "config")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Results of this checkout are none of the tests' business."""
    monkeypatch.chdir(tmp_path)


# --- pairs ----------------------------------------------------------------------------------------------


def jobs(config):
    """Every training job of every recipe, by a name to show."""
    return {
        f"{name}-{job.level}": job
        for name, recipe in config.recipes.items()
        if recipe.trains
        for job in [*compressors(recipe, config.study), job_of(recipe, config.study)]
    }


@pytest.mark.parametrize("name", jobs(load("paper", ROOT / "config")))
def test_a_step_forwards_as_many_pairs_as_its_strategy_asks_to_score(paper, name):
    job, asked = jobs(paper)[name], {True: 0, False: 0}

    def score(positions, mask, *, gradient):
        asked[gradient] += int(mask.sum())
        return torch.randn(mask.shape, requires_grad=gradient)

    size = job.strategy.levels[0]
    block = Blocks(torch.ones(1, size, dtype=torch.bool), torch.rand(1, size))
    job.strategy.step(block, score)
    assert job.strategy.pairs() == Pairs(asked[True], asked[False])


def test_v1_top_16_by_hand(paper):
    """Two epochs of 88, 48 and 16; the two compressors then score the 87 and 47 negatives of their input."""
    pairs = cost.recipe_pairs(paper, "v1-top-16", 367_013)
    assert pairs.with_gradient == 2 * 367_013 * (88 + 48 + 16)
    assert pairs.forward_only == 367_013 * (87 + 47)


def test_with_redrawn_blocks_every_compressor_scores_all_candidates(paper):
    """Whatever may be drawn for the next level: 100 each, in place of 87 and 47."""
    for name in ("v1-top-16", "v2-top-16"):
        fixed, redrawn = (cost.recipe_pairs(paper, it, 367_013) for it in (name, f"{name}-redrawn"))
        assert redrawn.with_gradient == fixed.with_gradient
        assert redrawn.forward_only == 367_013 * (100 + 100)
        assert fixed.forward_only == 367_013 * (87 + 47)


def test_where_one_training_has_all_levels_redrawing_costs_nothing(paper):
    for name in ("v0", "v3-top-16", "v4-top-16"):
        fixed = f"{name}-fixed"
        assert cost.recipe_pairs(paper, name, 9) == cost.recipe_pairs(paper, fixed, 9)


def test_v3_does_not_learn_from_its_middle_level(paper):
    assert cost.recipe_pairs(paper, "v3-top-16", 1) == Pairs(2 * (88 + 16), 2 * 48)
    assert cost.recipe_pairs(paper, "v3-random-16", 1) == Pairs(2 * (88 + 16), 0)


@pytest.mark.parametrize(("trained", "choosing"), [("best", 2 * (88 + 16)), ("first", 0)])
def test_with_maxp_a_pair_is_as_many_forwards_as_passages_and_one_is_trained(paper, trained, choosing):
    """V3's two levels with a loss, after their passages were chosen, and the middle one: 4 passages each."""
    spec = Input(passages="max", trained_passage=trained)
    maxp = replace(paper, study=paper.study.model_copy(update={"input": spec}))
    assert cost.recipe_pairs(maxp, "v3-top-16", 1) == Pairs(2 * (88 + 16), 4 * (choosing + 2 * 48))
    assert cost.reranking_pairs(maxp, PAPER) == Pairs(0, 4 * 100 * 5_193)
    bytes_of_first = cost.token_bytes(paper, PAPER, BERT_BASE)
    # 64 of 512 tokens are the query's, and each of three passages more begins after half of what is left.
    assert cost.token_bytes(maxp, PAPER, BERT_BASE) - bytes_of_first == 3_213_835 * 2 * 3 * 224


def test_of_five_folds_each_query_is_trained_on_four_times_and_ranked_once(paper):
    once = cost.recipe_pairs(paper, "v1-top-16", 93)
    split = OneSet(dataset="vaswani", split=Split(folds=5))
    folded = replace(paper, study=paper.study.model_copy(update={"collection": split}))
    assert cost.recipe_pairs(folded, "v1-top-16", 93) == once.times(4)
    sizes, speeds = Sizes(11_429, 93, 93), {name: Speed(1.0, 4) for name in paper.study.backbones}
    tables = [cost.table_cost(it, it.tables["table3"], sizes, speeds) for it in (paper, folded)]
    ranked = cost.reranking_pairs(paper, sizes).times(14 * 2 * 3)  # cells, candidates and seeds
    assert tables[1].trainings == 5 * tables[0].trainings
    assert tables[1].pairs.forwards - ranked.forwards == 4 * (tables[0].pairs.forwards - ranked.forwards)


# --- operations, parameters and hours -------------------------------------------------------------------


def test_operations_of_a_forward_are_those_that_torch_counts():
    sizes = {"num_hidden_layers": 3, "hidden_size": 32, "intermediate_size": 80, "vocab_size": 50}
    model = BertModel(
        BertConfig(**sizes, num_attention_heads=4, attn_implementation="eager"), add_pooling_layer=False
    )
    with FlopCounterMode(display=False) as counter:
        model(torch.ones(1, 48, dtype=torch.int64))
    assert Encoder(*sizes.values()).forward_operations(48) == counter.get_total_flops()


def test_parameters_are_those_of_the_model():
    sizes = {"num_hidden_layers": 3, "hidden_size": 32, "intermediate_size": 80, "vocab_size": 50}
    model = BertModel(BertConfig(**sizes, num_attention_heads=4))
    assert Encoder(*sizes.values()).parameters == model.num_parameters()
    assert BERT_BASE.parameters == 109_482_240  # as bert-base-uncased has


def test_activations_of_a_block_by_hand():
    """34 bytes for each of 12 layers' 768 units and each of 88 x 512 tokens: 14.1 GB."""
    assert BERT_BASE.activation_bytes(88 * 512) == pytest.approx(14.118e9, rel=1e-3)


def test_hours_are_operations_over_speed(paper):
    """A million pairs with gradient at 4 forwards each and two million without, at 1 TFLOP/s."""
    speed = cost.assumed_speed(paper, BERT_BASE, tflops=1.0)
    operations = (4 * 1e6 + 2e6) * BERT_BASE.forward_operations(512)
    assert speed.hours(Pairs(1e6, 2e6)) == pytest.approx(operations / 1e12 / 3600)


def test_a_measured_speed_is_of_pairs_trained_on():
    assert Speed(pairs_per_second=100.0, passes=4).hours(Pairs(360_000, 0)) == pytest.approx(1.0)
    assert Speed(pairs_per_second=100.0, passes=4).hours(Pairs(0, 360_000)) == pytest.approx(0.25)


def test_kept_activations_save_a_forward_of_what_has_a_gradient():
    speed = Speed(pairs_per_second=90.0, passes=4)
    assert speed.kept.hours(Pairs(360, 0)) == pytest.approx(0.75 * speed.hours(Pairs(360, 0)))
    assert speed.kept.hours(Pairs(0, 360)) == pytest.approx(speed.hours(Pairs(0, 360)))
    assert speed.kept.kept == speed.kept


def test_a_shorter_text_counts_for_its_operations(paper):
    counted = cost.at_full_length(paper, BERT_BASE, 64, Pairs(1000, 10))
    share = BERT_BASE.forward_operations(64) / BERT_BASE.forward_operations(512)
    assert counted == Pairs(1000 * share, 10 * share) and 0.1 < share < 1 / 8


def test_a_pair_costs_four_forwards_unless_all_activations_are_kept(paper):
    compute = paper.study.compute.model_copy(update={"gradient_cache": False})
    plain = replace(paper, study=paper.study.model_copy(update={"compute": compute}))
    assert (cost.passes(paper), cost.passes(plain)) == (4, 3)


def test_a_table_counts_what_its_rows_share_once(paper):
    """Table 3: 14 cells and 4 compressors (test_job.py), on two candidates with three seeds."""
    speeds = {name: Speed(1.0, 4) for name in paper.study.backbones}
    table = cost.table_cost(paper, paper.tables["table3"], PAPER, speeds)
    assert table.trainings == (14 + 4) * 2 * 3
    levels = {
        job.name: job
        for row in paper.tables["table3"].rows
        for job in compressors(paper.recipes[row.recipe], paper.study)
    }
    final = [job_of(paper.recipes[row.recipe], paper.study) for row in paper.tables["table3"].rows]
    trained = [cost.training_pairs(job, paper.study, 367_013, True) for job in levels.values()]
    trained += [cost.training_pairs(job, paper.study, 367_013, False) for job in final]
    assert table.pairs.with_gradient == 6 * sum(pairs.with_gradient for pairs in trained)
    reranked = 14 * 5_193 * 100
    assert table.pairs.forward_only == 6 * (sum(pairs.forward_only for pairs in trained) + reranked)
    assert table.model_bytes == 18 * 6 * 109_482_240 * 4


# --- sizes ----------------------------------------------------------------------------------------------


def test_sizes_of_msmarco_are_known_without_a_download(paper):
    assert cost.sizes_of(paper) == PAPER


def test_sizes_are_those_of_the_extracted_collection_where_there_is_one(paper):
    record = Layout("paper").collection
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"documents": 7, "train": {"queries": 5}, "dev": {"queries": 3}}))
    assert cost.sizes_of(paper) == Sizes(7, 5, 3)


def test_a_study_keeps_no_more_queries_than_it_says(pydocs_sliver):
    assert cost.sizes_of(load("test", ROOT / "config"))[1:] == (8, 6)


def test_a_token_store_is_no_larger_than_foreseen(texts, tiny_store, paper):
    folder = Path(tiny_store.documents.tokens.filename).parent
    offsets = np.load(folder / "documents.offsets.npy").nbytes - 8  # one more than documents
    there = (folder / "documents.tokens").stat().st_size + offsets
    limits = paper.study.input.model_copy(update={"max_tokens": 40, "max_query_tokens": 8})
    config = replace(paper, study=paper.study.model_copy(update={"input": limits}))
    foreseen = cost.token_bytes(config, Sizes(len(texts[0]), 1, 1), Encoder(1, 16, 64, 120))
    assert foreseen / 2 < there <= foreseen  # 40 words on average, of which 37 tokens fit


def test_backbones_are_looked_at_where_they_are():
    paper = load("paper", ROOT / "config")
    tiny = {"tiny": TinyBackbone(source="tiny", layers=3, hidden=32, vocabulary=8000)}
    config = replace(paper, study=paper.study.model_copy(update={"backbones": tiny}))
    assert encoder_of(config, "tiny") == (Encoder(3, 32, 128, 8000), True)
    assert encoder_of(paper, "wlp") == encoder_of(paper, "bert")  # pre-trained from it
    assert encoder_of(paper, "bert") == (BERT_BASE, False)
    folder = Layout("paper").backbone("bert")
    folder.mkdir(parents=True)
    BertConfig(num_hidden_layers=24, hidden_size=1024, intermediate_size=4096).save_pretrained(folder)
    assert encoder_of(paper, "bert") == (Encoder(24, 1024, 4096, 30522), True)


# --- what is shown --------------------------------------------------------------------------------------


def shown(text, name):
    """The numbers of a line of what is printed."""
    return re.split(
        r"\s{2,}", next(line for line in text.splitlines() if line.startswith(f"  {name} ")).strip()
    )[1:]


def test_the_cost_says_what_it_assumes(paper):
    text = describe_cost(paper)
    for said in (
        "3,213,835 documents; queries: 367,013 training, 5,193 dev",
        "125 TFLOP/s",
        "0.0966 TFLOP for a forward of 512 tokens",
        "costs 4 forwards",
        "taken for BERT-base, since not here to be looked at: bert, electra",
    ):
        assert said in text
    assert shown(text, "v4-top-16") == ["112 M", "112 M", "96"]
    assert shown(text, "table3")[0] == "108"
    assert "firststage" not in text  # it trains nothing
    # 100,000 steps of 16 groups of 8 passages, and of 16 texts.
    assert shown(text, "wlp: wlp")[:2] == ["12.8 M", "12.8 M"] and shown(text, "wlp: mlm")[0] == "1.6 M"
    for given_up in ("dropout of", "56.5 GB of", "smaller differences"):
        assert given_up in text
    assert max(map(len, text.splitlines())) <= 110


def test_measured_variances_take_the_place_of_the_assumed_ones(paper):
    """Cells of V4 and V3 in three seeds, whose difference varies little: fewer queries decide that claim."""
    draw = np.random.default_rng(1)
    for recipe in ("v4-top-16", "v3-top-16"):
        for seed in paper.study.seeds:
            cell = Cell("paper", "hdct", "bert", recipe, seed)
            cell.folder.mkdir(parents=True)
            cell.provenance.write_text(json.dumps(made_as(job_of_cell(paper, cell), paper.study)))
            values = pd.Series(draw.random(50) / 100, name="RR@100").to_frame()
            write_per_query(values.rename(str).rename_axis("query_id"), cell.per_query)
    assert "Measured, in place of that: 1 of the claims" in describe_cost(paper)


def test_a_study_of_few_dev_queries_is_told_how_many_it_lacks(paper):
    few = paper.study.collection.model_copy(update={"dev_queries": 50})
    text = describe_cost(replace(paper, study=paper.study.model_copy(update={"collection": few})))
    assert text.count("lacks: 2,235") >= 4  # every table that claims are about
    assert "those of the study do not, with any seeds" in text


def test_a_measured_speed_takes_the_place_of_the_assumed_one(paper):
    text = describe_cost(paper, pairs_per_second=1000.0)
    assert "TFLOP/s" not in text
    assert shown(text, "v4-top-16")[-1] == f"{2 * 367_013 * (88 + 48 + 16) / 1000 / 3600:,.0f}"


def test_a_small_study_has_a_cost_too(pydocs_sliver):
    text = describe_cost(load("test", ROOT / "config"))
    assert "this study computes on the CPU" not in text
    assert shown(text, "v0") == ["32", "32", "< 0.01"]  # 8 queries, 2 documents, 2 epochs


def test_the_cost_needs_no_torch():
    code = (
        "import sys; from typer.testing import CliRunner; from sirbench.cli import app\n"
        "done = CliRunner().invoke(app, ['cost', '--study', 'paper'])\n"
        "assert done.exit_code == 0, done.output\n"
        "assert 'v4-top-16' in done.output and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_docs_say_what_the_cost_is(paper):
    page = (ROOT / "docs/cluster.md").read_text()
    section, least = page[page.index("## Cost") :].split("\n## ")[0].split("\n### At the least")
    rows = dict(re.findall(r"^\| (\w[^|]*?) \| ([^|]*\|[^|]*?) \|$", section, re.MULTILINE))
    recipes = {
        "V0": ["v0"],
        "V3 Top 16": ["v3-top-16"],
        "V4 Top 16": ["v4-top-16"],
        "V1 or V2 Top 16, all levels, with scoring": ["v1-top-16", "v2-top-16"],
    }
    assert set(rows) == {*recipes, "re-ranking the dev candidates"}
    for row, names in recipes.items():
        for name in names:
            pairs = cost.recipe_pairs(paper, name, 367_013)
            millions = [pairs.forwards / 1e6, pairs.with_gradient / 1e6]
            rounded = 0.5 if pairs.forwards > 1e7 else 0.05
            assert [float(cell) for cell in rows[row].split("|")] == pytest.approx(millions, abs=rounded)
    assert float(rows["re-ranking the dev candidates"].split("|")[0]) == pytest.approx(0.5193, abs=0.05)
    speeds = {name: cost.assumed_speed(paper, BERT_BASE, 125.0) for name in paper.study.backbones}
    hours = speeds["bert"].hours(cost.recipe_pairs(paper, "v4-top-16", 367_013))
    assert f"V4 Top 16 takes about {hours:.0f} GPU-hours a seed" in " ".join(section.split())
    plan = plan_table(paper, paper.tables["table3"], PAPER, speeds)
    prices = dict(re.findall(r"^\| (\w.*?): .*?\| ([\d,]+) \|", least, re.MULTILINE))
    asked = {"as asked": plan.asked, "shared forwards": plan.shared, "activations kept": plan.kept}
    assert prices == {
        it: f"{price.hours:,.0f}" for it, price in (asked | {"at the least": plan.least}).items()
    }
    assert f"{plan.seeds} seeds, {plan.queries:,} dev queries" in least
