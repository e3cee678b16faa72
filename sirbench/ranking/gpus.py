"""How many GPUs this process may use, asked without importing torch."""

import os
import subprocess


def visible_gpus() -> int:
    """The GPUs that CUDA_VISIBLE_DEVICES names, or else those that the driver lists; 0 without a driver."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return len([device for device in named.split(",") if device.strip() not in ("", "-1")])
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listing.stdout.splitlines())
