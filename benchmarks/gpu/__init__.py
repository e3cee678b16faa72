"""How fast the suite is on a GPU: `python -m benchmarks gpu`, in less than nine minutes.

It needs no network and no data: texts are random words, of lengths as real documents have, and weights are
random. Beside torch and transformers, in whatever versions there are, it imports pandas and pydantic.
"""
