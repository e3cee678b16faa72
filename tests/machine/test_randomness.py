"""Draws depend on their key alone: the same numbers in every process and on every machine."""

import hashlib

import numpy as np
import pytest

from sirbench.machine.randomness import random_generator

KNOWN = [391, 285, 142, 445, 42]


def test_a_key_gives_the_same_numbers_everywhere():
    """Philox is defined by its key: the first 128 bits of a sha256, so the numbers can be written down."""
    assert random_generator("block", 1, "q7").integers(1000, size=5).tolist() == KNOWN
    key = int.from_bytes(hashlib.sha256(b"block\x1f1\x1fq7").digest()[:16], "little")
    assert np.random.Generator(np.random.Philox(key=key)).integers(1000, size=5).tolist() == KNOWN


@pytest.mark.parametrize("other", [("block", 2, "q7"), ("block", 1, "q8"), ("block", "1q7"), ("block", 1)])
def test_another_key_gives_other_numbers(other):
    drawn = random_generator(*other).integers(1000, size=5).tolist()
    assert drawn != random_generator("block", 1, "q7").integers(1000, size=5).tolist()
