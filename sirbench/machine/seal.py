"""Files that say of themselves whether they are whole: they end with the sha256 of all that comes before.

PyTorch does not compare the checksums that its own files have: a flipped bit becomes a weight. It reads them
sealed as well, since they are zip archives, of which one looks for the end from behind.
"""

import hashlib
import os
from pathlib import Path

LENGTH = 64
"""Bytes of a seal, which is hexadecimal."""


def seal(path: Path) -> None:
    """Append the seal to a file, and bring it to disk."""
    digest = sha256_of_beginning(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(digest.encode())
        file.flush()
        os.fsync(file.fileno())


def is_sealed(path: Path) -> bool:
    """Whether a file is as it was when it was sealed, to the last bit."""
    size = path.stat().st_size - LENGTH if path.is_file() else -1
    if size < 0:
        return False
    with path.open("rb") as file:
        file.seek(size)
        return file.read() == sha256_of_beginning(path, size).encode()


def sha256_of_beginning(path: Path, size: int) -> str:
    """The sha256 of the first `size` bytes of a file, hexadecimal; of all of it where it has fewer."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left and (part := file.read(min(left, 1 << 20))):
            digest.update(part)
            left -= len(part)
    return digest.hexdigest()
