"""A recipe: one way to fine-tune. What strategies have in common; a strategy's file adds its own options."""

from typing import ClassVar, Literal, Self

from pydantic import Field, PositiveInt, computed_field, model_validator

from sirbench.study.registry import Plugin
from sirbench.study.settings import Choice

Selection = Literal["top", "random"]
"""What a compressor passes on: its highest-scored negatives, or as many at random."""


class Recipe(Plugin):
    """One way to fine-tune: a strategy, its levels and its options (design: named as in Table 3)."""

    trains: ClassVar[bool] = True
    """False where the backbone scores as it is, so that a cell has no model of its own."""

    description: str = Field("", exclude=True)
    """One line: what it is and where in the paper."""
    levels: list[int] = Field(min_length=1)
    """Group size of each level in the paper's numbers, positive included, strictly falling: [88, 48, 16]."""
    loss: Choice = "softmax-binary"
    """Name of a file in sirbench/strategies/losses/, or that with options: `{name: hinge, margin: 1}`;
    `softmax-binary` is the paper's Eq. 1."""
    epochs: list[PositiveInt] | None = None
    """Epochs: a number per training, that is per level for V1 and V2; null: the study's."""
    learning_rate: float | None = Field(None, gt=0, exclude=True)
    """AdamW's peak learning rate; null: the study's for this strategy, `learning_rates`, or for all."""
    blocks: Literal["redrawn", "fixed"] = "redrawn"
    """Whether the documents of a block are drawn anew in every epoch; V1 and V2 say `fixed` by default."""

    @computed_field
    @property
    def strategy(self) -> str:
        """Name of the strategy's file."""
        return self.file_name()

    @property
    def family(self) -> str:
        """The recipes that share a learning rate, unless they say otherwise: those of one strategy.

        Selection, levels and loss make no other family, so LCE (V0 with another loss) is of V0's.
        """
        return self.strategy

    @property
    def trainings(self) -> int:
        """How many trainings the recipe takes, one after the other."""
        return 1

    @model_validator(mode="after")
    def _levels_fall(self) -> Self:
        if any(size < 2 for size in self.levels) or sorted(set(self.levels), reverse=True) != self.levels:
            raise ValueError(
                f"levels: {self.levels} must fall strictly from level to level and stay at 2 or more "
                "(1 positive and 1 negative), e.g. [88, 48, 16]"
            )
        if self.epochs is not None and len(self.epochs) != self.trainings:
            raise ValueError(
                f"epochs: {self.strategy} here has {self.trainings} numbers, not {len(self.epochs)}"
            )
        return self
