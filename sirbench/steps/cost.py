"""Verb `cost`: what a study will cost, as a text to read before anything starts."""

from collections.abc import Mapping, Sequence

from sirbench.backbones.objectives import inputs_of
from sirbench.evaluation.claims.inference import compare
from sirbench.evaluation.claims.plan import (
    AMONG_SIR,
    OVER_V0,
    SD_SEEDS,
    Expected,
    Plan,
    assumed,
    plan_table,
)
from sirbench.firststage import learner
from sirbench.jobs import cost
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.encoders import Encoder, encoder_of
from sirbench.jobs.needs import condition_of, conditions
from sirbench.jobs.pretraining import pretrained
from sirbench.reporting.tables.measured import is_measured, read_trainings
from sirbench.strategies import Pairs
from sirbench.study import Claim, FirstStage

TFLOPS = 125.0
"""Assumed of a GPU: 40 % of an A100's peak in bf16, which is 312 TFLOP/s."""


def describe_cost(
    config: Configuration, tflops: float = TFLOPS, pairs_per_second: float | None = None
) -> str:
    """Documents, bytes on disk, the price of each pre-training, first stage, recipe and table, and a plan.

    `pairs_per_second`, where it is measured (pairs trained on, by one GPU), takes the place of `tflops`.
    """
    study, sizes = config.study, cost.sizes_of(config)
    encoders = {name: encoder_of(config, name) for name in study.backbones}
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
        *_before(config, sizes, encoders, speeds),
        *_plan(config, sizes, encoders, speeds),
    ]
    return "\n".join(parts)


def _assumptions(
    config: Configuration,
    encoders: Mapping[str, tuple[Encoder, bool]],
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


def _on_disk(config: Configuration, sizes: cost.Sizes, encoders: Mapping[str, tuple[Encoder, bool]]) -> str:
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


def _before(
    config: Configuration,
    sizes: cost.Sizes,
    encoders: Mapping[str, tuple[Encoder, bool]],
    speeds: dict[str, cost.Speed],
) -> list[str]:
    """What comes before any cell, once for all tables; nothing where the study makes neither."""
    lines = [("before any cell", "texts", "with gradient", "GPU-hours")]

    def add(what: str, backbone: str, tokens: int, count: Pairs) -> None:
        if count.forwards:
            longest = cost.at_full_length(config, encoders[backbone][0], tokens, count)
            hours = _hours(speeds[backbone].hours(longest))
            lines.append((what, _count(count.forwards), _count(count.with_gradient), hours))

    for name, backbone in pretrained(config.study).items():
        tokens = config.study.pretraining_input(name).max_tokens
        for objective, inputs in inputs_of(backbone).items():
            add(f"{name}: {objective}", name, tokens, Pairs(inputs))
    for name, spec in config.study.candidates.items():
        if isinstance(spec, FirstStage) and spec.backbone:
            for tokens, count in learner(spec).texts(spec, config.study.input, sizes.documents):
                add(f"{name}: {tokens} tokens", spec.backbone, tokens, count)
    note = "Pre-training by objective, first stages with all documents encoded, once for all tables:"
    return ["", note, _grid(lines)] if len(lines) > 1 else []


def _plan(
    config: Configuration,
    sizes: cost.Sizes,
    encoders: Mapping[str, tuple[Encoder, bool]],
    speeds: dict[str, cost.Speed],
) -> list[str]:
    """Each table as asked and at the least, and below what each saving gives up."""
    heads = ("table", "as asked", "shared", "and kept", "at the least", "seeds", "dev queries", "claims")
    lines: list[tuple[str, ...]] = [heads]
    measured: set[Expected] = set()
    lacking = False

    def expect(config: Configuration, candidates: str, claim: Claim) -> Expected:
        found = _expected(config, candidates, claim)
        measured.update([found] if found not in (OVER_V0, AMONG_SIR) else [])
        return found

    for name, table in config.tables.items():
        if conditions(config, table):
            plan = plan_table(config, table, sizes, speeds, expect)
            hours = (_hours(one.hours) for one in (plan.asked, plan.shared, plan.kept, plan.least))
            lines.append((name, *hours, *_decided(config, plan), str(plan.claims or "none")))
            lacking = lacking or bool(plan.claims and not plan.seeds)
    if len(lines) == 1:
        return []
    step = config.study.training.blocks_per_step * config.study.group_size(88)
    memory = max(it.activation_bytes(step * config.study.input.max_tokens) for it, _ in encoders.values())
    return [
        "",
        "GPU-hours of a table as asked, and at the least; each saving comes on top of those before it:",
        _grid(lines),
        "  shared: later levels of V3 and V4 gather the first one's scores (`forward: shared`). Given up:",
        "    dropout of their own, without which V4 is V3 with more losses (docs/cpr.md).",
        f"  and kept: no forward is repeated (`gradient_cache: false`). Given up: {_bytes(memory)} of",
        f"    memory, of one GPU or all that share a step, for activations of {step} pairs in bf16.",
        "  at the least: the seeds and dev queries with which each claim of a difference (config/claims/)",
        "    is found with probability .8. Given up: smaller differences, equality, Holm's correction.",
        *(
            ["    lacks: so many dev queries would do it; those of the study do not, with any seeds."]
            * lacking
        ),
        *_variances(len(measured)),
    ]


def _expected(config: Configuration, candidates: str, claim: Claim) -> Expected:
    """The variances of a claim: as measured, where its cells are, in two seeds or more; else assumed."""
    guess = assumed(config, candidates, claim)
    sides = [condition_of(config, candidates, side) for side in (claim.first, claim.than)]
    if not all(is_measured(config, one.cell(seed)) for one in sides for seed in config.study.seeds):
        return guess
    measure = next(family.measure for family in config.claims.values() if claim in family.claims.values())
    effect = compare(*(read_trainings(config, one).by(measure) for one in sides)).effect
    return guess._replace(components=effect.components) if effect.components else guess


def _decided(config: Configuration, plan: Plan) -> tuple[str, str]:
    """Seeds and dev queries of the plan, in words."""
    if not plan.claims:
        return str(len(config.study.seeds)), "all"
    if plan.seeds:
        return str(plan.seeds), f"{plan.queries:,}"
    # No number of seeds makes up for too few queries.
    return str(len(config.study.seeds)), f"lacks: {plan.queries:,}" if plan.queries else "no number"


def _variances(measured: int) -> list[str]:
    """Where the variances come from."""
    guess = [
        f"    Assumed {what}: SD over queries {one.components.queries**0.5:.2f}, from seed to seed"
        f" {SD_SEEDS:g}; differences of {one.difference:.2f}."
        for one, what in ((OVER_V0, "over V0"), (AMONG_SIR, "otherwise"))
    ]
    return [*guess, *([f"    Measured, in place of that: {measured} of the claims."] if measured else [])]


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
