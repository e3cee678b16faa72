import shutil
from functools import cache

import numpy as np
import pytest
from tokenizers import ByteLevelBPETokenizer, processors
from transformers import BertTokenizerFast, ElectraTokenizerFast, PreTrainedTokenizerFast

from sirbench.data.tokens import TokenStore, build_token_store, tokenize_texts
from sirbench.machine.errors import InputError

WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa left right"
DOCUMENTS = {
    "short": "Alpha beta",
    "long": "gamma delta " * 40,
    "empty": "",
    "odd": "zeta-eta, [SEP] theta... ünknown 東 \U0001f600",
    "exact": "iota " * 20,
}
QUERIES = {"one": "alpha", "three": "beta GAMMA delta", "odd": "eta? [MASK] kappa!", "empty": ""}


def wordpiece():
    """A vocabulary of the words whole, and of letters for all others."""
    letters = "abcdefghijklmnopqrstuvwxyz,.?!-"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    return {piece: number for number, piece in enumerate(pieces + WORDS.split())}


def bert():
    return BertTokenizerFast(vocab=wordpiece())


def electra():
    return ElectraTokenizerFast(vocab=wordpiece())


@cache  # trained: two trainings on the same texts need not agree
def roberta():
    """Byte-level BPE, two separators between the texts, padding 1, and no token types."""
    pieces = ByteLevelBPETokenizer()
    special = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    pieces.train_from_iterator([WORDS] * 3, 320, special_tokens=list(special.values()), show_progress=False)
    tokenizer = pieces._tokenizer
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, cls_token="<s>", sep_token="</s>", **special)


def build(folder, tokenizer, documents=DOCUMENTS, queries=QUERIES, max_tokens=32, max_query_tokens=14):
    build_token_store(
        folder,
        tokenizer,
        documents.items(),
        queries.items(),
        max_tokens=max_tokens,
        max_query_tokens=max_query_tokens,
    )
    return TokenStore(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens") / "store"
    build(folder, bert())
    return folder


@pytest.fixture(scope="module")
def store(folder):
    return TokenStore(folder)


@pytest.mark.parametrize("make", [bert, electra, roberta])
def test_pairs_are_what_the_tokenizer_makes_of_the_two_texts(make, tmp_path):
    tokenizer, store = make(), build(tmp_path / "store", make())
    pairs = [(query, document) for query in QUERIES for document in DOCUMENTS]
    expected = tokenizer(
        [QUERIES[query] for query, _ in pairs],
        [DOCUMENTS[document] for _, document in pairs],
        truncation="only_second",
        max_length=32,
        padding=True,
        return_token_type_ids=True,
        return_tensors="np",
    )
    queries = store.queries.rows([query for query, _ in pairs])
    documents = store.documents.rows([document for _, document in pairs])
    for name, array in store.pairs(queries, documents)._asdict().items():
        assert array.dtype == np.int64
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    np.testing.assert_array_equal(
        store.pair_lengths(queries, documents), expected["attention_mask"].sum(axis=1)
    )


@pytest.mark.parametrize("make", [bert, electra, roberta])
def test_singles_are_what_the_tokenizer_makes_of_one_text(make, tmp_path):
    tokenizer, store = make(), build(tmp_path / "store", make())
    expected = tokenizer(
        list(DOCUMENTS.values()),
        truncation=True,
        max_length=32 - len(store.template.between),
        padding=True,
        return_token_type_ids=True,
        return_tensors="np",
    )
    batch = store.template.singles([store.documents[row] for row in range(len(DOCUMENTS))])
    for name, array in batch._asdict().items():
        assert array.dtype == np.int64
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_texts_are_tokenised_as_the_store_does(store):
    tokens = tokenize_texts(bert(), QUERIES.values(), 14)
    assert len(tokens) == len(QUERIES)
    for row, text in enumerate(tokens):
        assert text.tolist() == store.queries[row].tolist()


def test_a_batch_is_padded_to_its_own_longest_pair(store):
    one, short = store.queries.rows(["one"]), store.documents.rows(["short"])
    assert store.pairs(one, short).input_ids.shape == (1, int(store.pair_lengths(one, short)[0]))
    assert store.pairs(one[:0], short[:0]).input_ids.shape == (0, 0)


def test_a_query_longer_than_its_cap_is_cut(tmp_path):
    tokenizer = bert()
    store = build(tmp_path / "store", tokenizer, queries={"q": "alpha beta gamma delta"}, max_query_tokens=2)
    assert len(tokenizer.tokenize("alpha beta")) == 2
    expected = tokenizer("alpha beta", DOCUMENTS["long"], truncation="only_second", max_length=32)[
        "input_ids"
    ]
    pair = store.pairs(store.queries.rows(["q"]), store.documents.rows(["long"]))
    assert pair.input_ids[0].tolist() == expected


def test_rows_follow_the_ids_that_were_asked_for(store):
    assert store.documents.rows(["long", "short", "long"]).tolist() == [1, 0, 1]
    assert store.documents.rows(np.array(["exact"])).tolist() == [4]
    assert len(store.documents.rows([])) == 0


def test_an_unknown_id_is_named(store):
    with pytest.raises(InputError, match="'d7' is not in the token store"):
        store.documents.rows(["short", "d7"])


def test_tokens_stay_on_disk(store):
    assert isinstance(store.documents.tokens, np.memmap)
    assert isinstance(store.documents.offsets, np.memmap)


def test_a_collection_of_empty_documents(tmp_path):
    store = build(tmp_path / "store", bert(), documents={"d": ""})
    pair = store.pairs(store.queries.rows(["one"]), store.documents.rows(["d"]))
    assert pair.input_ids[0].tolist() == bert()(["alpha"], [""])["input_ids"][0]


def test_two_ids_alike_are_refused(tmp_path):
    with pytest.raises(InputError, match="documents: the id 'd' appears twice"):
        build_token_store(
            tmp_path / "store",
            bert(),
            [("c", "alpha"), ("d", "beta"), ("d", "gamma")],
            [],
            max_tokens=32,
            max_query_tokens=14,
        )
    assert not (tmp_path / "store").exists()


def test_no_room_for_a_document_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"max_query_tokens=29 and 3 special tokens leave no room"):
        build(tmp_path / "store", bert(), max_query_tokens=29)


