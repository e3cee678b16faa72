"""One study with every recipe, table, figure and family of claims of config/, all of which fit together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sirbench.strategies import Strategy
from sirbench.study import Claims, Figure, Study, Table, Tuning


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

    @cached_property
    def trained(self) -> Mapping[str, Strategy]:
        """Every recipe that a cell may have: all of config/recipes/, and some at each rate of a grid."""
        graded = {
            one.name: self.recipes[one.recipe].model_copy(update={"learning_rate": one.learning_rate})
            for tuning in self.tunings.values()
            for one in tuning.graded
        }
        return {**self.recipes, **graded}
