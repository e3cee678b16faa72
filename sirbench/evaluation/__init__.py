"""Measures per query of re-ranked runs, tests of their differences, and the semantic space of negatives."""
