"""How many documents carry the gradient of each level: `python -m benchmarks.concentration STEP_LOG ...`.

Reads what training has written down (`train.jsonl` of any cell) and prints, for each level and third of the
training, medians over steps, and in how many steps half of the level's documents, or fewer, have 99 %. With
`--run` and `--qrels` it prints the same of the candidates' own scores, as if a model had learnt just these:
of blocks under cross entropy, at the temperature with the least loss.
"""

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sirbench.data.collections import load_qrels
from sirbench.data.runs import read_run
from sirbench.fine_tuning.concentration import NEARLY_ALL, carrying, effective

EFFECTIVE, MOST = "effective_documents", "documents_with_99_percent"
THIRDS = ("first", "second", "last")
HEAD = ("of", "level", "third", "documents", "effective", "with 99 %", "that is half or fewer in")
SIZES = (22, 88)
"""Of blocks: the laptop's, and the paper's."""
SHARPNESS = np.geomspace(0.01, 10, 200)
"""What scores are multiplied by: the inverse of a temperature."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one table for all logs, and for the run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.concentration", description=__doc__)
    parser.add_argument("logs", nargs="*", type=Path, metavar="STEP_LOG")
    parser.add_argument("--run", type=Path, help="candidates of training queries, 100 each")
    parser.add_argument("--qrels", type=Path, help="their judgements")
    options = parser.parse_args(arguments)
    lines = [f"| {' | '.join(HEAD)} |", "| --- " * len(HEAD) + "|"]
    for path in options.logs:
        steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        lines += [f"| {' | '.join((str(path), *row))} |" for row in rows(steps)]
    if options.run:
        for size in SIZES:
            scores = torch.tensor(np.array(list(blocks(options.run, options.qrels, size))))
            lines.append(f"| {' | '.join((f'{options.run}, {len(scores)} blocks', *calibrated(scores)))} |")
    print("\n".join(lines))


def rows(steps: Sequence[Mapping[str, float]]) -> Iterator[tuple[str, ...]]:
    """Of each level with a gradient, and each third of the steps.

    A level's documents are as many as have carried 99 % in any step.
    """
    levels = [name.removeprefix(f"{MOST}_") for name in steps[0] if name.startswith(MOST)]
    for level in levels:
        documents = max(step[f"{MOST}_{level}"] for step in steps)
        for number, third in enumerate(THIRDS if documents else ()):
            part = steps[len(steps) * number // 3 : len(steps) * (number + 1) // 3]
            columns = ([step[f"{name}_{level}"] for step in part] for name in (EFFECTIVE, MOST))
            yield (level, third, *numbers(documents, *columns))


def numbers(documents: float, effective: Sequence[float], most: Sequence[float]) -> tuple[str, ...]:
    """The last columns of a row."""
    few = statistics.mean(count <= documents / 2 for count in most)
    middles = (statistics.median(values) for values in (effective, most))
    return (f"{documents:.0f}", *(f"{middle:.1f}" for middle in middles), f"{few:.0%}")


def blocks(run: Path, qrels: Path, size: int) -> Iterator[np.ndarray]:
    """Scores (size,) of a block for each query whose candidates have its positive, the positive first."""
    judged = load_qrels(qrels)
    positives = set(zip(judged["query_id"], judged["doc_id"], strict=True))
    draw = np.random.default_rng(1)
    for query, candidates in read_run(run).groupby("query_id"):
        scores = candidates["score"].to_numpy()
        positive = np.array([(query, document) in positives for document in candidates["doc_id"]])
        negatives = draw.permutation(scores[~positive])[: size - 1]
        if positive.any() and len(negatives) == size - 1:
            yield np.concatenate([scores[positive][:1], negatives])


def calibrated(scores: Tensor) -> tuple[str, ...]:
    """The row of blocks (blocks, documents) under cross entropy: |dL/ds| is P, and 1 - P for the positive."""
    losses = [float(-(scores * sharpness).log_softmax(1)[:, 0].mean()) for sharpness in SHARPNESS]
    gradient = (scores * SHARPNESS[int(np.argmin(losses))]).softmax(1)
    gradient[:, 0] = 1 - gradient[:, 0]
    columns = effective(gradient).tolist(), carrying(gradient, NEARLY_ALL).tolist()
    return ("1", "", *numbers(scores.shape[1], *columns))


if __name__ == "__main__":
    main()
