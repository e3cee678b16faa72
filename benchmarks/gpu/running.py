"""All measurements in turn, and the two files that say what came of them."""

import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from benchmarks.gpu.encoding import compare
from benchmarks.gpu.made import draw_texts
from benchmarks.gpu.measuring import Measurement, Row
from benchmarks.gpu.steps import measure_steps
from sirbench.machine.device import claim_device, describe_device

SECONDS = 480
"""After so long nothing more is begun; what has begun takes seconds."""
PACKAGES = ("torch", "transformers", "sentence-transformers")


def run(output: Path, *, quick: bool) -> None:
    """Measure, and write `gpu.json` and `gpu.md` to the folder `output`."""
    until = time.monotonic() + SECONDS
    names, lengths = (["tiny"], [32]) if quick else (["MiniLM", "BERT-base"], [256, 512])
    with claim_device(0 if quick else 1, threads=1) as device:
        measurement = Measurement(device, quick, until)
        measurement.measure_peak()
        texts = draw_texts(2 if quick else 11)
        for name in names:
            for tokens in lengths:
                compare(measurement, name, tokens, texts, (48, 16) if quick else (1024, 256))
        for name in names:
            measure_steps(measurement, name, lengths[0])
        about = describe(measurement)
    # Workers claim GPUs of their own.
    for name in names:
        measure_two(measurement, name, lengths[0])
    write(output, measurement, about)


def measure_two(measurement: Measurement, name: str, tokens: int) -> None:
    """The same steps by two processes, where there are two GPUs; in a quick run, on the CPU."""
    what = f"{name}, {tokens} tokens, V4 step by two processes"
    if not measurement.quick and torch.cuda.device_count() < 2:
        measurement.skipped.append(f"{what} (there are not two GPUs)")
        return
    if time.monotonic() > measurement.until:
        measurement.skipped.append(f"{what} (out of time)")
        return
    torch.cuda.empty_cache()
    arguments = json.dumps([name, tokens, measurement.quick, measurement.peak])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "benchmarks.gpu.steps", arguments]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    measurement.rows += [Row(**row) for row in json.loads(printed.splitlines()[-1])]


def describe(measurement: Measurement) -> dict[str, object]:
    """The machine, the versions of packages, and the peak."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        **describe_device(measurement.device),
        **versions,
        "python": platform.python_version(),
        "peak_tflops": measurement.peak / 1e12,
        "quick": measurement.quick,
    }


def write(output: Path, measurement: Measurement, about: dict[str, object]) -> None:
    """Both files, and the table on the screen."""
    content = {
        "about": about,
        "rows": [row.as_json() for row in measurement.rows],
        "skipped": measurement.skipped,
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / "gpu.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    text = markdown(measurement.rows, measurement.skipped, about)
    (output / "gpu.md").write_text(text, encoding="utf-8")
    print(text)


def markdown(rows: Sequence[Row], skipped: Sequence[str], about: dict[str, object]) -> str:
    """A table of all rows, with what they were measured on before it and what is missing after it."""
    head = ("model", "tokens", "what", "side", "pairs/s", "ms", "of the peak", "GB", "note")
    made_on = {key: value for key, value in about.items() if key not in ("peak_tflops", "quick")}
    lines = [
        f"Made by `python -m benchmarks gpu{' --quick` (says nothing of speed)' if about['quick'] else '`'}: "
        f"{', '.join(f'{key} {value}' for key, value in made_on.items())}; "
        f"bf16 matrix products at {about['peak_tflops']:.3g} TFLOP/s.",
        "",
        f"| {' | '.join(head)} |",
        "| --- " * len(head) + "|",
    ]
    for row in rows:
        numbers = [
            "" if value is None else form.format(value)
            for form, value in (
                ("{:.0f}", row.pairs_per_second),
                ("{:.1f}", row.milliseconds),
                ("{:.0%}", row.share_of_peak),
                ("{:.2f}", row.gigabytes),
            )
        ]
        cells = (row.model, str(row.tokens), row.what, row.side, *numbers, row.note)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"* Skipped: {name}" for name in skipped)]).rstrip() + "\n"
