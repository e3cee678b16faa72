"""The encoder in bf16 on CPU cores, for the same gradient at a fraction of float32's price."""
