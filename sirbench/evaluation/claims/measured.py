"""What was measured of one recipe: values per seed and query, and why some seeds have none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan

import numpy as np
import pandas as pd

from sirbench.machine.errors import InputError


@dataclass(frozen=True)
class Measured:
    """One recipe's values of one measure.

    Attributes:
        name: what messages and tables call it.
        values: a row per seed (index: the seeds' numbers), a column per query (columns: the query ids); no
            rows where no seed gave a model.
        absent: the seeds that were trained and gave no model, each with its reason ("the loss is NaN").

    Raises:
        InputError: a seed or query appears twice, a seed is both measured and absent, there are seeds but no
        queries,
            or a value is missing or infinite.
    """

    name: str
    values: pd.DataFrame
    absent: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, labels in (("seed", self.values.index), ("query", self.values.columns)):
            if not labels.is_unique:
                twice = labels[labels.duplicated()][0]
                raise InputError(f"{self.name}: {what} {twice} appears twice")
        both = self.values.index.intersection(list(self.absent))
        if len(both):
            raise InputError(f"{self.name}: seed {both[0]} is both measured and absent")
        if len(self.values.index) and not len(self.values.columns):
            raise InputError(f"{self.name}: there are no queries")
        if not np.isfinite(self.values.to_numpy(dtype="float64")).all():
            raise InputError(
                f"{self.name}: a value is missing or infinite; a query without a result scores 0"
            )

    @property
    def seeds(self) -> int:
        """How many seeds gave a model."""
        return len(self.values.index)

    @property
    def of_seeds(self) -> pd.Series:
        """Each seed's mean over queries."""
        return self.values.mean(axis=1)

    @property
    def of_queries(self) -> pd.Series:
        """Each query's mean over seeds."""
        return self.values.mean(axis=0)

    @property
    def mean(self) -> float:
        """Over queries and seeds; nan where no seed gave a model."""
        return float(self.of_seeds.mean()) if self.seeds else nan

    @property
    def sd_seeds(self) -> float:
        """The standard deviation from seed to seed of the mean over queries; nan with fewer than two."""
        return float(self.of_seeds.std(ddof=1)) if self.seeds > 1 else nan

    @property
    def convergence(self) -> str:
        """Which seeds gave no model: "2 of 3 seeds converged (seed 2: the loss is NaN)"; else empty."""
        return _convergence(self.seeds, self.absent)

    @property
    def remark(self) -> str:
        """The same with the recipe's name."""
        return f"{self.name}: {self.convergence}" if self.absent else ""


@dataclass(frozen=True)
class Trainings:
    """What all seeds of one recipe gave, by every measure.

    Attributes:
        name: what messages and tables call it.
        per_query: by seed, a row per query (index: the query ids) and a column per measure; nothing where no
            seed gave a model.
        absent: the seeds that were trained and gave no model, each with its reason.

    Raises:
        InputError: two seeds are about different queries or measures.
    """

    name: str
    per_query: Mapping[int, pd.DataFrame]
    absent: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for seed, frame in self.per_query.items():
            first, other = next(iter(self.per_query.items()))
            if set(frame.index) != set(other.index) or set(frame.columns) != set(other.columns):
                raise InputError(
                    f"{self.name}: seeds {first} and {seed} are about different queries or measures; "
                    "evaluate both again"
                )

    @property
    def measures(self) -> list[str]:
        """What it was measured by; nothing where no seed gave a model."""
        return next(([str(it) for it in frame] for frame in self.per_query.values()), [])

    @property
    def queries(self) -> set[str]:
        """Ids of the queries; nothing where no seed gave a model."""
        return next((set(frame.index) for frame in self.per_query.values()), set())

    @property
    def convergence(self) -> str:
        """As that of `Measured`."""
        return _convergence(len(self.per_query), self.absent)

    def by(self, measure: str) -> Measured:
        """Its values of one measure."""
        values = {seed: frame[measure] for seed, frame in self.per_query.items()}
        return Measured(self.name, pd.DataFrame(values).T, self.absent)


def _convergence(seeds: int, absent: Mapping[int, str]) -> str:
    if not absent:
        return ""
    reasons = "; ".join(f"seed {seed}: {reason}" for seed, reason in sorted(absent.items()))
    return f"{seeds} of {seeds + len(absent)} seeds converged ({reasons})"


def check_comparable(*recipes: Measured) -> None:
    """Hold recipes to the same queries, of which there are two or more; their order may differ.

    Recipes without any seed have nothing to compare and pass.

    Raises:
        InputError: one recipe has a query that another lacks, or there is one query only.
    """
    measured = [recipe for recipe in recipes if recipe.seeds]
    for recipe in measured:
        queries = measured[0].values.columns
        other = queries.symmetric_difference(recipe.values.columns)
        if len(other):
            raise InputError(
                f"{measured[0].name} and {recipe.name} are measured on different queries ({len(other)} in "
                f"one only, {other[0]} among them); only values of the same queries can be compared"
            )
        if len(queries) < 2:
            raise InputError(f"{recipe.name} is measured on one query, from which nothing follows for others")
