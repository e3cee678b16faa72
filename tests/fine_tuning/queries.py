"""A training query whose documents and ranks are told apart by their numbers."""

import numpy as np

from sirbench.fine_tuning.blocks import TrainingQuery


def query(positives=1, negatives=20, name="q"):
    """A query whose positives are documents 1000, ..., its negatives 1, 2, ... at ranks 2, 4, ..."""
    numbers = np.arange(1, negatives + 1)
    return TrainingQuery(name, 7, 1000 + np.arange(positives), numbers, 2 * numbers)
