"""The token store: every document and query tokenised once, memory-mapped, shared by all cells.

A store is a folder per (collection, tokenizer). For `documents` and for `queries` it holds `*.tokens` (the
token ids of all texts, concatenated), `*.offsets.npy` (where each text starts; one more than texts) and
`*.ids` (one id per line); `template.json` says how a pair is put together.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object
from sirbench.machine.manifest import check_manifest, recorded_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


Starts = np.ndarray | int
"""Columns or tokens (rows,) to begin at, or one for all rows."""


class Template(NamedTuple):
    """The special tokens around a pair, and the token types of its two texts."""

    before: list[int]
    between: list[int]
    after: list[int]
    query_type: int
    document_type: int
    padding: int
    max_tokens: int

    @property
    def special(self) -> int:
        """The number of special tokens in a pair."""
        return len(self.before) + len(self.between) + len(self.after)

    @property
    def special_of_single(self) -> int:
        """How many special tokens a text alone has."""
        return len(self.before) + len(self.after)

    def singles(self, texts: Sequence[np.ndarray]) -> "PairBatch":
        """Texts, given as their tokens, each alone between special tokens; padded to the longest."""
        counts = np.array([len(text) for text in texts], dtype=np.int64)
        lengths = counts + self.special_of_single
        input_ids, attention = _blank(lengths, self.padding)
        _fill(input_ids, 0, self.before)
        _fill_each(input_ids, len(self.before), counts, np.concatenate([*texts, NOTHING]))
        _fill(input_ids, lengths - len(self.after), self.after)
        return PairBatch(input_ids, attention, np.where(attention == 1, self.query_type, 0))


class Tokens:
    """The tokens of many texts by row."""

    tokens: np.ndarray
    """Of all texts, one after the other."""
    offsets: np.ndarray
    """Where each text starts, and the end of the last."""

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """The number of tokens of each row."""
        lengths: np.ndarray = self.offsets[rows + 1] - self.offsets[rows]
        return lengths

    def parts(self, rows: np.ndarray, counts: np.ndarray, starts: Starts = 0) -> np.ndarray:
        """`counts` (rows,) tokens of each row from its start on, one after the other."""
        parts: np.ndarray = self.tokens[_runs(self.offsets[rows] + starts, counts)]
        return parts

    def __getitem__(self, row: int) -> np.ndarray:
        return np.asarray(self.tokens[self.offsets[row] : self.offsets[row + 1]])


class TokenTable(Tokens):
    """Those of a store's documents or queries, and the rows of ids."""

    def __init__(self, folder: Path, name: str, dtype: str):
        text = (folder / f"{name}.ids").read_bytes().decode()
        self.ids = pd.Index(text.split("\n")[:-1], dtype="str")
        self.offsets = np.load(folder / f"{name}.offsets.npy", mmap_mode="r")
        path = folder / f"{name}.tokens"
        # An empty file cannot be mapped.
        self.tokens = np.memmap(path, dtype, mode="r") if path.stat().st_size else np.empty(0, dtype)
        if len(self.offsets) != len(self.ids) + 1 or self.offsets[-1] != len(self.tokens):
            raise ValueError(f"{name}: ids, offsets and tokens do not match")

    def rows(self, ids: Sequence[str] | np.ndarray) -> np.ndarray:
        """The rows (int64) of ids. Raises InputError for an unknown id."""
        rows = self.ids.get_indexer(pd.Index(np.asarray(ids, dtype=object), dtype="str"))
        if (rows < 0).any():
            missing = ids[int((rows < 0).argmax())]
            raise InputError(f"{missing!r} is not in the token store; was the collection changed since?")
        return rows


class MemoryTable(Tokens):
    """The tokens of texts in memory instead of on disk, and the rows of ids where they have any."""

    def __init__(self, texts: Sequence[np.ndarray], ids: Iterable[str] = ()):
        self.tokens = np.concatenate([np.empty(0, dtype=np.int64), *texts])
        self.offsets = np.array([0, *map(len, texts)], dtype=np.int64).cumsum()
        self.rows_of = {text_id: row for row, text_id in enumerate(ids)}

    def rows(self, ids: Iterable[str]) -> np.ndarray:
        """The rows (int64) of ids, all of which are known."""
        return np.array([self.rows_of[text_id] for text_id in ids], dtype=np.int64)


