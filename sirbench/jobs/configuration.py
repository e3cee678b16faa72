"""One study with every recipe, table, figure and family of claims of config/, all of which fit together."""

from collections.abc import Mapping
from dataclasses import dataclass

from sirbench.strategies import Strategy
from sirbench.study import Claims, Figure, Study, Table


@dataclass(frozen=True)
class Configuration:
    """What a verb and the workflow know of config/: one study, and everything that it may be asked for."""

    name: str
    study: Study
    recipes: Mapping[str, Strategy]
    tables: Mapping[str, Table]
    figures: Mapping[str, Figure]
    claims: Mapping[str, Claims]
