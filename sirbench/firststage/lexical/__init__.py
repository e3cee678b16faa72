"""What lexical first stages share: the words of a text, an index of weighted words, and the ranking."""
