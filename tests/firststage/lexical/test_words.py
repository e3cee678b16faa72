"""Words: the same as bm25s', numbered by stem, with their places in the lower-cased text."""

import Stemmer
from bm25s.tokenization import Tokenizer
from hypothesis import example, given
from hypothesis import strategies as st

from sirbench.firststage.lexical.words import Words

TEXT = st.text(st.sampled_from("abcdeEsÄßİnot_1 -.'\n"), max_size=60) | st.text(max_size=30)


@given(st.lists(TEXT, max_size=4), TEXT)
@example(["The cats sat on the mat", "A cat's mat"], "cats and dogs")
def test_words_are_those_of_bm25s(documents, query):
    theirs = Tokenizer(stopwords="english", stemmer=Stemmer.Stemmer("english"))
    expected = list(theirs.streaming_tokenize(documents, allow_empty=False))
    words = Words()
    assert [words.learn(text) for text in documents] == expected
    assert words.stems == theirs.get_vocab_dict()
    [known] = theirs.streaming_tokenize([query], update_vocab=False, allow_empty=False)
    assert words.known(query) == known
    assert words.stems == theirs.get_vocab_dict()


@given(TEXT)
def test_spans_are_where_the_words_stand(text):
    words = Words()
    numbers, starts, ends = words.learn_spans(text)
    assert numbers.tolist() == Words().learn(text)
    stem, stems = Stemmer.Stemmer("english").stemWord, list(words.stems)
    written = [text.lower()[start:end] for start, end in zip(starts, ends, strict=True)]
    assert [stem(word) for word in written] == [stems[number] for number in numbers]


def test_spellings_of_one_stem_share_a_number_and_stopwords_have_none():
    words = Words()
    assert words.learn("The cats and a CAT, the dog") == [0, 0, 1]
    assert words.stems == {"cat": 0, "dog": 1}


def test_a_query_teaches_nothing():
    words = Words()
    words.learn("cat")
    assert words.known("zebra and cats") == [0]
    assert len(words) == 1
    assert words.known("the, a? !") == words.known("") == []
