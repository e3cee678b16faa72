"""The corpus store: a corpus in the words of a tokenizer, memory-mapped, built once in a stream.

A page is a row of sentences, a sentence a row of words, a word a row of the tokenizer's pieces, so that an
objective can take sentences out of passages and words out of documents and still knows every token. A store
is a folder per (corpus, tokenizer):

    words            uint32: the words of all sentences on end, as numbers of the vocabulary
    sentences.npy    where each sentence starts in words; one more than sentences
    pages.npy        where each page starts in sentences; one more than pages
    leads.npy        sentences of each page's first section
    pieces.npy, pieces.offsets.npy, vocabulary.txt, counts.npy
                     tokens, text and number of occurrences of each word
    links.npy, links.offsets.npy, back.npy, back.offsets.npy
                     pages that each page links to, and pages that link to it, in rising order

A Wikipedia of 2.5 billion words, as BERT was trained on, is 10 GB on disk. In memory while it is built are
its distinct words and the hashes of names: at 64 bits each, two of 17 million titles are equal with a
probability of 1 in 100,000.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sirbench.backbones.corpora import Page, Redirect
from sirbench.backbones.corpora.sentences import sentences
from sirbench.machine.atomic import atomic_folder
from sirbench.machine.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH = 1000
"""Pages that are tokenised at a time."""


class CorpusStore:
    """Read access to a store."""

    def __init__(self, folder: Path):
        if not (folder / "pages.npy").exists():
            raise InputError(f"{folder}: no corpus store here; `sirbench tokenize-corpus` makes one")
        try:
            load = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
            self.words = np.memmap(folder / "words", np.uint32, mode="r")
            self.sentence_starts, self.page_starts = load["sentences"], load["pages"]
            self.leads, self.counts = load["leads"], load["counts"]
            self._pieces, self._piece_starts = load["pieces"], load["pieces.offsets"]
            self._links = load["links"], load["links.offsets"]
            self._back = load["back"], load["back.offsets"]
            fits = self.sentence_starts[-1] == len(self.words)
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise InputError(
                f"{folder}: corpus store is damaged ({error}); delete it to make it again"
            ) from error
        if not fits:
            raise InputError(
                f"{folder}: corpus store is damaged (words are missing); delete it to make it again"
            )
        self.folder = folder

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return len(self.page_starts) - 1

    @property
    def sentences(self) -> int:
        """How many sentences there are, over all pages."""
        return len(self.sentence_starts) - 1

    @property
    def has_links(self) -> bool:
        """Whether any page links to another."""
        return len(self._links[0]) > 0

    @property
    def sizes(self) -> dict[str, int]:
        """How much of everything there is, for provenance."""
        return {
            "pages": self.pages,
            "sentences": self.sentences,
            "words": len(self.words),
            "vocabulary": len(self.counts),
            "links": len(self._links[0]),
        }

    @cached_property
    def vocabulary(self) -> list[str]:
        """The text of each word."""
        return (self.folder / "vocabulary.txt").read_bytes().decode().split("\n")[:-1]

    def numbers(self, words: Iterable[np.ndarray]) -> np.ndarray:
        """The numbers (int64) of words given as tokens; -1 for one that the corpus does not have."""
        rows = np.split(np.asarray(self._pieces), self._piece_starts[1:-1])
        known = {row.tobytes(): number for number, row in enumerate(rows)}
        return np.array([known.get(word.astype(np.uint32).tobytes(), -1) for word in words], dtype=np.int64)

    def of_page(self, page: int) -> range:
        """The numbers of a page's sentences, over all pages."""
        return range(int(self.page_starts[page]), int(self.page_starts[page + 1]))

    def lead(self, page: int) -> range:
        """Those of its first section."""
        start = int(self.page_starts[page])
        return range(start, start + int(self.leads[page]))

    def page_of(self, sentence: int) -> int:
        """The page that a sentence stands on."""
        return int(np.searchsorted(self.page_starts, sentence, side="right")) - 1

    def words_of(self, chosen: range) -> np.ndarray:
        """The words of sentences on end, as numbers of the vocabulary."""
        return np.asarray(self.words[self.sentence_starts[chosen.start] : self.sentence_starts[chosen.stop]])

    def tokens(self, words: np.ndarray) -> np.ndarray:
        """The tokens (int64) of words on end."""
        starts, lengths = self._piece_starts[words], self._lengths(words)
        ends = lengths.cumsum()
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        return self._pieces[np.repeat(starts, lengths) + within].astype(np.int64)

    def tokens_of(self, chosen: range) -> np.ndarray:
        """The tokens of sentences on end."""
        return self.tokens(self.words_of(chosen))

    def passages(self, page: int, limit: int) -> list[range]:
        """A page's sentences cut into passages of at most `limit` tokens, greedily from the first on.

        So are Lee et al. 2019's blocks. A sentence that is longer than the limit is a passage by itself.
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
        """The pages that a page links to, rising."""
        return _row(*self._links, page)

    def linked_from(self, page: int) -> np.ndarray:
        """The pages that link to a page, rising."""
        return _row(*self._back, page)

    def are_linked(self, page: int, other: int) -> bool:
        """Whether either page links to the other."""
        return other in self.links(page) or other in self.linked_from(page)

    def linked_pages(self) -> np.ndarray:
        """The pages that some other page links to."""
        return np.flatnonzero(np.diff(self._back[1]))

    def _lengths(self, words: np.ndarray) -> np.ndarray:
        return self._piece_starts[words + np.int64(1)] - self._piece_starts[words]


def _row(values: np.ndarray, starts: np.ndarray, row: int) -> np.ndarray:
    return np.asarray(values[starts[row] : starts[row + 1]])


def build_corpus_store(
    folder: Path, tokenizer: "PreTrainedTokenizerBase", corpus: Iterable[Page | Redirect]
) -> None:
    """Write a new store at `folder`; `InputError` for a corpus without a sentence or with a page twice."""
    with atomic_folder(folder) as temporary:
        words, names = _Words(tokenizer), _Names()
        sentence_lengths: list[np.ndarray] = []
        page_lengths: list[int] = []
        leads: list[int] = []
        with (temporary / "words").open("wb") as file:
            for batch in _batches(corpus, names):
                texts = []
                for page in batch:
                    lead = [text for paragraph in page.lead for text in sentences(paragraph)]
                    body = [text for paragraph in page.body for text in sentences(paragraph)]
                    if not lead and not body:
                        continue
                    names.add(page)
                    texts += [*lead, *body]
                    leads.append(len(lead) or len(body))
                    page_lengths.append(len(lead) + len(body))
                numbers, lengths = words.numbers(texts)
                file.write(numbers.tobytes())
                sentence_lengths.append(lengths)
        if not page_lengths:
            raise InputError(f"{folder}: the corpus has no page with a sentence")
        np.save(temporary / "sentences.npy", _starts(np.concatenate(sentence_lengths)))
        np.save(temporary / "pages.npy", _starts(np.array(page_lengths)))
        np.save(temporary / "leads.npy", np.array(leads, dtype=np.int64))
        words.write(temporary)
        names.write(temporary)


def _batches(corpus: Iterable[Page | Redirect], names: "_Names") -> Iterator[list[Page]]:
    """Pages in batches; redirects are noted on the way."""
    batch: list[Page] = []
    for entry in corpus:
        if isinstance(entry, Redirect):
            names.redirect(entry)
            continue
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


class _Words:
    """Words as numbers, in the order in which they first occur."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase"):
        self.tokenizer = tokenizer
        self.known: dict[bytes, int] = {}
        self.counts = np.zeros(0, dtype=np.int64)

    def numbers(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The words of all texts on end (uint32), and how many each text has."""
        if not texts:
            return np.zeros(0, np.uint32), np.zeros(0, np.int64)
        pieces, starts, lengths = split_words(self.tokenizer, texts)
        content, known = pieces.tobytes(), self.known
        ends = [*(starts[1:] * 4).tolist(), len(content)]
        numbers = np.fromiter(
            (
                known.setdefault(content[a:b], len(known))
                for a, b in zip((starts * 4).tolist(), ends, strict=True)
            ),
            dtype=np.uint32,
            count=len(starts),
        )
        counts = np.bincount(numbers, minlength=len(known))
        counts[: len(self.counts)] += self.counts
        self.counts = counts
        return numbers, lengths

    def write(self, folder: Path) -> None:
        """Save pieces, texts and counts."""
        rows = [np.frombuffer(word, dtype=np.uint32) for word in self.known]
        np.save(folder / "pieces.npy", np.concatenate(rows))
        np.save(folder / "pieces.offsets.npy", _starts(np.array([len(row) for row in rows])))
        np.save(folder / "counts.npy", self.counts)
        texts = self.tokenizer.batch_decode(
            [row.tolist() for row in rows], clean_up_tokenization_spaces=False
        )
        lines = "".join(" ".join(text.split()) + "\n" for text in texts)
        (folder / "vocabulary.txt").write_bytes(lines.encode())


def split_words(
    tokenizer: "PreTrainedTokenizerBase", texts: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens of all texts on end (uint32), where each word starts in them, and the words of each text."""
    encodings = tokenizer(texts, add_special_tokens=False, verbose=False).encodings
    ids = np.concatenate([np.array(one.ids, dtype=np.uint32) for one in encodings])
    lengths = np.array([len(one.ids) for one in encodings])
    text = np.repeat(np.arange(len(texts)), lengths)
    word = np.concatenate([np.array(one.word_ids, dtype=np.int64) for one in encodings])
    new = np.ones(len(ids), dtype=bool)
    new[1:] = (text[1:] != text[:-1]) | (word[1:] != word[:-1])
    return ids, np.flatnonzero(new), np.bincount(text[new], minlength=len(texts))


class _Names:
    """Names of pages and what they link to, as 64-bit hashes until every name is known."""

    def __init__(self):
        self.pages: list[int] = []
        self.link_lengths: list[int] = []
        self.targets: list[np.ndarray] = []
        self.redirects: list[tuple[int, int]] = []

    def add(self, page: Page) -> None:
        """Note a page's name and links."""
        self.pages.append(_hash(page.name))
        targets = np.array(list({_hash(name) for name in page.links}), dtype=np.uint64)
        self.targets.append(np.sort(targets))
        self.link_lengths.append(len(targets))

    def redirect(self, entry: Redirect) -> None:
        """Note another name of a page."""
        self.redirects.append((_hash(entry.name), _hash(entry.target)))

    def write(self, folder: Path) -> None:
        """Resolve and save the links, both ways: redirects followed twice, links to itself left out."""
        pages = np.array(self.pages, dtype=np.uint64)
        if len(np.unique(pages)) < len(pages):
            raise InputError(f"{folder}: the corpus has two pages of one name")
        targets = np.concatenate(self.targets)
        sources = np.repeat(np.arange(len(pages)), self.link_lengths)
        redirects = np.array(self.redirects, dtype=np.uint64).reshape(-1, 2)
        for _ in range(2):
            found, where = _look_up(targets, redirects[:, 0])
            targets[found] = redirects[where, 1]
        found, where = _look_up(targets, pages)
        other = sources[found] != where
        ends = sources[found][other], where[other]
        for name, (rows, values) in (("links", ends), ("back", ends[::-1])):
            rows, values = np.divmod(np.unique(rows * len(pages) + values), len(pages))
            np.save(folder / f"{name}.npy", values.astype(np.uint32))
            np.save(folder / f"{name}.offsets.npy", _starts(np.bincount(rows, minlength=len(pages))))


def _look_up(wanted: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in `wanted` there is something known, and its place in `known`."""
    order = np.argsort(known, kind="stable")
    places = np.searchsorted(known, wanted, sorter=order)
    candidates = order[np.minimum(places, max(0, len(known) - 1))] if len(known) else places * 0
    found = np.flatnonzero(known[candidates] == wanted) if len(known) else np.zeros(0, np.int64)
    return found, candidates[found]


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], lengths]).cumsum().astype(np.int64)


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
