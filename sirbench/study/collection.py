"""The collection of a study: names of `ir_datasets`, files of one's own, or one set of queries to divide."""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sirbench.study.own_files import (
    JudgementFile,
    JudgementFiles,
    Judgements,
    PathOrTextFile,
    Queries,
    TextFiles,
)
from sirbench.study.settings import GivenPath, Settings


class CollectionSettings(Settings):
    """What can be said of every collection, wherever it comes from."""

    exclude_self: bool = False
    """True where queries are documents of the collection and have their ids, as in ArguAna: no query gets
    itself as a candidate, a negative or a positive."""
    incomplete: bool = False
    """True where the collection holds only texts that somebody has retrieved: judgements of other documents
    are expected then, training leaves them out, and tables say how many there are."""
    train_queries: int | None = Field(None, ge=1)
    """How many training queries to keep (those with the lowest sha256 of their id); null keeps all."""
    dev_queries: int | None = Field(None, ge=1)
    """How many dev queries to keep, chosen likewise; null keeps all."""
    validation_queries: int | None = Field(None, ge=2, exclude_if=lambda number: number is None)
    """How many queries of `train` to choose on (learning rates, readings of Eq. 7: `snakemake tune`). Nothing
    is trained on them or their near-duplicates, and no table is about them; null: none."""

    LINKED: ClassVar = ("pydocs", "pydocs-sliver", "pydocs-tools")
    """The collections that come with links between documents: see `sirbench.data.pydocs`."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The sets of queries that the study has: `train`, `dev`, and `validation` where it asks for that."""
        return ("train", "dev") + (("validation",) if self.validation_queries else ())

    @property
    def has_links(self) -> bool:
        """Whether it is known which documents link to which."""
        return self.train.partition("/")[0] in self.LINKED

    @property
    def root(self) -> str:
        """First part of the `ir_datasets` name of the documents."""
        return self.train.partition("/")[0]

    @property
    def folds(self) -> Sequence[int]:
        """Numbers of the folds that the queries come in, from 1; none where dev queries are apart."""
        split: Split | None = getattr(self, "split", None)
        return range(1, ((split and split.folds) or 0) + 1)

    if TYPE_CHECKING:  # fields of one model, properties of the others

        @property
        def train(self) -> str:
            """The `ir_datasets` name of the training queries and judgements."""

        @property
        def dev(self) -> str:
            """The `ir_datasets` name of the dev queries and judgements."""


class Collection(CollectionSettings):
    """The documents, queries and judgements, by their `ir_datasets` names."""

    train: str
    """ir_datasets id whose queries and judgements are trained on, e.g. `msmarco-document/train`."""
    dev: str
    """ir_datasets id whose queries and judgements are evaluated on; the same documents as `train`."""


class Split(Settings):
    """How one set of queries is divided: into training and dev queries, or into folds."""

    dev: float | None = Field(None, gt=0, lt=1, exclude_if=lambda share: share is None)
    """Share of the queries that are evaluated on, about; the others are trained on."""
    by: Literal["hash"] = "hash"
    """`hash`: of the words of queries; near-duplicates are on one side, and a query stays on its side when
    others are added that are not alike. (Of folds, in which order queries come to them.)"""
    folds: int | None = Field(None, ge=2, exclude_if=lambda number: number is None)
    """In place of `dev`: how many folds there are. A cell is a model for each, trained on the queries of the
    others, and every query is evaluated once, by the model of its fold. Near-duplicates are in one fold."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.dev is None) == (self.folds is None):
            raise ValueError("one of `dev` (a share of the queries) and `folds` (a number) has to be given")
        return self


class _Named(CollectionSettings):
    """A collection that gets its `ir_datasets` names here."""

    @property
    def train(self) -> str:
        """The `ir_datasets` name of the training queries and judgements."""
        return f"{self._name}/train"

    @property
    def dev(self) -> str:
        """The `ir_datasets` name of the dev queries and judgements."""
        return f"{self._name}/dev"

    @property
    @abstractmethod
    def _name(self) -> str:
        """What the names of both begin with."""


class OneSet(_Named):
    """A collection of `ir_datasets` that has one set of queries, which is divided."""

    dataset: str
    """ir_datasets id of documents, queries and judgements, e.g. `vaswani`."""
    split: Split

    @property
    def root(self) -> str:
        """First part of the `ir_datasets` name of the documents."""
        return self.dataset.partition("/")[0]

    @property
    def _name(self) -> str:
        return f"split/{self.dataset}-{_digest(self.split.model_dump_json())}"


class OwnCollection(_Named):
    """Documents, queries and judgements in files of one's own."""

    folder: GivenPath | None = None
    """Folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/train.tsv, and qrels/dev.tsv, or test.tsv
    where there is no dev.tsv. Each is plain or compressed."""
    documents: PathOrTextFile | None = None
    """The documents: a path, or a file with named columns; null: those of the folder."""
    queries: Queries | None = None
    """The queries: a file for both splits, or `{train: ..., dev: ...}`; null: those of the folder."""
    qrels: Judgements | None = None
    """The judgements: `{train: ..., dev: ...}`, or one file with `split`; null: those of the folder."""
    split: Split | None = None
    """How the queries are divided, where the judgements are not."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        lacking = [name for name in ("documents", "queries", "qrels") if getattr(self, name) is None]
        if self.folder is None and lacking:
            raise ValueError(
                f"{', '.join(lacking)}: not given; without `folder`, documents, queries and qrels have to be"
            )
        if self.split and isinstance(self.queries, TextFiles):
            raise ValueError("queries: are divided into train and dev already; remove `split`")
        if self.split and isinstance(self.qrels, JudgementFiles):
            raise ValueError("qrels: are divided into train and dev already; remove `split`")
        if isinstance(self.qrels, JudgementFile) and not self.split:
            raise ValueError(
                "qrels: one file of judgements has to be divided: add `split: {dev: 0.2}`, or give "
                "`qrels: {train: ..., dev: ...}`"
            )
        return self

    @property
    def _name(self) -> str:
        place = self.documents.path if self.documents else self.folder
        assert place is not None
        files = self.model_dump_json(include={"folder", "documents", "queries", "qrels", "split"})
        return f"own/{place.name.partition('.')[0]}-{_digest(files)}"


def _shape(spec: object) -> str:
    """Which model a collection of a study is of, by its keys."""
    keys = set(spec) if isinstance(spec, Mapping) else set()
    if isinstance(spec, OwnCollection) or keys & {"folder", "documents", "queries", "qrels"}:
        return "OwnCollection"
    return "OneSet" if isinstance(spec, OneSet) or "dataset" in keys else "Collection"


AnyCollection = Annotated[
    Annotated[Collection, Tag("Collection")]
    | Annotated[OneSet, Tag("OneSet")]
    | Annotated[OwnCollection, Tag("OwnCollection")],
    Discriminator(_shape),
]
"""The collection of a study."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
