"""`python -m sirbench VERB` is `sirbench VERB`; in a checkout it runs that checkout's own code."""

from sirbench.cli import main

main()
