"""Random texts and models of random weights: as large as real ones, and made in seconds."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, PreTrainedModel

from sirbench.data.tokens import TokenPairs, Tokens, pair_template
from sirbench.fine_tuning.blocks import TrainingQuery

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = 30522
"""BERT's."""
MODELS = {
    "MiniLM": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    "BERT-base": {"hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072},
    "tiny": {"hidden_size": 24, "num_hidden_layers": 2, "intermediate_size": 48},
}
"""By name; 12 heads each. MiniLM is of the size of all-MiniLM-L6-v2."""
MEDIAN, SPREAD = 300, 0.8
"""Tokens of documents: their median, and the standard deviation of their logarithm."""
QUERY = (3, 13)
"""Tokens of queries: the fewest, and one more than the most."""
DEPTH = 100


class Texts(NamedTuple):
    """Queries and, for each in turn, `DEPTH` documents, each as the numbers of its words."""

    queries: Sequence[np.ndarray]
    documents: Sequence[np.ndarray]

    def pairs(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of queries and of documents of the first pairs."""
        rows = np.arange(count)
        return rows // DEPTH, rows

    def training_queries(self) -> list[TrainingQuery]:
        """Every query with its documents; the first is the positive."""
        ranks = np.arange(1, DEPTH)
        starts = [DEPTH * row for row in range(len(self.queries))]
        return [
            TrainingQuery(f"q{row}", row, np.array([start]), start + ranks, ranks)
            for row, start in enumerate(starts)
        ]


class DrawnTokens(Tokens):
    """Texts in memory."""

    def __init__(self, texts: Sequence[np.ndarray]):
        self.tokens = np.concatenate(texts)
        self.offsets = np.array([0, *map(len, texts)]).cumsum()


class Store(TokenPairs):
    """Texts as pairs of at most so many tokens, as the tokenizer would make them."""

    def __init__(self, texts: Texts, max_tokens: int):
        self.template = pair_template(tokenizer(), max_tokens)
        self.queries, self.documents = DrawnTokens(texts.queries), DrawnTokens(texts.documents)


def draw_texts(queries: int) -> Texts:
    """The same at every call."""
    draw = np.random.default_rng(1)
    lengths = np.exp(draw.normal(np.log(MEDIAN), SPREAD, queries * DEPTH)).round().astype(int).clip(1, 2000)

    def words(count: int) -> np.ndarray:
        return draw.integers(len(SPECIAL), VOCABULARY, count)

    return Texts([words(count) for count in draw.integers(*QUERY, queries)], [words(n) for n in lengths])


def as_text(words: np.ndarray) -> str:
    """What the tokenizer makes these words of."""
    return " ".join(f"w{word}" for word in words)


def tokenizer() -> BertTokenizerFast:
    """Of a vocabulary in which every word is one token."""
    names = [*SPECIAL, *(f"w{number}" for number in range(len(SPECIAL), VOCABULARY))]
    return BertTokenizerFast(vocab={name: number for number, name in enumerate(names)})


def make_model(name: str) -> PreTrainedModel:
    """A BERT with BERT's dropout; its head is spread so that scores differ, as a trained one's do."""
    torch.manual_seed(1)
    config = BertConfig(vocab_size=VOCABULARY, num_attention_heads=12, num_labels=1, **MODELS[name])
    model = BertForSequenceClassification(config)
    model.classifier.weight.data *= 100
    return model


def save(model: PreTrainedModel, folder: Path) -> None:
    """Checkpoint and tokenizer, for whoever reads them from a folder."""
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)


def operations(model: PreTrainedModel, lengths: np.ndarray) -> float:
    """Floating-point operations of a forward pass over inputs of these lengths, padding not counted.

    2 per weight of the layers' matrices and token, and 4 n^2 h per layer for attention's two products
    (as counted by Kaplan et al., arXiv 2001.08361, Table 1).
    """
    config, n = model.config, lengths.astype(float)
    h = config.hidden_size
    of_tokens = 2 * n * (4 * h * h + 2 * h * config.intermediate_size)
    return float((config.num_hidden_layers * (of_tokens + 4 * n * n * h)).sum())
