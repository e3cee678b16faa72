"""Backbones: pre-trained encoders, each brought into one local folder that every later step reads.

One file per source; a new source is a new file with `make(spec, folder, texts)` and its settings in
`sirbench.study`. Only safetensors is ever loaded, since a pickle can run any code.
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from sirbench.machine.manifest import recorded_folder
from sirbench.study import Backbone
from sirbench.study.backbones import GivenBackbone


def make_backbone(spec: Backbone, folder: Path, texts: Callable[[], Iterable[str]]) -> None:
    """Write checkpoint and tokenizer of a backbone to `folder`; `texts` yields the collection's documents.

    Raises `InputError` where the checkpoint is missing, damaged or unsafe to load.
    """
    # Imported here, since torch takes seconds, and reading config/ imports this package.
    from sirbench.backbones.checkpoint import check_checkpoint
    from sirbench.backbones.layers import keep_first_layers

    source = import_module(f"{__name__}.{spec.source}")
    with recorded_folder(folder) as temporary:
        source.make(spec, temporary, texts)
        if isinstance(spec, GivenBackbone) and spec.layers is not None:
            keep_first_layers(temporary, spec.layers)
        check_checkpoint(temporary)
