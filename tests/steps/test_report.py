"""The report of a study whose results are written down here: what it says, and how it does in a browser."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sirbench.config import load
from sirbench.evaluation.measures import write_per_query
from sirbench.jobs.folders import Cell
from sirbench.jobs.job import job_of_cell, made_as
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import cells
from sirbench.machine.manifest import sha256
from sirbench.steps.report import make_report
from sirbench.steps.table import make_table
from tests.checkouts import ROOT
from tests.chromium import Page

FAILED = Cell("test", "bm25", "bert", "v3-top-8", 1)
"""The cell that failed, with a message that is trouble for HTML."""
MESSAGE = "error: loss is NaN at step 3 <script>console.error('&')</script>"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def provenance(seed):
    machine = {"commit": COMMIT, "dirty": seed == 1, "python": "3.11.7", "versions": {"torch": "2.13.0"}}
    machine |= {"host": "node<7>", "cores": 64, "memory_gb": 512.0, "cpu": "EPYC"}
    device = {"seconds": 1800.0, "gpu_seconds": 3600.0, "device": "NVIDIA H200", "workers": 2}
    return {**device, "seed": seed, "machine": machine}


def write_values(path, values):
    measures = ("RR@100", "RR@10", "AP@20", "nDCG@20", "R@100", "nDCG@10")
    index = pd.Index(["a", "b", "c"], name="query_id")
    write_per_query(pd.DataFrame(dict.fromkeys(measures, values), index=index), path)


def write_cell(config, cell, value):
    write_values(cell.per_query, [value, value / 2, value / 4])
    losses = [{"step": step, "loss": 4.0 - step / 100} for step in range(200)]
    cell.step_log.write_text("".join(json.dumps(line) + "\n" for line in losses))
    made = made_as(job_of_cell(config, cell), config.study)
    cell.provenance.write_text(json.dumps(made | provenance(cell.seed)))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Study `test`, of whose Table 3 all cells but one are there, and of other tables no more than that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("study"))
        for part in ("config", "published"):
            shutil.copytree(ROOT / part, part)
        config, layout = load("test"), Layout("test")
        for number, cell in enumerate(cells(config, config.tables["table3"])):
            if cell != FAILED:
                write_cell(config, cell, value=0.1 + number / 100)
        write_values(layout.candidates_per_query("bm25"), [1.0, 0.5, 0.0])
        log = layout.log("train", FAILED.job)
        log.parent.mkdir(parents=True)
        log.write_text(f"bm25/bert/v3-top-8/seed1: 10%|#\r{MESSAGE}\n")
        make_report(config)
        yield config


@pytest.fixture(scope="module")
def html(study):
    return Layout("test").report.read_text()


def section(html, title):
    return re.search(rf"<h2>{title}</h2>(.*?)</section>", html, re.S).group(1)


def test_claims_come_first_and_the_papers_tables_before_the_others(html):
    heads = re.findall(r"<h[23]>([a-z0-9]+: |Claims|Tables|Figures)", html)
    order = ["Claims", "claims: ", "Tables", "table1: ", "table2: ", "table3: ", "checkpoints: "]
    assert heads[: len(order)] == order
    assert "Not judged: claims: not measured" in html


def test_it_says_what_was_run(html):
    head = html[: html.index("<nav>")]
    for said in (
        f"{COMMIT}",
        "dirty",
        "torch 2.13.0",
        "node&lt;7&gt;: EPYC, 64 cores, 512.0 GB",
        "2 x NVIDIA H200",
        "13 of ",
        "pydocs-sliver",
    ):
        assert said in head, said
    assert "6.50 hours of jobs, 13.00 GPU-hours" in head  # 13 cells of half an hour on 2 GPUs
    assert "these numbers mean nothing" in head


def test_a_failed_cell_is_named_with_its_message_and_its_row_left_out(html):
    failures = section(html, "What did not run")
    assert "bm25 / bert / v3-top-8" in failures
    assert "failed: error: loss is NaN at step 3 &lt;script&gt;" in failures
    tables = section(html, "Tables")
    assert "Not measured on BM25 candidates: V3 Top 8." in tables
    assert "<td>V3 Top 16</td>" in tables and "<td>V3 Top 8</td>" not in tables


def test_first_stages_are_shown_as_far_as_they_are_measured(html):
    tables = section(html, "Tables")
    assert "First stages" in tables
    assert "Not tested: bm25 is the only first stage of this study." in tables


def test_figures_that_the_workflow_could_not_make_are_drawn_from_what_there_is(html):
    figures = section(html, "Figures")
    assert figures.count("<img") == len(list(Path("config/figures").glob("*.yaml")))


def test_every_cell_has_its_curve_on_a_scale_from_its_lowest_to_its_highest_loss(html):
    curves = section(html, "Training curves")
    assert curves.count("<polyline") == 13
    points = re.search(r'points="(.*?)"', curves).group(1).split()
    assert points[0] == "0.0,0.0" and points[-1] == "160.0,48.0"  # falls from corner to corner
    assert "seed 1: 4 to 2.02" in curves  # means of the first two and of the last three steps


def test_nothing_is_loaded_from_elsewhere(html):
    assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []


@pytest.fixture(scope="module", params=[1100, 390], ids=["desk", "phone"])
def opened(request, html, tmp_path_factory):
    page = Page(Layout("test").report, tmp_path_factory.mktemp("chromium"), width=request.param)
    yield page
    page.close()


FIND_TABLE3 = """
    table = [...document.querySelectorAll("h3")].find((it) => it.textContent.startsWith("table3"))
        .nextElementSibling;
    while (!table.querySelector("table")) table = table.nextElementSibling;
    head = (number) => table.querySelectorAll("thead tr:last-child th")[number];
    rows = () => [...table.querySelectorAll("tbody tr")];
    column = (number) => rows().map((it) => it.cells[number].textContent);
    true
