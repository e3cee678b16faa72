"""HDCT from texts to a run: every formula again in plain loops, and wrong input."""

import math
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import Stemmer
import torch

from sirbench.backbones.checkpoint import load_token_regression, load_tokenizer
from sirbench.data.documents import Document
from sirbench.data.runs import sort_run
from sirbench.firststage import Learning, Trained
from sirbench.firststage.hdct import HDCT
from sirbench.machine.errors import InputError, TrainingError
from sirbench.study import Compute, FirstStageTraining, Input

COMPUTE = Compute(gpus=0, chunk_tokens=256)


def retrieve(documents, queries, *, trained, depth=100, **options):
    return HDCT(**options).retrieve(documents, queries, depth=depth, trained=trained)


@pytest.fixture(scope="module")
def documents(texts):
    return [Document(doc_id, text) for doc_id, text in texts[0].items()]


def with_bias(folder: Path, backbone: Path, bias: float) -> Path:
    """The backbone with a new head whose outputs lie about `bias`."""
    model = load_token_regression(backbone, seed=1)
    torch.nn.init.normal_(model.classifier.weight, std=0.05, generator=torch.Generator().manual_seed(1))
    torch.nn.init.constant_(model.classifier.bias, bias)
    model.save_pretrained(folder)
    load_tokenizer(backbone).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_backbone, tiny_store):
    """What training could have left; predictions on both sides of 0."""
    folder = with_bias(tmp_path_factory.mktemp("hdct") / "model", tiny_backbone, bias=0.1)
    return Trained(folder, tiny_store, Input(), COMPUTE, torch.device("cpu"))


def passages(text, tokenizer, room, most):
    """Words of a text (its blanks are its only signs) with their tokens, as many as fit at a time."""
    result, used = [[]], 0
    for word in text.split():
        tokens = tokenizer(word, add_special_tokens=False)["input_ids"]
        if used + len(tokens) > room:
            result, used = [*result, []], 0
        result[-1].append((word, tokens))
        used += len(tokens)
    return result[:most]


def weights(text, model, tokenizer, *, passage_tokens, most, combination):
    """The weights of a document's stems, by the formulas of the module's docstring."""
    stem, total = Stemmer.Stemmer("english").stemWord, {}
    for number, passage in enumerate(passages(text, tokenizer, passage_tokens - 2, most), start=1):
        ids = [tokenizer.cls_token_id, *(i for _, tokens in passage for i in tokens), tokenizer.sep_token_id]
        outputs = model(input_ids=torch.tensor([ids])).logits[0, :, 0].tolist()
        place, largest = 1, {}
        for word, tokens in passage:
            frequency = round(100 * math.sqrt(max(outputs[place], 0)))
            largest[stem(word)] = max(largest.get(stem(word), 0), frequency)
            place += len(tokens)
        for word, frequency in largest.items():
            total[word] = total.get(word, 0) + (frequency / number if combination == "decay" else frequency)
    return {word: round(weight) for word, weight in total.items() if round(weight) > 0}


@torch.no_grad()
def expected_scores(documents, queries, folder, k1, b, **how):
    model, tokenizer = load_token_regression(folder, seed=0).eval(), load_tokenizer(folder)
    weighted = {doc_id: weights(text, model, tokenizer, **how) for doc_id, text in documents}
    mean = sum(sum(one.values()) for one in weighted.values()) / len(weighted)
    stem, scores = Stemmer.Stemmer("english").stemWord, {}
    for query_id, query in queries.items():
        for doc_id, one in weighted.items():
            score = 0.0
            for word in map(stem, re.findall(r"\w\w+", query)):
                df = sum(word in other for other in weighted.values())
                if word in one:
                    norm = k1 * (1 - b + b * sum(one.values()) / mean)
                    idf = math.log(1 + (len(weighted) - df + 0.5) / (df + 0.5))
                    score += idf * one[word] / (one[word] + norm)
            if score > 0:
                scores[query_id, doc_id] = score
    return scores


@pytest.mark.parametrize("combination", ["decay", "sum"])
@pytest.mark.parametrize(("passage_tokens", "max_passages"), [(0, 0), (10, 0), (10, 2)])
def test_scores_are_those_of_a_loop(combination, passage_tokens, max_passages, documents, texts, trained):
    run = retrieve(
        iter(documents),
        texts[1],
        trained=trained,
        k1=20.0,
        b=0.6,
        combination=combination,
        passage_tokens=passage_tokens,
        max_passages=max_passages,
    )
    expected = expected_scores(
        documents,
        texts[1],
        trained.folder,
        k1=20.0,
        b=0.6,
        passage_tokens=passage_tokens or 40,  # the store's
        most=max_passages or None,
        combination=combination,
    )
    found = {(query_id, doc_id): score for query_id, doc_id, score in run.itertuples(index=False)}
    assert found == pytest.approx(expected, rel=1e-5)
    assert run.equals(sort_run(run))


