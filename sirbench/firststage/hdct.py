"""HDCT: BM25 over term weights that an encoder predicts from a word's context, passage by passage.

    y^(t, p) = w . T(t, p) + b                            trained on query term recall
    tf(t, p) = round(100 * sqrt(max(y^(t, p), 0)))        the largest over the occurrences of t in p
    w(t, d)  = sum over passages i of d: tf(t, p_i) / i   rounded; `combination: sum` leaves out the / i
    score    = BM25 with w(t, d) for frequencies

The folder `term_weights/` has the first three, `lexical/weighted_index.py` the last. Passages are cut from
the whole text of a document, not from the token store, which has its beginning only.
Sources: Dai and Callan, *Context-Aware Document Term Weighting for Ad-Hoc Search*, TheWebConf 2020 (HDCT);
*Context-Aware Sentence/Passage Term Importance Estimation*, arXiv 1910.10687 (DeepCT, the passage's weights).
"""

from collections.abc import Iterable, Mapping
from itertools import islice

import pandas as pd
from tqdm import tqdm
from transformers import PreTrainedModel

from sirbench.backbones.checkpoint import load_token_regression, load_tokenizer
from sirbench.data.documents import Document
from sirbench.data.tokens import TokenStore
from sirbench.encoding.positions import positions_of
from sirbench.firststage import Learning, Trained
from sirbench.firststage.lexical.ranking import rank
from sirbench.firststage.lexical.weighted_index import Postings, build_index
from sirbench.firststage.lexical.words import Words
from sirbench.firststage.term_weights.document_weights import combine
from sirbench.firststage.term_weights.examples import examples_from_first_sentences, examples_from_queries
from sirbench.firststage.term_weights.passages import Cut, passage_cutter
from sirbench.firststage.term_weights.regression import RegressionTraining, TokenRegression
from sirbench.machine.errors import InputError, TrainingError
from sirbench.training.checkpoint import Progress
from sirbench.training.loop import train as train_task

DOCUMENTS_AT_ONCE = 256
"""Documents whose passages are sorted by length together, so that few tokens are padding."""


def train(
    learning: Learning, *, labels: str = "queries", passage_tokens: int = 0, max_passages: int = 0
) -> tuple[PreTrainedModel, Progress]:
    """Fine-tune the encoder with a new regression head, or with that of the `hdct` that it continues from.

    `settings.batch` is in passages. `labels` is `queries`, the query term recall of documents that a training
    query has, or `first-sentence`, which needs no queries and is what a collection without any gets.
    `passage_tokens` and `max_passages` are those of `retrieve`. Raises `InputError` if no label is above 0.
    """
    _check_option("labels", labels, ("queries", "first-sentence"))
    settings, words = learning.settings, Words()
    if settings.steps == 0:
        raise InputError("candidates.*.training.steps: 0, but hdct knows no weights before it is trained")
    model = load_token_regression(learning.start, settings.seed).to(learning.device)
    tokenizer = load_tokenizer(learning.start)
    cut = passage_cutter(
        tokenizer,
        words,
        passage_tokens=_passage_tokens(passage_tokens, learning.store, model),
        max_passages=max_passages,
    )
    most = settings.steps * settings.batch  # each has a passage at least: more would never be seen
    if labels == "queries" and learning.positives:
        examples = examples_from_queries(
            learning.documents(), learning.queries, learning.positives, cut, words, most=most
        )
    else:
        examples = examples_from_first_sentences(learning.documents, cut, words, most=most)
    regression = TokenRegression(
        model,
        tokenizer,
        chunk_tokens=learning.compute.chunk_tokens,
        precision=learning.compute.precision,
    )
    task = RegressionTraining(
        name=learning.name,
        model=model,
        settings=settings,
        folder=learning.folder,
        fingerprint=learning.fingerprint,
        regression=regression,
        passages=examples.passages,
        labels=examples.labels,
    )
    return model, train_task(task)


def retrieve(
    documents: Iterable[Document],
    queries: Mapping[str, str],
    *,
    trained: Trained,
    depth: int = 100,
    k1: float = 30.0,
    b: float = 0.8,
    combination: str = "decay",
    passage_tokens: int = 0,
    max_passages: int = 0,
) -> pd.DataFrame:
    """The run of the `depth` best documents of each query, in the order of `sirbench.data.runs`.

    `passage_tokens` is the length of a passage with its special tokens, 0 for the study's `input.max_tokens`;
    a document's passages after `max_passages` are left out, 0 for none. Only documents that share a word
    with the query are returned, and a word that weighs less than half a point is none of the document's.
    Documents are read once, some at a time; what stays in memory is their ids and the index. Raises
    InputError if no document has a word in it.
    """
    _check_option("combination", combination, ("decay", "sum"))
    model = load_token_regression(trained.folder, seed=0).to(trained.device)
    tokenizer, words = load_tokenizer(trained.folder), Words()
    cut = passage_cutter(
        tokenizer,
        words,
        passage_tokens=_passage_tokens(passage_tokens, trained.store, model),
        max_passages=max_passages,
    )
    regression = TokenRegression(
        model, tokenizer, chunk_tokens=trained.compute.chunk_tokens, precision=trained.compute.precision
    )
    doc_ids: list[str] = []
    parts: list[Postings] = []
    remaining = iter(tqdm(documents, "hdct: weighting", unit=" documents", delay=2))
    while batch := list(islice(remaining, DOCUMENTS_AT_ONCE)):
        doc_ids.extend(document.doc_id for document in batch)
        parts.append(_weigh(batch, cut, regression, combination))
    if not words:
        raise InputError("hdct: there is no document with a word in it")
    if not any(len(part.words) for part in parts):
        raise TrainingError(
            "hdct: the trained model gives no word a weight; train it longer (training.steps)"
        )
    index = build_index(parts, k1=k1, b=b)
    return rank(doc_ids, queries, words, index.scores, depth=depth, name="hdct")


def _weigh(documents: list[Document], cut: Cut, regression: TokenRegression, combination: str) -> Postings:
    passages = cut([document.text for document in documents])
    flat = [passage for document in passages for passage in document]
    return combine(passages, regression.predict(flat), combination)


def _passage_tokens(option: int, store: TokenStore, model: PreTrainedModel) -> int:
    """How long a passage is; an `InputError` where the encoder has fewer positions."""
    tokens = option or store.template.max_tokens
    positions = positions_of(model)
    if positions is not None and tokens > positions:
        raise InputError(
            f"candidates.*.options: passage_tokens={tokens} is more than the {positions} positions of the "
            "backbone; lower it"
        )
    return tokens


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"candidates.*.options: {name}={value!r}; allowed: {', '.join(allowed)}")
