"""What every room stands on: device, GPUs, atomic files, provenance, errors, and hashed random draws."""
