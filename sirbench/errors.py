"""The errors that the command line reports without a traceback, and their exit codes."""


class InputError(ValueError):
    """Something the user gave is wrong; the message names the file, the key and the remedy."""

    exit_code = 2


class TrainingError(RuntimeError):
    """Training went wrong in a way that no retry mends (a NaN loss, a constant scorer)."""

    exit_code = 3


class Interrupted(RuntimeError):
    """A signal asked the job to stop; its checkpoint is written and a new start resumes it."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later
