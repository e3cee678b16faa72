"""The token store: every document and query tokenised once, memory-mapped, shared by all cells.

A store is a folder per (collection, tokenizer). For `documents` and for `queries` it holds `*.tokens` (the
token ids of all texts, concatenated), `*.offsets.npy` (where each text starts; one more than texts) and
`*.ids` (one id per line); `template.json` says how a pair is put together.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from sirbench.machine.atomic import atomic_folder
from sirbench.machine.errors import InputError
from sirbench.machine.json_object import read_object

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


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
        lengths = np.array([len(text) + self.special_of_single for text in texts], dtype=np.int64)
        input_ids, attention = _blank(lengths, self.padding)
        for row, text in zip(input_ids, texts, strict=True):
            single = [*self.before, *text, *self.after]
            row[: len(single)] = single
        return PairBatch(input_ids, attention, np.where(attention == 1, self.query_type, 0))


class TokenTable:
    """The tokens of many texts by row, and the rows of ids."""

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

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """The number of tokens of each row."""
        lengths: np.ndarray = self.offsets[rows + 1] - self.offsets[rows]
        return lengths

    def __getitem__(self, row: int) -> np.ndarray:
        return np.asarray(self.tokens[self.offsets[row] : self.offsets[row + 1]])


class PairBatch(NamedTuple):
    """Padded pairs or single texts; each array is (pairs, tokens), int64."""

    input_ids: np.ndarray
    attention_mask: np.ndarray
    token_type_ids: np.ndarray


class TokenPairs:
    """Pairs from two tables of texts, as padded batches; a table has `lengths(rows)` and `[row]`."""

    template: Template
    queries: Any
    documents: Any

    def pair_lengths(self, queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
        """The number of tokens of each pair of rows after truncation, special tokens included."""
        lengths: np.ndarray = self.queries.lengths(queries) + self.documents.lengths(documents)
        return (lengths + self.template.special).clip(max=self.template.max_tokens)

    def pairs(self, queries: np.ndarray, documents: np.ndarray) -> PairBatch:
        """The pairs of rows as one batch, padded to its longest pair; only documents are truncated."""
        template, lengths = self.template, self.pair_lengths(queries, documents)
        input_ids, attention = _blank(lengths, template.padding)
        types = np.zeros_like(input_ids)
        for i, (query, document, length) in enumerate(zip(queries, documents, lengths, strict=True)):
            head = [*template.before, *self.queries[query], *template.between]
            end = length - len(template.after)
            input_ids[i, : len(head)] = head
            input_ids[i, len(head) : end] = self.documents[document][: end - len(head)]
            input_ids[i, end:length] = template.after
            types[i, : len(head)] = template.query_type
            types[i, len(head) : length] = template.document_type
        return PairBatch(input_ids, attention, types)


def _blank(lengths: np.ndarray, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Padding alone and the attention mask, each (texts, longest) int64, for texts of these lengths."""
    input_ids = np.full((len(lengths), int(lengths.max(initial=0))), padding, dtype=np.int64)
    return input_ids, (np.arange(input_ids.shape[1]) < lengths[:, None]).astype(np.int64)


class TokenStore(TokenPairs):
    """Read access to a store: rows of queries and documents, and pairs of them as padded batches."""

    def __init__(self, folder: Path):
        if not (folder / "template.json").exists():
            raise InputError(f"{folder}: no token store here; `sirbench tokenize` makes one")
        try:
            content = read_object(folder / "template.json")
            self.template = Template(**content["template"])
            self.queries = TokenTable(folder, "queries", content["dtype"])
            self.documents = TokenTable(folder, "documents", content["dtype"])
        except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder}: the token store is damaged ({error}); delete the folder to make it again"
            ) from error


def build_token_store(
    folder: Path,
    tokenizer: "PreTrainedTokenizerBase",
    documents: Iterable[tuple[str, str]],
    queries: Iterable[tuple[str, str]],
    *,
    max_tokens: int,
    max_query_tokens: int,
) -> None:
    """Tokenise (id, text) pairs in a stream into a new store at `folder`; texts are truncated to what fits.

    Raises InputError for an id that appears twice, and if queries may be so long that documents have no room.
    """
    template = pair_template(tokenizer, max_tokens)
    dtype = np.uint16 if len(tokenizer) <= np.iinfo(np.uint16).max + 1 else np.uint32
    if template.special + max_query_tokens >= max_tokens:
        raise InputError(
            f"input.max_query_tokens={max_query_tokens} and {template.special} special tokens leave no room "
            f"for a document in input.max_tokens={max_tokens}"
        )
    with atomic_folder(folder) as temporary:
        content = {"dtype": np.dtype(dtype).name, "template": template._asdict()}
        (temporary / "template.json").write_text(json.dumps(content, indent=1))
        room = max_tokens - template.special
        _write_table(temporary, "documents", tokenizer, documents, room, dtype)
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
