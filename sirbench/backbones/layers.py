"""A checkpoint cut to its first transformer layers: a smaller encoder that costs as much less."""

import json
import re
from pathlib import Path

from safetensors.torch import load_file, save_file

from sirbench.backbones.folder import WEIGHTS
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object

LAYER = re.compile(r"(?:^|\.)encoder\.layer\.([0-9]+)\.")
"""Weights of a layer, as BERT, ELECTRA and RoBERTa name them."""

COUNT = "num_hidden_layers"


def keep_first_layers(folder: Path, layers: int) -> None:
    """Cut the checkpoint in `folder` to its first `layers` transformer layers, weights and configuration.

    Raises:
        InputError: it has fewer, or lays them out otherwise than BERT does.
    """
    weights, content = load_file(folder / WEIGHTS), read_object(folder / "config.json")
    number_of = {name: int(found[1]) for name in weights if (found := LAYER.search(name))}
    there = len(set(number_of.values()))
    if content.get(COUNT) != there or not there:
        raise InputError(
            f"backbones.*.layers: layers of {content.get('model_type')!r} are not laid out as BERT's are, "
            "so that they cannot be cut; remove the key"
        )
    if layers > there:
        raise InputError(f"backbones.*.layers: {layers}, and the checkpoint has {there}")
    kept = {name: weight for name, weight in weights.items() if number_of.get(name, 0) < layers}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({**content, COUNT: layers}, indent=2), encoding="utf-8")
