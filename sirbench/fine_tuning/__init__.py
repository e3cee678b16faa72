"""The paper's training task: blocks of a query's documents in, a trained cross-encoder out."""
