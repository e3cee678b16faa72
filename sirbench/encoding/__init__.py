"""Pairs or texts in, scores or vectors out: models run in chunks, their precision, and the cross-encoder."""