class PairBatch(NamedTuple):
    """Padded pairs or single texts; each array is (pairs, tokens), int64."""

    input_ids: np.ndarray
    attention_mask: np.ndarray
    token_type_ids: np.ndarray


class TokenPairs:
    """Pairs from two tables of texts (`Tokens`), as padded batches."""

    template: Template
    queries: Any
    documents: Any

    def pair_lengths(self, queries: np.ndarray, documents: np.ndarray, starts: Starts = 0) -> np.ndarray:
        """The number of tokens of each pair of rows after truncation, special tokens included.

        Of a document the tokens from its start on are read.
        """
        lengths: np.ndarray = self.queries.lengths(queries) + self.documents.lengths(documents) - starts
        return (lengths + self.template.special).clip(max=self.template.max_tokens)

    def pairs(self, queries: np.ndarray, documents: np.ndarray, starts: Starts = 0) -> PairBatch:
        """The pairs of rows as one batch, padded to its longest pair; only documents are truncated."""
        template, lengths = self.template, self.pair_lengths(queries, documents, starts)
        asked = self.queries.lengths(queries)
        start = len(template.before) + asked + len(template.between)
        told = lengths - len(template.after) - start
        input_ids, attention = _blank(lengths, template.padding)
        _fill(input_ids, 0, template.before)
        _fill_each(input_ids, len(template.before), asked, self.queries.parts(queries, asked))
        _fill(input_ids, start - len(template.between), template.between)
        _fill_each(input_ids, start, told, self.documents.parts(documents, told, starts))
        _fill(input_ids, start + told, template.after)
        first = np.arange(input_ids.shape[1]) < start[:, None]
        types = np.where(first, template.query_type, template.document_type) * attention
        return PairBatch(input_ids, attention, types)


NOTHING = np.empty(0, dtype=np.int64)


