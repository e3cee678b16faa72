"""Small values of recipes for the tests of claims."""

import numpy as np
import pandas as pd

from sirbench.evaluation.claims.measured import Measured


def measured(name, rows, seeds=None, absent=None):
    """One recipe's values from a list of rows, one per seed; queries are q0, q1, ..."""
    table = np.atleast_2d(np.asarray(rows, dtype="float64"))
    index = list(range(1, len(table) + 1)) if seeds is None else list(seeds)
    columns = [f"q{i}" for i in range(table.shape[1])]
    return Measured(name, pd.DataFrame(table, index=index, columns=columns), absent or {})


def nothing(name, absent):
    """A recipe of which no seed gave a model."""
    return Measured(name, pd.DataFrame(), absent)


def study(generator, *, seeds=3, queries=200, of_queries=0.3, of_seeds=0.03, rest=0.3, shift=0.0, recipes=2):
    """(seeds, queries) for each of some recipes, whose differences have these standard deviations."""
    half = 0.5**0.5
    values = (
        generator.normal(size=queries) * 0.3
        + generator.normal(size=(recipes, 1, queries)) * of_queries * half
        + generator.normal(size=(recipes, seeds, 1)) * of_seeds * half
        + generator.normal(size=(recipes, seeds, queries)) * rest * half
    )
    values[0] += shift
    return list(values)
