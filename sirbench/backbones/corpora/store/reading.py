"""Read access to a corpus store: pages, sentences, passages, words, tokens and links."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np

from sirbench.backbones.corpora.store.ragged import row_of
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import check_manifest


class CorpusStore:
    """A store on disk; pages, sentences and words are numbers from 0."""

    def __init__(self, folder: Path):
        if not (folder / "pages.npy").exists():
            raise InputError(f"{folder}: no corpus store here; `sirbench tokenize-corpus` makes one")
        check_manifest(folder)
        self.folder = folder
        try:
            load = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
            self.words = np.memmap(folder / "words", np.uint32, mode="r")
            self.sentence_starts, self.page_starts = load["sentences"], load["pages"]
            self.leads, self.counts = load["leads"], load["counts"]
            self._pieces, self._piece_starts = load["pieces"], load["pieces.offsets"]
            self._links = load["links"], load["links.offsets"]
            self._back = load["back"], load["back.offsets"]
            if self.sentence_starts[-1] != len(self.words):
                raise ValueError("words are missing")
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise InputError(
                f"{folder}: the corpus store is damaged ({error}); delete it to make it again"
            ) from error

    @property
    def pages(self) -> int:
        """The number of pages."""
        return len(self.page_starts) - 1

    @property
    def sentences(self) -> int:
        """The number of sentences of all pages."""
        return len(self.sentence_starts) - 1

    @property
    def has_links(self) -> bool:
        """Whether any page links to another."""
        return len(self._links[0]) > 0

    @property
    def sizes(self) -> dict[str, int]:
        """The number of pages, sentences, words, distinct words and links, for provenance."""
        return {
            "pages": self.pages,
            "sentences": self.sentences,
            "words": len(self.words),
            "vocabulary": len(self.counts),
            "links": len(self._links[0]),
        }

    @cached_property
    def vocabulary(self) -> list[str]:
        """The text of each distinct word."""
        return (self.folder / "vocabulary.txt").read_bytes().decode().split("\n")[:-1]

    def numbers(self, words: Iterable[np.ndarray]) -> np.ndarray:
        """The numbers (int64) of words given as tokens; -1 for a word that the corpus does not have."""
        rows = np.split(np.asarray(self._pieces), self._piece_starts[1:-1])
        known = {row.tobytes(): number for number, row in enumerate(rows)}
        return np.array([known.get(word.astype(np.uint32).tobytes(), -1) for word in words], dtype=np.int64)

    def of_page(self, page: int) -> range:
        """The sentences of a page."""
        return range(int(self.page_starts[page]), int(self.page_starts[page + 1]))

    def lead(self, page: int) -> range:
        """The sentences of a page's first section."""
        start = int(self.page_starts[page])
        return range(start, start + int(self.leads[page]))

    def page_of(self, sentence: int) -> int:
        """The page that a sentence belongs to."""
        return int(np.searchsorted(self.page_starts, sentence, side="right")) - 1

    def words_of(self, chosen: range) -> np.ndarray:
        """The words of sentences, concatenated."""
        return np.asarray(self.words[self.sentence_starts[chosen.start] : self.sentence_starts[chosen.stop]])

    def tokens(self, words: np.ndarray) -> np.ndarray:
        """The tokens (int64) of words, concatenated."""
        starts, lengths = self._piece_starts[words], self._lengths(words)
        ends = lengths.cumsum()
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        pieces: np.ndarray = self._pieces[np.repeat(starts, lengths) + within]
        return pieces.astype(np.int64)

    def tokens_of(self, chosen: range) -> np.ndarray:
        """The tokens (int64) of sentences, concatenated."""
        return self.tokens(self.words_of(chosen))

    def passages(self, page: int, limit: int) -> list[range]:
        """A page's sentences, split greedily into passages of at most `limit` tokens.

        These are the blocks of Lee et al. 2019. A sentence longer than the limit is a passage by itself.
        """
        page_sentences, passages = self.of_page(page), []
        starts = self.sentence_starts[page_sentences.start : page_sentences.stop + 1]
        ends = np.concatenate([[0], self._lengths(self.words_of(page_sentences)).cumsum()])
        lengths = np.diff(ends[starts - starts[0]])
        first, total = page_sentences.start, 0
        for sentence, length in zip(page_sentences, lengths.tolist(), strict=True):
            if total and total + length > limit:
                passages.append(range(first, sentence))
                first, total = sentence, 0
            total += length
        return [*passages, range(first, page_sentences.stop)]

    def links(self, page: int) -> np.ndarray:
        """The pages that a page links to, ascending."""
        return row_of(*self._links, page)

    def linked_from(self, page: int) -> np.ndarray:
        """The pages that link to a page, ascending."""
        return row_of(*self._back, page)

    def are_linked(self, page: int, other: int) -> bool:
        """Whether either page links to the other."""
        return other in self.links(page) or other in self.linked_from(page)

    def linked_pages(self) -> np.ndarray:
        """The pages that some other page links to, ascending."""
        return np.flatnonzero(np.diff(self._back[1]))

    def _lengths(self, words: np.ndarray) -> np.ndarray:
        """The number of tokens of each word."""
        return np.asarray(self._piece_starts[words + np.int64(1)] - self._piece_starts[words])