def test_the_words_after_the_store_s_first_passage_are_found(trained):
    documents = [Document("d1", "array " * 200 + "zebra"), Document("d2", "array")]
    run = retrieve(documents, {"q": "zebra"}, trained=trained, combination="sum")
    assert run["doc_id"].tolist() == ["d1"]
    assert retrieve(documents, {"q": "zebra"}, trained=trained, max_passages=1).empty


def test_how_documents_are_batched_changes_nothing(documents, texts, trained, monkeypatch):
    whole = retrieve(documents, texts[1], trained=trained, depth=5)
    monkeypatch.setattr("sirbench.firststage.hdct.DOCUMENTS_AT_ONCE", 7)
    assert (whole.groupby("query_id").size() == 5).all()
    apart = retrieve(documents, texts[1], trained=trained, depth=5)
    assert apart[["query_id", "doc_id"]].equals(whole[["query_id", "doc_id"]])
    assert apart["score"].to_numpy() == pytest.approx(whole["score"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize("queries", [{}, {"q1": "", "q2": "the of", "q3": "zebra"}])
def test_queries_without_a_known_word_get_no_documents(queries, documents, trained):
    run = retrieve(documents, queries, trained=trained)
    assert run.empty
    assert list(run.columns) == ["query_id", "doc_id", "score"]


@pytest.mark.parametrize("documents", [[], [Document("d", "?"), Document("e", "the")]])
def test_documents_without_words_are_an_error(documents, trained):
    with pytest.raises(InputError, match="no document with a word"):
        retrieve(documents, {"q": "norms"}, trained=trained)


def test_a_model_that_gives_no_weight_at_all_is_an_error(documents, tmp_path, tiny_backbone, tiny_store):
    folder = with_bias(tmp_path / "model", tiny_backbone, bias=-9)
    with pytest.raises(TrainingError, match="gives no word a weight"):
        retrieve(
            documents,
            {"q": "array"},
            trained=Trained(folder, tiny_store, Input(), COMPUTE, torch.device("cpu")),
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"passage_tokens": 513}, "passage_tokens=513 is more than the 512 positions"),
        ({"passage_tokens": 2}, "passage_tokens=2 leaves no room"),
    ],
)
def test_wrong_options_are_errors(options, message, documents, trained):
    with pytest.raises(InputError, match=message):
        retrieve(documents, {"q": "array"}, trained=trained, **options)


@pytest.fixture
def learning(documents, texts, tiny_backbone, tiny_store, tmp_path):
    """Each query's positives are the documents that have all of its words."""

    def make(queries, positives):
        return Learning(
            name="first stage hdct",
            documents=lambda: iter(documents),
            queries=queries,
            positives=positives,
            start=tiny_backbone,
            store=tiny_store,
            input=Input(),
            settings=FirstStageTraining(steps=30, batch=8, learning_rate=1e-2),
            compute=COMPUTE,
            device=torch.device("cpu"),
            folder=tmp_path,
            fingerprint="",
        )

    return make


def test_what_is_learned_weighs_what_is_asked_for(learning, documents, tmp_path, tiny_store):
    queries = {"q1": "matrix", "q2": "graph of a matrix"}
    asked = [document.doc_id for document in documents if "matrix" in document.text]
    model, progress = HDCT().train(learning(queries, {"q1": asked, "q2": asked}))
    assert progress.step == 30
    model.save_pretrained(tmp_path / "model")
    load_tokenizer(learning({}, {}).start).save_pretrained(tmp_path / "model")
    weighted = weights(
        "kernel matrix plot graph solver matrix",
        model.eval(),
        load_tokenizer(tmp_path / "model"),
        passage_tokens=40,
        most=None,
        combination="decay",
    )
    # Labels: matrix 1, graph 1/2, others 0.
    assert (
        weighted["matrix"] > weighted["graph"] > max(weighted.get(w, 0) for w in ("kernel", "plot", "solver"))
    )


@pytest.mark.parametrize("options", [{}, {"labels": "first-sentence"}])
def test_a_collection_without_queries_learns_from_first_sentences(options, learning, documents):
    """The texts have no stops: the first 32 words of a document label its 33rd and later ones."""
    assert any(len(document.text.split()) > 32 for document in documents)
    queries, positives = ({"q": "zebra"}, {"q": ["d1"]}) if options else ({}, {})
    _, progress = HDCT(**options).train(learning(queries, positives))
    assert progress.step == 30


def test_queries_that_share_no_word_with_their_documents_are_an_error(learning):
    with pytest.raises(InputError, match="nothing to learn from"):
        HDCT().train(learning({"q": "zebra"}, {"q": ["d1"]}))


def test_the_store_is_only_asked_for_its_length(trained, documents):
    store = SimpleNamespace(template=SimpleNamespace(max_tokens=40))
    other = Trained(trained.folder, store, Input(), COMPUTE, torch.device("cpu"))
    assert retrieve(documents, {"q": "array"}, trained=other).equals(
        retrieve(documents, {"q": "array"}, trained=trained)
    )
