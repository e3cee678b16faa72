"""Processes of this machine, told from those of others that share its files."""

import hashlib
import os
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path

BOOT, NUMBERS = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


@cache
def machine_identity() -> str:
    """Eight hexadecimal digits for this machine since it was started; no process number outlives a start.

    Containers that share a kernel differ where they have process numbers of their own.
    """
    parts = [platform.node()]
    with suppress(OSError):  # not Linux
        parts += [BOOT.read_text(encoding="ascii"), str(NUMBERS.readlink())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def is_alive(process: int) -> bool:
    """Whether this machine has a process of this number, whoever owns it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
