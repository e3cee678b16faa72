"""The errors that the command line reports without a traceback, and their exit codes."""

from pathlib import Path


class InputError(ValueError):
    """The user's input is wrong; the message names the file, the key and the remedy."""

    exit_code = 2


class TrainingError(RuntimeError):
    """Training failed in a way that a retry does not fix (a NaN loss, a constant scorer)."""

    exit_code = 3


class Interrupted(RuntimeError):
    """A signal asked the job to stop; its checkpoint is written, and the next start resumes from it."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


class InUse(RuntimeError):
    """Another process, named in the message, writes to the same place; when it has ended, this one may."""

    exit_code = 75


def missing(path: Path | str) -> InputError:
    """The error for a missing file or folder; for results, it names the command that makes them."""
    results, *inside = Path(path).parts
    remedy = (
        f"; `snakemake --cores 1 --config study={inside[0]} -- {path}` makes it"
        if results == "results"
        else ""
    )
    return InputError(f"{path}: there is no such file{remedy}")
