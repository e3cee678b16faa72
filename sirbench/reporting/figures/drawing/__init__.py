"""What kinds of figures share: style, panels, projections to a plane, regions, and reading embeddings."""
