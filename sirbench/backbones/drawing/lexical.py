"""BM25 over the texts of a corpus store, for objectives that learn from it.

bm25s indexes the stems of the corpus's words. Formula and parameters are those of the first stage `bm25`, but
words are those of the tokenizer. The index stays in memory: about 8 bytes per pair of a text and a stem in
it.
"""

from collections.abc import Sequence

import bm25s
import numpy as np
from tqdm import tqdm

from sirbench.backbones.corpora.store import CorpusStore
from sirbench.backbones.drawing.words import stems
from sirbench.machine.errors import InputError

K1, B = 0.9, 0.4


class Lexical:
    """An index of texts; each text is a range of sentences of the corpus."""

    def __init__(self, corpus: CorpusStore, texts: Sequence[range]):
        self.texts = texts
        self.stems, count = stems(corpus)
        if not count:
            raise InputError(f"{corpus.folder}: there is no word in it but stop words")
        numbers = [
            self.stems_of(corpus.words_of(text)).tolist()
            for text in tqdm(texts, "bm25: reading the corpus", unit=" texts", delay=2)
        ]
        self.index = bm25s.BM25(method="lucene", k1=K1, b=B)
        vocabulary = {str(stem): stem for stem in range(count)}
        self.index.index((numbers, vocabulary), create_empty_token=False, show_progress=False)

    @classmethod
    def of_pages(cls, corpus: CorpusStore) -> "Lexical":
        """An index whose texts are whole pages; the row of a text is its page."""
        return cls(corpus, [corpus.of_page(page) for page in range(corpus.pages)])

    @classmethod
    def of_passages(cls, corpus: CorpusStore, limit: int) -> "Lexical":
        """An index of passages of at most `limit` tokens."""
        return cls(
            corpus, [passage for page in range(corpus.pages) for passage in corpus.passages(page, limit)]
        )

    def stems_of(self, words: np.ndarray) -> np.ndarray:
        """The stems of words, as numbers, without the words that are not content words."""
        numbers: np.ndarray = self.stems[words]
        return numbers[numbers >= 0]

    def scores(self, words: np.ndarray) -> np.ndarray:
        """The scores (texts,) float32 of all texts for the words of a query."""
        numbers = self.stems_of(words)
        if not len(numbers):
            return np.zeros(len(self.texts), dtype=np.float32)
        scores: np.ndarray = self.index.get_scores_from_ids(numbers.tolist())
        return scores

    def best(self, words: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `depth` texts with the highest positive scores, best first; and the scores of all."""
        scores = self.scores(words)
        depth = min(depth, len(scores))
        rows = np.argpartition(-scores, depth - 1)[:depth]
        rows = rows[np.lexsort((rows, -scores[rows]))]
        return rows[scores[rows] > 0], scores
