"""First stages, found by name: a new one is one new file here with a function `retrieve`.

    retrieve(documents, queries, *, depth, ...) -> run

One that learns also has `train(learning, *, ...) -> (model, progress)`; its `retrieve` is given `trained`,
what came of it. The other keyword arguments of both are the options that a study may set. What first stages
share is in folders of their own.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sirbench.data.documents import Document

if TYPE_CHECKING:
    import torch

    from sirbench.data.tokens import TokenStore
    from sirbench.study import Compute, FirstStageTraining, Input


@dataclass(frozen=True)
class Learning:
    """What a first stage that learns is trained on, and with."""

    name: str
    """What progress and messages call it."""
    documents: Callable[[], Iterable[Document]]
    """The collection's documents, anew at every call."""
    queries: Mapping[str, str]
    """Training queries by id."""
    positives: Mapping[str, Sequence[str]]
    """Ids of the judged-positive documents of each query, at least one."""
    start: Path
    """Checkpoint folder that training starts from, with its tokenizer."""
    store: "TokenStore"
    """The documents in the tokens of that tokenizer (its queries are the study's, not these)."""
    input: "Input"
    settings: "FirstStageTraining"
    compute: "Compute"
    device: "torch.device"
    folder: Path
    """Where the checkpoint and the record are kept until the job has ended."""
    fingerprint: str
    """Digest of everything that the result depends on; a checkpoint of another one is not resumed."""


@dataclass(frozen=True)
class Trained:
    """What a first stage that has learned retrieves with."""

    folder: Path
    """Checkpoint folder of the trained model, with its tokenizer."""
    store: "TokenStore"
    input: "Input"
    compute: "Compute"
    device: "torch.device"


def first_stage(name: str) -> ModuleType:
    """The module of a first stage."""
    return import_module(f"{__name__}.{name.replace('-', '_')}")


def options_of(function: Callable, options: Mapping[str, object]) -> dict[str, object]:
    """Those of a study's options that `function` (a `train` or a `retrieve`) takes."""
    return {name: value for name, value in options.items() if name in _keywords(function)}


def _keywords(function: Callable) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
