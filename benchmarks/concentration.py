"""How many documents carry the gradient of each level: `python -m benchmarks.concentration STEP_LOG ...`.

Reads what training has written down (`train.jsonl` of any cell) and prints, for each level and third of the
training, medians over steps, and in how many steps half of the level's documents, or fewer, have 99 %.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

EFFECTIVE, MOST = "effective_documents", "documents_with_99_percent"
THIRDS = ("first", "second", "last")
HEAD = ("log", "level", "third", "documents", "effective", "with 99 %", "steps where that is half or fewer")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one table for all logs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.concentration", description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path, metavar="STEP_LOG")
    lines = [f"| {' | '.join(HEAD)} |", "| --- " * len(HEAD) + "|"]
    for path in parser.parse_args(arguments).logs:
        steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        lines += [f"| {' | '.join(map(str, (path, *row)))} |" for row in rows(steps)]
    print("\n".join(lines))


def rows(steps: Sequence[Mapping[str, float]]) -> list[tuple[object, ...]]:
    """Of each level with a gradient, and each third of the steps.

    A level's documents are as many as have carried 99 % in any step.
    """
    levels = [name.removeprefix(f"{MOST}_") for name in steps[0] if name.startswith(MOST)]
    found = []
    for level in levels:
        documents = max(step[f"{MOST}_{level}"] for step in steps)
        for number, third in enumerate(THIRDS if documents else ()):
            part = steps[len(steps) * number // 3 : len(steps) * (number + 1) // 3]
            most = [step[f"{MOST}_{level}"] for step in part]
            effective = statistics.median(step[f"{EFFECTIVE}_{level}"] for step in part)
            few = statistics.mean(count <= documents / 2 for count in most)
            found.append(
                (
                    level,
                    third,
                    f"{documents:.0f}",
                    f"{effective:.1f}",
                    f"{statistics.median(most):.1f}",
                    f"{few:.0%}",
                )
            )
    return found


if __name__ == "__main__":
    main()
