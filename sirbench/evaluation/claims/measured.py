"""What was measured of one recipe: a value per seed and query, and why some seeds have none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    def remark(self) -> str:
        """Which seeds gave no model: "v4: 2 of 3 seeds converged (seed 2: the loss is NaN)"."""
        if not self.absent:
            return ""
        reasons = "; ".join(f"seed {seed}: {reason}" for seed, reason in sorted(self.absent.items()))
        return f"{self.name}: {self.seeds} of {self.seeds + len(self.absent)} seeds converged ({reasons})"


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
