"""Groups of a query and documents, drawn from a corpus as tokens and scored by the cross-encoder."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sirbench.backbones.objectives import Material
from sirbench.data.tokens import Template, TokenPairs, Tokens
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.strategies.losses.cross_entropy import CrossEntropy


class Group(NamedTuple):
    """A query and the documents to score for it; the objective defines which of them is the best."""

    query: np.ndarray
    documents: Sequence[np.ndarray]


class DrawnTokens(Tokens):
    """The tokens of texts in memory instead of on disk."""

    def __init__(self, texts: Sequence[np.ndarray]):
        self.tokens = np.concatenate(texts)
        self.offsets = np.array([0, *map(len, texts)], dtype=np.int64).cumsum()


class DrawnPairs(TokenPairs):
    """Pairs of texts in memory."""

    def __init__(self, template: Template, queries: Sequence[np.ndarray], documents: Sequence[np.ndarray]):
        self.template = template
        self.queries, self.documents = DrawnTokens(queries), DrawnTokens(documents)


def score_groups(material: Material, groups: Sequence[Group]) -> Tensor:
    """Scores (groups, documents), float32, of groups of one size. Queries are cut to their cap."""
    sizes = {len(group.documents) for group in groups}
    assert len(sizes) == 1, sizes
    (size,) = sizes
    model, compute = material.model, material.compute
    pairs = DrawnPairs(
        material.template,
        [group.query[: material.max_query_tokens] for group in groups],
        [document for group in groups for document in group.documents],
    )
    encoder = CrossEncoder(model, pairs, chunk_tokens=compute.chunk_tokens, precision=compute.precision)
    queries = np.arange(len(groups)).repeat(size)
    documents = np.arange(len(groups) * size)
    return encoder.score(queries, documents, compute.gradient).view(len(groups), size)


def first_is_best(scores: Tensor) -> Tensor:
    """The mean softmax cross entropy of each group's first document, of scores (groups, documents)."""
    return CrossEntropy()(scores, torch.ones_like(scores, dtype=torch.bool)).mean()
