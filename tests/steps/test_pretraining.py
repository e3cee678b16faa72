"""`tokenize-corpus` and `pretrain-backbone`: a whole job, killed and resumed to the same bytes."""

import json
import shutil
import signal
from pathlib import Path

import pytest
import yaml

from tests.checkouts import ROOT
from tests.training.conftest import STUDY
from tests.training.jobs import Blow, sirbench

PRETRAINED = {
    "source": "pretrained",
    "start": "bert",
    "objectives": {"prop": 1, "mlm": 0.5, "wlp": 1},
    "corpus": {"source": "collection"},
    "batch": 2,
    "negatives": 2,
    "steps": 5,
    "training": {"checkpoint_every": 2, "learning_rate": 1e-3},
}


def write(folder, compute=STUDY["compute"], **changes):
    backbones = {**STUDY["backbones"], "prop": PRETRAINED | changes}
    content = STUDY | {"backbones": backbones, "compute": compute}
    (folder / "config/studies/small.yaml").write_text(yaml.safe_dump(content))


def corpus_name(folder):
    from sirbench.config import load
    from sirbench.jobs import pretraining

    return pretraining.corpus_name(load("small", folder / "config").study, "prop")


@pytest.fixture(scope="module")
def tokenized(tmp_path_factory, pydocs_sliver):
    """A working folder with all that pre-training reads."""
    from sirbench.config import load
    from sirbench.steps.backbone import fetch_backbone
    from sirbench.steps.collection import make_collection
    from sirbench.steps.pretraining import tokenize_corpus

    folder = tmp_path_factory.mktemp("pretraining") / "work"
    shutil.copytree(ROOT / "config", folder / "config")
    write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_collection(load("small"))
        fetch_backbone(load("small"), "bert")
        tokenize_corpus(load("small"), corpus_name(folder))
    return folder


@pytest.fixture
def folder(tokenized, tmp_path):
    return shutil.copytree(tokenized, tmp_path / "work")


def pretrain(folder: Path, blow=None):
    return sirbench(folder, "pretrain-backbone", "--study", "small", "--backbone", "prop", blow=blow)


def results(folder):
    root = folder / "results/small"
    names = (
        "backbones/prop/model.safetensors",
        "backbones/prop/tokenizer.json",
        "pretraining/prop/train.jsonl",
    )
    return {name: (root / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def uninterrupted(tokenized, tmp_path_factory):
    folder = shutil.copytree(tokenized, tmp_path_factory.mktemp("uninterrupted") / "work")
    ended = pretrain(folder)
    assert ended.code == 0, ended.output
    return folder


def test_what_a_job_leaves(uninterrupted):
    root = uninterrupted / "results/small"
    names = sorted(path.name for path in (root / "backbones/prop").glob("[!.]*"))
    assert names == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in (root / "pretraining/prop").glob("[!.]*")) == [
        "provenance.json",
        "train.jsonl",
    ]
    log = [json.loads(line) for line in (root / "pretraining/prop/train.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == list(range(5))
    for line in log:
        assert line["loss"] == pytest.approx(line["prop"] + 0.5 * line["mlm"] + line["wlp"])
    provenance = json.loads((root / "pretraining/prop/provenance.json").read_text())
    assert provenance["pretraining"]["objectives"] == {"prop": 1.0, "mlm": 0.5, "wlp": 1.0}
    read = {path.name for path in (root / "backbones/bert").glob("[!.]*")}
    assert {name for name in provenance["inputs"] if name.startswith("start/")} == {
        f"start/{it}" for it in read
    }
    assert {"corpus/words", "corpus/links.npy", "collection"} <= set(provenance["inputs"])
    assert provenance["corpus"]["pages"] == 1353 and provenance["corpus"]["links"] > 0


@pytest.mark.parametrize(
    "blow",
    [
        Blow("torch.optim.AdamW.step", 3),
        Blow("sirbench.training.loop.save_checkpoint", 2),
        Blow("sirbench.steps.pretraining.check_checkpoint", 1, "before"),  # half of the folder is written
    ],
    ids=str,
)
def test_killed_and_started_again(blow, folder, uninterrupted):
    assert pretrain(folder, blow).code == -signal.SIGKILL
    ended = pretrain(folder)
    assert ended.code == 0, ended.output
    assert results(folder) == results(uninterrupted)
    assert not (folder / "results/small/pretraining/prop/checkpoint").exists()


def test_asked_to_stop(folder, uninterrupted):
    """Within the third step, after its sums over workers: the fourth is the first that knows."""
    ended = pretrain(folder, Blow("torch.optim.AdamW.step", 3, signal=signal.SIGTERM))
    assert ended.code == 75 and "backbone prop: stopped by a signal after 4 steps" in ended.output
    ended = pretrain(folder)
    assert ended.code == 0 and "resuming after 4 steps" in ended.output
    assert results(folder) == results(uninterrupted)


def test_a_job_that_computes_otherwise_starts_anew(folder):
    assert pretrain(folder, Blow("torch.optim.AdamW.step", 3)).code == -signal.SIGKILL
    write(folder, compute={**STUDY["compute"], "chunk_tokens": 128})
    assert "of other settings or inputs; training starts anew" in pretrain(folder).output


def test_a_corpus_whose_file_is_missing(folder):
    write(folder, corpus={"source": "wikipedia", "path": "enwiki.xml.bz2"})
    ended = sirbench(folder, "tokenize-corpus", "--study", "small", "--corpus", corpus_name(folder))
    assert ended.code == 2
    assert "error: enwiki.xml.bz2: backbones.*.corpus.path: there is no such file" in ended.output


def test_an_objective_that_its_start_cannot_be_trained_by(folder):
    write(folder, objectives={"rtd": 1})
    ended = pretrain(folder)
    assert ended.code == 2 and "rtd trains an ELECTRA, and this is a bert" in ended.output


@pytest.mark.parametrize(
    ("verb", "name", "message"),
    [
        (
            "tokenize-corpus",
            ("--corpus", "mine"),
            "--corpus: 'mine' is unknown in study small; allowed: collection-bert-",
        ),
        ("pretrain-backbone", ("--backbone", "bert"), "bert is not pre-trained by the suite"),
        (
            "backbone",
            ("--backbone", "prop"),
            "prop is pre-trained by the suite; `sirbench pretrain-backbone`",
        ),
    ],
)
def test_what_there_is_not(verb, name, message, folder):
    ended = sirbench(folder, verb, "--study", "small", *name)
    assert ended.code == 2 and message in ended.output
