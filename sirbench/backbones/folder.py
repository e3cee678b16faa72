"""A checkpoint in a local folder."""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.study import FolderBackbone

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARD = re.compile(r"model-[0-9]{5}-of-[0-9]{5}\.safetensors")
"""Weights in one file, or cut in several, which an index lists and which become one here."""

COPIED = (
    "config.json",
    WEIGHTS,
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "bpe.codes"),
    *("tokenizer.model", "spiece.model", "spm.model", "sentencepiece.bpe.model"),
)
"""All that is copied of a checkpoint folder, whatever form its tokenizer has. Code, training states, adapters
and other frameworks' weights stay behind."""

WANTED = (*COPIED, INDEX, "model-?????-of-?????.safetensors")
"""What is downloaded of one."""


def make(spec: FolderBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Copy the files that matter from `spec.path`."""
    if not spec.path.is_dir():
        raise InputError(f"backbones.*.path: {spec.path} is not a folder")
    copy_checkpoint(spec.path, folder)


def copy_checkpoint(source: Path, folder: Path) -> None:
    """Copy configuration, safetensors weights (as one file) and tokenizer; explain if they are a pickle."""
    if not has_weights(source):
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
    for name in COPIED:
        if (source / name).is_file():  # through links, as in a cache of the hub; never a pipe or a device
            shutil.copyfile(source / name, folder / name)
    if not (folder / WEIGHTS).exists():
        _merge_shards(source, folder / WEIGHTS)


def has_weights(source: Path) -> bool:
    """Whether a folder has safetensors weights, in one file or in several."""
    return any((source / name).exists() for name in (WEIGHTS, INDEX)) or any(
        SHARD.fullmatch(path.name) for path in source.iterdir()
    )


def _merge_shards(source: Path, target: Path) -> None:
    """Write weights that lie in several files, as an index says, into one."""
    refused = f"{source / INDEX}: these weights in several files are not whole"
    try:
        listed = read_object(source / INDEX).get("weight_map")
    except InputError as error:
        raise InputError(f"{refused}: {error}") from error
    if not isinstance(listed, dict) or not listed:
        raise InputError(f"{refused}: weight_map says of no weight which file it is in")
    files = sorted({str(file) for file in listed.values()})
    # A path may lead anywhere.
    if foreign := [file for file in files if not SHARD.fullmatch(file)]:
        raise InputError(
            f"{refused}: weight_map: {foreign[0]!r} is no file of weights of this folder, such as "
            "model-00001-of-00002.safetensors"
        )
    weights: dict[str, Tensor] = {}
    for file in files:
        if not (source / file).is_file():
            raise InputError(f"{refused}: there is no file {file}")
        try:
            weights |= load_file(source / file)
        except (OSError, ValueError, SafetensorError) as error:
            raise InputError(f"{refused}: {file}: {error}") from error
    if lacking := sorted(listed.keys() - weights.keys()):
        raise InputError(f"{refused}: {lacking[0]} is in none of the files")
    save_file(weights, target, metadata={"format": "pt"})
