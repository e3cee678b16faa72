"""The dual encoder: queries and documents as vectors, scored by their dot product; exact search; training."""
