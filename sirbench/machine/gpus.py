"""How many GPUs this process may use, asked without importing torch."""

import os
import re
import subprocess
from itertools import takewhile

DEVICE = re.compile(r"\s*(\d+|(GPU|MIG)-.+)")
"""How CUDA_VISIBLE_DEVICES names a device; CUDA ignores what follows anything else."""


def visible_gpus() -> int:
    """The GPUs that CUDA_VISIBLE_DEVICES names, or else those that the driver lists; 0 without a driver."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return len(list(takewhile(DEVICE.match, named.split(","))))
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines())
