"""docs/your-data.md: its files written, its commands run, on real documents that stand for somebody's own."""

import gzip
import json
import re
import subprocess

import pandas as pd
import pytest
import yaml

from tests.checkouts import ROOT, copy_checkout, environment, snakemake

PAGE = (ROOT / "docs/your-data.md").read_text()
STUDIES = dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", PAGE, re.M | re.S))
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
    for line in block.replace("\\\n", "").splitlines()
]
ROWS = ("v0", "v3-top-16")
"""Rows of Table 3 that are trained here: all of them take four minutes of a core."""


@pytest.fixture(scope="module")
def vaswani(caches):
    """Vaswani's documents, queries and judgements, of which nothing but their texts and ids are used."""
    import ir_datasets

    dataset = ir_datasets.load("vaswani")
    return list(dataset.docs_iter()), list(dataset.queries_iter()), list(dataset.qrels_iter())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, vaswani):
    """A checkout with the page's two collections, and the studies as the page has them."""
    data = tmp_path_factory.mktemp("data")
    folder = copy_checkout(tmp_path_factory.mktemp("mine") / "checkout", data)
    write_folder(folder / "data/mine", *vaswani)
    write_tables(folder / "data/tickets", *vaswani)
    for path, content in STUDIES.items():
        (folder / path).write_text(content)
    table = folder / "config/tables/table3.yaml"
    content = yaml.safe_load(table.read_text())
    content["rows"] = [row for row in content["rows"] if row["recipe"] in ROWS]
    table.write_text(yaml.safe_dump(content))
    return folder


def write_folder(folder, documents, queries, qrels):
    (folder / "qrels").mkdir(parents=True)
    lines = (json.dumps({"_id": it.doc_id, "text": it.text}) for it in documents)
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    lines = (json.dumps({"_id": it.query_id, "text": it.text}) for it in queries)
    (folder / "queries.jsonl").write_text("\n".join(lines))
    rows = "".join(f"{it.query_id}\t{it.doc_id}\t{it.relevance}\n" for it in qrels)
    (folder / "qrels/test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")


def write_tables(folder, documents, queries, qrels):
    """Tickets whose subject is the first line of a document, and its body the rest."""
    folder.mkdir()
    parts = ((it.doc_id, *it.text.strip().partition("\n")[::2]) for it in documents)
    rows = "".join(f"{name}\ten\t{subject}\t{' '.join(body.split())}\n" for name, subject, body in parts)
    (folder / "texts.tsv.gz").write_bytes(gzip.compress(f"number\tlanguage\tsubject\tbody\n{rows}".encode()))
    rows = "".join(f"{it.query_id}\t{' '.join(it.text.split())}\r\n" for it in queries)
    (folder / "questions.txt").write_bytes(b"\xef\xbb\xbf" + rows.encode())
    rows = "".join(f"{it.relevance}\t{it.doc_id}\t{it.query_id}\n" for it in qrels)
    (folder / "solved.tsv").write_text(f"useful\tticket\tquestion\n{rows}")


@pytest.fixture(scope="module")
def ran(checkout):
    """The output of each command of the page, in its order."""
    return {line: run(checkout, line) for line in COMMANDS}


def run(folder, line):
    command = f"python -m {line}" if line.startswith("sirbench ") else line
    done = subprocess.run(
        command,
        cwd=folder,
        shell=True,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


@pytest.mark.workflow
def test_the_page_has_the_commands_that_are_run():
    verbs = [line.split()[0:2] for line in COMMANDS]
    assert [verb for _, verb in verbs if verb != "--cores"] == ["check", "check", "measure"]
    assert [line.split()[-1] for line in COMMANDS if line.startswith("snakemake")] == ["table3", "firststage"]
    assert sorted(STUDIES) == ["config/studies/mine.yaml", "config/studies/tickets.yaml"]


@pytest.mark.workflow
def test_the_folder_gets_table_3(ran, checkout, vaswani):
    table = pd.read_csv(checkout / "results/mine/tables/table3.csv")
    assert set(table["recipe"]) == set(ROWS) and table["value"].between(0, 1).all()
    record = json.loads((checkout / "results/mine/collection/collection.json").read_text())
    judged = {it.query_id for it in vaswani[2]}
    assert record["documents"] == len(vaswani[0]) == 11429
    assert record["train"]["queries"] + record["dev"]["queries"] == len(judged) == 93
    assert set(table["queries"]) == {record["dev"]["queries"]}
    assert "DEMONSTRATION" in (checkout / "results/mine/tables/table3.md").read_text()


@pytest.mark.workflow
def test_measuring_its_run_gives_the_number_of_the_table(ran, checkout):
    table = pd.read_csv(checkout / "results/mine/tables/table3.csv").set_index(["recipe", "measure"])
    measured = pd.read_csv(checkout / "measured.csv")
    ours = measured[(measured["measure"] == "RR@10") & measured["run"].str.contains("v3-top-16")].iloc[0]
    assert ours["mean"] == pytest.approx(table.loc[("v3-top-16", "RR@10"), "value"], abs=1e-12)
    assert measured.loc[measured["difference"].notna(), "run"].str.contains("candidates/bm25").all()


@pytest.mark.workflow
def test_files_with_other_columns_are_the_same_collection(ran, checkout):
    """Title and text of a ticket are a document's text; another share of the same queries is evaluated on."""
    records = {
        study: json.loads((checkout / f"results/{study}/collection/collection.json").read_text())
        for study in ("mine", "tickets")
    }
    assert records["tickets"]["documents"] == 11429
    assert records["tickets"]["dev"]["queries"] > records["mine"]["dev"]["queries"]
    dev = {study: (checkout / f"results/{study}/collection/dev.queries.tsv").read_text() for study in records}
    assert set(dev["mine"].splitlines()) < set(dev["tickets"].splitlines())
    table = pd.read_csv(checkout / "results/tickets/tables/firststage.csv")
    assert table.set_index("measure").loc["nDCG@10", "value"] > 0.3


@pytest.mark.workflow
def test_a_changed_file_is_noticed(ran, checkout):
    assert "Nothing to be done" in snakemake(checkout, "--dry-run", "firststage", study="tickets").stdout
    path = checkout / "data/tickets/solved.tsv"
    path.write_text(path.read_text() + "1\t1\t93\n")
    planned = snakemake(checkout, "--dry-run", "firststage", study="tickets").stdout
    assert "rule extract_queries" in planned and "rule make_candidates" in planned


@pytest.mark.workflow
def test_a_mistake_is_what_the_page_says(checkout):
    path = checkout / "data/mine/qrels/test.tsv"
    good = path.read_text()
    lines = good.splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "1\t99999\t1\n", *lines[2:]]))
    try:
        done = subprocess.run(
            ["python", "-m", "sirbench", "check", "--study", "mine"],
            cwd=checkout,
            env=environment(),
            capture_output=True,
            text=True,
        )
    finally:
        path.write_text(good)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    beginning = (
        "error: data/mine/qrels/test.tsv, line 3: document '99999' is not in data/mine/corpus.jsonl; 1 of "
    )
    assert done.stderr.startswith(beginning) and f"\n{beginning}" in PAGE
