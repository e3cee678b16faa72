"""A checkpoint in a local folder."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sirbench.machine.errors import InputError
from sirbench.study import FolderBackbone

WANTED = (
    "config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "*.model",
    "added_tokens.json",
    "special_tokens*",
)
"""What a checkpoint folder is copied for, whatever form its tokenizer has; training states and other
frameworks' weights stay behind."""

SHARDS = ("model.safetensors.index.json", "model-*.safetensors")
"""The files of weights that are cut in several, which become one here."""


def make(spec: FolderBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Copy the files that matter from `spec.path`."""
    if not spec.path.is_dir():
        raise InputError(f"backbones.*.path: {spec.path} is not a folder")
    copy_checkpoint(spec.path, folder)


def copy_checkpoint(source: Path, folder: Path) -> None:
    """Copy configuration, safetensors weights (as one file) and tokenizer; explain if they are a pickle."""
    if not any(source.glob("model*.safetensors")):
        pickles = sorted(path.name for path in [*source.glob("*.bin"), *source.glob("*.pt")])
        raise InputError(
            f"{source}: no .safetensors file"
            + (
                f", only {', '.join(pickles)}, which is a pickle and could run any code. If you trust it, "
                "convert it: AutoModel.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)"
                if pickles
                else "; a backbone's folder is what save_pretrained writes"
            )
        )
    for pattern in WANTED:
        for path in source.glob(pattern):
            if not any(path.match(shard) for shard in SHARDS):
                shutil.copyfile(path, folder / path.name)
    if not (folder / "model.safetensors").exists():
        _merge_shards(source, folder / "model.safetensors")


def _merge_shards(source: Path, target: Path) -> None:
    """Write weights that lie in several files, as an index says, into one."""
    index = source / SHARDS[0]
    try:
        files = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        weights = {name: weight for file in files for name, weight in load_file(source / file).items()}
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(f"{index}: these weights in several files are not whole: {error}") from error
    save_file(weights, target, metadata={"format": "pt"})
