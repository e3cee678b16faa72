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

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

from sirbench.backbones.drawing.heads import with_head
from sirbench.backbones.drawing.masking import IGNORED, MaskedTexts, mask_texts
from sirbench.backbones.objectives import Material, Objective, Outcome
from sirbench.backbones.objectives.mlm import draw_texts
from sirbench.encoding.precision import autocast
from sirbench.machine.errors import InputError
from sirbench.machine.randomness import random_generator


def make(
    material: Material, *, rate: float = 0.15, discriminator: float = 50.0, width: float = 0.25
) -> Objective:
    """`rate`: share of the tokens that are masked. `discriminator`: lambda.

    `width`: the generator's hidden size, feed-forward size and heads, as a share of the discriminator's.
    """
    if not isinstance(material.model.config, ElectraConfig):
        raise InputError(
            f"{material.start}: rtd trains an ELECTRA, and this is a {material.model.config.model_type}; "
            "see backbones.*.start"
        )
    return ReplacedTokenDetection(material, rate, discriminator, width)


class ReplacedTokenDetection(Objective):
    """The generator's and the discriminator's loss."""

    TRAINS_HEAD = False

    def __init__(self, material: Material, rate: float, discriminator: float, width: float):
        super().__init__()
        self.material, self.rate, self.weight = material, rate, discriminator
        self.discriminator = with_head(material, ElectraForPreTraining)
        self.generator = _generator(material, width)

    def draw(self, step: int) -> MaskedTexts:
        """The masked texts of a step."""
        draw = random_generator("rtd", self.material.seed, step)
        texts = draw_texts(self.material, draw)
        return mask_texts(texts, self.material.template, self.material.tokenizer, draw, rate=self.rate)

    def forward(self, step: int) -> Outcome:
        """The sum of the two losses."""
        masked, device = self.draw(step), self.material.device
        input_ids, attention, labels = (torch.from_numpy(array).to(device) for array in masked)
        originals = torch.from_numpy(masked.originals).to(device)
        chosen = labels != IGNORED
        with autocast(device, self.material.compute.precision):
            predicted = self.generator(input_ids=input_ids, attention_mask=attention).logits[chosen].float()
        generator_loss = functional.cross_entropy(predicted, originals[chosen])
        corrupted = originals.masked_scatter(chosen, sample(predicted.detach()))
        with autocast(device, self.material.compute.precision):
            logits = self.discriminator(input_ids=corrupted, attention_mask=attention).logits.float()
        return Outcome(
            generator_loss + self.weight * discriminator_loss(logits, corrupted != originals, attention),
            len(input_ids),
        )


def sample(logits: Tensor) -> Tensor:
    """A token of each row's softmax, by the Gumbel-max trick; (tokens, vocabulary) to (tokens,)."""
    noise = -torch.empty_like(logits).exponential_().log()
    return (logits + noise).argmax(dim=1)


def discriminator_loss(logits: Tensor, replaced: Tensor, attention: Tensor) -> Tensor:
    """Mean binary cross entropy over all tokens that are no padding; all (texts, tokens)."""
    entropy = functional.binary_cross_entropy_with_logits(logits, replaced.float(), reduction="none")
    return (entropy * attention).sum() / attention.sum()


def _generator(material: Material, width: float) -> ElectraForMaskedLM:
    """A smaller ELECTRA on the discriminator's embeddings, the seed's own random weights otherwise."""
    config = material.model.config
    heads = max(1, round(config.num_attention_heads * width))
    small = ElectraConfig(
        **{
            **config.to_dict(),
            "num_attention_heads": heads,
            "hidden_size": max(1, round(config.hidden_size * width / heads)) * heads,
            "intermediate_size": max(1, round(config.intermediate_size * width)),
        }
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.uint32(material.seed)))
        generator = ElectraForMaskedLM(small)
    generator.electra.embeddings = material.model.base_model.embeddings
    generator.tie_weights()
    return generator.to(material.device)
