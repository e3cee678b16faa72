"""What is chosen on validation queries, and from what: learning rates of a grid, or one of some recipes."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, PositiveFloat, model_validator

from sirbench.machine.errors import InputError
from sirbench.study.reading import suggest, unknown
from sirbench.study.recipe import Recipe
from sirbench.study.settings import Settings
from sirbench.study.study import Study


class Graded(NamedTuple):
    """A recipe at a learning rate of a grid."""

    recipe: str
    learning_rate: float

    @property
    def name(self) -> str:
        """What the recipe is called at this rate, e.g. v3-top-16-lr2e-05."""
        return f"{self.recipe}-lr{self.learning_rate:g}"


class Tuning(Settings):
    """One or more choices that a study makes on its validation queries, every option with the same budget."""

    title: str
    """One line for the head of the table."""
    caption: str
    """What is chosen and why, for the report."""
    recipes: list[str] = Field(min_length=1)
    """Files in config/recipes/. With `learning_rates`: one of each family, whose rate is chosen. Without: the
    recipes that one is chosen of."""
    learning_rates: list[PositiveFloat] | None = Field(None, min_length=2)
    """The grid, the same for every recipe; null: recipes are compared as they are."""
    backbone: str
    """Name of a backbone; a study without it leaves this tuning out."""
    candidates: str | None = None
    """Candidates that are re-ranked; null: the first that the study re-ranks."""
    measure: str = "RR@100"
    """Measure whose mean decides, in ir_measures' names."""
    seeds: int | None = Field(None, ge=1)
    """How many of the study's seeds, the first ones, the options are trained with; null: all. With one, the
    lead of what is chosen has no interval over seeds."""

    @model_validator(mode="after")
    def _has_something_to_choose_from(self) -> Self:
        if len(set(self.recipes)) < len(self.recipes):
            raise ValueError("recipes: one appears twice")
        if self.learning_rates is None and len(self.recipes) < 2:
            raise ValueError("recipes: to choose one, there must be two or more; or give `learning_rates`")
        if self.learning_rates and len({f"{rate:g}" for rate in self.learning_rates}) < len(
            self.learning_rates
        ):
            raise ValueError("learning_rates: one appears twice")
        return self

    @property
    def graded(self) -> list[Graded]:
        """Every recipe at every rate of the grid, rising; none without a grid."""
        return [Graded(recipe, rate) for recipe in self.recipes for rate in sorted(self.learning_rates or ())]


def check_tunings(
    folder: Path,
    tunings: Mapping[str, Tuning],
    recipes: Mapping[str, Recipe],
    studies: Mapping[str, Study] | None,
) -> None:
    """Raise `InputError` for a tuning that names what no file defines, or a family twice.

    Without `studies`, names that only studies define are not looked at.
    """
    backbones = {name for study in (studies or {}).values() for name in study.backbones}
    candidates = {name for study in (studies or {}).values() for name in study.candidates}
    for name, tuning in tunings.items():
        path = f"{folder}/tuning/{name}.yaml"
        for number, recipe in enumerate(tuning.recipes):
            if recipe not in recipes:
                raise InputError(f"{path}: recipes.{number}: {unknown(recipe, recipes)}")
            if not recipes[recipe].trains:
                raise InputError(f"{path}: recipes.{number}: {recipe} trains nothing; remove it")
        if studies is not None and tuning.backbone not in backbones:
            hint = suggest(tuning.backbone, backbones)
            raise InputError(f"{path}: backbone: no study defines {tuning.backbone!r}; {hint}")
        if studies is not None and tuning.candidates is not None and tuning.candidates not in candidates:
            hint = suggest(tuning.candidates, candidates)
            raise InputError(f"{path}: candidates: no study defines {tuning.candidates!r}; {hint}")
        if tuning.learning_rates:
            _check_grid(tuning, path, recipes)


def _check_grid(tuning: Tuning, path: str, recipes: Mapping[str, Recipe]) -> None:
    families = [recipes[recipe].family for recipe in tuning.recipes]
    for recipe, family in zip(tuning.recipes, families, strict=True):
        if families.count(family) > 1:
            raise InputError(
                f"{path}: recipes: {recipe} is not the only one of family {family}; leave one of each"
            )
    for one in tuning.graded:
        if one.name in recipes:
            raise InputError(f"{path}: there is a recipe {one.name}, a name that the grid needs; rename that")