"""


def test_it_opens_without_errors_and_without_network(opened):
    assert opened.errors() == []
    assert set(opened.requests()) <= {"file", "data"}


def test_every_image_loads(opened):
    images = opened.evaluate("[...document.images].map((it) => it.complete && it.naturalWidth > 100)")
    assert images and all(images)


def test_it_is_no_wider_than_the_screen(opened):
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_text_of_others_is_text(opened):
    assert opened.evaluate("document.scripts.length") == 1
    assert opened.evaluate("document.body.textContent.includes(\"<script>console.error('&')</script>\")")


def test_a_click_on_a_head_sorts_the_table_upwards_then_downwards(opened):
    opened.evaluate(FIND_TABLE3)
    before = opened.evaluate("column(0)")
    values = dict(zip(before, opened.evaluate("column(1)"), strict=True))
    number = {name: float(re.match(r"[\d.]+", text).group()) for name, text in values.items()}
    opened.evaluate("head(1).querySelector('button').click()")
    assert opened.evaluate("column(0)") == sorted(before, key=number.get)
    assert opened.evaluate("head(1).getAttribute('aria-sort')") == "ascending"
    opened.evaluate("head(1).querySelector('button').click()")
    assert opened.evaluate("column(0)") == sorted(before, key=number.get, reverse=True)
    assert opened.evaluate("head(1).getAttribute('aria-sort')") == "descending"


@pytest.fixture(scope="module")
def crate(study):
    """The entities of the Workflow Run RO-Crate by id."""
    content = json.loads(Layout("test").run_crate.read_text())
    assert content["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    return {entity["@id"]: entity for entity in content["@graph"]}


def references(value):
    """Every id that an entity refers to."""
    if isinstance(value, list):
        return {name for part in value for name in references(part)}
    return {value["@id"]} if isinstance(value, dict) else set()


def test_a_crate_describes_files_that_are_there(crate):
    files = {name: entity for name, entity in crate.items() if "File" in entity["@type"]}
    assert references(crate["./"]["hasPart"]) == set(files)
    for name, entity in files.items():
        path = Layout("test").root / name
        assert not name.startswith(("..", "/"))
        assert (entity["sha256"], entity["contentSize"]) == (sha256(path), str(path.stat().st_size))
    assert {"report.html", "crate/Snakefile", "crate/test.yaml"} <= set(files)
    assert sum(name.endswith("seed1/provenance.json") for name in files) == 13
    assert "cells/bm25/bert/v3-top-8/seed1/provenance.json" not in files


def test_what_a_crate_refers_to_is_described_in_it(crate):
    outside = {"https://w3id.org/ro/crate/1.1", "https://snakemake.readthedocs.io"}
    for entity in crate.values():
        assert set().union(*map(references, entity.values())) <= set(crate) | outside


def test_a_crate_is_the_run_of_a_workflow(crate):
    assert crate["./"]["mainEntity"] == {"@id": "crate/Snakefile"}
    assert "ComputationalWorkflow" in crate["crate/Snakefile"]["@type"]
    (run,) = (entity for entity in crate.values() if entity["@type"] == "CreateAction")
    assert references(crate["./"]["mentions"]) == {run["@id"]}
    assert run["instrument"] == crate["./"]["mainEntity"]
    assert references(run["object"]) == {"crate/test.yaml"}
    assert "report.html" in references(run["result"])


def test_published_numbers_and_verdicts_come_with_a_comparable_study(study):
    write_cell(study, FAILED, value=0.2)
    published = pd.read_csv("published/yes-sir.csv").query("candidates == 'hdct'").assign(candidates="bm25")
    published.to_csv("published/yes-sir.csv", index=False)
    comparable = replace(study, study=study.study.model_copy(update={"comparable": True}))
    make_table(comparable, "table3")
    make_report(comparable)
    table3 = section(Layout("test").report.read_text(), "Tables").split("<h3>table3")[1].split("<h3>")[0]
    assert "Not measured" not in table3
    # 12 rows with a baseline by 2 measures.
    assert table3.count('<td class="text">one seed: nothing can be said of the recipe</td>') == 24
    assert "+0.054" in table3 and "+14.0 %" in table3  # V4 Top 16: .440 over .386
    assert '<a href="tables/table3.csv">csv</a>' in table3


@pytest.fixture
def two_candidates(study):
    """The study with BM25's candidates twice, of which `other` has but V0, re-ranked in a given order."""
    bm25 = study.study.candidates["bm25"]
    candidates = {"bm25": bm25, "other": bm25.model_copy(update={"title": "Other"})}

    def reranking(*names):
        update = {"candidates": candidates, "reranked": list(names)}
        return replace(study, study=study.study.model_copy(update=update))

    cell = Cell("test", "other", "bert", "v0", 1)
    write_cell(reranking("bm25", "other"), cell, value=0.9)
    yield reranking
    shutil.rmtree(cell.folder)


