"""A checkpoint's config.json, checked before transformers builds anything of it.

What it says decides which code runs, and how much memory and time a model takes before its weights are looked
at. So it may ask for no code but transformers' own, and for no larger model than the weights beside it are.
"""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import AutoModel

from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object

FOREIGN_CODE = (
    "auto_map",
    "attn_implementation",
    "_attn_implementation",
    "experts_implementation",
    "kernel_config",
    "quantization_config",
)
"""Keys that make transformers import modules of the author's, or other packages, which may fetch some."""

ROOM = 4
"""How many times as many numbers as the weights have a model may have: heads of other tasks come and go."""


def refuse_foreign_code(path: Path) -> dict[str, Any]:
    """The content of config.json, or of tokenizer_config.json; `InputError` where it asks for other code."""
    content = read_object(path)
    if asked := [key for key in FOREIGN_CODE if content.get(key)]:
        raise InputError(
            f"{path}: {asked[0]}: it asks for code that is not transformers' own, and none is ever run; "
            "use a checkpoint of an architecture that transformers has"
        )
    return content


def check_configuration(folder: Path) -> None:
    """Raise `InputError` for a config.json of foreign code, or of a model that cannot be this one.

    It is built without memory for weights; its layers and its size are compared with those of
    model.safetensors. Null, negative or misspelled values make transformers raise errors of any kind.
    """
    content = refuse_foreign_code(folder / "config.json")
    tensors, numbers = _size_of_weights(folder / "model.safetensors")
    for key, value in _integers(content):
        if "layer" in key and value > tensors:
            raise InputError(
                f"config.json: {key}: {value}, while model.safetensors has {tensors} tensors in all"
            )
    kind = content.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise InputError(f"config.json: model_type: {kind!r} is no architecture of transformers")
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        model = AutoModel.from_config(CONFIG_MAPPING[kind].from_dict(content), trust_remote_code=False)
        asked = sum(weights.numel() for weights in model.parameters())
    if asked > ROOM * numbers:
        raise InputError(
            f"config.json asks for a model of {asked} numbers, and model.safetensors has {numbers}; "
            "do they belong together?"
        )


def _size_of_weights(path: Path) -> tuple[int, int]:
    """How many tensors a safetensors file has, and how many numbers in all."""
    if not path.is_file():
        raise InputError(f"no file {path.name}")
    with safe_open(path, "pt") as weights:
        shapes = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    return len(shapes), sum(prod(shape) for shape in shapes)


def _integers(content: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Every key with an integer, those of configurations within it included."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _integers(value)
        elif isinstance(value, int):
            yield key, value
