"""Objective `own-passage`: the first sentence of a passage is to be told from those of others, as a toy."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sirbench.backbones.objectives import Objective, Outcome
from sirbench.machine.randomness import random_generator


class OwnPassage(Objective):
    """Softmax cross entropy of the passage that a sentence comes from."""

    trains_head: ClassVar[bool] = True

    others: int = Field(1, ge=1)
    """Random passages beside it."""

    def __call__(self, step: int) -> Outcome:
        """The mean over sentences."""
        from sirbench.backbones.drawing.groups import Group, first_is_best, score_groups
        from sirbench.backbones.drawing.passages import random_passage

        corpus, limit = self.material.corpus, self.material.passage_tokens
        draw = random_generator("own-passage", self.material.seed, step)
        groups = []
        for _ in range(self.material.batch):
            passages = [random_passage(corpus, draw, limit) for _ in range(1 + self.others)]
            sentence = range(passages[0].start, passages[0].start + 1)
            groups.append(Group(corpus.tokens_of(sentence), [corpus.tokens_of(it) for it in passages]))
        loss = first_is_best(score_groups(self.material, groups))
        return Outcome(loss, len(groups) * (1 + self.others))
