"""A checkpoint folder of a stranger's runs no code, asks no question, and takes no file from elsewhere."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from safetensors.torch import load_file, save_file

from sirbench.backbones import make_backbone
from sirbench.backbones.checkpoint import check_checkpoint, load_model, load_tokenizer
from sirbench.machine.errors import InputError
from sirbench.study import FolderBackbone, PackageBackbone
from tests.checkouts import ROOT

MODULE = """
import pathlib
pathlib.Path({trace!r}).write_text("it ran")
from transformers import BertConfig, BertModel, BertForSequenceClassification, BertTokenizerFast
class OwnConfig(BertConfig): pass
class OwnModel(BertForSequenceClassification): config_class = OwnConfig
class OwnTokenizer(BertTokenizerFast): pass
"""
AUTO_MAP = {
    "config.json": {
        "AutoConfig": "tokenizer_own.OwnConfig",
        "AutoModel": "tokenizer_own.OwnModel",
        "AutoModelForSequenceClassification": "tokenizer_own.OwnModel",
    },
    "tokenizer_config.json": {"AutoTokenizer": [None, "tokenizer_own.OwnTokenizer"]},
}


@pytest.fixture
def folder(tiny_backbone, tmp_path):
    return shutil.copytree(tiny_backbone, tmp_path / "stranger", ignore=shutil.ignore_patterns(".manifest"))


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def make(folder, made):
    make_backbone(FolderBackbone(source="folder", path=folder), made, texts=lambda: [])


@pytest.fixture
def hostile(folder, tmp_path):
    """A folder with modules of its own, as large models are published with; where it says that it ran."""
    trace = tmp_path / "trace"
    for name in ("tokenizer_own.py", "model.py", "vocab.py"):
        (folder / name).write_text(MODULE.format(trace=str(trace)))
    for name, map_ in AUTO_MAP.items():
        change(folder / name, auto_map=map_)
    return folder, trace


ASKED = """
import sys
from pathlib import Path
from sirbench.backbones import make_backbone
from sirbench.backbones.checkpoint import load_encoder, load_model, load_tokenizer
from sirbench.study import FolderBackbone
for folder in map(Path, sys.argv[1:]):
    for attempt in (
        lambda: make_backbone(FolderBackbone(source="folder", path=folder), folder.with_name("made"), list),
        lambda: load_tokenizer(folder),
        lambda: load_model(folder, 1),
        lambda: load_encoder(folder),
    ):
        try:
            attempt()
        except Exception as error:
            print(type(error).__name__)
