"""Random draws by hash: they depend only on what they are for, so no job has to keep a random state."""

import hashlib

import numpy as np


def random_generator(*key: object) -> np.random.Generator:
    """A generator that depends on `key` alone and is the same on every machine."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
