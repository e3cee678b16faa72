"""Documents cut into passages of tokens, and the token at which each word of a passage begins.

Passages do not overlap, and cuts are between words unless a word is longer than a passage. The prediction for
a word is that of its first word piece, as in DeepCT (Dai and Callan, arXiv 1910.10687). Word pieces are found
by the tokenizer's offsets, because a word of a lexical first stage may be several words of the tokenizer
("x_1").
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
    """A passage, without special tokens."""

    number: int
    """Its position in the document, from 1."""
    tokens: np.ndarray
    """(tokens,) int32."""
    words: np.ndarray
    """(words,) int32: its words as numbers, in order and as often as they occur."""
    pieces: np.ndarray
    """(words,) int32: where in `tokens` each word begins, ascending."""


Cut = Callable[[Sequence[str]], list[list[Passage]]]
"""A function from texts to the passages of each, without passages that have no word."""


def passage_cutter(
    tokenizer: "PreTrainedTokenizerBase", words: Words, *, passage_tokens: int, max_passages: int
) -> Cut:
    """A function that cuts texts into passages of at most `passage_tokens`, special tokens included.

    Only the first `max_passages` passages of a text are kept (0: all). New words of the texts are added to
    `words`. Raises InputError for a tokenizer without offsets, and if `passage_tokens` leaves no room for
    text.
    """
    room = passage_tokens - tokenizer.num_special_tokens_to_add()
    if room < 1:
        raise InputError(f"passage_tokens={passage_tokens} leaves no room for text beside special tokens")
    if not tokenizer.is_fast:
        raise InputError(f"{tokenizer.name_or_path}: hdct needs a fast tokenizer, which gives offsets")
    return partial(_cut, tokenizer, words, room, max_passages or None)


def _cut(
    tokenizer: "PreTrainedTokenizerBase", words: Words, room: int, most: int | None, texts: Sequence[str]
) -> list[list[Passage]]:
    # Lower-casing changes the positions of characters only for a few, such as the Turkish dotted capital I.
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
    """The passages of at most `room` tokens of a text, given by its tokens, their offsets and its words.

    `tokens` is (tokens,), and `offsets` (tokens, 2) has the first character of each token and the one after
    its last. A word without a token, whose characters the tokenizer drops, is in no passage.
    """
    starts, ends = offsets.T
    first = np.searchsorted(ends, words.starts, side="right")
    after = np.searchsorted(starts, words.ends, side="left")
    has_token = first < after
    numbers, first, after = words.numbers[has_token], first[has_token], after[has_token]

    # The number of words that have begun before a token and not ended: a cut needs 0.
    open_words = np.zeros(len(tokens) + 2, dtype=np.int64)
    np.add.at(open_words, first + 1, 1)
    np.add.at(open_words, after, -1)
    allowed = np.flatnonzero(open_words.cumsum()[: len(tokens) + 1] == 0)

    passages: list[Passage] = []
    start = 0
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