def table3(config):
    """Table 3 of the report: its text, heads of its column groups, and numbers by row."""
    make_report(config)
    text = section(Layout("test").report.read_text(), "Tables").split("<h3>table3")[1].split("<h3>")[0]
    rows = re.findall(r"<tr><td[^>]*>(.*?)</td>(.*?)</tr>", text.partition("Gains over")[0])
    numbers = {label: re.findall(r"<td[^>]*>(.*?)</td>", cells) for label, cells in rows}
    return text, re.findall(r'<th colspan="2">(.*?)</th>', text), numbers


def test_what_is_measured_on_some_candidates_is_shown_with_dashes_for_the_others(two_candidates):
    text, heads, rows = table3(two_candidates("bm25", "other"))
    assert heads == ["BM25 Top 12", "Other Top 12"]
    assert rows["BERT"][2:] == ["0.525"] * 2  # (.9 + .45 + .225) / 3
    assert rows["V1 Top 16"][2:] == ["–", "–"]
    assert re.search(r"Not measured on Other candidates: [^<]*V1 Top 16", text)


def test_dashes_are_sorted_below_the_numbers_both_ways(two_candidates, tmp_path):
    make_report(two_candidates("bm25", "other"))
    page = Page(Layout("test").report, tmp_path)
    page.evaluate(FIND_TABLE3)
    for _ in range(2):
        page.evaluate("head(3).querySelector('button').click()")
        first, *others = page.evaluate("column(3)")
        assert first == "0.525" and set(others) == {"–"}
    page.close()


def test_numbers_stand_under_their_own_candidates_whatever_the_order(two_candidates):
    _, heads, rows = table3(two_candidates("bm25", "other"))
    _, turned_heads, turned = table3(two_candidates("other", "bm25"))
    assert turned_heads == heads[::-1]
    assert turned["BERT"] == rows["BERT"][2:] + rows["BERT"][:2]


def test_a_table_that_cannot_be_shown_does_not_take_the_others_with_it(study):
    asked = study.tables["table3"].model_copy(update={"measures": ["RR@5"]})
    make_report(replace(study, tables=study.tables | {"gain": asked}))
    tables = section(Layout("test").report.read_text(), "Tables")
    assert re.search(r"Not shown: gain: bm25/bert/\S+ lacks RR@5; evaluate it again", tables)
    assert "<h3>table3" in tables and "<td>V3 Top 16</td>" in tables
