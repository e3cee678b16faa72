"""The command line: `sirbench VERB` is what a rule of the workflow runs; every step runs without Snakemake.

A file here is a group of verbs. Verbs import what they need when they are called: help and tables shall not
wait for torch.
"""

import errno
import logging
import os
import sys

import typer

from sirbench.cli import backbones, cells, data, look, results
from sirbench.machine.errors import InputError, Interrupted, InUse, TrainingError, missing

app = typer.Typer(
    help=(
        "Reproduce, question and extend the Self-Involvement Ranker (SIR). Run it in the repository's root; "
        "`snakemake TABLE` calls these verbs in the right order and in parallel."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (look, data, backbones, cells, results):
    app.add_typer(group.verbs)

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
REMEDY = "check free space and permissions there, and start again; what was finished is kept"


def main() -> None:
    """Run the command line; known errors are one message and an exit code, not a traceback.

    Exit codes: 2 for wrong input, 3 for training that failed for good, 75 for training that was stopped by a
    signal, or by a disk that takes nothing, and resumes when started again, and for a folder that another
    job is writing to.
    """
    _prepare_stderr()
    try:
        app()
    except (InputError, TrainingError, Interrupted, InUse) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except FileNotFoundError as error:
        print(f"error: {missing(error.filename or 'a file')}", file=sys.stderr)
        sys.exit(InputError.exit_code)
    except OSError as error:
        if error.errno in UNWRITABLE:
            print(f"error: {error.filename or 'a file'}: {error.strerror}; {REMEDY}", file=sys.stderr)
            sys.exit(Interrupted.exit_code)
        # A folder in place of a file, links in a circle, names of thousands of letters: each names its file.
        if error.filename is None or error.strerror is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(InputError.exit_code)


def _prepare_stderr() -> None:
    """Our messages, others' warnings, and progress: every second, or every minute where it is a file."""
    messages = logging.StreamHandler()
    messages.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    # Asked of each message, since bm25s sets its own logger to DEBUG.
    messages.addFilter(lambda it: it.levelno >= logging.WARNING or it.name.startswith("sirbench"))
    logging.getLogger().addHandler(messages)
    logging.getLogger("sirbench").setLevel(logging.INFO)
    # tqdm reads these when it is first imported.
    for name in ("TQDM_MININTERVAL", "TQDM_MAXINTERVAL"):
        os.environ.setdefault(name, "1" if sys.stderr.isatty() else "60")
