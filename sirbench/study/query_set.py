"""A further set of queries: what trained cells are evaluated on beside the study's own dev queries."""

from typing import Self

from pydantic import Field, model_validator

from sirbench.study.collection import CollectionSettings, OwnCollection
from sirbench.study.settings import Label, Settings

HOME = "dev"
"""What the study's own dev queries are called where a set of queries is named."""


class QuerySet(Settings):
    """Queries of another collection, or the study's own with more candidates; nothing is trained on them."""

    collection: str | OwnCollection | None = None
    """ir_datasets id of documents, queries and judgements, e.g. `vaswani` or `beir/nfcorpus/test`; or files
    of one's own, whose dev queries are taken; null: the study's own collection and dev queries."""
    queries: int | None = Field(None, ge=1)
    """How many queries to keep (those with the lowest sha256 of their id); null keeps all. Those that have
    the words of a training query of the study are left out before."""
    candidates: list[str] | None = Field(None, min_length=1)
    """Candidates of the study to retrieve there and re-rank; null: those that the study re-ranks. Given runs
    are of the study's own collection only."""
    depth: int | None = Field(None, ge=2)
    """Documents per query that are re-ranked there; null: the study's depth."""
    exclude_self: bool = False
    """As in `collection`: no query gets itself as a candidate."""
    title: Label | None = None
    """How tables call it; its name if null."""

    @model_validator(mode="after")
    def _says_what_is_read(self) -> Self:
        if not isinstance(self.collection, OwnCollection):
            return self
        beside = {"exclude_self": "`exclude_self`", "dev_queries": "`queries`"}
        for name in sorted(self.collection.model_fields_set & CollectionSettings.model_fields.keys()):
            remedy = f"say {beside[name]} beside `collection`" if name in beside else "remove it"
            raise ValueError(f"collection.{name}: not read of a further set of queries; {remedy}")
        return self

    @property
    def dataset(self) -> str | None:
        """The `ir_datasets` name; None for the study's own dev queries."""
        return self.collection.dev if isinstance(self.collection, OwnCollection) else self.collection


class EvaluatedOnly(CollectionSettings):
    """The collection of a study as it is on a further set of queries: dev queries, and none to train on."""

    dataset: str

    @property
    def train(self) -> str:
        """The `ir_datasets` name of the documents."""
        return self.dataset

    @property
    def dev(self) -> str:
        """The `ir_datasets` name of queries and judgements."""
        return self.dataset

    @property
    def splits(self) -> tuple[str, ...]:
        """The dev queries alone."""
        return (HOME,)
