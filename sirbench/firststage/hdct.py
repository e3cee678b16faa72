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

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from tqdm import tqdm

from sirbench.firststage import Learner, Learning, Texts, Trained
from sirbench.machine.errors import InputError, TrainingError
from sirbench.strategies import Pairs

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel

    from sirbench.data.documents import Document
    from sirbench.firststage.lexical.weighted_index import Postings
    from sirbench.firststage.lexical.words import Words
    from sirbench.firststage.term_weights.examples import Examples
    from sirbench.firststage.term_weights.passages import Cut
    from sirbench.firststage.term_weights.regression import TokenRegression
    from sirbench.study import FirstStage, Input
    from sirbench.training.checkpoint import Progress

DOCUMENTS_AT_ONCE = 256
"""Documents whose passages are sorted by length together, so that few tokens are padding."""


class HDCT(Learner):
    """BM25 over predicted term weights."""

    retrieval_options: ClassVar = ("k1", "b", "combination")

    labels: Literal["queries", "first-sentence"] = "queries"
    """What is learned: which words of a document its training queries have, or which ones its first sentence
    has; that needs no queries, and is what a collection without any gets."""
    passage_tokens: int = Field(0, ge=0)
    """Tokens of a passage, special tokens included; 0: the study's `input.max_tokens`."""
    max_passages: int = Field(0, ge=0)
    """Passages of a document after so many are left out; 0: none is."""
    k1: float = Field(30.0, ge=0)
    """BM25's, on the scale of the weights: up to a few hundreds where a frequency is 1 or 2."""
    b: float = Field(0.8, ge=0, le=1)
    """BM25's."""
    combination: Literal["decay", "sum"] = "decay"
    """A document's weight of a word: `sum`, that of its passages; `decay`, the i-th passage divided by i."""

    def texts(self, spec: FirstStage, input: Input, documents: int) -> list[Texts]:
        """A step's passages, and to weight the words of each document one passage: the least that it has."""
        trained = spec.training.steps * spec.training.batch
        return [Texts(self.passage_tokens or input.max_tokens, Pairs(trained, documents))]

    def train(self, learning: Learning) -> tuple[PreTrainedModel, Progress]:
        """Fine-tune the encoder with a new regression head, or with that of the `hdct` it continues from.

        `settings.batch` is in passages. Raises `InputError` if no label is above 0.
        """
        from sirbench.firststage.lexical.words import Words
        from sirbench.firststage.term_weights.regression import RegressionTraining
        from sirbench.training.loop import train

        settings, words = learning.settings, Words()
        if settings.steps == 0:
            raise InputError("candidates.*.training.steps: 0, but hdct knows no weights before it is trained")
        regression, cut = self._regression(learning.start, settings.seed, learning, words)
        examples = self._examples(learning, cut, words)
        task = RegressionTraining(
            name=learning.name,
            model=regression.model,
            settings=settings,
            folder=learning.folder,
            fingerprint=learning.fingerprint,
            regression=regression,
            passages=examples.passages,
            labels=examples.labels,
        )
        return regression.model, train(task)

    def retrieve(
        self,
        documents: Iterable[Document],
        queries: Mapping[str, str],
        *,
        depth: int,
        trained: Trained | None = None,
    ) -> pd.DataFrame:
        """The run of the `depth` best documents of each query, in the order of `sirbench.data.runs`.

        Only documents that share a word with the query are returned, and a word that weighs less than half a
        point is none of the document's. Documents are read once, some at a time; what stays in memory is
        their ids and the index. Raises InputError if no document has a word in it.
        """
        from sirbench.firststage.lexical.ranking import rank
        from sirbench.firststage.lexical.weighted_index import build_index
        from sirbench.firststage.lexical.words import Words

        assert trained is not None, "hdct retrieves with what it has learned"
        words = Words()
        regression, cut = self._regression(trained.folder, 0, trained, words)
        doc_ids: list[str] = []
        parts: list[Postings] = []
        for batch in _batches(tqdm(documents, "hdct: weighting", unit=" documents", delay=2)):
            doc_ids.extend(document.doc_id for document in batch)
            parts.append(self._weigh(batch, cut, regression))
        if not words:
            raise InputError("hdct: there is no document with a word in it")
        if not any(len(part.words) for part in parts):
            raise TrainingError(
                "hdct: the trained model gives no word a weight; train it longer (training.steps)"
            )
        index = build_index(parts, k1=self.k1, b=self.b)
        return rank(doc_ids, queries, words, index.scores, depth=depth, name="hdct")

    def _regression(
        self, checkpoint: Path, seed: int, given: Learning | Trained, words: Words
    ) -> tuple[TokenRegression, Cut]:
        """The model of a checkpoint, and what cuts texts into passages for it."""
        from sirbench.backbones.checkpoint import load_token_regression, load_tokenizer
        from sirbench.encoding.positions import positions_of
        from sirbench.firststage.term_weights.passages import passage_cutter
        from sirbench.firststage.term_weights.regression import TokenRegression

        model = load_token_regression(checkpoint, seed).to(given.device)
        tokenizer = load_tokenizer(checkpoint)
        tokens, positions = self.passage_tokens or given.store.template.max_tokens, positions_of(model)
        if positions is not None and tokens > positions:
            raise InputError(
                f"candidates.*.options: passage_tokens={tokens} is more than the {positions} positions of "
                "the backbone; lower it"
            )
        cut = passage_cutter(tokenizer, words, passage_tokens=tokens, max_passages=self.max_passages)
        compute = given.compute
        regression = TokenRegression(
            model, tokenizer, chunk_tokens=compute.chunk_tokens, precision=compute.precision
        )
        return regression, cut

    def _examples(self, learning: Learning, cut: Cut, words: Words) -> Examples:
        """The passages to learn from, with the labels of their words."""
        from sirbench.firststage.term_weights.examples import (
            examples_from_first_sentences,
            examples_from_queries,
        )

        # Each document has a passage at least: more of them would never be seen.
        most = learning.settings.steps * learning.settings.batch
        if self.labels == "queries" and learning.positives:
            return examples_from_queries(
                learning.documents(), learning.queries, learning.positives, cut, words, most=most
            )
        return examples_from_first_sentences(learning.documents, cut, words, most=most)

    def _weigh(self, documents: list[Document], cut: Cut, regression: TokenRegression) -> Postings:
        from sirbench.firststage.term_weights.document_weights import combine

        passages = cut([document.text for document in documents])
        flat = [passage for document in passages for passage in document]
        return combine(passages, regression.predict(flat), self.combination)


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    remaining = iter(documents)
    while batch := list(islice(remaining, DOCUMENTS_AT_ONCE)):
        yield batch
