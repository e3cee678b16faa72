"""What pre-training objectives share: drawing passages, masking, BM25, scoring groups, heads."""
