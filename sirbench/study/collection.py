"""The collection of a study: documents, queries and judgements by their `ir_datasets` names."""

from typing import ClassVar

from pydantic import Field

from sirbench.study.settings import Settings


class Collection(Settings):
    """The documents, queries and judgements, by their `ir_datasets` names."""

    train: str
    """ir_datasets id whose queries and judgements are trained on, e.g. `msmarco-document/train`."""
    dev: str
    """ir_datasets id whose queries and judgements are evaluated on; the same documents as `train`."""
    train_queries: int | None = Field(None, ge=1)
    """How many training queries to keep (those with the lowest sha256 of their id); null keeps all."""
    dev_queries: int | None = Field(None, ge=1)
    """How many dev queries to keep, chosen likewise; null keeps all."""

    LINKED: ClassVar = ("pydocs", "pydocs-sliver")
    """The collections that come with links between documents: see `sirbench.data.pydocs`."""

    @property
    def has_links(self) -> bool:
        """Whether it is known which documents link to which."""
        return self.train.partition("/")[0] in self.LINKED