@pytest.mark.parametrize(("size", "dtype"), [(65536, "uint16"), (65537, "uint32")])
def test_token_ids_take_two_bytes_where_the_vocabulary_allows(size, dtype, tmp_path):
    tokenizer = bert()
    tokenizer.add_tokens([f"added{i}" for i in range(size - len(tokenizer))])
    last = f"added{size - 1 - len(bert())}"
    assert tokenizer.convert_tokens_to_ids(last) == size - 1
    store = build(tmp_path / "store", tokenizer, documents={"d": last})
    assert store.documents.tokens.dtype == dtype
    assert store.documents[0].tolist() == [size - 1]


def test_the_same_texts_give_the_same_bytes(folder, tmp_path):
    build(tmp_path / "again", bert())
    files = sorted(path.name for path in folder.iterdir())
    assert files == sorted(path.name for path in (tmp_path / "again").iterdir())
    for name in files:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_more_texts_than_a_batch_keep_their_places(tmp_path):
    documents = {f"d{i}": WORDS.split()[i % 10] for i in range(2005)}
    tokenizer = bert()
    store = build(tmp_path / "store", tokenizer, documents=documents)
    for i in (0, 999, 1000, 2004):
        row = store.documents.rows([f"d{i}"])[0]
        assert store.documents[row].tolist() == tokenizer.encode(documents[f"d{i}"], add_special_tokens=False)


def test_no_store_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="sirbench tokenize"):
        TokenStore(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name",
    [
        "documents.tokens",
        "documents.offsets.npy",
        "documents.ids",
        "queries.tokens",
        "queries.ids",
        "template.json",
    ],
)
@pytest.mark.parametrize("damage", ["missing", "cut by a byte", "cut to half", "empty"])
def test_a_damaged_store_says_so(name, damage, folder, tmp_path):
    broken = tmp_path / "store"
    shutil.copytree(folder, broken, ignore=shutil.ignore_patterns(".manifest"))
    path = broken / name
    content = path.read_bytes()
    path.write_bytes(
        {"cut by a byte": content[:-1], "cut to half": content[: len(content) // 2]}.get(damage, b"")
    )
    if damage == "missing":
        path.unlink()
    with pytest.raises(InputError, match=rf"{broken}.*(damaged|no token store)"):
        TokenStore(broken)


def test_an_interrupted_build_leaves_nothing(tmp_path):
    def failing():
        yield "a", "alpha"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_token_store(tmp_path / "store", bert(), failing(), [], max_tokens=32, max_query_tokens=14)
    assert list(tmp_path.iterdir()) == []
