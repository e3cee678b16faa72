"""Groups: a query and documents, as tokens that were drawn just now, scored by the cross-encoder."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from sirbench.backbones.objectives import Material
from sirbench.data.tokens import Template, TokenPairs
from sirbench.encoding.cross_encoder import CrossEncoder


class Group(NamedTuple):
    """A query and the documents it is compared with; which one is the best, the objective says."""

    query: np.ndarray
    documents: Sequence[np.ndarray]


class DrawnTable:
    """Texts in memory, by row, in place of a table on disk."""

    def __init__(self, texts: Sequence[np.ndarray]):
        self.texts = texts
        self.all_lengths = np.array([len(text) for text in texts], dtype=np.int64)

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Tokens of each row."""
        return self.all_lengths[rows]

    def __getitem__(self, row: int) -> np.ndarray:
        return self.texts[row]


class DrawnPairs(TokenPairs):
    """Pairs of texts in memory."""

    def __init__(self, template: Template, queries: Sequence[np.ndarray], documents: Sequence[np.ndarray]):
        self.template = template
        self.queries, self.documents = DrawnTable(queries), DrawnTable(documents)


def score_groups(material: Material, groups: Sequence[Group]) -> Tensor:
    """Scores (groups, documents), float32, of groups of one size. Queries are cut to their cap."""
    sizes = {len(group.documents) for group in groups}
    assert len(sizes) == 1, sizes
    (size,) = sizes
    pairs = DrawnPairs(
        material.template,
        [group.query[: material.max_query_tokens] for group in groups],
        [document for group in groups for document in group.documents],
    )
    encoder = CrossEncoder(
        material.model,
        pairs,
        chunk_tokens=material.compute.chunk_tokens,
        precision=material.compute.precision,
    )
    queries = np.arange(len(groups)).repeat(size)
    documents = np.arange(len(groups) * size)
    how = "cached" if material.compute.gradient_cache else "kept"
    return encoder.score(queries, documents, how).view(len(groups), size)
