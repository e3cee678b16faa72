"""Masked language model: BERT's first task.

Of 15 % of a text's tokens the model predicts what they were; 80 % of these are [MASK] in its input, 10 % a
random token, 10 % unchanged. The loss is the mean cross entropy over them.
Source: Devlin et al., BERT, NAACL 2019, section 3.1, Task #1. The second task is `nsp`: BERT's own loss is
the sum, `{mlm: 1, nsp: 1}`, with the difference that each task here draws texts of its own. A text is a
passage of the corpus; the head is that of transformers' AutoModelForMaskedLM.
"""

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModelForMaskedLM

from sirbench.backbones.drawing.heads import with_head
from sirbench.backbones.drawing.masking import IGNORED, MaskedTexts, mask_texts
from sirbench.backbones.drawing.passages import random_passage
from sirbench.backbones.objectives import Material, Objective, Outcome
from sirbench.encoding.precision import autocast
from sirbench.machine.randomness import random_generator

MASK, RANDOM = 0.8, 0.1
"""Shares of the chosen tokens that become [MASK], and that become a random token."""


def make(material: Material, *, rate: float = 0.15) -> Objective:
    """`rate`: share of the tokens that are predicted."""
    return MaskedLanguageModel(material, rate)


class MaskedLanguageModel(Objective):
    """Cross entropy of the chosen tokens."""

    TRAINS_HEAD = False

    def __init__(self, material: Material, rate: float):
        super().__init__()
        self.material, self.rate = material, rate
        self.model = with_head(material, AutoModelForMaskedLM)

    def draw(self, step: int) -> MaskedTexts:
        """The texts of a step."""
        draw = random_generator("mlm", self.material.seed, step)
        texts = draw_texts(self.material, draw)
        template, tokenizer = self.material.template, self.material.tokenizer
        return mask_texts(texts, template, tokenizer, draw, rate=self.rate, mask=MASK, random=RANDOM)

    def forward(self, step: int) -> Outcome:
        """Mean cross entropy over the chosen tokens of all texts."""
        device = self.material.device
        input_ids, attention, labels = (torch.from_numpy(array).to(device) for array in self.draw(step))
        with autocast(device, self.material.compute.precision):
            logits = self.model(input_ids=input_ids, attention_mask=attention).logits
        loss = functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        return Outcome(loss, len(input_ids))


def draw_texts(material: Material, draw: np.random.Generator) -> list[np.ndarray]:
    """As many passages as a step has texts, as long as an input can be."""
    template, corpus = material.template, material.corpus
    room = template.max_tokens - len(template.before) - len(template.after)
    return [corpus.tokens_of(random_passage(corpus, draw, room)) for _ in range(material.batch)]
