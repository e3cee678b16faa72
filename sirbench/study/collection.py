"""The collection of a study: documents, queries and judgements by their `ir_datasets` names."""

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
