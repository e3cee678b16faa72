"""The words of a text, the same for every lexical first stage.

Words are lower-cased runs of two or more word characters, without Lucene's English stopwords, stemmed by
Snowball's English stemmer. Stems are numbered in order of first occurrence.
"""

import re
from typing import NamedTuple

import numpy as np
import Stemmer
from bm25s.stopwords import STOPWORDS_EN

WORD = re.compile(r"\w\w+")


class Spans(NamedTuple):
    """The words of one text in the order of the text, each array (words,) int64."""

    numbers: np.ndarray
    starts: np.ndarray
    """Where each word starts, in characters of the lower-cased text."""
    ends: np.ndarray
    """Where each word ends (exclusive)."""


class Words:
    """A vocabulary of stems that grows with the documents and is looked up by the queries."""

    def __init__(self) -> None:
        self.stems: dict[str, int] = {}
        """The number of each stem."""
        # Every word that was seen, so that it is stemmed once; None for a stopword.
        self._numbers: dict[str, int | None] = dict.fromkeys(STOPWORDS_EN)
        self._stem = Stemmer.Stemmer("english").stemWord

    def __len__(self) -> int:
        return len(self.stems)

    def learn(self, text: str) -> list[int]:
        """The numbers of the text's words, in order and as often as they occur; new stems get new numbers."""
        numbers = (self._learn(word) for word in WORD.findall(text.lower()))
        return [number for number in numbers if number is not None]

    def learn_spans(self, text: str) -> Spans:
        """The same, with the position of every word in `text.lower()`."""
        found = [(self._learn(match[0]), *match.span()) for match in WORD.finditer(text.lower())]
        kept = np.array([span for span in found if span[0] is not None], dtype=np.int64).reshape(-1, 3)
        return Spans(*kept.T)

    def known(self, text: str) -> list[int]:
        """The numbers of the text's words whose stems are known, in order and as often as they occur."""
        words = (word for word in WORD.findall(text.lower()) if self._numbers.get(word, 0) is not None)
        numbers = (self.stems.get(self._stem(word)) for word in words)
        return [number for number in numbers if number is not None]

    def _learn(self, word: str) -> int | None:
        if word not in self._numbers:
            self._numbers[word] = self.stems.setdefault(self._stem(word), len(self.stems))
        return self._numbers[word]
