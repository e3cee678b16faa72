"""sirbench: reproduce, question and extend the Self-Involvement Ranker (SIR) paper."""

__version__ = "0.1.0"
