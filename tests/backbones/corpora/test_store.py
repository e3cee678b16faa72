"""What is stored of a corpus is what was in it: sentences in tokens, passages, and links by whatever name."""

from itertools import pairwise

import numpy as np
import pytest

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.backbones.corpora import Page, Redirect
from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store
from sirbench.machine.errors import InputError
from tests.backbones.conftest import LINKS, PAGES, sentences_of


@pytest.fixture
def tokenizer(tiny_backbone):
    return load_tokenizer(tiny_backbone)


def built(folder, tokenizer, pages):
    build_corpus_store(folder, tokenizer, pages)
    return CorpusStore(folder)


def test_sentences_have_the_tokens_that_the_tokenizer_gives_them(corpus, tokenizer):
    assert corpus.pages == PAGES
    for page in range(PAGES):
        texts = sentences_of(page)
        numbers = corpus.of_page(page)
        assert len(numbers) == len(texts)
        for number, text in zip(numbers, texts, strict=True):
            expected = tokenizer(text, add_special_tokens=False)["input_ids"]
            assert corpus.tokens_of(range(number, number + 1)).tolist() == expected
            assert corpus.page_of(number) == page
        assert list(corpus.lead(page)) == list(numbers)[:2]


def test_words_are_numbered_and_counted(corpus, tokenizer):
    words = [
        word.lower() for page in range(PAGES) for text in sentences_of(page) for word in text[:-1].split()
    ]
    for number, text in enumerate(corpus.vocabulary):
        # The one sign that this tokenizer does not know is the full stop.
        expected = words.count(text) if text != "[UNK]" else corpus.sentences
        assert corpus.counts[number] == expected > 0, text
    assert corpus.counts.sum() == len(corpus.words) == len(words) + corpus.sentences
    known, unknown = tokenizer(["matrix", "matrixes"], add_special_tokens=False)["input_ids"]
    found = corpus.numbers([np.array(known), np.array(unknown)])
    assert corpus.vocabulary[found[0]] == "matrix" and found[1] == -1


def test_a_word_of_several_pieces_is_one_word(tmp_path, tokenizer):
    store = built(tmp_path / "store", tokenizer, [Page("a", ["Arrayx matrix"])])
    assert store.vocabulary == ["arrayx", "matrix"]
    assert len(store.words_of(range(0, 1))) == 2
    assert store.tokens(np.array([1, 0])).tolist() == [
        *tokenizer("matrix", add_special_tokens=False)["input_ids"],
        *tokenizer("arrayx", add_special_tokens=False)["input_ids"],
    ]
    assert store.tokens(np.array([], dtype=np.int64)).tolist() == []


@pytest.mark.parametrize("limit", [1, 10, 20, 25, 1000])
def test_passages_are_as_many_whole_sentences_as_fit(limit, corpus):
    for page in range(corpus.pages):
        passages = corpus.passages(page, limit)
        assert [sentence for passage in passages for sentence in passage] == list(corpus.of_page(page))
        for passage, following in pairwise(passages):
            length = len(corpus.tokens_of(passage))
            assert length <= limit or len(passage) == 1
            assert length + len(corpus.tokens_of(range(following.start, following.start + 1))) > limit


def test_links_both_ways(corpus):
    for page in range(PAGES):
        assert corpus.links(page).tolist() == list(LINKS.get(page, ()))
        assert corpus.linked_from(page).tolist() == [
            other for other in range(PAGES) if page in LINKS.get(other, ())
        ]
        for other in range(PAGES):
            linked = other in LINKS.get(page, ()) or page in LINKS.get(other, ())
            assert corpus.are_linked(page, other) == linked
    assert corpus.linked_pages().tolist() == [0, 1, 2, 4, 5]


def test_links_go_through_redirects_and_lose_what_leads_nowhere(tmp_path, tokenizer):
    store = built(
        tmp_path / "store",
        tokenizer,
        [
            Redirect("colour", "color"),
            Page("a", ["Array."], links=["c", "colour", "Colour", "a", "nowhere", "c", "ring", "empty"]),
            Redirect("Colour", "colour"),
            Page("empty", [" "]),
            Page("color", ["Axis."], links=["me too"]),
            Page("c", ["Matrix."], links=["colour"]),
            Redirect("me too", "a"),
            Redirect("ring", "ring"),
        ],
    )
    assert [store.links(page).tolist() for page in range(3)] == [[1, 2], [0], [1]]
    assert [store.linked_from(page).tolist() for page in range(3)] == [[1], [0, 2], [0]]


def test_sizes(corpus):
    sentences = sum(len(sentences_of(page)) for page in range(PAGES))
    expected = {"pages": PAGES, "sentences": sentences, "words": 7 * sentences, "links": 7}
    assert {name: corpus.sizes[name] for name in expected} == expected


def test_a_corpus_without_links_says_so(tmp_path, tokenizer):
    store = built(tmp_path / "store", tokenizer, [Page("a", ["Array."]), Page("b", ["Axis."])])
    assert not store.has_links and store.links(1).tolist() == [] == store.linked_pages().tolist()


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([], "the corpus has no page with a sentence"),
        ([Page("a", [" "])], "the corpus has no page with a sentence"),
        ([Page("a", ["Array."]), Page("a", ["Axis."])], "the corpus has two pages of one name"),
    ],
)
def test_a_corpus_that_is_none(pages, message, tmp_path, tokenizer):
    with pytest.raises(InputError, match=message):
        build_corpus_store(tmp_path / "store", tokenizer, pages)
    assert not (tmp_path / "store").exists()


def test_no_store_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"no corpus store here; `sirbench tokenize-corpus` makes one"):
        CorpusStore(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_store_says_so(damage, tmp_path, tokenizer):
    store = built(
        tmp_path / "store", tokenizer, [Page("a", ["Array axis."], links=["b"]), Page("b", ["Axis."])]
    )
    (store.folder / ".manifest").unlink()
    for path in [store.folder / "words", *store.folder.glob("*.npy")]:
        content = path.read_bytes()
        path.unlink()
        if damage == "cut":
            path.write_bytes(content[:-4])
        with pytest.raises(InputError, match=r"corpus store is damaged|no corpus store here"):
            CorpusStore(store.folder)
        path.write_bytes(content)
    assert CorpusStore(store.folder).sizes == store.sizes
