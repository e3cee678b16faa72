"""Verb `cost`: what a study will cost, as a text to read before anything starts."""

from collections.abc import Mapping, Sequence

from sirbench.jobs import cost
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.needs import conditions

TFLOPS = 125.0
"""Assumed of a GPU: 40 % of an A100's peak in bf16, which is 312 TFLOP/s."""


def describe_cost(
    config: Configuration, tflops: float = TFLOPS, pairs_per_second: float | None = None
) -> str:
    """Documents, bytes on disk, and for each recipe and table the pairs, trainings and GPU-hours.

    `pairs_per_second`, where it is measured (pairs trained on, by one GPU), takes the place of `tflops`.
    """
    study, sizes = config.study, cost.sizes_of(config)
    encoders = {name: cost.encoder_of(config, name) for name in study.backbones}
    speeds = {
        name: cost.Speed(pairs_per_second, cost.passes(config))
        if pairs_per_second
        else cost.assumed_speed(config, encoder, tflops)
        for name, (encoder, _) in encoders.items()
    }
    first = next(iter(encoders))
    documents, train, dev = (f"{number:,}" for number in sizes)
    parts = [
        f"Study {study.title}",
        f"{documents} documents; queries: {train} training, {dev} dev",
        f"candidates: {', '.join(study.candidates)}; seeds: {', '.join(map(str, study.seeds))}",
        "",
        "On disk:",
        _on_disk(config, sizes, encoders),
        "",
        *_assumptions(config, encoders, tflops, pairs_per_second),
        "",
        f"A training of {first} on one of the candidates with one seed, its compressors included:",
        _recipes(config, sizes, speeds[first]),
        "",
        "A table with all candidates and seeds, from nothing; tables share cells:",
        _tables(config, sizes, speeds),
    ]
    return "\n".join(parts)


def _assumptions(
    config: Configuration,
    encoders: Mapping[str, tuple[cost.Encoder, bool]],
    tflops: float,
    pairs_per_second: float | None,
) -> list[str]:
    study, (first, (encoder, _)) = config.study, next(iter(encoders.items()))
    guessed = [name for name, (_, known) in encoders.items() if not known]
    operations = encoder.forward_operations(study.input.max_tokens) / 1e12
    lines = ["GPU-hours are arithmetic, of pairs that all have the greatest length:"]
    if pairs_per_second:
        lines.append(f"  {pairs_per_second:,g} pairs trained on per second and GPU, as you measured")
    else:
        lines.append(f"  {tflops:g} TFLOP/s of a GPU (--tflops; or --pairs-per-second, once measured)")
        lines.append(f"  {operations:.3g} TFLOP for a forward of {study.input.max_tokens} tokens ({first})")
    lines.append(f"  a pair with gradient costs {cost.passes(config)} forwards, one without costs one")
    if guessed:
        lines.append(f"  taken for BERT-base, since not here to be looked at: {', '.join(guessed)}")
    if not study.compute.gpus:
        lines.append("  this study computes on the CPU: its hours are longer")
    return lines


def _on_disk(
    config: Configuration, sizes: cost.Sizes, encoders: Mapping[str, tuple[cost.Encoder, bool]]
) -> str:
    lines = [("backbone", "a model", "token store, at most", "a dense index")]
    lines += [
        (
            name,
            _bytes(encoder.parameters * cost.FP32),
            _bytes(cost.token_bytes(config, sizes, encoder)),
            _bytes(cost.index_bytes(sizes, encoder)),
        )
        for name, (encoder, _) in encoders.items()
    ]
    return _grid(lines)


def _recipes(config: Configuration, sizes: cost.Sizes, speed: cost.Speed) -> str:
    lines = [("recipe", "pairs", "with gradient", "GPU-hours")]
    trained = [name for name, recipe in config.recipes.items() if recipe.trains]
    costs = {it: cost.recipe_pairs(config, it, sizes.train_queries) for it in trained}
    for name, pairs in (costs | {"re-ranking dev": cost.reranking_pairs(config, sizes)}).items():
        lines.append((name, _count(pairs.forwards), _count(pairs.with_gradient), _hours(speed.hours(pairs))))
    return _grid(lines)


def _tables(config: Configuration, sizes: cost.Sizes, speeds: dict[str, cost.Speed]) -> str:
    lines = [("table", "training jobs", "pairs", "with gradient", "GPU-hours", "models on disk")]
    for name, table in config.tables.items():
        if conditions(config, table):
            jobs, pairs, hours, size = cost.table_cost(config, table, sizes, speeds)
            both = (_count(pairs.forwards), _count(pairs.with_gradient))
            lines.append((name, f"{jobs:,}", *both, _hours(hours), _bytes(size)))
    return _grid(lines)


def _count(number: float) -> str:
    """Three digits or more: 112 M, 1.47 M, 320."""
    for unit, scale in ((" M", 1e6), (" k", 1e3)):
        if number >= scale:
            return f"{number / scale:,.0f}{unit}" if number >= 100 * scale else f"{number / scale:.3g}{unit}"
    return f"{number:g}"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.2f}" if hours >= 0.01 else "< 0.01"


def _bytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"


def _grid(lines: Sequence[Sequence[str]]) -> str:
    """Columns: the first to the left, the others, numbers, to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  " + "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines
    )
