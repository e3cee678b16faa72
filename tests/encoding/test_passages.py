"""MaxP against a plain loop over passages: a forward of transformers for each, and the best of the scores."""

import numpy as np
import pytest
import torch

from sirbench.backbones.checkpoint import load_model, load_tokenizer
from sirbench.data.tokens import TokenStore, build_token_store
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.encoding.passages import passages_of
from sirbench.firststage.dual_encoder.encoder import DualEncoder
from sirbench.study import Compute, Input

MAX_TOKENS, STRIDE, MOST = 24, 7, 3
INPUT = Input(max_tokens=MAX_TOKENS, max_query_tokens=8, passages="max", stride=STRIDE, max_passages=MOST)
FIRST = INPUT.model_copy(update={"trained_passage": "first"})


@pytest.fixture
def model(tiny_backbone):
    """BERT with dropout of 0.1 in training mode; drawn larger, so that scores of passages differ."""
    model = load_model(tiny_backbone, seed=1)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(20)
    return model


@pytest.fixture(scope="module")
def stores(tmp_path_factory, texts, tiny_backbone):
    """The texts' token stores for FirstP and for MaxP."""
    made, tokenizer = {}, load_tokenizer(tiny_backbone)
    for further in (0, INPUT.further_tokens):
        folder = tmp_path_factory.mktemp("passages") / "bert"
        documents, queries = (part.items() for part in texts)
        sizes = {"max_tokens": MAX_TOKENS, "max_query_tokens": 8, "further_tokens": further}
        build_token_store(folder, tokenizer, documents, queries, **sizes)
        made[further] = TokenStore(folder)
    return made[0], made[INPUT.further_tokens]


@pytest.fixture(scope="module")
def pairs(stores):
    """Of each document with one of the queries, rows."""
    return np.arange(60) % 9, np.arange(60)


@pytest.fixture(scope="module")
def windows(texts, tiny_backbone):
    """The inputs of each pair as a plain loop cuts them: [CLS] query [SEP] window [SEP]."""
    tokenizer = load_tokenizer(tiny_backbone)
    documents, queries = (
        [tokenizer(text, add_special_tokens=False)["input_ids"] for text in part.values()] for part in texts
    )
    every = []
    for number, document in enumerate(documents):
        query = queries[number % 9][:8]
        room = MAX_TOKENS - 3 - len(query)
        of_pair = [document[:room]]
        while (len(of_pair) - 1) * STRIDE + room < len(document) and len(of_pair) < MOST:
            start = len(of_pair) * STRIDE
            of_pair.append(document[start : start + room])
        cls, sep = [tokenizer.cls_token_id], [tokenizer.sep_token_id]
        every.append([(cls + query + sep, window + sep) for window in of_pair])
    return every


def forward(model, window):
    """The logit of one input, without padding."""
    head, tail = window
    ids, types = torch.tensor([head + tail]), torch.tensor([[0] * len(head) + [1] * len(tail)])
    return model(input_ids=ids, token_type_ids=types).logits[0, 0]


def encoder(model, store, input=INPUT, **options):
    return CrossEncoder(model, store, chunk_tokens=100, input=input, **options)


def test_scores_are_the_best_of_a_plain_loop(model, stores, pairs, windows):
    model.eval()
    with torch.no_grad():
        looped = [[float(forward(model, window)) for window in of_pair] for of_pair in windows]
    assert {len(scores) for scores in looped} == {1, 2, 3}
    best = [max(scores) for scores in looped]
    assert sum(max(scores) > scores[0] for scores in looped) > 10  # FirstP would give others
    np.testing.assert_allclose(encoder(model, stores[1]).score(*pairs), best, atol=1e-5)
    np.testing.assert_allclose(
        encoder(model, stores[1], input=None).score(*pairs), [scores[0] for scores in looped], atol=1e-5
    )


@pytest.mark.parametrize("gradient", ["kept", "cached"])
@pytest.mark.parametrize("input", [INPUT, FIRST])
def test_the_gradient_is_that_of_the_passage_that_stands_for_its_document(
    model, stores, pairs, windows, input, gradient
):
    """Without dropout, where a loop has the same gradient: of the best window alone, or of the first."""
    model.eval()
    chosen = []
    for of_pair in windows:
        with torch.no_grad():
            scores = [float(forward(model, window)) for window in of_pair]
        chosen.append(of_pair[int(np.argmax(scores)) if input is INPUT else 0])
    torch.stack([forward(model, window) for window in chosen]).logsumexp(dim=0).backward()
    expected = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    encoder(model, stores[1], input).score(*pairs, gradient).logsumexp(dim=0).backward()
    largest = max(float(one.abs().max()) for one in expected)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-5 * largest, rtol=0)


