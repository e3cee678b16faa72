"""The command line: `python -m benchmarks [NAME ...] [--quick]`, NAME being a file here, or `gpu` alone."""

import argparse
import os
import platform
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import torch

from benchmarks.timing import table
from sirbench.machine.errors import InputError

NAMES = ("rerank", "lce", "step", "bf16", "last_layer", "memory")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the named benchmarks, or all, and print one table; a failed comparison of results raises."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    named = f"any of {', '.join(NAMES)}, which are all done by default; or gpu, alone"
    parser.add_argument("names", nargs="*", metavar="NAME", help=named)
    parser.add_argument("--quick", action="store_true", help="a tiny model, few texts: says nothing of speed")
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks"), help="where gpu writes its two files"
    )
    parser.add_argument("--requirements", action="store_true", help="print what to install first, and stop")
    options = parser.parse_args(arguments)
    if options.requirements:
        print(*requirements(), sep="\n")
        return
    if options.names == ["gpu"]:
        from benchmarks.gpu.running import run

        run(options.output, quick=options.quick)
        return
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}, and gpu alone")
    # The material needs packages that a machine with a GPU may lack.
    from benchmarks.material import make_material

    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory(prefix="sirbench-benchmarks-") as folder:
        material = make_material(Path(folder), quick=options.quick)
        for name in options.names or NAMES:
            rows += import_module(f"benchmarks.{name}").run(material)
    print(table(rows))
    print(f"\n{machine()}; one thread; Python {platform.python_version()}, torch {torch.__version__}")
    if options.quick:
        print("--quick: these ratios say nothing of speed or memory")


def requirements() -> list[str]:
    """The pins of the extra `bench`; to be installed with --no-deps, or pip would choose another torch."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["bench"]


def machine() -> str:
    """The processor's name, and how many of its cores there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    # As the model, so the tokenizer of either side: one thread.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
