"""The vocabulary of a corpus store: words as sequences of tokens, numbered in order of first occurrence."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sirbench.backbones.corpora.store.ragged import starts_of
from sirbench.data.documents import normalise

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Vocabulary:
    """Distinct words and how often each occurs."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase"):
        self.tokenizer = tokenizer
        self.known: dict[bytes, int] = {}
        self.counts = np.zeros(0, dtype=np.int64)

    def count(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The words of all texts, concatenated (uint32), and the number of words of each text."""
        if not texts:
            return np.zeros(0, np.uint32), np.zeros(0, np.int64)
        pieces, starts, lengths = split_words(self.tokenizer, texts)
        content, known = pieces.tobytes(), self.known
        cuts = [*(starts * 4).tolist(), len(content)]
        numbers = np.fromiter(
            (known.setdefault(content[a:b], len(known)) for a, b in pairwise(cuts)), np.uint32, len(starts)
        )
        counts = np.bincount(numbers, minlength=len(known))
        counts[: len(self.counts)] += self.counts
        self.counts = counts
        return numbers, lengths

    def write(self, folder: Path) -> None:
        """Save the tokens, texts and counts of all words."""
        rows = [np.frombuffer(word, dtype=np.uint32) for word in self.known]
        np.save(folder / "pieces.npy", np.concatenate(rows))
        np.save(folder / "pieces.offsets.npy", starts_of([len(row) for row in rows]))
        np.save(folder / "counts.npy", self.counts)
        texts = self.tokenizer.batch_decode(
            [row.tolist() for row in rows], clean_up_tokenization_spaces=False
        )
        lines = "".join(f"{normalise(text)}\n" for text in texts)
        (folder / "vocabulary.txt").write_bytes(lines.encode())


def split_words(
    tokenizer: "PreTrainedTokenizerBase", texts: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tokens of all texts, concatenated (uint32), where each word starts, and each text's word count."""
    encodings = tokenizer(texts, add_special_tokens=False, verbose=False).encodings
    ids = np.concatenate([np.array(one.ids, dtype=np.uint32) for one in encodings])
    lengths = np.array([len(one.ids) for one in encodings])
    text = np.repeat(np.arange(len(texts)), lengths)
    word = np.concatenate([np.array(one.word_ids, dtype=np.int64) for one in encodings])
    new = np.ones(len(ids), dtype=bool)
    new[1:] = (text[1:] != text[:-1]) | (word[1:] != word[:-1])
    return ids, np.flatnonzero(new), np.bincount(text[new], minlength=len(texts))
