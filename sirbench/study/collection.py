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
    validation_queries: int | None = Field(None, ge=2, exclude_if=lambda number: number is None)
    """How many queries of `train` to choose on (learning rates, readings of Eq. 7: `snakemake tune`). Nothing
    is trained on them or their near-duplicates, and no table is about them; null: none."""

    LINKED: ClassVar = ("pydocs", "pydocs-sliver")
    """The collections that come with links between documents: see `sirbench.data.pydocs`."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The sets of queries that the study has: `train`, `dev`, and `validation` where it asks for that."""
        return ("train", "dev") + (("validation",) if self.validation_queries else ())

    @property
    def has_links(self) -> bool:
        """Whether it is known which documents link to which."""
        return self.train.partition("/")[0] in self.LINKED
