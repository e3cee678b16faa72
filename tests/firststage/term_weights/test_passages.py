"""Passages: where texts are cut, and at which token each word begins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.normalizers import BertNormalizer
from transformers import BertTokenizerFast

from sirbench.firststage.lexical.words import Spans, Words
from sirbench.firststage.term_weights.passages import cut, passage_cutter
from sirbench.machine.errors import InputError

PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] jack ##son ##ville is naive x _ 1 : i n a d e o ##n ##a ##d ##e ##o ##i"
)


@pytest.fixture(scope="module")
def tokenizer():
    return BertTokenizerFast(vocab={piece: i for i, piece in enumerate(PIECES.split())})


def passages_of(tokenizer, text, passage_tokens=64, max_passages=0):
    words = Words()
    cutter = passage_cutter(tokenizer, words, passage_tokens=passage_tokens, max_passages=max_passages)
    passages = cutter([text])[0]
    stems = list(words.stems)
    return [
        (
            passage.number,
            tokenizer.convert_ids_to_tokens(passage.tokens.tolist()),
            [(stems[word], int(piece)) for word, piece in zip(passage.words, passage.pieces, strict=True)],
        )
        for passage in passages
    ]


def test_a_word_begins_at_its_first_piece(tokenizer):
    [(number, tokens, words)] = passages_of(tokenizer, "Jacksonville is jackson: x_1, zebra")
    assert " ".join(tokens) == "jack ##son ##ville is jack ##son : x _ 1 [UNK] [UNK]"
    # "is" is a stopword; "x_1" is one word and three of the tokenizer's; "zebra" is unknown to the tokenizer.
    assert (number, words) == (1, [("jacksonvill", 0), ("jackson", 4), ("x_1", 7), ("zebra", 11)])


def test_offsets_are_those_of_the_text_as_it_was_written(tokenizer):
    """Accents are stripped by the tokenizer; the dotted capital I is two characters in lower case."""
    assert BertNormalizer(lowercase=True).normalize_str("Naïve") == "naive"
    [(_, tokens, words)] = passages_of(tokenizer, "İİİİİİİİ naïve jackson")
    assert [(word, tokens[piece]) for word, piece in words] == [("naïv", "naive"), ("jackson", "jack")]


def test_cuts_fall_between_words(tokenizer):
    text = "naive jacksonville x_1 jackson"
    cut_at = passages_of(tokenizer, text, passage_tokens=2 + 4)
    assert [tokens for _, tokens, _ in cut_at] == [
        ["naive", "jack", "##son", "##ville"],
        ["x", "_", "1"],
        ["jack", "##son"],
    ]
    assert [(number, words) for number, _, words in cut_at] == [
        (1, [("naiv", 0), ("jacksonvill", 1)]),
        (2, [("x_1", 0)]),
        (3, [("jackson", 0)]),
    ]


def test_a_word_longer_than_a_passage_is_cut_and_belongs_to_the_first(tokenizer):
    assert passages_of(tokenizer, "jacksonville naive", passage_tokens=2 + 2) == [
        (1, ["jack", "##son"], [("jacksonvill", 0)]),
        (2, ["##ville", "naive"], [("naiv", 1)]),
    ]


def test_passages_without_a_word_are_left_out_but_counted(tokenizer):
    text = "naive : : : : jackson"
    assert [number for number, *_ in passages_of(tokenizer, text, passage_tokens=2 + 2)] == [1, 4]
    assert [number for number, *_ in passages_of(tokenizer, text, passage_tokens=2 + 2, max_passages=3)] == [
        1
    ]


@pytest.mark.parametrize("text", ["", ": :", "is"])
def test_a_text_without_words_has_no_passage(tokenizer, text):
    assert passages_of(tokenizer, text) == []


def test_no_room_for_text_is_an_error(tokenizer):
    with pytest.raises(InputError, match="passage_tokens=2 leaves no room"):
        passage_cutter(tokenizer, Words(), passage_tokens=2, max_passages=0)


@st.composite
def tokenised(draw):
    """Tokens side by side, or apart, and words from one token's start to a later token's end."""
    gaps = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), max_size=30))
    offsets, here = [], 0
    for gap, length in gaps:
        offsets.append((here + gap, here + gap + length))
        here += gap + length
    spans, token = [], 0
    while token < len(offsets):
        last = min(token + draw(st.integers(0, 3)), len(offsets) - 1)
        if draw(st.booleans()):
            spans.append((len(spans), offsets[token][0], offsets[last][1], token, last))
        token = last + 1
    return np.array(offsets, dtype=np.int32).reshape(-1, 2), spans


@given(tokenised(), st.integers(1, 8))
def test_passages_have_every_token_and_every_word_once(text, room):
    offsets, spans = text
    words = Spans(*np.array([span[:3] for span in spans], dtype=np.int64).reshape(-1, 3).T)
    passages = cut(np.arange(len(offsets), dtype=np.int32), offsets, words, room)
    assert [passage.number for passage in passages] == list(range(1, len(passages) + 1))
    assert all(1 <= len(passage.tokens) <= room for passage in passages)
    assert [int(token) for passage in passages for token in passage.tokens] == list(range(len(offsets)))
    # The tokens are their own numbers here, so the piece of a word is the number of its first token.
    found = {
        int(word): int(passage.tokens[piece])
        for passage in passages
        for word, piece in zip(passage.words, passage.pieces, strict=True)
    }
    assert found == {word: first for word, _, _, first, _ in spans}
    for _, _, _, first, last in spans:
        if last - first < room:
            assert any({first, last} <= set(passage.tokens.tolist()) for passage in passages)
