"""The cross-encoder: loading it, and scoring (query, document) pairs with and without gradient."""
