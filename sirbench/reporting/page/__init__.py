"""The report: one HTML page of what was run and what came out."""
