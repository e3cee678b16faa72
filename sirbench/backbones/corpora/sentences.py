"""Sentences: a simple rule, the same for every corpus.

A sentence ends at `.`, `!` or `?`, with what closes brackets or quotes after it, where white space follows
and then no lower-case letter; and at the end of a paragraph. After an abbreviation, "e.g. The", it ends too
early, which the objectives can bear. A list or a table without full stops would be one endless sentence:
what has more than `LONGEST` words is cut after so many.
"""

import re
from collections.abc import Iterator

LONGEST = 50
"""Words of the longest sentence."""

_END = re.compile(r"""(?<=[.!?])["'”’)\]]*\s+(?![a-z])""")


def sentences(paragraph: str) -> Iterator[str]:
    """The sentences of a paragraph in order, white space normalised; none of white space alone."""
    start = 0
    for end in [*(match.end() for match in _END.finditer(paragraph)), len(paragraph)]:
        words = paragraph[start:end].split()
        start = end
        for cut in range(0, len(words), LONGEST):
            yield " ".join(words[cut : cut + LONGEST])
