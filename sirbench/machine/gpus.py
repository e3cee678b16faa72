"""The number of GPUs that this process may use, found without importing torch."""

import os
import re
import subprocess
from itertools import takewhile

DEVICE = re.compile(r"\s*(\d+|(GPU|MIG)-.+)")
"""A device in CUDA_VISIBLE_DEVICES; CUDA ignores everything after the first other entry."""


def visible_gpus() -> int:
    """The number of GPUs in CUDA_VISIBLE_DEVICES, or else in the driver's list; 0 without a driver."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return len(list(takewhile(DEVICE.match, named.split(","))))
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines())