def _blank(lengths: np.ndarray, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Padding alone and the attention mask, each (texts, longest) int64, for texts of these lengths."""
    input_ids = np.full((len(lengths), int(lengths.max(initial=0))), padding, dtype=np.int64)
    return input_ids, (np.arange(input_ids.shape[1]) < lengths[:, None]).astype(np.int64)


def _fill(input_ids: np.ndarray, starts: Starts, tokens: Sequence[int]) -> None:
    """Write the same tokens into every row, from its start on."""
    rows = np.arange(len(input_ids))
    for place, token in enumerate(tokens if len(rows) else ()):
        input_ids[rows, starts + place] = token


def _fill_each(input_ids: np.ndarray, starts: Starts, counts: np.ndarray, tokens: np.ndarray) -> None:
    """Write `counts` of the `tokens`, which are those of all rows one after the other, from each start on."""
    rows = np.arange(len(input_ids)) * input_ids.shape[1]
    input_ids.reshape(-1)[_runs(rows + starts, counts)] = tokens


def _runs(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """As many numbers from every start on as counted: 7 8 9 2 3 for starts 7 and 2, counts 3 and 2."""
    before = counts.cumsum() - counts
    runs: np.ndarray = np.repeat(starts - before, counts) + np.arange(counts.sum())
    return runs


class TokenStore(TokenPairs):
    """Read access to a store: rows of queries and documents, and pairs of them as padded batches."""

    def __init__(self, folder: Path):
        if not (folder / "template.json").exists():
            raise InputError(f"{folder}: no token store here; `sirbench tokenize` makes one")
        check_manifest(folder)
        try:
            content = read_object(folder / "template.json")
            self.template = Template(**content["template"])
            self.queries = TokenTable(folder, "queries", content["dtype"])
            self.documents = TokenTable(folder, "documents", content["dtype"])
        except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder}: the token store is damaged ({error}); delete the folder to make it again"
            ) from error

    def with_queries(self, queries: Mapping[str, np.ndarray]) -> TokenPairs:
        """Pairs of its documents with other queries, by id as `tokenize_texts` cuts them."""
        pairs = TokenPairs()
        pairs.template, pairs.documents = self.template, self.documents
        pairs.queries = MemoryTable(list(queries.values()), queries)
        return pairs


def build_token_store(
    folder: Path,
    tokenizer: "PreTrainedTokenizerBase",
    documents: Iterable[tuple[str, str]],
    queries: Iterable[tuple[str, str]],
    *,
    max_tokens: int,
    max_query_tokens: int,
    further_tokens: int = 0,
) -> None:
    """Tokenise (id, text) pairs in a stream into a new store at `folder`; texts are truncated to what fits.

    Of a document so many `further_tokens` are kept, for passages beyond its first.

    Raises InputError for an id that appears twice, and if queries may be so long that documents have no room.
    """
    template = pair_template(tokenizer, max_tokens)
    dtype = np.uint16 if len(tokenizer) <= np.iinfo(np.uint16).max + 1 else np.uint32
    if template.special + max_query_tokens >= max_tokens:
        raise InputError(
            f"input.max_query_tokens={max_query_tokens} and {template.special} special tokens leave no room "
            f"for a document in input.max_tokens={max_tokens}"
        )
    with recorded_folder(folder) as temporary:
        content = {"dtype": np.dtype(dtype).name, "template": template._asdict()}
        (temporary / "template.json").write_text(json.dumps(content, indent=1))
        room = max_tokens - template.special
        _write_table(temporary, "documents", tokenizer, documents, room + further_tokens, dtype)
        _write_table(temporary, "queries", tokenizer, queries, max_query_tokens, dtype)


def pair_template(tokenizer: "PreTrainedTokenizerBase", max_tokens: int) -> Template:
    """The special tokens that the tokenizer puts around a pair, found by tokenising one."""
    left, right = (tokenizer(word, add_special_tokens=False)["input_ids"] for word in ("left", "right"))
    pair = tokenizer("left", "right", return_token_type_ids=True)
    ids, types = pair["input_ids"], pair["token_type_ids"]
    start = _find(ids, left, 0)
    stop = _find(ids, right, start + len(left))
    return Template(
        before=ids[:start],
        between=ids[start + len(left) : stop],
        after=ids[stop + len(right) :],
        query_type=types[start],
        document_type=types[stop],
        padding=tokenizer.pad_token_id,
        max_tokens=max_tokens,
    )


def _find(ids: list[int], part: list[int], start: int) -> int:
    for i in range(start, len(ids)):
        if ids[i : i + len(part)] == part:
            return i
    raise InputError(
        f"the tokenizer changes the tokens of a text that is part of a pair: {part} is not in {ids}"
    )


def _write_table(
    folder: Path,
    name: str,
    tokenizer: "PreTrainedTokenizerBase",
    texts: Iterable[tuple[str, str]],
    limit: int,
    dtype: type,
) -> None:
    lengths: list[np.ndarray] = []
    seen: set[str] = set()
    with (
        (folder / f"{name}.tokens").open("wb") as tokens,
        (folder / f"{name}.ids").open("w", encoding="utf-8", newline="\n") as ids,
    ):
        for batch_ids, encoded in _encode(tokenizer, texts, limit):
            for text_id in batch_ids:
                if text_id in seen:
                    raise InputError(f"{name}: the id {text_id!r} appears twice")
                seen.add(text_id)
            ids.writelines(f"{text_id}\n" for text_id in batch_ids)
            tokens.write(np.fromiter(chain.from_iterable(encoded), dtype=dtype).tobytes())
            lengths.append(np.fromiter(map(len, encoded), dtype=np.int64))
    np.save(folder / f"{name}.offsets.npy", np.concatenate([[0], *lengths]).cumsum())


def tokenize_texts(
    tokenizer: "PreTrainedTokenizerBase", texts: Iterable[str], limit: int
) -> list[np.ndarray]:
    """The first `limit` tokens (int32) of each text, without special tokens."""
    batches = _encode(tokenizer, enumerate(texts), limit)
    return [np.array(tokens, dtype=np.int32) for _, encoded in batches for tokens in encoded]


def _encode(
    tokenizer: "PreTrainedTokenizerBase", texts: Iterable[tuple[Any, str]], limit: int
) -> Iterator[tuple[tuple[Any, ...], list[list[int]]]]:
    """Batches of the names of texts and the first `limit` tokens of each."""
    remaining = iter(texts)
    while batch := list(islice(remaining, 1000)):
        batch_ids, batch_texts = zip(*batch, strict=True)
        encoding = tokenizer(
            list(batch_texts), add_special_tokens=False, truncation=True, max_length=limit, verbose=False
        )
        yield batch_ids, encoding["input_ids"]
