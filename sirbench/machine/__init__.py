"""What every other room uses: device, GPUs, atomic files, provenance, errors, and hashed random draws."""
