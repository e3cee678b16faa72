"""A recipe: one way to fine-tune."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from sirbench.study.settings import Settings, registered

STRATEGIES = ("v0", "v1", "v2", "v3", "v4")


class Recipe(Settings):
    """One way to fine-tune: strategy, selection, levels and options (design: named as in Table 3)."""

    description: str = ""
    """One line: what it is and where in the paper."""
    strategy: Literal[STRATEGIES]
    """V0: one set of random negatives. V1, V2: a model per level. V3, V4: one model, all levels in a step."""
    selection: Literal["top", "random"] = "top"
    """What a compressor passes on: its highest-scored negatives, or as many at random (V0: always random)."""
    levels: list[int] = Field(min_length=1)
    """Group size of each level in the paper's numbers, positive included, strictly falling: [88, 48, 16]."""
    loss: str = "softmax-binary"
    """Name of a file in sirbench/strategies/losses/; `softmax-binary` is the paper's Eq. 1."""
    loss_levels: list[int] | None = None
    """Levels (from 1) whose loss is summed; null: first and last for V3 (Eq. 5), all for V4 (Eq. 9)."""
    cpr: Literal["literal", "product", "geometric", "literal-from-2"] = "product"
    """V4: the form of the conditional probability, Eq. 7; docs/cpr.md says how the default was chosen."""
    forward: Literal["fresh", "shared"] = "fresh"
    """V3, V4: run the model again on the kept documents (Algorithm 1, line 1), or reuse level 1's scores."""
    epochs: list[PositiveInt] | None = None
    """Epochs: a number per level for V1 and V2, one number for the others; null: the study's."""

    @model_validator(mode="after")
    def _fits_the_strategy(self) -> Self:
        if any(size < 2 for size in self.levels) or sorted(set(self.levels), reverse=True) != self.levels:
            raise ValueError(
                f"levels: {self.levels} must fall strictly from level to level and stay at 2 or more "
                "(1 positive and 1 negative), e.g. [88, 48, 16]"
            )
        losses = registered("strategies/losses")
        if self.loss not in losses:
            raise ValueError(f"loss: no file for {self.loss!r}; allowed: {', '.join(losses)}")
        if self.strategy == "v0" and len(self.levels) != 1:
            raise ValueError(f"levels: v0 has one level, the group it trains on, not {self.levels}")
        self._refuse_foreign_options()
        self._check_loss_levels()
        trainings = len(self.levels) if self.strategy in ("v1", "v2") else 1
        if self.epochs is not None and len(self.epochs) != trainings:
            raise ValueError(f"epochs: {self.strategy} here has {trainings} numbers, not {len(self.epochs)}")
        return self

    def _check_loss_levels(self) -> None:
        if self.loss_levels is None:
            return
        if not self.loss_levels or len(set(self.loss_levels)) < len(self.loss_levels):
            raise ValueError(f"loss_levels: {self.loss_levels} must name one level or more, each once")
        for level in self.loss_levels:
            if not 1 <= level <= len(self.levels):
                raise ValueError(f"loss_levels: there is no level {level}; allowed: 1 to {len(self.levels)}")

    def _refuse_foreign_options(self) -> None:
        belongs_to = {"cpr": ("v4",), "forward": ("v3", "v4"), "loss_levels": ("v3", "v4")}
        for option, strategies in belongs_to.items():
            if option in self.model_fields_set and self.strategy not in strategies:
                raise ValueError(
                    f"{option}: an option of {' and '.join(strategies)}, not of {self.strategy}; remove it"
                )
