"""Published runs: every format gives the same run, archives are read whole, and mistakes have a place."""

import gzip
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirbench.data.given_runs import read_given_run, results
from sirbench.data.runs import check_ids
from sirbench.machine.errors import InputError

RANKED = {"7": ["D9", "D10", "D1"], "3": ["D1", "D2"]}
"""Documents of two queries, best first."""
TEXTS = {
    "trec": [
        f"{query} Q0 {doc} {rank} {-rank} them"
        for query in RANKED
        for rank, doc in enumerate(RANKED[query], 1)
    ],
    "ranks": [f"{query}\t{doc}\t{rank}" for query in RANKED for rank, doc in enumerate(RANKED[query], 1)],
    "texts": [
        f"{query}\twhat is it\t{doc}\thttp://a.org\t\tA \xa0 body, 9\t0"
        for query in RANKED
        for doc in RANKED[query]
    ],
}


def write(path, lines):
    content = "".join(f"{line}\n" for line in lines).encode()
    if path.suffix == ".zip":
        half = len(lines) // 2
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            # Out of order, below a folder, and with what a Mac adds.
            archive.writestr("run/001.txt", "".join(f"{line}\n" for line in lines[half:]))
            archive.writestr("run/000.txt", "".join(f"{line}\n" for line in lines[:half]))
            archive.writestr("__MACOSX/run/._000.txt", b"\x00\x05\x16\x07")
            archive.writestr("run/.DS_Store", b"\x00\x00\x00\x01Bud1")
    else:
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def documents_of(run):
    return {query: group["doc_id"].tolist() for query, group in run.groupby("query_id", sort=False)}


@pytest.mark.parametrize("ending", ["tsv", "tsv.gz", "zip"])
@pytest.mark.parametrize("format", TEXTS)
def test_a_run_is_the_same_in_every_format(tmp_path, format, ending):
    run = read_given_run(write(tmp_path / f"run.{ending}", TEXTS[format]), format, depth=100)
    assert documents_of(run) == RANKED
    assert list(documents_of(run)) == list(RANKED)
    assert run["score"].tolist() == [-1.0, -2.0, -3.0, -1.0, -2.0]


@pytest.mark.parametrize("format", TEXTS)
def test_no_more_than_depth_documents_a_query_are_kept(tmp_path, format):
    run = read_given_run(write(tmp_path / "run.zip", TEXTS[format]), format, depth=2)
    assert documents_of(run) == {"7": ["D9", "D10"], "3": ["D1", "D2"]}


@given(st.permutations(range(1, 8)), st.integers(1, 9))
def test_ranks_decide_whatever_the_order_of_the_lines(tmp_path_factory, ranks, depth):
    path = tmp_path_factory.mktemp("runs") / "run.txt"
    write(path, [f"q D{rank} {rank}" for rank in ranks])
    assert (
        documents_of(read_given_run(path, "ranks", depth))["q"]
        == [f"D{rank}" for rank in range(1, 8)][:depth]
    )


def test_ids_are_text(tmp_path):
    run = read_given_run(write(tmp_path / "run.txt", ["007\t1e3\t1", "NA\tnull\t1"]), "ranks", depth=5)
    assert run["query_id"].tolist() == ["007", "NA"]
    assert run["doc_id"].tolist() == ["1e3", "null"]
    assert run["query_id"].dtype == pd.StringDtype(na_value=float("nan"))


@pytest.mark.parametrize(
    ("format", "line", "message"),
    [
        ("ranks", "7\tD8", "line 2: expected 3 columns (query document rank), ranks from 1, found '7\\tD8'"),
        ("ranks", "7 D8 1.5", "line 2: expected 3 columns"),
        ("ranks", "7 D8 0", "line 2: expected 3 columns"),
        ("ranks", "7 Q0 D8 1 2.5 t", "line 2: expected 3 columns"),
        ("texts", "7 D8 1", "line 2: expected a query, its text, a document"),
        ("texts", "7\ttext\t", "line 2: expected a query, its text, a document"),
    ],
)
@pytest.mark.parametrize("ending", ["txt", "zip"])
def test_a_line_in_another_format_is_named(tmp_path, format, line, message, ending):
    path = tmp_path / f"run.{ending}"
    lines = [TEXTS[format][0], line]
    if ending == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.txt", "\n".join(lines))
    else:
        write(path, lines)
    with pytest.raises(InputError) as caught:
        read_given_run(path, format, depth=5)
    place = f"{path}, inside.txt, " if ending == "zip" else f"{path}, "
    assert f"{place}{message}" in str(caught.value)


