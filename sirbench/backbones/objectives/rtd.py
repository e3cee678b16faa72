"""Replaced token detection (RTD): the objective of ELECTRA.

    loss = L_MLM(generator) + lambda L_Disc(discriminator),        lambda = 50

Of 15 % of a text's tokens, all masked, a small generator predicts what they were (L_MLM: mean cross entropy
over them). A token sampled from each prediction takes the place of the original, and the discriminator says
of every token of the text whether it was replaced (L_Disc: mean binary cross entropy); a sampled token that
is the original counts as original. No gradient passes through the sampling.
Source: Clark et al., ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators, ICLR
2020, section 2. The generator is a quarter of the discriminator's width (section 3.2), shares its
embeddings (ibid., weight sharing), and is thrown away; the discriminator is the backbone's encoder with
transformers' head, which goes too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from sirbench.backbones.drawing.masking import IGNORED, MaskedTexts, mask_texts
from sirbench.backbones.drawing.passages import random_texts
from sirbench.backbones.objectives import Objective, Outcome
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


class ReplacedTokenDetection(Objective):
    """The generator's and the discriminator's loss."""

    trains_head: ClassVar[bool] = False

    rate: float = Field(0.15, gt=0, le=1)
    """Share of the tokens that are masked."""
    discriminator: float = Field(50.0, ge=0)
    """Weight of the discriminator's loss, lambda."""
    width: float = Field(0.25, gt=0, le=1)
    """The generator's hidden size, feed-forward size and heads, as a share of the discriminator's."""

    def prepare(self) -> None:
        """Raise `InputError` unless the model is an ELECTRA."""
        from transformers import ElectraConfig

        config = self.material.model.config
        if not isinstance(config, ElectraConfig):
            raise InputError(
                f"{self.material.start}: rtd trains an ELECTRA, and this is a {config.model_type}; "
                "see backbones.*.start"
            )

    @cached_property
    def detector(self) -> PreTrainedModel:
        """The discriminator: the encoder with a head that judges tokens."""
        from transformers import ElectraForPreTraining

        from sirbench.backbones.drawing.heads import with_head

        return with_head(self.material, ElectraForPreTraining)

    @cached_property
    def generator(self) -> PreTrainedModel:
        """A smaller ELECTRA on the discriminator's embeddings, the seed's own random weights otherwise."""
        import torch
        from transformers import ElectraConfig, ElectraForMaskedLM

        model: Any = self.material.model
        config, width = model.config, self.width
        heads = max(1, round(config.num_attention_heads * width))
        small = {
            "num_attention_heads": heads,
            "hidden_size": max(1, round(config.hidden_size * width / heads)) * heads,
            "intermediate_size": max(1, round(config.intermediate_size * width)),
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.uint32(self.material.seed)))
            generator = ElectraForMaskedLM(ElectraConfig(**{**config.to_dict(), **small}))
        generator.electra.embeddings = model.base_model.embeddings
        generator.tie_weights()
        return generator.to(self.material.device)

    def heads(self) -> Mapping[str, PreTrainedModel]:
        """Discriminator and generator."""
        return {"discriminator": self.detector, "generator": self.generator}

    def draw(self, step: int) -> MaskedTexts:
        """The masked texts of a step."""
        draw = random_generator("rtd", self.material.seed, step)
        texts = random_texts(self.material, draw)
        return mask_texts(texts, self.material.template, self.material.tokenizer, draw, rate=self.rate)

    def __call__(self, step: int) -> Outcome:
        """The sum of the two losses."""
        import torch
        from torch.nn import functional

        from sirbench.encoding.precision import autocast

        masked, device = self.draw(step), self.material.device
        input_ids, attention, labels = (torch.from_numpy(array).to(device) for array in masked)
        originals = torch.from_numpy(masked.originals).to(device)
        chosen = labels != IGNORED
        with autocast(device, self.material.compute.precision):
            predicted = self.generator(input_ids=input_ids, attention_mask=attention).logits[chosen].float()
        generator_loss = functional.cross_entropy(predicted, originals[chosen])
        corrupted = originals.masked_scatter(chosen, sample(predicted.detach()))
        with autocast(device, self.material.compute.precision):
            logits = self.detector(input_ids=corrupted, attention_mask=attention).logits.float()
        detector_loss = discriminator_loss(logits, corrupted != originals, attention)
        return Outcome(generator_loss + self.discriminator * detector_loss, len(input_ids))


def sample(logits: Tensor) -> Tensor:
    """A token of each row's softmax, by the Gumbel-max trick; (tokens, vocabulary) to (tokens,)."""
    noise = -logits.new_empty(logits.shape).exponential_().log()
    return (logits + noise).argmax(dim=1)


def discriminator_loss(logits: Tensor, replaced: Tensor, attention: Tensor) -> Tensor:
    """Mean binary cross entropy over all tokens that are no padding; all (texts, tokens)."""
    from torch.nn import functional

    entropy = functional.binary_cross_entropy_with_logits(logits, replaced.float(), reduction="none")
    return (entropy * attention).sum() / attention.sum()
