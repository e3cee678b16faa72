"""Claims: sentences that compare two recipes, written down before anything is measured."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sirbench.study.settings import NAMES, Label, Name, Settings


class Compared(Settings):
    """One side of a claim: a backbone fine-tuned by a recipe."""

    backbone: str
    """Name of a backbone; a study without it leaves the claim out and says so."""
    recipe: str
    """Name of a file in config/recipes/."""


class Margin(Settings):
    """The largest difference, either way, that still counts as none."""

    value: float = Field(gt=0)
    """In the unit below."""
    unit: Literal["absolute", "relative"]
    """`absolute`: of the measure itself; `relative`: to the mean of the second recipe, .02 being 2 %."""


class Claim(Settings):
    """One sentence as data: which recipe is better than, or equal to, which other."""

    sentence: Label
    """What is claimed, in words."""
    better: Compared | None = None
    """The recipe that is claimed to be better; `than` is what it is better than."""
    equal: Compared | None = None
    """The recipe that is claimed to be equal; `than` is what it is equal to, within `margin`."""
    than: Compared
    """What it is compared with."""
    margin: Margin | None = None
    """For claims of equality."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.better is None) == (self.equal is None):
            raise ValueError("better, equal: a claim has one of the two")
        if self.equal is not None and self.margin is None:
            raise ValueError("margin: a claim of equality needs one, e.g. {value: 0.005, unit: absolute}")
        if self.better is not None and self.margin is not None:
            raise ValueError("margin: only a claim of equality has one; remove it")
        if self.first == self.than:
            raise ValueError(f"than: {self.than.recipe} with {self.than.backbone} is compared with itself")
        return self

    @property
    def first(self) -> Compared:
        """The recipe that is claimed to be better or equal."""
        first = self.better or self.equal
        assert first is not None
        return first


class Claims(Settings):
    """A family of claims: Holm's correction is over all of them, on all candidates."""

    title: str
    """One line for the head of the table."""
    caption: str
    """Where the claims come from, for the .tex caption and the report."""
    measure: str = "RR@100"
    """Measure that the claims are about, in ir_measures' names."""
    candidates: list[str] | None = None
    """Candidates that they are about; null: all that the study re-ranks."""
    published: bool = False
    """True: the paper's printed numbers (published/yes-sir.csv) have the differences to compare with."""
    claims: dict[Name, Claim] = Field(min_length=1, json_schema_extra=NAMES)
    """Claims by short name."""