"""


def test_no_module_runs_and_no_question_is_asked(hostile, tmp_path):
    """With somebody at the keyboard who says yes to everything; also for an architecture of its own name."""
    folder, trace = hostile
    other = shutil.copytree(folder, tmp_path / "other")
    change(other / "config.json", model_type="own")
    done = subprocess.run(
        [sys.executable, "-c", ASKED, str(folder), str(other)],
        input="y\n" * 100,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HF_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["InputError"] * 8, done.stdout + done.stderr
    assert not trace.exists()
    assert "run the custom code" not in done.stdout + done.stderr


def test_the_key_that_asks_for_code_is_named(hostile, tmp_path):
    folder, _ = hostile
    with pytest.raises(InputError, match=r"config\.json: auto_map: it asks for code .* none is ever run"):
        make(folder, tmp_path / "made")
    change(folder / "config.json", auto_map=None)
    with pytest.raises(InputError, match=r"tokenizer_config\.json: auto_map: it asks for code"):
        load_tokenizer(folder)


@pytest.mark.parametrize("key", ["attn_implementation", "quantization_config", "kernel_config"])
def test_neither_kernels_nor_packages_are_fetched(key, folder):
    change(folder / "config.json", **{key: {"quant_method": "own"} if key[0] == "q" else "someone/kernel"})
    with pytest.raises(InputError, match=rf"config\.json: {key}: it asks for code"):
        load_model(folder, seed=1)


def test_code_and_adapters_are_not_copied(folder, tmp_path):
    for name in ("tokenizer_own.py", "vocab.py", "model.py", "adapter_config.json", "tokenizer.pkl"):
        (folder / name).write_text("{}")
    make(folder, tmp_path / "made")
    names = sorted(path.name for path in (tmp_path / "made").glob("[!.]*"))
    assert names == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture
def index(folder):
    """The index of weights in two files."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    halves = sorted(weights)[::2], sorted(weights)[1::2]
    listed = {}
    for number, names in enumerate(halves, start=1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file({name: weights[name] for name in names}, folder / file, metadata={"format": "pt"})
        listed |= dict.fromkeys(names, file)
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": listed}))
    return path


def test_weights_in_two_files_are_whole(index, tmp_path):
    make(index.parent, tmp_path / "made")
    check_checkpoint(tmp_path / "made")


@pytest.mark.parametrize(
    "file",
    [
        "../model-00001-of-00002.safetensors",
        "/etc/model-00001-of-00002.safetensors",
        "sub/model-00001-of-00002.safetensors",
        "model-00001-of-00002.safetensors\n",
        "pytorch_model.bin",
        "..",
        "",
    ],
)
def test_a_shard_lies_in_the_folder(file, index, tmp_path):
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"secret")
    listed = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": listed | {"extra": file}}))
    with pytest.raises(InputError, match=r"weight_map: .* is no file of weights of this folder"):
        make(index.parent, tmp_path / "made")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"weight_map": null}', "weight_map says of no weight"),
        ('{"weight_map": []}', "weight_map says of no weight"),
        ("[]", "not a JSON object but list"),
        ("[" * 100_000, "nested too deeply"),
        ('{"weight_map": {"a": null}}', "'None' is no file of weights"),
        ('{"weight_map": {"a": ["b"]}}', "is no file of weights"),
        ('{"weight_map": {"a": "model-00009-of-00009.safetensors"}}', "there is no file model-00009"),
        ('{"weight_map": {"absent": "model-00001-of-00002.safetensors"}}', "absent is in none of the files"),
    ],
)
def test_an_index_that_is_none(content, message, index, tmp_path):
    index.write_text(content)
    with pytest.raises(InputError, match=f"these weights in several files are not whole: .*{message}"):
        make(index.parent, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_pipes_and_folders_in_place_of_files(folder, tmp_path):
    """A pipe would be waited for until somebody writes into it."""
    os.mkfifo(folder / "vocab.txt")
    (folder / "merges.txt").mkdir()
    (folder / "added_tokens.json").symlink_to("added_tokens.json")
    make(folder, tmp_path / "made")
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(InputError, match="not a checkpoint that can be loaded"):
        make(folder, tmp_path / "other")


def test_a_package_s_folder_is_inside_it(tmp_path):
    spec = PackageBackbone(source="package", distribution="torch", path="../../x", sha256="0" * 64)
    with pytest.raises(InputError, match="is not a folder inside the package"):
        make_backbone(spec, tmp_path / "made", texts=lambda: [])


ABSURD = {
    "vocab_size": (None, -1, 0, 10**12, 10**400, "many", 1.5, [3]),
    "hidden_size": (None, -16, 0, 10**9, {}),
    "num_hidden_layers": (None, -1, 10**9, "two"),
    "num_attention_heads": (None, 0, -2, 10**9, 3),
    "intermediate_size": (None, 0, -1, 10**10),
    "max_position_embeddings": (None, 0, -5, 10**11),
    "type_vocab_size": (None, 0, -1, 10**10),
    "hidden_act": (None, "nonsense", 5),
    "hidden_dropout_prob": (None, -1, 5, "0.1"),
    "layer_norm_eps": (None, "small", -1e9),
    "model_type": (None, 5, ["bert"], "nonsense", ""),
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in ABSURD for value in ABSURD[key]])
def test_absurd_configurations_are_refused_before_they_take_time_or_memory(key, value, folder):
    change(folder / "config.json", **{key: value})
    with pytest.raises(InputError, match=f"^{folder}: "):
        check_checkpoint(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("content", ["null", "[]", "5", '"x"', "[" * 100_000, "\x00" * 100, '{"a": NaN}'])
def test_other_things_than_an_object(name, content, folder):
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=f"^{folder}: "):
        check_checkpoint(folder)


@pytest.mark.parametrize(
    "change_to", [{"model": None}, {"model": {}}, {"model": {"type": "WordPiece", "vocab": None}}], ids=str
)
def test_a_tokenizer_without_a_vocabulary(change_to, folder):
    change(folder / "tokenizer.json", **change_to)
    with pytest.raises(InputError, match="no usable tokenizer"):
        check_checkpoint(folder)
