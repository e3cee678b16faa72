"""Every policy's negatives, and its loss, are what its paper says."""

import math

import numpy as np
import pytest
import torch

from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.firststage.bm25 import BM25
from sirbench.firststage.dual_encoder import batch as batches
from sirbench.firststage.dual_encoder.encoder import load_dual_encoder
from sirbench.firststage.dual_encoder.negatives import POLICIES, random, static
from sirbench.firststage.dual_encoder.negatives.adore import lambda_weights
from sirbench.firststage.dual_encoder.queries import Query, make_batch
from sirbench.machine.errors import InputError

ALL = np.arange(9)


def epoch(policy, number=0, indices=ALL):
    return make_batch(policy.queries, indices, seed=1, epoch=number)


def negatives_of(policy, steps, monkeypatch):
    """What the policy has scored as negatives of each query, over steps: row sets by query index."""
    seen = [set() for _ in policy.queries]

    def spy(encoder, batch, negatives):
        for index, rows in zip(batch.indices, negatives, strict=True):
            seen[index].update(rows[rows >= 0].tolist())
        return original(encoder, batch, negatives)

    original = batches.score_batch
    monkeypatch.setattr(batches, "score_batch", spy)
    for step in steps:
        policy.loss(epoch(policy), step)
    return seen


def change(model, seed=1):
    """Other weights than before."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * parameter.std().nan_to_num(0.1))


def ranking(encoder, query):
    """All documents by falling score of one query, by numpy in float64."""
    with encoder.evaluating():
        embedding = encoder.embed_queries([query.tokens])[0].double().numpy()
        documents = encoder.embed_documents(np.arange(60)).double().numpy()
    return np.argsort(-(documents @ embedding))


def softplus(x):
    return math.log1p(math.exp(x))


@pytest.mark.parametrize("name", ["random", "static", "star", "ance"])
def test_a_judged_positive_is_never_a_negative(name, make_policy, monkeypatch):
    options = {} if name == "random" else {"top": 60}
    policy = make_policy(name, per_query=40, **options)
    policy.start(0)
    seen = negatives_of(policy, range(4), monkeypatch)
    for query, rows in zip(policy.queries, seen, strict=True):
        assert rows and not rows & set(query.positives.tolist())


@pytest.mark.parametrize("name", ["random", "static", "star", "ance"])
def test_a_query_that_is_a_document_is_never_its_own_negative(name, make_policy, monkeypatch):
    """Each query is what it ranks first, or, for random ones, the document after its positive."""
    options = {} if name == "random" else {"top": 60}
    policy = make_policy(name, per_query=58, **options)
    policy.start(0)
    before = negatives_of(policy, range(2), monkeypatch)
    itself = [min(rows) for rows in before]
    policy.queries[:] = [it._replace(itself=row) for it, row in zip(policy.queries, itself, strict=True)]
    policy.start(0)
    after = negatives_of(policy, range(2), monkeypatch)
    for own, was, now in zip(itself, before, after, strict=True):
        assert own in was and own not in now
        assert name == "random" or now == was - {own}


def test_adore_ranks_without_the_query_itself(make_policy):
    policy = make_policy("adore", top=5)
    policy.start(0)
    firsts = [ranking(policy.encoder, query)[0] for query in policy.queries]
    queries = [it._replace(itself=int(row)) for it, row in zip(policy.queries, firsts, strict=True)]
    batch = epoch(policy)._replace(queries=queries)
    with torch.no_grad():
        embeddings = policy.encoder.embed_queries([query.tokens for query in queries])
        negatives, ranks = policy.retrieve(embeddings, batch)
    for query, positive, rows, rank in zip(queries, batch.positives, negatives, ranks, strict=True):
        excluded = set(query.positives.tolist()) - {positive} | {query.itself} - {positive}
        alone = [row for row in ranking(policy.encoder, query) if row not in excluded]
        assert rows.tolist() == [row for row in alone if row != positive][:5]
        assert rank == min(1 + alone.index(positive), 6)


def test_random_ones_come_from_the_whole_collection_and_equally_often():
    query = Query("q", np.array([1]), np.array([0, 3, 4, 9]))
    drawn = random.draw(query, 30_000, 10, seed=1, step=0)
    rows, counts = np.unique(drawn, return_counts=True)
    assert rows.tolist() == [1, 2, 5, 6, 7, 8]
    assert (abs(counts - 5000) < 5 * math.sqrt(30_000 * 1 / 6 * 5 / 6)).all()  # five standard deviations


def test_random_ones_are_new_at_every_step_and_known_by_seed_step_and_query():
    query = Query("q", np.array([1]), np.array([3]))
    first = random.draw(query, 5, 60, seed=1, step=0)
    assert random.draw(query, 5, 60, seed=1, step=0).tolist() == first.tolist()
    others = [(query, 2, 0), (query, 1, 1), (query._replace(id="p"), 1, 0)]
    assert all((random.draw(q, 5, 60, seed=s, step=t) != first).any() for q, s, t in others)


def test_where_everything_is_positive_nothing_is_negative():
    query = Query("q", np.array([1]), np.arange(4))
    assert random.draw(query, 2, 4, seed=1, step=0).tolist() == [-1, -1]


def test_the_random_loss_is_ranknets_mean_over_all_pairs_of_the_batch(make_policy):
    policy = make_policy("random", per_query=0)
    batch = epoch(policy, indices=np.array([1, 4, 5]))  # one positive each: in-batch negatives alone
    loss, texts = policy.loss(batch, 0)
    queries = policy.encoder.embed_queries([query.tokens for query in batch.queries]).double().numpy()
    scores = queries @ policy.encoder.embed_documents(batch.positives).double().numpy().T
    pairs = [softplus(scores[i, j] - scores[i, i]) for i in range(3) for j in range(3) if i != j]
    assert texts == 6
    assert loss.item() == pytest.approx(sum(pairs) / 6, rel=1e-4)


def test_the_in_batch_loss_is_the_softmax_over_the_positives_of_the_batch(make_policy):
    """Query 0 has three positives: none of them is a negative of it where another query has it, too."""
    policy = make_policy("in-batch")
    batch = epoch(policy, indices=np.array([0, 4, 5]))
    loss, texts = policy.loss(batch, 0)
    queries = policy.encoder.embed_queries([query.tokens for query in batch.queries]).double().numpy()
    scores = queries @ policy.encoder.embed_documents(batch.positives).double().numpy().T
    losses = [-math.log(math.exp(row[i]) / sum(map(math.exp, row))) for i, row in enumerate(scores)]
    assert texts == 6 and not set(batch.queries[0].positives) & set(batch.positives[1:].tolist())
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-4)
    # The same document for two queries is a negative of neither.
    shared = batch._replace(positives=np.full(3, batch.queries[0].positives[0]))
    shared.queries[1:] = [query._replace(positives=shared.positives[:1]) for query in shared.queries[1:]]
    assert policy.loss(shared, 0).value.item() == 0


def test_static_ones_are_bm25s_top_and_never_change(make_policy, learning, monkeypatch):
    policy = make_policy("static", top=4, per_query=2)
    policy.start(0)
    run = BM25().retrieve(learning.documents(), learning.queries, depth=60)
    names = learning.store.documents.ids
    for query, rows in zip(policy.queries, policy.hard.rows, strict=True):
        ranked = run[run["query_id"] == query.id]["doc_id"].tolist()
        expected = [name for name in ranked if name not in learning.positives[query.id]][:4]
        assert [names[row] for row in rows if row >= 0] == expected and len(expected) == 4
    before = policy.hard.rows.copy()
    for done in range(1, 5):
        change(policy.encoder.queries, done)
        policy.after(done)
    seen = negatives_of(policy, range(40), monkeypatch)
    assert (policy.hard.rows == before).all()
    assert seen == [set(rows.tolist()) for rows in before]  # all four are drawn sooner or later


def test_the_static_loss_has_no_pairs_but_the_hard_ones(make_policy):
    policy = make_policy("static", top=1)
    policy.start(0)
    batch = epoch(policy, indices=np.array([1, 4]))
    encoder = policy.encoder
    queries = encoder.embed_queries([query.tokens for query in batch.queries]).double().numpy()
    positives = encoder.embed_documents(batch.positives).double().numpy()
    hard = encoder.embed_documents(policy.hard.rows[[1, 4], 0]).double().numpy()
    margins = ((hard - positives) * queries).sum(axis=1)
    assert policy.loss(batch, 0).value.item() == pytest.approx(np.mean([*map(softplus, margins)]), rel=1e-4)


def test_a_query_that_bm25_finds_nothing_for_trains_nothing(make_policy, monkeypatch):
    monkeypatch.setattr(
        static, "of_bm25", lambda learning, queries, top: np.full((9, top), -1, dtype=np.int64)
    )
    policy = make_policy("static", top=3)
    policy.start(0)
    loss, _ = policy.loss(epoch(policy), 0)
    loss.backward()
    assert loss.item() == 0 and policy.encoder.queries.get_input_embeddings().weight.grad.abs().max() == 0


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_stars_loss_has_both_kinds_of_pairs(alpha, make_policy):
    policy = make_policy("star", top=1, alpha=alpha)
    policy.start(0)
    indices = np.array([1, 4, 5])
    batch = epoch(policy, indices=indices)
    encoder = policy.encoder
    queries = encoder.embed_queries([query.tokens for query in batch.queries]).double().numpy()
    positives = queries @ encoder.embed_documents(batch.positives).double().numpy().T
    hard_rows = policy.hard.rows[indices, 0]
    hard = queries @ encoder.embed_documents(hard_rows).double().numpy().T
    total = weight = 0.0
    for i in range(3):
        for j in range(3):
            if i == j:
                total, weight = total + softplus(hard[i, i] - positives[i, i]), weight + 1
                continue
            # What the batch has for others: their positives, and their hard negatives.
            assert hard_rows[j] not in batch.queries[i].positives
            total += alpha * sum(softplus(row[i, j] - positives[i, i]) for row in (positives, hard))
            weight += 2 * alpha
    assert policy.loss(batch, 0).value.item() == pytest.approx(total / weight, rel=1e-4)


def test_star_finds_its_hard_ones_with_the_model_it_starts_from(make_policy, learning, tmp_path):
    encoder = load_dual_encoder(learning.start, learning.store, learning.compute, learning.device)
    (tmp_path / "trained").mkdir()
    encoder.save_pretrained(tmp_path / "trained")
    load_tokenizer(learning.start).save_pretrained(tmp_path / "trained")
    from_bm25, from_model = make_policy("star", top=5), make_policy("star", tmp_path / "trained", top=5)
    from_bm25.start(0)
    assert (from_bm25.hard.rows == make_policy("static", top=5).search()).all()
    from_model.start(0)
    for query, rows in zip(from_model.queries, from_model.hard.rows, strict=True):
        ranked = ranking(encoder, query)
        assert rows.tolist() == ranked[~np.isin(ranked, query.positives)][:5].tolist()


def test_ances_are_the_top_of_the_encoder_of_the_last_refresh(make_policy, monkeypatch):
    policy = make_policy("ance", top=3, refresh_every=2, per_query=3)
    learned = policy.encoder.queries

    def top():
        ranked = [(ranking(policy.encoder, query), query.positives) for query in policy.queries]
        return [set(rows[~np.isin(rows, positives)][:3].tolist()) for rows, positives in ranked]

    policy.start(0)
    at_start = top()
    assert negatives_of(policy, [0], monkeypatch) == at_start
    change(learned, 1)
    policy.after(1)
    assert top() != at_start and negatives_of(policy, [1], monkeypatch) == at_start
    change(learned, 2)
    policy.after(2)
    refreshed = top()
    assert refreshed != at_start and negatives_of(policy, [2], monkeypatch) == refreshed
    change(learned, 3)
    policy.after(3)
    assert negatives_of(policy, [3], monkeypatch) == refreshed
    assert not learned.training  # a refresh leaves it as it was


def test_ances_loss_is_the_negative_log_likelihood(make_policy):
    policy = make_policy("ance", top=2, per_query=2)
    policy.start(0)
    batch = epoch(policy, indices=np.array([2]))
    encoder, rows = policy.encoder, policy.hard.rows[2]
    query = encoder.embed_queries([batch.queries[0].tokens]).double().numpy()[0]
    scores = encoder.embed_documents(np.array([batch.positives[0], *rows])).double().numpy() @ query
    expected = -math.log(math.exp(scores[0]) / sum(map(math.exp, scores)))
    assert policy.loss(batch, 0).value.item() == pytest.approx(expected, rel=1e-4)


def test_a_resume_has_the_refresh_of_its_checkpoint_and_older_ones_are_deleted(make_policy):
    policy = make_policy("ance", top=3, refresh_every=2)
    policy.start(0)
    kept = {0: policy.hard.rows}
    for done in range(1, 8):
        change(policy.encoder.queries, done)
        policy.after(done)
        kept[done] = policy.hard.rows
        if done in (1, 3, 5):
            policy.flush(done)
    # The last two checkpoints are of 3 and of 5 steps, and had the refreshes of steps 2 and 4.
    assert sorted(path.name for path in policy.learning.folder.glob("negatives-*")) == [
        "negatives-000000002.npy",
        "negatives-000000004.npy",
        "negatives-000000006.npy",
    ]
    resumed = make_policy("ance", top=3, refresh_every=2)
    for step in (3, 5):
        resumed.start(step)
        assert (resumed.hard.rows == kept[step]).all() and (kept[step] != kept[7]).any()
    found = policy.learning.folder / "negatives-000000004.npy"
    content = bytearray(found.read_bytes())
    content[-1] ^= 1
    found.write_bytes(content)
    with pytest.raises(InputError, match=r"negatives-000000004\.npy: changed since"):
        resumed.start(5)
    found.unlink()
    with pytest.raises(InputError, match=r"negatives-000000004\.npy: .*delete .*checkpoint to train anew"):
        resumed.start(5)


@pytest.mark.parametrize("changed", [False, True])
def test_adores_are_the_top_of_the_query_encoder_as_it_is(changed, make_policy):
    policy = make_policy("adore", top=5)
    policy.start(0)
    batch, encoder = epoch(policy), policy.encoder

    def retrieved():
        with torch.no_grad():
            return policy.retrieve(encoder.embed_queries([query.tokens for query in policy.queries]), batch)

    before = retrieved()[0]
    if changed:
        change(encoder.queries)
        assert (retrieved()[0] != before).any()
    negatives, ranks = retrieved()
    for query, positive, rows, rank in zip(batch.queries, batch.positives, negatives, ranks, strict=True):
        ranked = ranking(encoder, query)
        alone = ranked[~np.isin(ranked, query.positives[query.positives != positive])]
        assert rows.tolist() == alone[alone != positive][:5].tolist()
        assert rank == min(1 + int(np.flatnonzero(alone == positive)[0]), 6)


def test_adores_documents_do_not_change(make_policy):
    policy = make_policy("adore", top=5)
    policy.start(0)
    encoder = policy.encoder
    before = {name: value.clone() for name, value in encoder.documents.state_dict().items()}
    with encoder.evaluating():
        frozen = encoder.embed_documents(np.arange(60)).clone()
    torch.testing.assert_close(policy.frozen.of(np.arange(60)), frozen, atol=1e-5, rtol=0)
    optimizer = torch.optim.SGD(encoder.queries.parameters(), lr=0.1)
    for step in range(3):
        optimizer.zero_grad()
        policy.loss(epoch(policy), step).value.backward()
        optimizer.step()
    assert all(parameter.grad is None for parameter in encoder.documents.parameters())
    assert all(torch.equal(value, before[name]) for name, value in encoder.documents.state_dict().items())
    assert any((value != before[name]).any() for name, value in encoder.queries.state_dict().items())


@pytest.mark.parametrize("measure", ["RR", "nDCG"])
def test_adores_weight_is_what_a_swap_does_to_the_measure(measure):
    def value(ranked):
        rank = 1 + ranked.index("positive")
        return 1 / rank if measure == "RR" else 1 / math.log2(1 + rank)

    for rank in range(1, 6):  # 5: behind all four negatives
        ranked = ["n1", "n2", "n3", "n4"]
        ranked.insert(rank - 1, "positive")
        expected = []
        for negative in ("n1", "n2", "n3", "n4"):
            swapped = [{"positive": negative, negative: "positive"}.get(name, name) for name in ranked]
            expected.append(abs(value(ranked) - value(swapped)))
        weights = lambda_weights(torch.tensor([rank]), 4, measure)
        assert weights[0].tolist() == pytest.approx(expected, rel=1e-5)


def test_adores_loss_by_hand(make_policy):
    policy = make_policy("adore", top=3)
    policy.start(0)
    index = 4
    batch = epoch(policy, indices=np.array([index]))
    encoder, positive = policy.encoder, batch.positives[0]
    query = encoder.embed_queries([batch.queries[0].tokens]).double().numpy()[0]
    ranked = ranking(encoder, batch.queries[0])
    scores = encoder.embed_documents(np.arange(60)).double().numpy() @ query
    negatives = [row for row in ranked if row != positive][:3]
    shown = sorted([positive, *negatives], key=lambda row: -scores[row])
    places = {row: 1 + i for i, row in enumerate(shown)}
    expected = sum(
        abs(1 / places[positive] - 1 / places[row]) * softplus(scores[row] - scores[positive])
        for row in negatives
    )
    assert policy.loss(batch, 0).value.item() == pytest.approx(expected, rel=1e-4)


def test_adore_searches_and_weighs_alike_in_a_collection_smaller_than_its_top(make_policy):
    policy = make_policy("adore", top=500)
    policy.start(0)
    loss, _ = policy.loss(epoch(policy), 0)
    negatives, _ = policy.retrieve(torch.randn(9, 16), epoch(policy))
    assert math.isfinite(loss.item())
    assert (negatives >= 0).sum(axis=1).tolist() == [57] + [59] * 8


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("stars", {}, "no plug-in 'stars' .*allowed: adore, ance, in-batch, random, star, static"),
        ("star", {"refresh_every": 2}, "refresh_every: star has no such option; allowed: al"),
        ("adore", {"measure": "MRR"}, "measure: Input should be 'RR' or 'nDCG'"),
        ("ance", {"refresh_every": 0}, "refresh_every: Input should be greater than or equal to 1"),
        ("random", {"per_query": -1}, "per_query: Input should be greater than or equal to 0"),
    ],
)
def test_what_a_policy_refuses(name, options, message):
    with pytest.raises(InputError, match=message):
        POLICIES.make(name, **options)
