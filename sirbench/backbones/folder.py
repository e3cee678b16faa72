"""A checkpoint in a local folder."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from sirbench.errors import InputError
from sirbench.study import FolderBackbone

WANTED = (
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*",
    "vocab*",
    "special_tokens*",
)
"""What a checkpoint folder is copied for; training states and other frameworks' weights stay behind."""


def make(spec: FolderBackbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Copy the files that matter from `spec.path`."""
    if not spec.path.is_dir():
        raise InputError(f"backbones.*.path: {spec.path} is not a folder")
    copy_checkpoint(spec.path, folder)


def copy_checkpoint(source: Path, folder: Path) -> None:
    """Copy configuration, safetensors weights and tokenizer; explain if the weights are a pickle."""
    if not any(source.glob("*.safetensors")):
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
            shutil.copyfile(path, folder / path.name)