def test_a_passage_is_chosen_without_dropout_and_trained_with_it(model, stores, pairs, monkeypatch):
    seen = []
    chunks = CrossEncoder.chunks

    def watched(self, lengths, pad, read, gradient="none"):
        seen.append((gradient, self.model.training, len(lengths)))
        return chunks(self, lengths, pad, read, gradient)

    monkeypatch.setattr(CrossEncoder, "chunks", watched)
    counts = passages_of(stores[1], *pairs, INPUT).counts
    several = int(counts[counts > 1].sum())
    encoder(model.train(), stores[1]).score(*pairs, "kept")
    assert seen == [("none", False, several), ("kept", True, 60)] and model.training
    seen.clear()
    encoder(model, stores[1], FIRST).score(*pairs, "kept")
    assert seen == [("kept", True, 60)]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_documents_that_fit_are_computed_as_firstp_to_the_byte(model, stores, pairs, windows, precision):
    """With dropout and gradients too: there is nothing to choose, and nothing is drawn for it."""
    fits = np.array([len(of_pair) == 1 for of_pair in windows])
    short = tuple(rows[fits] for rows in pairs)
    assert len(short[0]) > 5
    results = []
    for store, input in ((stores[0], None), (stores[1], INPUT)):
        encode = encoder(model.train(), store, input, precision=precision)
        model.zero_grad()
        torch.manual_seed(3)
        encode.arithmetic.begin_step(3)
        scores = encode.score(*short, "cached")
        scores.logsumexp(dim=0).backward()
        model.eval()
        results.append([scores, encode.score(*short), *(it.grad.clone() for it in model.parameters())])
    assert all(torch.equal(first, best) for first, best in zip(*results, strict=True))


@pytest.mark.parametrize("gradient", ["kept", "cached"])
def test_in_bf16_a_passage_is_chosen_before_its_gradient(model, stores, pairs, gradient):
    """What was cast to bf16 for the choice is cast again where a gradient needs it."""
    encode = encoder(model.train(), stores[1], precision="bf16")
    encode.arithmetic.begin_step(3)
    encode.score(*pairs, gradient).logsumexp(dim=0).backward()
    assert all(it.grad is not None and it.grad.isfinite().all() for it in model.parameters())


def test_the_embedding_is_that_of_the_best_passage(model, stores, pairs, windows):
    model.eval()
    scores, embeddings = encoder(model, stores[1]).embed(*pairs)
    torch.testing.assert_close(scores, encoder(model, stores[1]).score(*pairs), atol=1e-5, rtol=0)
    pair = next(i for i, of_pair in enumerate(windows) if len(of_pair) == 3)
    with torch.no_grad():
        head, tail = max(windows[pair], key=lambda window: float(forward(model, window)))
        types = torch.tensor([[0] * len(head) + [1] * len(tail)])
        states = model.bert(input_ids=torch.tensor([head + tail]), token_type_ids=types).last_hidden_state
    torch.testing.assert_close(embeddings[pair], states[0, 0], atol=1e-4, rtol=1e-4)


def test_scores_that_are_no_number_are_not_hidden(model, stores, pairs):
    with torch.no_grad():
        model.classifier.bias.fill_(torch.nan)
    assert encoder(model.eval(), stores[1]).score(*pairs).isnan().all()
    assert encoder(model.train(), stores[1]).score(*pairs, "kept").isnan().all()


def test_every_token_up_to_the_most_passages_is_read(stores, pairs):
    """Where passages are not cut off at the most, the last ends where the document does."""
    _, store = stores
    passages = passages_of(store, *pairs, INPUT.model_copy(update={"max_passages": 99}))
    room = MAX_TOKENS - 3 - store.queries.lengths(pairs[0])
    length = store.documents.lengths(pairs[1])
    last = (passages.counts - 1) * STRIDE
    assert ((last + room >= length) & ((passages.counts == 1) | (last - STRIDE + room < length))).all()
    assert (room >= STRIDE).all()  # so no token lies between two passages


def test_a_dense_first_stage_reads_the_first_passage_of_either_store(model, stores):
    embedded = [
        DualEncoder(model.bert.eval(), model.bert, "mean", store, Compute()).embed_documents(np.arange(60))
        for store in stores
    ]
    assert torch.equal(*embedded)
