"""Words of a corpus that say what a text is about, and their stems."""

import re

import numpy as np
import Stemmer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from sirbench.backbones.corpora.store import CorpusStore

_WORD = re.compile(r"[^\W_]*[^\W\d_][^\W_]*")
"""Letters and digits alone, with a letter among them; two characters or more are asked for besides."""


def content_words(corpus: CorpusStore) -> np.ndarray:
    """Whether each word of the vocabulary is a content word, bool: no stop word, no number, no punctuation.

    The stop words are scikit-learn's 318 English ones, the tokenizer's unknown word not being a word either.
    """
    return np.array([_is_content(text.casefold()) for text in corpus.vocabulary], dtype=bool)


def stems(corpus: CorpusStore) -> tuple[np.ndarray, int]:
    """The number of each word's stem (int64, -1 if it is no content word), and how many stems there are."""
    stem = Stemmer.Stemmer("english").stemWord
    known: dict[str, int] = {}
    numbers = [
        known.setdefault(stem(text.casefold()), len(known)) if content else -1
        for text, content in zip(corpus.vocabulary, content_words(corpus), strict=True)
    ]
    return np.array(numbers, dtype=np.int64), len(known)


def _is_content(text: str) -> bool:
    return len(text) > 1 and text not in ENGLISH_STOP_WORDS and _WORD.fullmatch(text) is not None
