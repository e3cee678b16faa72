"""The errors that the command line reports without a traceback, and their exit codes."""

from pathlib import Path


class InputError(ValueError):
    """Something the user gave is wrong; the message names the file, the key and the remedy."""

    exit_code = 2


class TrainingError(RuntimeError):
    """Training went wrong in a way that no retry mends (a NaN loss, a constant scorer)."""

    exit_code = 3


class Interrupted(RuntimeError):
    """A signal asked the job to stop; its checkpoint is written and a new start resumes it."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


def missing(path: Path | str) -> InputError:
    """The error for a file or folder that is not there; for results, with the command that makes it."""
    results, *inside = Path(path).parts
    remedy = (
        f"; `snakemake --cores 1 --config study={inside[0]} -- {path}` makes it"
        if results == "results"
        else ""
    )
    return InputError(f"{path}: there is no such file{remedy}")
