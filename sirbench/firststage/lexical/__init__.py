"""What lexical first stages share: which words a text has, an index of weighted words, the ranking."""
