"""The metadata of a run: what its cell and the two jobs behind it were, under the schema's own keys."""

import pytest

from sirbench.config import load
from sirbench.jobs.folders import Cell
from sirbench.reporting.ir_metadata import describe_run
from tests.checkouts import ROOT

MACHINE = {
    **{"commit": "abc", "dirty": True, "versions": {"torch": "2.13.0"}},
    **{"cpu": "EPYC", "architecture": "x86_64", "cores": 2, "memory_gb": 25.3},
    **{"kernel": "Linux 6", "distribution": "Debian 12"},
}
TRAINED = {
    **{"inputs": {"queries": "1a"}, "study_sha256": "2b"},
    **{"device": "H200", "gpu_memory_gb": 139, "seconds": 10.0, "gpu_seconds": 20.0},
}
RERANKED = {
    **{"machine": MACHINE, "inputs": {"model": "3c"}},
    **{"device": "cpu", "seconds": 1.0, "gpu_seconds": 0.0},
}


def described(study="demo", candidates="bm25", **reranked):
    config = load(study, ROOT / "config")
    return describe_run(config, Cell(study, candidates, "bert", "v4-top-16", 1), TRAINED, RERANKED | reranked)


def test_the_sections_of_the_schema():
    """The seven of the checklists on www.ir-metadata.org, and one of ours."""
    assert list(described()) == [
        *("tag", "actor", "platform", "implementation", "method", "research goal", "data", "resources")
    ]


def test_what_ran_and_on_what():
    found = described()
    assert found["tag"] == "v4-top-16-seed1"
    assert found["implementation"]["executable"]["cmd"] == (
        "sirbench rerank --study demo --candidates bm25 --backbone bert --recipe v4-top-16 --seed 1"
    )
    assert found["implementation"]["source"] == {"lang": ["Python"], "commit": "abc", "dirty": True}
    hardware = found["platform"]["hardware"]
    assert hardware["cpu"] == {"model": "EPYC", "architecture": "x86_64", "number of cores": 2}
    assert hardware["ram"] == "25.3 GB" and "gpu" not in hardware
    assert found["platform"]["software"]["libraries"]["python"] == ["torch==2.13.0"]


def test_a_gpu_is_named_with_its_memory():
    hardware = described(device="H200", gpu_memory_gb=139)["platform"]["hardware"]
    assert hardware["gpu"] == {"model": "H200", "memory": "139 GB"}


def test_the_pipeline_is_a_first_stage_and_a_re_ranker():
    first, second = described()["method"]["retrieval"]
    assert first == {"name": "bm25", "method": "bm25", "params": {"k1": 0.9, "b": 0.4}}
    assert second["reranks"] == "bm25" and second["seed"] == 1
    assert second["params"]["strategy"] == "v4" and second["params"]["levels"] == [88, 48, 16]


def test_given_candidates_are_said_to_be_given():
    first = described("paper", "hdct")["method"]["retrieval"][0]
    assert first["method"] == "given run" and first["source"].startswith("HDCT top 100")


def test_checksums_and_time_of_both_jobs():
    found = described()
    assert found["data"]["sha256"] == {"training": {"queries": "1a"}, "re-ranking": {"model": "3c"}}
    assert found["data"]["study"] == {"name": "demo", "sha256": "2b"}
    assert found["resources"]["training"] == {"device": "H200", "seconds": 10.0, "gpu_seconds": 20.0}
    assert found["resources"]["re-ranking"]["device"] == "cpu"


@pytest.mark.parametrize(("study", "dataset"), [("demo", "pydocs"), ("paper", "msmarco-document")])
def test_the_collection_is_named_as_ir_datasets_does(study, dataset):
    found = described(study, "bm25" if study == "demo" else "ance")["data"]
    assert found["test collection"]["ir_datasets"] == f"{dataset}/dev"
    assert found["training data"][0]["ir_datasets"] == f"{dataset}/train"
