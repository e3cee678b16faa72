"""Claims: what the measured cells of a study allow to be said, as one tidy CSV and its printed forms."""
