"""`python -m sirbench VERB` is `sirbench VERB`; in a checkout it runs that checkout's own code."""

from sirbench.warm import run_if_warm

run_if_warm()

from sirbench.cli import main  # noqa: E402  # takes time that a fork of a warm interpreter does without

main()
