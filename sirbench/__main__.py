"""`python -m sirbench VERB` is `sirbench VERB`; in a checkout it runs that checkout's code, installed or not."""

from sirbench.cli import main

main()
