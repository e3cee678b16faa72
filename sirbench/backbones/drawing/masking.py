"""Texts with masked tokens, masked as in BERT (Devlin et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sirbench.data.tokens import Template
from sirbench.machine.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of tokens that are not predicted, in torch's cross entropy."""


class MaskedTexts(NamedTuple):
    """Padded texts; each array is (texts, tokens), int64."""

    input_ids: np.ndarray
    """The texts with some tokens replaced."""
    attention_mask: np.ndarray
    labels: np.ndarray
    """The original tokens where chosen for prediction, `IGNORED` elsewhere."""

    @property
    def originals(self) -> np.ndarray:
        """The texts before masking."""
        return np.where(self.labels == IGNORED, self.input_ids, self.labels)


def mask_texts(
    texts: Sequence[np.ndarray],
    template: Template,
    tokenizer: PreTrainedTokenizerBase,
    draw: np.random.Generator,
    *,
    rate: float,
    mask: float = 1.0,
    random: float = 0.0,
) -> MaskedTexts:
    """The texts, each between [CLS] and [SEP], with some tokens chosen for prediction.

    Of each text a share `rate` of the tokens, at least one, is chosen. Of the chosen tokens a share `mask`
    becomes [MASK], a share `random` becomes any token of the vocabulary, and the others stay. Raises
    InputError if the tokenizer has no [MASK].
    """
    if tokenizer.mask_token_id is None:
        raise InputError("backbones.*.objectives: the tokenizer has no token to mask with")
    room = template.max_tokens - template.special_of_single
    cut = [text[:room] for text in texts]
    input_ids, attention, _ = template.singles(cut)
    labels = np.full_like(input_ids, IGNORED)
    for row, text in enumerate(cut):
        chosen = draw.permutation(len(text))[: max(1, round(rate * len(text)))] + len(template.before)
        labels[row, chosen] = input_ids[row, chosen]
        fate = draw.random(len(chosen))
        input_ids[row, chosen[fate < mask]] = tokenizer.mask_token_id
        replaced = chosen[(fate >= mask) & (fate < mask + random)]
        input_ids[row, replaced] = draw.integers(len(tokenizer), size=len(replaced))
    return MaskedTexts(input_ids, attention, labels)
