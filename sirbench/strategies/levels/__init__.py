"""What strategies share: blocks, selection, one level alone or all in a step, and the readings of Eq. 7."""
