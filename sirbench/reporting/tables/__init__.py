"""Tables: per-query measures in, one tidy CSV and its printed forms out."""
