"""The regression: a prediction for every word of a passage, from the encoder's state at its first piece.

    y^(t, p) = w . T(t, p) + b

T(t, p) is the last hidden state of [CLS] p [SEP] at the word's first word piece (Dai and Callan, arXiv
1910.10687). It is trained by the mean squared error over the words of a batch, every occurrence counting;
stopwords and signs, which are never indexed, are not trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from sirbench.encoding.chunks import chunks_by_length
from sirbench.encoding.precision import Precision, encoding
from sirbench.firststage.term_weights.passages import Passage
from sirbench.machine.errors import InputError
from sirbench.study import FirstStageTraining
from sirbench.training import distributed
from sirbench.training.loop import seed_dropout
from sirbench.training.schedule import Schedule
from sirbench.training.task import Step, Task


class TokenRegression:
    """Predicts with any `AutoModelForTokenClassification` of one label."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        *,
        chunk_tokens: int,
        precision: Precision = "fp32",
    ):
        self.model = model
        self.chunk_tokens = chunk_tokens
        self.precision = precision
        self.padding = tokenizer.pad_token_id
        self.before, self.after = special_tokens(tokenizer)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    def chunks(self, passages: Sequence[Passage]) -> list[np.ndarray]:
        """Indices of the passages, in chunks of similar length that fit `chunk_tokens`."""
        special = len(self.before) + len(self.after)
        lengths = np.array([special + len(passage.tokens) for passage in passages], dtype=np.int64)
        return chunks_by_length(lengths, self.chunk_tokens)

    def forward(self, passages: Sequence[Passage]) -> Tensor:
        """Predictions (words,) float32 of all words of these passages, one passage after the other."""
        longest = max(len(passage.tokens) for passage in passages)
        shape = (len(passages), longest + len(self.before) + len(self.after))
        tokens = np.full(shape, self.padding, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, attended, passage in zip(tokens, mask, passages, strict=True):
            whole = [*self.before, *passage.tokens, *self.after]
            row[: len(whole)] = whole
            attended[: len(whole)] = 1
        rows = np.repeat(np.arange(len(passages)), [len(passage.words) for passage in passages])
        columns = np.concatenate([passage.pieces for passage in passages]) + len(self.before)
        with encoding(self.model, self.precision):
            outputs = self.model(input_ids=self._tensor(tokens), attention_mask=self._tensor(mask)).logits
        return outputs[self._tensor(rows), self._tensor(columns), 0]

    @torch.inference_mode()
    def predict(self, passages: Sequence[Passage]) -> list[np.ndarray]:
        """Predictions (words,) float32 of each passage, without gradient and without dropout."""
        self.model.eval()
        result = [np.empty(0, dtype=np.float32)] * len(passages)
        for chunk in self.chunks(passages):
            chosen = [passages[i] for i in chunk]
            lengths = [len(passage.words) for passage in chosen]
            predicted = self.forward(chosen).cpu().numpy()
            for i, one in zip(chunk, np.split(predicted, np.cumsum(lengths)[:-1]), strict=True):
                result[i] = one
        return result

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array.astype(np.int64, copy=False)).to(self.device, non_blocking=True)


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The tokens that the tokenizer puts before and after a single text."""
    alone = tokenizer("text", add_special_tokens=False)["input_ids"]
    whole = tokenizer("text")["input_ids"]
    for start in range(len(whole) - len(alone) + 1):
        if whole[start : start + len(alone)] == alone:
            return whole[:start], whole[start + len(alone) :]
    raise InputError(f"the tokenizer does not keep a text's tokens together: {alone} is not in {whole}")


@dataclass(frozen=True, kw_only=True)
class RegressionTraining(Task):
    """Labelled passages in, a trained regression out; every passage once per epoch."""

    settings: FirstStageTraining
    regression: TokenRegression
    """Its `model` is the one that is trained."""
    passages: Sequence[Passage]
    labels: Sequence[np.ndarray]
    """Of each passage, (words,) float32."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.settings.steps

    def forward_backward(self, step: int) -> Step:
        """The gradient of the mean squared error over the words of this step's passages.

        A chunk of passages at a time, so that memory is that of one chunk: the mean is a sum over chunks.
        """
        schedule = Schedule(len(self.passages), self.settings.batch, 1, self.settings.seed)
        epoch, chosen = schedule.at(step)
        words = sum(len(self.labels[i]) for i in chosen)
        mine = chosen[distributed.rank() :: distributed.workers()]
        seed_dropout(self.settings.seed, step)
        loss = 0.0
        for chunk in self.regression.chunks([self.passages[i] for i in mine]):
            predicted = self.regression.forward([self.passages[mine[i]] for i in chunk])
            labels = torch.from_numpy(np.concatenate([self.labels[mine[i]] for i in chunk]))
            squared = (predicted - labels.to(predicted.device)).square().sum() / words
            squared.backward()
            loss += float(squared.detach())
        return Step(loss=loss, inputs=len(mine), notes={"epoch": epoch})
