"""`snakemake --logger line`: a line per finished job with the share done and the time left; failures.

Snakemake finds a logger plugin by the name of its package on Python's path, here PYTHONPATH=workflow/logger.
Everything else that Snakemake says is in the file that it writes below .snakemake/log/.
"""

import logging
import sys
from collections import Counter, defaultdict
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

LAST_LINES = 15
"""Of a failed job's log."""
SAID_OTHERWISE = "RuleException"
"""What Snakemake adds on the shell of a failed job."""


class LogHandler(LogHandlerBase):
    """Writes to standard error."""

    writes_to_stream = True
    writes_to_file = has_filter = has_formatter = needs_rulegraph = False

    def __post_init__(self) -> None:
        self.jobs: dict[int, logging.LogRecord] = {}
        self.left: Counter[str] = Counter()
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.began = 0.0
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Say what is to be said of an event; see `LogEvent` for which there are."""
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self.left = Counter(record.stats)
            self.left.pop("total", None)
        elif event == LogEvent.JOB_INFO:
            self.jobs[record.jobid] = record
            self.began = self.began or record.created
        elif event == LogEvent.JOB_FINISHED:
            self._finish(record)
        elif event == LogEvent.PROGRESS and self.last:
            left = _duration(self._seconds_left(record.created))
            done = f"{record.done:{len(str(record.total))}} of {record.total}"
            _say(f"{done} ({record.done / record.total:4.0%}), {left} left: {self.last}")
        elif event == LogEvent.JOB_ERROR:
            _say(f"FAILED: {record.rule_name}", *map(_end_of, record.log))
        elif _matters(record):
            _say(record.getMessage().strip())

    def _finish(self, record: logging.LogRecord) -> None:
        job = self.jobs.pop(record.job_id)
        seconds = record.created - job.created
        self.left[job.rule_name] -= 1
        self.seconds[job.rule_name].append(seconds)
        # A job without a log is the target itself.
        name = " ".join(Path(log).stem for log in job.log)
        self.last = f"{job.rule_name} {name} ({_duration(seconds)})" if job.log else ""

    def _seconds_left(self, now: float) -> float:
        """As long as jobs of the same rule took, or else all, as many at a time as until now."""
        every = [seconds for of_rule in self.seconds.values() for seconds in of_rule]
        work = sum(count * _mean(self.seconds.get(rule) or every) for rule, count in self.left.items())
        at_a_time = sum(every) / max(now - self.began, 1e-3)
        return work / max(at_a_time, 1.0)


def _matters(record: logging.LogRecord) -> bool:
    """Whether a message is neither of every run nor on what is said of a failed job."""
    serious = record.levelno >= logging.WARNING and getattr(record, "exception", "") != SAID_OTHERWISE
    return serious or record.getMessage().startswith(("Nothing to be done", "Trying to restart"))


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes}:{seconds:02}"


def _end_of(log: str) -> str:
    try:
        lines = Path(log).read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    except OSError as error:
        return f"  its log: {error}"
    return "\n    ".join([f"  the end of {log}:", *lines[-LAST_LINES:]])


def _say(*lines: str) -> None:
    print(*lines, sep="\n", file=sys.stderr, flush=True)
