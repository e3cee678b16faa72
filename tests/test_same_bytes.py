"""The comparison behind `benchmarks.same_bytes`: what counts as equal, and that a single byte counts."""

import gzip

import numpy as np
import pandas as pd
import pytest

from benchmarks.same_bytes import compare, folder_digest, made_files, report, same

CELL = "results/same-bytes/cells/bm25/bert/v0/seed1"
LEVELS = "results/same-bytes/levels/bm25/bert"


def write(folder, files):
    """A run's folder with these files: path to text."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return made_files(folder)


def outcomes(tmp_path, old, new):
    return compare(write(tmp_path / "old", old), write(tmp_path / "new", new))


def test_every_file_is_found_equal_different_or_on_one_side_only(tmp_path):
    old = {f"{CELL}/model/model.safetensors": "weights", f"{CELL}/per_query.csv": ".5", "data/gone.tsv": ""}
    new = {f"{CELL}/model/model.safetensors": "weighty", f"{CELL}/per_query.csv": ".5", "figures/new.csv": ""}
    assert outcomes(tmp_path, old, new) == [
        ("data/gone.tsv", "only in old"),
        ("figures/new.csv", "only in new"),
        (f"{CELL}/model/model.safetensors", "different"),
        (f"{CELL}/per_query.csv", "equal"),
    ]


def test_levels_of_one_size_are_matched_by_contents_whatever_their_digests(tmp_path):
    old = {f"{LEVELS}/level2-4-0000000{i}/seed1/train.jsonl": text for i, text in enumerate("aab")}
    new = {f"{LEVELS}/level2-4-1111111{i}/seed1/train.jsonl": text for i, text in enumerate("abb")}
    found = [outcome for _, outcome in outcomes(tmp_path, old, new)]
    assert found == ["equal", "equal", "different"]


def test_a_level_is_not_matched_with_one_of_another_size_or_seed(tmp_path):
    old = {f"{LEVELS}/level1-6-00000000/seed1/train.jsonl": "a"}
    new = {
        f"{LEVELS}/level1-4-00000000/seed1/train.jsonl": "a",
        f"{LEVELS}/level1-6-00000000/seed2/train.jsonl": "a",
    }
    found = [outcome for _, outcome in outcomes(tmp_path, old, new)]
    assert sorted(found) == ["only in new", "only in new", "only in old"]


def test_a_level_that_was_trained_once_more_is_reported(tmp_path):
    old = {f"{LEVELS}/level2-4-00000000/seed1/train.jsonl": "a"}
    new = old | {f"{LEVELS}/level2-4-11111111/seed1/train.jsonl": "a"}
    assert [outcome for _, outcome in outcomes(tmp_path, old, new)] == ["equal", "only in new"]


def test_times_and_messages_are_not_compared(tmp_path):
    names = ["provenance.json", "run.ir_metadata.yaml", "model/.snakemake_timestamp"]
    root = "results/same-bytes"
    files = [f"{CELL}/{name}" for name in names]
    files += [f"{root}/report.html", f"{root}/logs/train/a.log", f"{root}/benchmarks/a.tsv", "config/a.yaml"]
    assert write(tmp_path, dict.fromkeys(files, "now")) == {}


def test_a_run_is_compared_unpacked_without_the_digest_of_its_level(tmp_path):
    line = "q Q0 d 1 {} level2-4-{}\n"
    texts = [line.format(0.5, "0" * 8) * 2, line.format(0.5, "1" * 8) * 2, line.format(0.25, "0" * 8) * 2]
    files = [tmp_path / f"{number}.trec.gz" for number in range(3)]
    for number, (file, text) in enumerate(zip(files, texts, strict=True)):
        file.write_bytes(gzip.compress(text.encode(), mtime=number))
    assert same(files[0], files[1])
    assert not same(files[0], files[2])


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        (lambda frame: frame, True),
        (lambda frame: frame.assign(score=frame["score"] * (1 + 1e-15)), False),
        (lambda frame: frame.assign(step=frame["step"].astype("int32")), False),
        (lambda frame: frame.rename(columns={"step": "epoch"}), False),
        (lambda frame: frame.assign(documents=[[1, 2], [3, 5], None]), False),
        (lambda frame: frame.iloc[::-1].reset_index(drop=True), False),
    ],
)
def test_parquet_is_compared_by_values_and_types(tmp_path, change, equal):
    documents = pd.Series([[1, 2], [3, 4], None], dtype=object)
    frame = pd.DataFrame({"step": [0, 1, 2], "score": [0.5, np.nan, 2.0], "documents": documents})
    frame.to_parquet(tmp_path / "old.parquet", compression="snappy")
    change(frame).to_parquet(tmp_path / "new.parquet", compression="gzip")
    assert same(tmp_path / "old.parquet", tmp_path / "new.parquet") == equal


def test_the_report_counts_by_kind_and_names_what_is_not_equal(tmp_path):
    old = {f"{CELL}/model/config.json": "{}", f"{CELL}/model/model.safetensors": "a", f"{CELL}/a.txt": ""}
    new = {f"{CELL}/model/config.json": "{}", f"{CELL}/model/model.safetensors": "b"}
    lines = report(outcomes(tmp_path, old, new)).splitlines()
    assert "| models: cells | 2 | 1 | 1 | 1 | 0 |" in lines
    assert "| **all** | 2 | 1 | 1 | 1 | 0 |" in lines
    assert lines[-2:] == [
        f"only in old: {CELL}/a.txt",
        f"different: {CELL}/model/model.safetensors",
    ]


def test_the_digest_of_a_folder_changes_with_any_name_or_byte(tmp_path):
    digests = set()
    for number, files in enumerate([{"a/b": "1"}, {"a/b": "2"}, {"a/c": "1"}, {"a/b": "1", "c": ""}]):
        write(tmp_path / str(number), files)
        digests.add(folder_digest(tmp_path / str(number)))
    write(tmp_path / "again", {"a/b": "1"})
    assert len(digests) == 4
    assert folder_digest(tmp_path / "again") in digests
