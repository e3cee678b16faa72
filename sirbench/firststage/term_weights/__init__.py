"""Context-aware term weights: passages, labels, the regression, and documents put together from passages."""
