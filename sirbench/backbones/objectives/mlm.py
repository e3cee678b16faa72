"""Masked language model: BERT's first task.

Of 15 % of a text's tokens the model predicts what they were; 80 % of these are [MASK] in its input, 10 % a
random token, 10 % unchanged. The loss is the mean cross entropy over them.
Source: Devlin et al., BERT, NAACL 2019, section 3.1, Task #1. The second task is `nsp`: BERT's own loss is
the sum, `{mlm: 1, nsp: 1}`, with the difference that each task here draws texts of its own. A text is a
passage of the corpus; the head is that of transformers' AutoModelForMaskedLM.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from sirbench.backbones.drawing.masking import IGNORED, MaskedTexts, mask_texts
from sirbench.backbones.drawing.passages import random_texts
from sirbench.backbones.objectives import Objective, Outcome
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MASK, RANDOM = 0.8, 0.1
"""Shares of the chosen tokens that become [MASK], and that become a random token."""


class MaskedLanguageModel(Objective):
    """Cross entropy of the chosen tokens."""

    trains_head: ClassVar[bool] = False

    rate: float = Field(0.15, gt=0, le=1)
    """Share of the tokens that are predicted."""

    @cached_property
    def model(self) -> PreTrainedModel:
        """The encoder with the head that predicts tokens."""
        from transformers import AutoModelForMaskedLM

        from sirbench.backbones.drawing.heads import with_head

        return with_head(self.material, AutoModelForMaskedLM)

    def heads(self) -> Mapping[str, PreTrainedModel]:
        """That model."""
        return {"model": self.model}

    def draw(self, step: int) -> MaskedTexts:
        """The texts of a step."""
        draw = random_generator("mlm", self.material.seed, step)
        texts = random_texts(self.material, draw)
        template, tokenizer = self.material.template, self.material.tokenizer
        return mask_texts(texts, template, tokenizer, draw, rate=self.rate, mask=MASK, random=RANDOM)

    def __call__(self, step: int) -> Outcome:
        """Mean cross entropy over the chosen tokens of all texts."""
        import torch
        from torch.nn import functional

        from sirbench.encoding.precision import autocast

        device = self.material.device
        input_ids, attention, labels = (torch.from_numpy(array).to(device) for array in self.draw(step))
        with autocast(device, self.material.compute.precision):
            logits = self.model(input_ids=input_ids, attention_mask=attention).logits
        loss = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        return Outcome(loss, len(input_ids))
