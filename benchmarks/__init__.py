"""Speed and memory against peers and against the plain way: `python -m benchmarks`, or `make bench`.

Every number is a ratio of two sides that ran in turn in one process, on the same inputs, after their results
were found equal. What the sides are, and what was measured where, is in README.md.
"""
