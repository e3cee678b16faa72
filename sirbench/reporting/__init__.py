"""Tables of a study's results, as tidy CSV and in the paper's own shape, beside the published numbers."""
