"""Texts with masked tokens, as Devlin et al. 2019 mask them for BERT."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerBase

from sirbench.data.tokens import Template
from sirbench.machine.errors import InputError

IGNORED = -100
"""The label of tokens that nothing is predicted for, in torch's cross entropy."""


class MaskedTexts(NamedTuple):
    """Padded texts, each array (texts, tokens) int64."""

    input_ids: np.ndarray
    """With some tokens replaced."""
    attention_mask: np.ndarray
    labels: np.ndarray
    """The original token where one was chosen, -100 elsewhere."""

    @property
    def originals(self) -> np.ndarray:
        """The texts as they were."""
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
    """Each text between [CLS] and [SEP], with `rate` of its tokens, at least one, chosen for prediction.

    Of the chosen, a share of `mask` becomes [MASK], a share of `random` any token of the vocabulary; the
    others stay. `InputError` where the tokenizer has no [MASK].
    """
    if tokenizer.mask_token_id is None:
        raise InputError("backbones.*.objectives: the tokenizer has no token to mask with")
    room = template.max_tokens - len(template.before) - len(template.after)
    cut = [text[:room] for text in texts]
    shape = (len(cut), max(map(len, cut)) + template.max_tokens - room)
    input_ids = np.full(shape, template.padding, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    for row, text in enumerate(cut):
        whole = [*template.before, *text, *template.after]
        input_ids[row, : len(whole)] = whole
        attention[row, : len(whole)] = 1
        chosen = draw.permutation(len(text))[: max(1, round(rate * len(text)))] + len(template.before)
        labels[row, chosen] = input_ids[row, chosen]
        fate = draw.random(len(chosen))
        input_ids[row, chosen[fate < mask]] = tokenizer.mask_token_id
        replaced = chosen[(fate >= mask) & (fate < mask + random)]
        input_ids[row, replaced] = draw.integers(len(tokenizer), size=len(replaced))
    return MaskedTexts(input_ids, attention, labels)
