"""Seconds, memory and shares of the peak: what a side takes, within a budget of time."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import torch


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    model: str
    tokens: int
    """Of a pair, at most."""
    what: str
    side: str
    pairs_per_second: float | None = None
    milliseconds: float | None = None
    """Of one call: all pairs, or a step."""
    share_of_peak: float | None = None
    """Of the measured bf16 peak, counting operations on real tokens, once."""
    gigabytes: float | None = None
    """The most memory that tensors took; only on a GPU."""
    note: str = ""

    def as_json(self) -> dict[str, object]:
        """Its fields."""
        return asdict(self)


@dataclass
class Measurement:
    """What was measured so far, and until when there is time for more."""

    device: torch.device
    quick: bool
    until: float
    """By `time.monotonic`."""
    peak: float = 0.0
    """Floating-point operations a second of bf16 matrix products."""
    calls: int | None = None
    """Calls of each side, if not as many as time allows: processes that work together agree on it."""
    rows: list[Row] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def budget(self) -> float:
        """Seconds for a side."""
        return 0.1 if self.quick else 4.0

    def measure(
        self,
        model: str,
        tokens: int,
        what: str,
        side: str,
        function: Callable[[], int],
        operations: float,
    ) -> None:
        """Add the row of a function that returns how many pairs it did, with so many operations each.

        A side that runs out of memory has a row that says so; one for which no time is left is skipped.
        """
        name = f"{model}, {tokens} tokens, {what}: {side}"
        if time.monotonic() > self.until:
            self.skipped.append(f"{name} (out of time)")
            return
        print(name, flush=True)
        try:
            with self.memory() as used:
                seconds, pairs = self.seconds(function)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            self.rows.append(Row(model, tokens, what, side, note="out of memory"))
            return
        share = pairs * operations / seconds / self.peak
        self.rows.append(
            Row(model, tokens, what, side, pairs / seconds, 1000 * seconds, share, used[0] if used else None)
        )

    def seconds(self, function: Callable[[], int]) -> tuple[float, int]:
        """The median time of a call, after one that warms up, and what it returned."""
        times: list[float] = []
        pairs = function()
        self.wait()
        ends = time.monotonic() + self.budget
        while len(times) < (self.calls or 2) or (not self.calls and time.monotonic() < ends):
            started = time.perf_counter()
            pairs = function()
            self.wait()
            times.append(time.perf_counter() - started)
        return statistics.median(times), pairs

    def wait(self) -> None:
        """Until the device has done what it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    @contextmanager
    def memory(self) -> Iterator[list[float]]:
        """A list that has the gigabytes of the block's peak after it; empty on a CPU."""
        used: list[float] = []
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        yield used
        if self.device.type == "cuda":
            used.append(torch.cuda.max_memory_allocated(self.device) / 1e9)

    def measure_peak(self) -> None:
        """The rate of large bf16 matrix products, of random numbers: of zeros a GPU does more."""
        size = 256 if self.quick else 8192 if self.device.type == "cuda" else 1024
        one, other = (torch.randn(size, size, device=self.device).bfloat16() for _ in range(2))

        def products() -> int:
            for _ in range(10):
                torch.mm(one, other)
            return 10

        seconds, number = self.seconds(products)
        self.peak = number * 2 * size**3 / seconds
