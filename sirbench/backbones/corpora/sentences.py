"""Splitting paragraphs into sentences by a simple rule, the same for every corpus.

A sentence ends at `.`, `!` or `?` and any closing quotes or brackets, if white space and no lower-case letter
follow, and at the end of a paragraph. It ends too early after an abbreviation ("e.g. The"), which does not
harm the objectives. A list or table without full stops would be one very long sentence, so sentences are cut
after `LONGEST` words.
"""

import re
from collections.abc import Iterator

LONGEST = 50
"""Words of the longest sentence."""

_END = re.compile(r"""(?<=[.!?])["'”’)\]]*\s+(?![a-z])""")


def sentences(paragraph: str) -> Iterator[str]:
    """The sentences of a paragraph in order, white space normalised; empty ones are left out."""
    start = 0
    for end in [*(match.end() for match in _END.finditer(paragraph)), len(paragraph)]:
        words = paragraph[start:end].split()
        start = end
        for cut in range(0, len(words), LONGEST):
            yield " ".join(words[cut : cut + LONGEST])
