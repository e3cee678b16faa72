"""Next-sentence prediction: BERT's second task.

Two spans of text, A and B, are one input; half of the time B is what follows A in its document, otherwise
it is a span of another one. The loss is the cross entropy of which of the two is the case.
Source: Devlin et al., BERT, NAACL 2019, section 3.1, Task #2. Here A is the beginning of a passage up to a
sentence's end, B its remainder or as much of another passage; the tokens are not masked, since `mlm` draws
its own texts. The head is that of transformers' AutoModelForNextSentencePrediction; it exists for BERT and
its closest kin.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from sirbench.backbones.drawing.passages import TRIES, nothing_found, random_passage
from sirbench.backbones.objectives import Objective, Outcome
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FOLLOWS, RANDOM = 0, 1
"""The labels of transformers' head."""


class Spans(NamedTuple):
    """A, B, and whether B follows A."""

    first: np.ndarray
    second: np.ndarray
    label: int


class NextSentencePrediction(Objective):
    """Cross entropy of whether the second span follows the first."""

    trains_head: ClassVar[bool] = False

    @cached_property
    def model(self) -> PreTrainedModel:
        """The encoder with the head that says whether B follows A."""
        from transformers import AutoModelForNextSentencePrediction

        from sirbench.backbones.drawing.heads import with_head

        return with_head(self.material, AutoModelForNextSentencePrediction)

    def heads(self) -> Mapping[str, PreTrainedModel]:
        """That model."""
        return {"model": self.model}

    def draw(self, step: int) -> list[Spans]:
        """The spans of a step."""
        draw = random_generator("nsp", self.material.seed, step)
        return [self._spans(draw) for _ in range(self.material.batch)]

    def _spans(self, draw: np.random.Generator) -> Spans:
        corpus, template = self.material.corpus, self.material.template
        limit = template.max_tokens - template.special
        for _ in range(TRIES):
            passage = random_passage(corpus, draw, limit)
            if len(passage) > 1:
                break
        else:
            raise nothing_found("passage of two sentences")
        cut = int(draw.integers(passage.start + 1, passage.stop))
        first, label = range(passage.start, cut), int(draw.random() < 0.5)
        second = range(cut, passage.stop)
        if label == RANDOM:
            second = self._elsewhere(draw, corpus.page_of(passage.start), limit)
        tokens = corpus.tokens_of(first)[: limit - 1]
        return Spans(tokens, corpus.tokens_of(second)[: limit - len(tokens)], label)

    def _elsewhere(self, draw: np.random.Generator, page: int, limit: int) -> range:
        for _ in range(TRIES):
            passage = random_passage(self.material.corpus, draw, limit)
            if self.material.corpus.page_of(passage.start) != page:
                return range(int(draw.integers(passage.start, passage.stop)), passage.stop)
        raise nothing_found("second page")

    def __call__(self, step: int) -> Outcome:
        """Mean cross entropy over the pairs."""
        import torch
        from torch.nn import functional

        from sirbench.backbones.drawing.groups import DrawnPairs
        from sirbench.encoding.precision import autocast

        spans, template, device = self.draw(step), self.material.template, self.material.device
        rows = np.arange(len(spans))
        drawn = DrawnPairs(template, [one.first for one in spans], [one.second for one in spans])
        pairs = drawn.pairs(rows, rows)
        inputs = {name: torch.from_numpy(array).to(device) for name, array in pairs._asdict().items()}
        with autocast(device, self.material.compute.precision):
            logits = self.model(**inputs).logits
        labels = torch.tensor([one.label for one in spans], device=device)
        return Outcome(functional.cross_entropy(logits.float(), labels), len(spans))