def test_a_trec_score_that_is_no_number_is_named_in_an_archive_too(tmp_path):
    path = write(tmp_path / "run.zip", ["7 Q0 D9 1 nan t", "7 Q0 D8 1 2 t"])
    with pytest.raises(InputError, match=r"run/000\.txt, line 1: expected 6 columns .* with a finite score"):
        read_given_run(path, "trec", depth=5)


@pytest.mark.parametrize("format", ["ranks", "texts"])
def test_a_document_given_twice_is_named(tmp_path, format):
    lines = [TEXTS[format][0], TEXTS[format][0].replace("\t1", "\t2")]
    with pytest.raises(InputError, match="document 'D9' appears a second time for query '7'"):
        read_given_run(write(tmp_path / "run.txt", lines), format, depth=5)


@pytest.mark.parametrize("ending", ["txt", "zip"])
def test_an_empty_run_is_an_error(tmp_path, ending):
    with pytest.raises(InputError, match="the run is empty"):
        read_given_run(write(tmp_path / f"run.{ending}", []), "ranks", depth=5)


def test_an_archive_cut_short_is_an_error(tmp_path):
    path = write(tmp_path / "run.zip", TEXTS["ranks"])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"run\.zip: truncated, or not a readable zip archive"):
        read_given_run(path, "ranks", depth=5)


def test_a_damaged_archive_is_an_error(tmp_path):
    path = write(tmp_path / "run.zip", TEXTS["ranks"] * 50)
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"run\.zip: truncated, or not a readable zip archive"):
        read_given_run(path, "ranks", depth=5)


@pytest.mark.parametrize("format", TEXTS)
def test_gzip_cut_short_names_the_last_good_line(tmp_path, format):
    path = write(tmp_path / "run.gz", TEXTS[format])
    path.write_bytes(path.read_bytes()[:-9])  # the checksum at the end, and a byte of what is before it
    with pytest.raises(InputError, match=r"run\.gz, after line \d: truncated"):
        read_given_run(path, format, depth=5)


@pytest.mark.parametrize("format", TEXTS)
def test_a_plain_file_named_gz_is_an_error(tmp_path, format):
    path = write(tmp_path / "run.txt", TEXTS[format]).rename(tmp_path / "run.gz")
    with pytest.raises(InputError, match=r"run\.gz, after line 0: truncated, or not gzip at all"):
        read_given_run(path, format, depth=5)


@pytest.mark.parametrize("format", TEXTS)
def test_damaged_gzip_is_an_error(tmp_path, format):
    path = write(tmp_path / "run.gz", TEXTS[format] * 50)
    content = bytearray(path.read_bytes())
    content[20] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"run\.gz, after line \d+: truncated, or not gzip at all"):
        read_given_run(path, format, depth=5)


def test_a_missing_file_is_an_error(tmp_path):
    for name in ("run.txt", "run.zip"):
        with pytest.raises(InputError, match=rf"{name}: there is no such file"):
            read_given_run(tmp_path / name, "ranks", depth=5)


def test_an_unknown_document_is_named_with_its_line(tmp_path):
    path = write(tmp_path / "run.zip", TEXTS["ranks"])
    run = read_given_run(path, "ranks", depth=5)
    check_ids(run, path, RANKED, {"D1", "D2", "D9", "D10"}, results(path, "ranks"))
    with pytest.raises(InputError, match=r"run/001\.txt, line 1: the collection has no document 'D1'"):
        check_ids(run, path, RANKED, {"D2", "D9", "D10"}, results(path, "ranks"))
