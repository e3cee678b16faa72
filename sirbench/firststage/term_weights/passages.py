"""Documents cut into passages of tokens, and the token at which each word of a passage begins.

Passages follow each other without overlap, and a cut falls between words, unless a word is longer than a
passage. A word takes the prediction of its first word piece, as in DeepCT (Dai and Callan, arXiv 1910.10687);
here that is found by the tokenizer's offsets, since a word of a lexical first stage is not always one of the
tokenizer's ("x_1").
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sirbench.firststage.lexical.words import Spans, Words
from sirbench.machine.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Passage(NamedTuple):
    """A passage without the special tokens around it."""

    number: int
    """Its place in the document, from 1."""
    tokens: np.ndarray
    """(tokens,) int32."""
    words: np.ndarray
    """(words,) int32: number of each word in it, in order and as often as it occurs."""
    pieces: np.ndarray
    """(words,) int32: where in `tokens` each word begins, rising."""


Cut = Callable[[Sequence[str]], list[list[Passage]]]
"""What cuts texts: the passages of each, without those that have no word."""


def passage_cutter(
    tokenizer: "PreTrainedTokenizerBase", words: Words, *, passage_tokens: int, max_passages: int
) -> Cut:
    """A function that cuts texts into passages of up to `passage_tokens`, special tokens included.

    A text's passages after the first `max_passages` are left out (0: none is). New words of the texts get a
    number in `words`. Raises `InputError` for a tokenizer that does not say where its tokens stand.
    """
    room = passage_tokens - tokenizer.num_special_tokens_to_add()
    if room < 1:
        raise InputError(f"passage_tokens={passage_tokens} leaves no room for text beside special tokens")
    if not tokenizer.is_fast:
        raise InputError(f"{tokenizer.name_or_path}: hdct needs a fast tokenizer, which knows offsets")
    return partial(_cut, tokenizer, words, room, max_passages or None)


def _cut(
    tokenizer: "PreTrainedTokenizerBase", words: Words, room: int, most: int | None, texts: Sequence[str]
) -> list[list[Passage]]:
    # Lower-casing keeps every character in its place, but for a few such as the Turkish dotted capital I.
    aligned = [text if len(text.lower()) == len(text) else text.lower() for text in texts]
    encoded = tokenizer(
        aligned,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    result = []
    for text, tokens, offsets in zip(aligned, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        places = np.array(offsets, dtype=np.int32).reshape(-1, 2)
        passages = cut(np.array(tokens, dtype=np.int32), places, words.learn_spans(text), room)
        result.append([passage for passage in passages[:most] if len(passage.words)])
    return result


def cut(tokens: np.ndarray, offsets: np.ndarray, words: Spans, room: int) -> list[Passage]:
    """The passages, of up to `room` tokens, of a text given by its tokens, their offsets and its words.

    `tokens` is (tokens,), `offsets` (tokens, 2): the characters that each token stands for. A word without
    any token, which happens where the tokenizer drops its characters, is in no passage.
    """
    starts, ends = offsets.T
    first = np.searchsorted(ends, words.starts, side="right")
    after = np.searchsorted(starts, words.ends, side="left")
    has_token = first < after
    numbers, first, after = words.numbers[has_token], first[has_token], after[has_token]

    # How many words have begun before a token and not ended: no cut where it is not 0.
    open_words = np.zeros(len(tokens) + 2, dtype=np.int64)
    np.add.at(open_words, first + 1, 1)
    np.add.at(open_words, after, -1)
    allowed = np.flatnonzero(open_words.cumsum()[: len(tokens) + 1] == 0)

    passages, start = [], 0
    while start < len(tokens):
        reach = min(start + room, len(tokens))
        end = int(allowed[np.searchsorted(allowed, reach, side="right") - 1])
        end = end if end > start else reach
        inside = slice(*np.searchsorted(first, [start, end]))
        pieces = (first[inside] - start).astype(np.int32)
        passages.append(
            Passage(len(passages) + 1, tokens[start:end], numbers[inside].astype(np.int32), pieces)
        )
        start = end
    return passages
