"""Step `embed`: the candidates of a few queries as the models of three moments see them."""

import hashlib
import shutil

import numpy as np
import pandas as pd
import pytest

from sirbench.config import load
from sirbench.data.collections import load_queries
from sirbench.data.runs import read_run
from sirbench.evaluation.embedded import OVERLAPS
from sirbench.evaluation.space import measure_space
from sirbench.evaluation.space_nulls import BlockDraws, replayed_blocks
from sirbench.jobs.folders import Compressor
from sirbench.jobs.job import compressors
from sirbench.machine.errors import InputError
from tests.training.jobs import CELL, cell, sirbench, train

RECIPE = "v4-top-16"
NAMES = ("--backbone", "bert", "--recipe", RECIPE, "--seed", "1")


@pytest.fixture(scope="module")
def folder(prepared, tmp_path_factory):
    """A trained, re-ranked and embedded cell: groups of 6, 4, 3; 9 training queries, 4 at a step, twice."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("embedding") / "work")
    for ended in (
        train(folder, recipe=RECIPE),
        sirbench(folder, "rerank", *CELL, *NAMES),
        sirbench(folder, "embed", *CELL, *NAMES),
    ):
        assert ended.code == 0, ended.output
    return folder


@pytest.fixture(scope="module")
def embedded(folder):
    return pd.read_parquet(cell(folder, recipe=RECIPE) / "embeddings.parquet")


@pytest.fixture(scope="module")
def trace(folder):
    return pd.read_parquet(cell(folder, recipe=RECIPE) / "selection.parquet")


def test_every_candidate_and_positive_of_every_query_at_every_moment(folder, embedded):
    for split, count in (("train", 9), ("dev", 1)):  # 20 and 1 are asked for
        part = embedded[embedded["split"] == split]
        queries = list(part["query_id"].unique())
        ids = load_queries(folder / f"results/small/collection/{split}.queries.tsv")
        assert queries == sorted(ids, key=lambda it: hashlib.sha256(it.encode()).hexdigest())[:count]
        run = read_run(folder / f"results/small/candidates/bm25/{split}.trec.gz", depth=12)
        for (query, _), documents in part.groupby(["query_id", "moment"]):
            candidates = run.loc[run["query_id"] == query, "doc_id"].tolist()
            negatives = documents[documents["kind"] == "negative"]
            # In PyDocs a query is a docstring's summary, and its positive has the same id.
            positives = documents[documents["kind"] == "positive"]
            assert positives["doc_id"].tolist() == [query] and positives["rank"].tolist() == [0]
            assert [candidates[rank - 1] for rank in negatives["rank"]] == negatives["doc_id"].tolist()
            assert set(negatives["doc_id"]) == set(candidates) - {query}
    assert embedded["moment"].unique().tolist() == ["start", "middle", "end"]


def test_the_end_scores_as_re_ranking_does(folder, embedded):
    run = read_run(cell(folder, recipe=RECIPE) / "run.trec.gz").set_index(["query_id", "doc_id"])["score"]
    end = embedded[(embedded["moment"] == "end") & (embedded["split"] == "dev")]
    scores = end[end["kind"] == "negative"].set_index(["query_id", "doc_id"])["score"]
    np.testing.assert_allclose(scores, run.loc[scores.index], rtol=0, atol=1e-7)
    assert np.ptp(scores) > 1e-5  # which 1e-7 is small against


def test_the_start_is_the_backbone_with_the_seeds_head(folder, embedded):
    from sirbench.backbones.checkpoint import load_model
    from sirbench.data.tokens import TokenStore
    from sirbench.encoding.cross_encoder import CrossEncoder

    store = TokenStore(folder / "results/small/tokens/bert")
    encoder = CrossEncoder(load_model(folder / "results/small/backbones/bert", seed=1).eval(), store)
    start = embedded[embedded["moment"] == "start"]
    rows = store.queries.rows(start["query_id"].to_numpy()), store.documents.rows(start["doc_id"].to_numpy())
    scores, embeddings = encoder.embed(*rows)
    np.testing.assert_allclose(start["score"], scores, atol=1e-6)
    np.testing.assert_allclose(np.stack(start["embedding"]), embeddings, atol=1e-6)


def test_embeddings_move_with_training(embedded):
    width = {len(vector) for vector in embedded["embedding"]}
    by_moment = {name: np.stack(part["embedding"]) for name, part in embedded.groupby("moment")}
    assert width == {16}
    for some, others in (("start", "middle"), ("middle", "end")):
        assert np.abs(by_moment[some] - by_moment[others]).max() > 1e-3


@pytest.mark.parametrize(("moment", "steps"), [("start", 0), ("middle", 3), ("end", 6)])
def test_trained_is_what_the_last_level_saw_before_the_moment(moment, steps, embedded, trace):
    expected = {
        (line.query_id, rank)
        for line in trace.itertuples()
        if line.level == 3 and line.step < steps
        for rank in line.ranks
    }
    here = embedded[embedded["moment"] == moment]
    marked = here[here["trained"]]
    assert set(zip(marked["query_id"], marked["rank"], strict=True)) == expected
    assert len(marked) == len(expected) and set(marked["split"]) <= {"train"}
    assert bool(expected) == (moment != "start")


def test_the_hardest_are_the_k_minus_1_with_the_highest_scores(embedded):
    for _, documents in embedded.groupby(["split", "query_id", "moment"]):
        negatives = documents[documents["kind"] == "negative"]
        hardest = negatives[negatives["hardest"]]["score"]
        assert len(hardest) == 2 and not documents.loc[documents["kind"] == "positive", "hardest"].any()
        assert hardest.min() >= negatives[~negatives["hardest"]]["score"].max()


def test_what_the_front_compressor_saw_is_marked_in_v2_alone(folder, embedded, monkeypatch):
    assert not embedded["front"].any(), "V4 has no model before its own"
    monkeypatch.chdir(folder)
    config = load("small")
    names = ("--backbone", "bert", "--seed", "1")
    levels = compressors(config.recipes["v2-top-16"], config.study)
    for level in levels:
        ended = sirbench(folder, "train-level", *CELL, *names, "--level", level.name)
        assert ended.code == 0, ended.output
    assert train(folder, recipe="v2-top-16").code == 0
    assert sirbench(folder, "embed", *CELL, *names, "--recipe", "v2-top-16").code == 0
    marked = pd.read_parquet(cell(folder, recipe="v2-top-16") / "embeddings.parquet").query("front")
    trace = pd.read_parquet(Compressor("small", "bm25", "bert", levels[-1].name, 1).selection)
    expected = {(line.query_id, rank) for line in trace.itertuples() for rank in line.ranks}
    for _, here in marked.groupby("moment"):
        assert set(zip(here["query_id"], here["rank"], strict=True)) == expected
    assert set(marked["moment"]) == {"start", "middle", "end"} and set(marked["split"]) == {"train"}


def test_a_positive_overlaps_with_itself_entirely(embedded):
    for column in OVERLAPS:
        assert (embedded.loc[embedded["kind"] == "positive", column] == 1).all()
        assert embedded[column].between(0, 1).all()
    # What two documents share is at most all of either.
    assert (embedded["overlap"] <= embedded[["has_positive", "within_positive"]].min(axis=1)).all()


def test_the_same_twice_is_the_same(folder):
    path = cell(folder, recipe=RECIPE) / "embeddings.parquet"
    before = path.read_bytes()
    path.unlink()
    assert sirbench(folder, "embed", *CELL, *NAMES).code == 0
    assert path.read_bytes() == before


def test_a_cell_trained_before_a_figure_showed_it_has_to_be_trained_again(folder):
    middle = cell(folder, recipe=RECIPE) / "middle"
    aside = middle.rename(middle.with_name("aside"))
    ended = sirbench(folder, "embed", *CELL, *NAMES)
    aside.rename(middle)
    assert ended.code == 2
    assert "middle: not kept when the cell was trained; train it again" in ended.output


def test_a_cell_that_no_figure_shows_is_refused(folder):
    names = ("--backbone", "bert", "--recipe", "v0-hinge", "--seed", "1")
    ended = sirbench(folder, "embed", *CELL, *names)
    assert ended.code == 2
    assert "no figure of config/figures/ shows the space of this cell" in ended.output


def test_the_nulls_are_of_the_very_blocks_that_were_trained_on(folder, embedded, trace):
    """Level 1 is the whole block: what it kept in either epoch is what is drawn again for the nulls."""
    start = embedded[(embedded["moment"] == "start") & (embedded["split"] == "train")]
    draws = BlockDraws(size=6, seed=1, fixed=False)
    levels = trace[trace["level"] == 1].set_index(["query_id", "epoch"])["ranks"]
    for query, documents in start.groupby("query_id"):
        ranks = documents.loc[documents["kind"] == "negative", "rank"].to_list()
        blocks = replayed_blocks(query, (documents["kind"] == "positive").sum(), ranks, 2, draws)
        assert [sorted(levels[query, epoch]) for epoch in (0, 1)] == [block.tolist() for block in blocks]
    measured = measure_space(trace, embedded, draws)
    assert (measured["queries"][measured["measure"] == "coverage"] == 9).all()
    known = measured[~((measured["measure"] == "turnover") & (measured["epoch"] == 1))]
    assert np.isfinite(known[["value", "random", "unchanging"]].to_numpy(float)).all()
    with pytest.raises(InputError, match="which is not in its block"):
        measure_space(trace, embedded, draws._replace(seed=2))
