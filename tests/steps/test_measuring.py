"""Verb `measure`: any run against any judgements; values, tests and messages as others compute them."""

import csv
import random
from math import sqrt

import ir_measures
import pandas as pd
import pytest
import pytrec_eval
from scipy import stats
from typer.testing import CliRunner

from sirbench.cli import app
from sirbench.machine.errors import InputError
from sirbench.reporting.comparison import as_text
from sirbench.steps.measuring import measure_runs

MEASURES = ["RR@10", "AP@20", "nDCG@10", "R@100", "AP", "nDCG"]
# trec_eval has no cutoff for reciprocal rank.
TREC_EVAL = {
    "AP@20": "map_cut_20",
    "nDCG@10": "ndcg_cut_10",
    "R@100": "recall_100",
    "AP": "map",
    "nDCG": "ndcg",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Judgements of 60 queries and three runs of 150 documents each, without ties; one lacks queries."""
    folder, draw = tmp_path_factory.mktemp("world"), random.Random(7)
    documents = [f"D{i}" for i in range(400)]
    judged = {f"q{i}": {it: draw.randint(0, 3) for it in draw.sample(documents, 8)} for i in range(60)}
    for judgements in judged.values():
        judgements[next(iter(judgements))] = 1  # each has a relevant one
    write_qrels(folder / "qrels", judged)
    runs = {}
    for name, help in (("good", 3), ("fair", 2), ("poor", 0)):
        runs[name] = {
            query: {
                it: draw.random() * 4 + help * judged[query].get(it, 0) for it in draw.sample(documents, 150)
            }
            for query in list(judged)[: 50 if name == "poor" else 60]
        }
        write_trec(folder / f"{name}.trec", runs[name])
    return folder, judged, runs


def write_qrels(path, judged):
    path.write_text("".join(f"{q} 0 {d} {r}\n" for q, grades in judged.items() for d, r in grades.items()))


def write_trec(path, run):
    lines = [f"{q} Q0 {d} 0 {score!r} t\n" for q, scores in run.items() for d, score in scores.items()]
    path.write_text("".join(lines))


def table_of(folder, *names, measures=MEASURES, **options):
    runs = [folder / f"{name}.trec" for name in names]
    table = measure_runs(runs, str(folder / "qrels"), measures, **options)
    return table.assign(run=[run.rpartition("/")[2].removesuffix(".trec") for run in table["run"]])


def test_means_are_those_of_ir_measures_and_pytrec_eval(world):
    folder, judged, runs = world
    table = table_of(folder, "good", "fair", "poor").set_index(["run", "measure"])
    parsed = {name: ir_measures.parse_measure(name) for name in MEASURES}
    evaluator = pytrec_eval.RelevanceEvaluator(judged, set(TREC_EVAL.values()))
    for name, run in runs.items():
        theirs = ir_measures.calc_aggregate(parsed.values(), judged, run)
        by_query = evaluator.evaluate(run)
        for measure in MEASURES:
            mean = table.loc[(name, measure), "mean"]
            assert mean == pytest.approx(theirs[parsed[measure]], abs=1e-12)
            if measure in TREC_EVAL:  # a query that the run lacks counts as 0
                values = [by_query.get(query, {}).get(TREC_EVAL[measure], 0.0) for query in judged]
                assert mean == pytest.approx(sum(values) / 60, abs=1e-12)
    assert set(table["queries"]) == {60}


def test_differences_tests_and_holm_are_those_of_scipy(world):
    folder, judged, runs = world
    table = table_of(folder, "good", "fair", "poor", interval="t").set_index(["run", "measure"])
    measure = ir_measures.parse_measure("nDCG@10")
    values = {}
    for name, run in runs.items():
        found = {it.query_id: it.value for it in ir_measures.iter_calc([measure], judged, run)}
        values[name] = pd.Series([found.get(query, 0.0) for query in judged])
    p_values = []
    for name in ("fair", "poor"):
        line, difference = table.loc[(name, "nDCG@10")], values["good"] - values[name]
        assert line["difference"] == pytest.approx(difference.mean())
        assert line["p_value"] == pytest.approx(stats.ttest_rel(values["good"], values[name]).pvalue)
        half = stats.t.ppf(0.975, 59) * difference.std() / sqrt(60)
        assert line["difference_low"] == pytest.approx(difference.mean() - half)
        assert line["difference_high"] == pytest.approx(difference.mean() + half)
        p_values.append(line["p_value"])
    least, most = sorted(p_values)
    corrected = sorted(table.loc[name, "nDCG@10"]["p_holm"] for name in ("fair", "poor"))
    assert corrected == pytest.approx([min(1, 2 * least), max(min(1, 2 * least), most)])
    assert table.loc["good"][["difference", "p_value", "p_holm"]].isna().all(axis=None)


def test_the_bootstrap_interval_is_the_one_of_tables(world):
    from sirbench.evaluation.significance import bootstrap_interval

    folder, judged, runs = world
    line = table_of(folder, "good", measures=["RR@10"]).iloc[0]
    found = ir_measures.iter_calc([ir_measures.parse_measure("RR@10")], judged, runs["good"])
    values = {it.query_id: it.value for it in found}
    assert (line["ci_low"], line["ci_high"]) == bootstrap_interval([values[query] for query in judged])


def test_lines_of_a_query_that_are_not_together_change_nothing(world, monkeypatch):
    folder, _, _ = world
    lines = (folder / "good.trec").read_text().splitlines(keepends=True)
    (folder / "scattered.trec").write_text("".join([*lines[::2], *lines[1::2]]))
    monkeypatch.setattr("sirbench.data.runs._LINES_PER_READ", 1000)
    together = table_of(folder, "good", measures=["RR@10", "AP"])
    scattered = table_of(folder, "scattered", measures=["RR@10", "AP"])
    pd.testing.assert_frame_equal(together.drop(columns="run"), scattered.drop(columns="run"))


def test_other_formats_of_runs_and_judgements_give_the_same(world, tmp_path):
    folder, judged, runs = world
    ranked = {query: sorted(scores, key=scores.get, reverse=True) for query, scores in runs["good"].items()}
    lines = [f"{q}\t{d}\t{rank}\n" for q, found in ranked.items() for rank, d in enumerate(found, 1)]
    (tmp_path / "run.tsv").write_text("".join(lines))
    rows = [f"{q}\t{d}\t{grade}\n" for q, grades in judged.items() for d, grade in grades.items()]
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(rows))
    given = measure_runs([tmp_path / "run.tsv"], str(tmp_path / "qrels.tsv"), MEASURES, format="ranks")
    expected = table_of(folder, "good")
    pd.testing.assert_frame_equal(given.drop(columns="run"), expected.drop(columns="run"))


@pytest.mark.usefixtures("caches")
def test_judgements_may_be_those_of_ir_datasets(tmp_path):
    from sirbench.data import collections

    qrels = collections.read_qrels("vaswani")
    best = {query: dict.fromkeys(frame["doc_id"], 1.0) for query, frame in qrels.groupby("query_id")}
    write_trec(tmp_path / "run.trec", best)
    table = measure_runs([tmp_path / "run.trec"], "vaswani", ["AP"])
    assert table["mean"].tolist() == [1.0] and table["queries"].tolist() == [93]


def test_the_command_prints_a_table_and_writes_the_numbers(world, tmp_path):
    folder, _, _ = world
    command = ["measure", str(folder / "good.trec"), str(folder / "qrels"), "--measures", "RR@10 nDCG@10"]
    others = ["--against", str(folder / "fair.trec"), "--against", str(folder / "poor.trec")]
    done = CliRunner().invoke(app, [*command, *others, "--csv", str(tmp_path / "out.csv")])
    assert done.exit_code == 0, done.output
    with (tmp_path / "out.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["measure"] for line in lines] == ["RR@10"] * 3 + ["nDCG@10"] * 3
    blocks = done.stdout.split("\n\n")[:2]
    printed = [text.split() for block in blocks for text in block.splitlines()[1:]]
    for line, cells in zip(lines, printed, strict=True):
        rounded = {name: f"{float(value):.4f}" for name, value in list(line.items())[3:6]}
        assert cells[:5] == [line["run"], rounded["mean"], rounded["ci_low"], "to", rounded["ci_high"]]
        compared = [f"{float(line[name]):+.4f}" for name in list(line)[6:9] if line[name]]
        assert [it for it in cells[5:9] if it != "to"] == compared
        assert cells[9:] == [f"{float(line[name]):.2g}" for name in ("p_value", "p_holm") if line[name]]
    assert "60 queries with a relevant document" in done.stdout
    assert f"{folder / 'good.trec'} minus the run of the line" in done.stdout


def test_a_table_of_one_run_compares_nothing():
    line = ("RR@10", "a.trec", 2, 0.5, 0.25, 0.75, *[float("nan")] * 5)
    from sirbench.evaluation.comparison import COLUMNS

    assert as_text(pd.DataFrame([line], columns=COLUMNS), "t") == (
        "RR@10     mean     95 % interval\n"
        "a.trec  0.5000  0.2500 to 0.7500\n"
        "\n"
        "2 queries with a relevant document. Intervals: t-interval over queries.\n"
    )


def test_queries_without_a_result_are_said(world, caplog):
    table_of(world[0], "poor", measures=["RR@10"])
    assert "poor.trec: has no result for 10 of 60 queries, which count as 0" in caplog.text


MISTAKES = {
    "a run's line": ({"run.trec": "q1 Q0 a 1 2 t\nq1 Q0 b 1\n"}, r"run\.trec, line 2: expected 6 columns"),
    "a score": ({"run.trec": "q1 Q0 a 1 high t\n"}, r"run\.trec, line 1: the score 'high' is not a finite"),
    "a document twice": (
        {"run.trec": "q1 Q0 a 1 2 t\nq2 Q0 a 1 2 t\nq1 Q0 a 2 1 t\n"},
        r"run\.trec, line 3: document 'a' appears a second time for query 'q1'",
    ),
    "an empty run": ({"run.trec": ""}, r"run\.trec: the run is empty"),
    "another run's queries": (
        {"run.trec": "1 Q0 a 1 2 t\n"},
        r"run\.trec: has none of the 2 queries that have a relevant document",
    ),
    "a judgement's line": (
        {"qrels": "q1 0 a 1\nq1 0 b\n"},
        r"qrels, line 2: 3 columns, where TREC's .* have 4",
    ),
    "a relevance": ({"qrels": "q1 0 a 1\nq1 0 b x\n"}, r"qrels, line 2: 'score' is 'x', and relevance is an"),
    "a judgement twice": (
        {"qrels": "q1 0 a 1\nq1 0 a 0\n"},
        r"qrels, line 2: document 'a' is judged a second time for query 'q1', after \S*qrels, line 1",
    ),
    "nothing relevant": ({"qrels": "q1 0 a 0\n"}, r"qrels: no judgement says that a document is relevant"),
    "no judgements": (
        {"qrels": None},
        r"qrels: there is no such file, nor a collection of ir_datasets of this",
    ),
    "no run": ({"run.trec": None}, r"run\.trec: there is no such file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_file_and_line(tmp_path, mistake):
    changed, message = MISTAKES[mistake]
    contents = {"run.trec": "q1 Q0 a 1 2 t\n", "qrels": "q1 0 a 1\nq2 0 a 1\n"} | changed
    for name, content in contents.items():
        if content is not None:
            (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        measure_runs([tmp_path / "run.trec"], str(tmp_path / "qrels"), ["RR@10"])


def test_an_unknown_measure_and_a_run_against_itself_are_refused(world):
    with pytest.raises(InputError, match="'nDGC@10' is not a measure"):
        table_of(world[0], "good", measures=["nDGC@10"])
    with pytest.raises(InputError, match="a run is named twice"):
        table_of(world[0], "good", "good")
