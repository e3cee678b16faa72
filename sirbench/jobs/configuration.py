"""One study with every recipe, table, figure and family of claims of config/, all of which fit together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from sirbench.jobs.layout import Layout
from sirbench.strategies import Strategy
from sirbench.study import HOME, Claims, Figure, Study, Table, Tuning


@dataclass(frozen=True)
class Configuration:
    """What a verb and the workflow know of config/: one study, and everything that it may be asked for."""

    name: str
    study: Study
    recipes: Mapping[str, Strategy]
    tables: Mapping[str, Table]
    figures: Mapping[str, Figure]
    claims: Mapping[str, Claims]
    tunings: Mapping[str, Tuning] = field(default_factory=dict)
    on: str = HOME
    """The queries: the study's own, or a further set."""

    @property
    def layout(self) -> Layout:
        """Where its files are."""
        return Layout(self.name, self.on)

    def at(self, queries: str) -> Self:
        """The same on a further set of queries; this is one that is on its own."""
        return self if queries == HOME else replace(self, study=self.study.on(queries), on=queries)

    def tokens(self, backbone: str) -> Path:
        """The token store that its queries and documents are in."""
        further = self.on != HOME and self.study.evaluate_on[self.on].collection is not None
        return Layout(self.name, self.on if further else HOME).tokens(backbone)

    def seeds(self, recipe: str) -> list[int]:
        """The seeds of a recipe's cells: one where nothing is trained, as nothing differs between seeds."""
        return self.study.seeds if self.trained[recipe].trains else self.study.seeds[:1]

    @cached_property
    def trained(self) -> Mapping[str, Strategy]:
        """Every recipe that a cell may have: all of config/recipes/, and some at each rate of a grid."""
        graded = {
            one.name: self.recipes[one.recipe].model_copy(update={"learning_rate": one.learning_rate})
            for tuning in self.tunings.values()
            for one in tuning.graded
        }
        return {**self.recipes, **graded}
