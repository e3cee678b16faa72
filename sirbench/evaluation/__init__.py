"""How good a re-ranked run is: measures per query, and what may be said about their differences."""
