"""Context-aware term weights: passages, labels, the regression, and the weights of whole documents."""
