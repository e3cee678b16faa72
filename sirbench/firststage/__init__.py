"""First stages: each file here holds one, a class derived from `Retriever`, found by the name of its file.

The fields of the class are the options that a study may set, `{first_stage: bm25, options: {k1: 0.9}}`. A
first stage that learns derives from `Learner`: it is trained on the documents and training queries of the
study's collection, retrieves with what came of it, and says how many texts it encodes for that. What first
stages share is in folders of their own.

These files import torch, and what needs it, where they compute: every reading of config/ imports them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from sirbench.machine.errors import InputError
from sirbench.strategies import Pairs
from sirbench.study.registry import Plugin, Registry, own_code

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from sirbench.data.documents import Document
    from sirbench.data.tokens import TokenStore
    from sirbench.study import Compute, FirstStage, FirstStageTraining, Input
    from sirbench.training.checkpoint import Progress


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
    store: TokenStore
    """The documents in the tokens of that tokenizer (its queries are the study's, not these)."""
    input: Input
    settings: FirstStageTraining
    compute: Compute
    device: torch.device
    folder: Path
    """Where the checkpoint and the step log are kept until the job has ended."""
    fingerprint: str
    """Digest of everything that the result depends on; a checkpoint of another one is not resumed."""
    exclude_self: bool = False
    """Queries are documents: that with a query's own id is no negative of it."""


@dataclass(frozen=True)
class Trained:
    """What a first stage that has learned retrieves with."""

    folder: Path
    """Checkpoint folder of the trained model, with its tokenizer."""
    store: TokenStore
    input: Input
    compute: Compute
    device: torch.device


class Model(Protocol):
    """A trained model: what can be saved as a checkpoint."""

    def save_pretrained(self, folder: Path, /) -> None:
        """Write the checkpoint, without a tokenizer, into an existing folder."""


class Texts(NamedTuple):
    """Texts of one greatest length that go through a first stage's encoder, with gradient and without."""

    tokens: int
    pairs: Pairs


class Retriever(Plugin):
    """A first stage: documents and queries in, a run out."""

    @abstractmethod
    def retrieve(
        self,
        documents: Iterable[Document],
        queries: Mapping[str, str],
        *,
        depth: int,
        trained: Trained | None = None,
    ) -> pd.DataFrame:
        """The run of the `depth` best documents of each query, in the order of `sirbench.data.runs`.

        Args:
            documents: all of the collection, read once.
            queries: texts by id.
            depth: how many documents a query gets, at most.
            trained: what was learned, by a first stage that learns.
        """

    def check(self, spec: FirstStage) -> None:
        """Raise `InputError` where a study says more of it, or less, than it needs."""
        given = spec.model_fields_set & {"backbone", "start", "training"}
        if given:
            raise InputError(f"{min(given)}: {spec.first_stage} learns nothing; remove it")


class Learner(Retriever):
    """A first stage that learns."""

    retrieval_options: ClassVar[Collection[str]] = ()
    """Options that training does not read: where one changes, nothing is trained anew."""

    @abstractmethod
    def train(self, learning: Learning) -> tuple[Model, Progress]:
        """The trained model, and the steps and the time that it took; a training that was killed resumes."""

    @abstractmethod
    def texts(self, spec: FirstStage, input: Input, documents: int) -> list[Texts]:
        """What training and the encoding of all documents cost; the queries of a search are left out.

        Args:
            spec: what the study says of it: steps, batch, where it starts.
            input: greatest lengths of the study.
            documents: of the collection.
        """

    def check(self, spec: FirstStage) -> None:
        """Raise `InputError` where a study gives it no backbone."""
        if spec.backbone is None:
            raise InputError(f"backbone: {spec.first_stage} learns and needs one of the study's backbones")


FIRST_STAGES: Registry[Retriever] = Registry(__name__, Retriever, "first_stages")
"""Every first stage, by the name that studies give it."""


def first_stage(spec: FirstStage) -> Retriever:
    """The first stage that a study asks for; `InputError` for an option that it lacks or does not allow."""
    return FIRST_STAGES.make({**spec.options, "name": spec.first_stage})


def learner(spec: FirstStage) -> Learner:
    """The same, of a first stage that learns."""
    made = first_stage(spec)
    assert isinstance(made, Learner), spec.first_stage
    return made


def training_settings(spec: FirstStage) -> dict[str, Any]:
    """What decides what a first stage learns: no option that is of retrieval alone, no checkpoints."""
    unread = learner(spec).retrieval_options
    return {
        "first_stage": spec.first_stage,
        "options": {name: value for name, value in spec.options.items() if name not in unread},
        "backbone": spec.backbone,
        "start": spec.start,
        "training": spec.training.model_dump(mode="json", exclude={"checkpoint_every"}),
        **own_code("first_stages", spec.first_stage),
        **own_code("negatives", spec.options.get("negatives", "")),
    }
