"""The words of a corpus that say what a text is about, and their stems."""

import re

import numpy as np
import Stemmer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from sirbench.backbones.corpora.store import CorpusStore

_WORD = re.compile(r"[^\W_]*[^\W\d_][^\W_]*")
"""Letters and digits only, with at least one letter."""


def content_words(corpus: CorpusStore) -> np.ndarray:
    """Whether each word of the vocabulary (words,) is a content word.

    Content words are the words of two or more characters other than scikit-learn's 318 English stop words,
    numbers, punctuation and the tokenizer's unknown word.
    """
    return np.array([_is_content(text.casefold()) for text in corpus.vocabulary], dtype=bool)


def stems(corpus: CorpusStore) -> tuple[np.ndarray, int]:
    """The stem of each word as a number (words,) int64, -1 for no content word; and the number of stems."""
    stem = Stemmer.Stemmer("english").stemWord
    known: dict[str, int] = {}
    numbers = [
        known.setdefault(stem(text.casefold()), len(known)) if content else -1
        for text, content in zip(corpus.vocabulary, content_words(corpus), strict=True)
    ]
    return np.array(numbers, dtype=np.int64), len(known)


def _is_content(text: str) -> bool:
    return len(text) > 1 and text not in ENGLISH_STOP_WORDS and _WORD.fullmatch(text) is not None
