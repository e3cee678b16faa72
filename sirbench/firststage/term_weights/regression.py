"""The regression: a prediction for each word of a passage, from the encoder's state at its first word piece.

    y^(t, p) = w . T(t, p) + b

T(t, p) is the last hidden state of [CLS] p [SEP] at the word's first word piece (Dai and Callan, arXiv
1910.10687). It is trained by the mean squared error over the words of a batch, with every occurrence;
stopwords and signs, which are never indexed, have no part in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sirbench.data.tokens import pair_template
from sirbench.encoding.chunks import ChunkedModel, Gradient
from sirbench.encoding.precision import Precision
from sirbench.firststage.term_weights.passages import Passage
from sirbench.study import FirstStageTraining
from sirbench.training import distributed
from sirbench.training.loop import seed_dropout
from sirbench.training.schedule import Schedule
from sirbench.training.task import Step, Task


class TokenRegression(ChunkedModel):
    """Predicts with any `AutoModelForTokenClassification` of one label."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        chunk_tokens: int,
        precision: Precision = "fp32",
    ):
        super().__init__(model, chunk_tokens, precision)
        # Passages are cut elsewhere, so the limit of the template is not used.
        self.template = pair_template(tokenizer, tokenizer.model_max_length)

    def predictions(
        self, passages: Sequence[Passage], gradient: Gradient = "none"
    ) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Yield indices of a chunk of passages, and predictions (words,) float32 for all their words.

        The words are in the order of these passages and, within a passage, of its text.
        """
        template = self.template
        lengths = np.array([len(passage.tokens) for passage in passages], dtype=np.int64)
        for chunk, logits in self.chunks(
            lengths + template.special_of_single,
            lambda chunk: template.singles([passages[i].tokens for i in chunk]),
            lambda outputs, mask: outputs.logits,
            gradient,
        ):
            rows = np.repeat(np.arange(len(chunk)), [len(passages[i].words) for i in chunk])
            columns = np.concatenate([passages[i].pieces for i in chunk]) + len(template.before)
            yield chunk, logits[rows, columns, 0]

    def predict(self, passages: Sequence[Passage]) -> list[np.ndarray]:
        """Predictions (words,) float32 of each passage, without gradient and without dropout."""
        self.model.eval()
        result = [np.empty(0, dtype=np.float32)] * len(passages)
        for chunk, predicted in self.predictions(passages):
            ends = np.cumsum([len(passages[i].words) for i in chunk])[:-1]
            for i, one in zip(chunk, np.split(predicted.cpu().numpy(), ends), strict=True):
                result[i] = one
        return result


@dataclass(frozen=True, kw_only=True)
class RegressionTraining(Task):
    """Labelled passages in, a trained regression out; every passage once per epoch."""

    settings: FirstStageTraining
    regression: TokenRegression
    """Its `model` is the one to train."""
    passages: Sequence[Passage]
    labels: Sequence[np.ndarray]
    """Labels (words,) float32 of each passage."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.settings.steps

    def forward_backward(self, step: int) -> Step:
        """The gradient of the mean squared error over the words of this step's passages.

        The mean is a sum over chunks, so each chunk has its backward pass before the next one runs.
        """
        schedule = Schedule(len(self.passages), self.settings.batch, 1, self.settings.seed)
        epoch, chosen = schedule.at(step)
        words = sum(len(self.labels[i]) for i in chosen)
        mine = chosen[distributed.rank() :: distributed.workers()]
        seed_dropout(self.settings.seed, step)
        loss = 0.0
        for chunk, predicted in self.regression.predictions([self.passages[i] for i in mine], "kept"):
            labels = torch.from_numpy(np.concatenate([self.labels[mine[i]] for i in chunk]))
            squared = (predicted - labels.to(predicted.device)).square().sum() / words
            squared.backward()
            loss += float(squared.detach())
        return Step(loss=loss, inputs=len(mine), notes={"epoch": epoch})
