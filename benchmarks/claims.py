"""Do the tests of claims keep their word? `python -m benchmarks.claims [--repetitions 4000]` simulates
recipes and counts.

Each scenario says how far two recipes differ between queries, between seeds, and between seeds within a
query. Without a difference of the recipes the share of significant results should be at most .05 (*false
claims*); with one, intervals should contain it in .95 of the cases (*coverage*), and the claim should be
supported as often as planned (*power*, as predicted from the components of variance). Beside it false claims
of three alternatives: Satterthwaite's degrees of freedom for the same variance, a bootstrap over queries and
seeds, and the paper's paired t-test over per-query means.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from zlib import crc32

import numpy as np
from numpy.random import Generator
from scipy import stats
from scipy.special import stdtrit

from sirbench.evaluation.claims.equality import p_equal
from sirbench.evaluation.claims.inference import LEVEL, Effect, estimate
from sirbench.evaluation.claims.power import (
    detectable_difference,
    difference_detectable_by_paired_t,
    power_of_difference,
    power_of_equality,
    power_of_paired_t,
    provable_margin,
    queries_needed_by_paired_t,
)
from sirbench.evaluation.claims.variance import (
    Components,
    Values,
    welch_freedom,
)

SEEDS = (3, 5, 10)
RESAMPLES = 400
BOOTSTRAPPED = 500
"""Simulated studies that are also bootstrapped, which costs ten times the rest."""


@dataclass(frozen=True)
class Scenario:
    """How two recipes' values come about.

    Attributes:
        name: what the table calls it.
        queries, seeds, interaction: standard deviations of the difference of two recipes: of its expectation
            between queries, of its expectation between seeds, and of the rest.
        common: standard deviation of what a seed does to all recipes alike.
        number: of queries.
        noise: "normal", "heavy" (Student's t with 3 degrees of freedom), "failing" (a tenth of the seeds lie
            three standard deviations below the others), or "ranks" (the values are reciprocals of ranks, of
            which the logarithm is normal with these standard deviations).
        recipes: of the table, two of which are compared.
        factor: how many times the other recipes' standard deviation between seeds these two have.
        paired: whether seeds are analysed in pairs.
        missing: seeds that the second recipe has less than the first.
    """

    name: str
    queries: float = 0.3
    seeds: float = 0.03
    interaction: float = 0.3
    common: float = 0.0
    number: int = 200
    noise: str = "normal"
    recipes: int = 2
    factor: float = 1.0
    paired: bool = True
    missing: int = 0


SCENARIOS = (
    Scenario("queries and seeds"),
    Scenario("queries and seeds, 50 queries", number=50, seeds=0.06),
    Scenario("mostly seeds", queries=0.1, seeds=0.05, interaction=0.2),
    Scenario("one recipe against itself", queries=0.0),
    Scenario("seeds differ within queries only", queries=0.1, seeds=0.0, interaction=0.6),
    Scenario("seeds change nothing", seeds=0.0, interaction=0.0),
    Scenario("heavy tails", noise="heavy"),
    Scenario("one seed in ten fails", noise="failing", seeds=0.06),
    Scenario("reciprocal ranks", queries=1.2, seeds=0.15, interaction=1.0, noise="ranks"),
    Scenario("reciprocal ranks, mostly seeds", queries=0.6, seeds=0.4, interaction=0.6, noise="ranks"),
    Scenario("ranks, seeds move recipes alike", 0.6, 0.1, 0.6, common=0.6, noise="ranks"),
    Scenario("independent seeds", paired=False),
    Scenario("independent seeds, mostly seeds", queries=0.1, seeds=0.05, interaction=0.2, paired=False),
    Scenario("the second lacks a seed", paired=False, missing=1),
    Scenario("table of 8 recipes", recipes=8),
    Scenario("table of 8, mostly seeds", queries=0.1, seeds=0.05, interaction=0.2, recipes=8),
    Scenario(
        "table of 8, these vary twice as much",
        queries=0.1,
        seeds=0.05,
        interaction=0.1,
        recipes=8,
        factor=2.0,
    ),
    Scenario("table of 8, independent seeds", recipes=8, paired=False),
)


def draw(scenario: Scenario, seeds: int, shift: float, generator: Generator) -> list[Values]:
    """Draw one study: (seeds, queries) for each recipe; the first is better by `shift`."""
    number, recipes = scenario.number, scenario.recipes

    def noise(*shape: int, sd: float) -> Values:
        if scenario.noise == "heavy":
            return generator.standard_t(3, shape) * sd / sqrt(3)
        return generator.normal(size=shape) * sd

    half = sqrt(0.5)
    of_seeds = noise(recipes, seeds, 1, sd=scenario.seeds * half)
    if scenario.noise == "failing":
        fails = (generator.random((recipes, seeds, 1)) < 0.1) - 0.1
        of_seeds = (generator.normal(size=fails.shape) * 0.7 - 3 * 0.7 * fails) * scenario.seeds * half
    of_seeds[:2] *= scenario.factor
    values = (
        noise(number, sd=0.3)
        + noise(recipes, 1, number, sd=scenario.queries * half)
        + of_seeds
        + noise(seeds, 1, sd=scenario.common)
        + noise(recipes, seeds, number, sd=scenario.interaction * half)
    )
    values[0] += shift
    if scenario.noise == "ranks":
        values = reciprocal_rank(values)
    first, second, *others = values
    return [first, second[: seeds - scenario.missing], *others]


def reciprocal_rank(values: Values) -> Values:
    """Map larger to better: the rank's logarithm is 1 less the value, ranks start at 1, none is below 100."""
    rank = np.ceil(np.exp(np.maximum(1 - values, 0)))
    return np.where(rank > 100, 0.0, 1 / rank)


def truth(scenario: Scenario, seeds: int) -> tuple[float, float, Components]:
    """Return a shift, the difference that it makes, and the components of variance.

    The shift is one that should be found with power .8 (before ranks are taken).
    """
    components = _components(scenario)
    shift = detectable_difference(components.reference(scenario.number, _mean_seeds(scenario, seeds)))
    if scenario.noise != "ranks":
        return shift, shift, components
    variance = (scenario.queries**2 + scenario.seeds**2 + scenario.interaction**2) / 2
    total = sqrt(0.3**2 + scenario.common**2 + variance)
    middles = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000) * total
    difference = float((reciprocal_rank(middles + shift) - reciprocal_rank(middles)).mean())
    better, than = draw(replace(scenario, number=1000), 2000, shift, np.random.default_rng(1))
    return shift, difference, estimate(better, than, paired=True).components


def _components(scenario: Scenario) -> Components:
    of_seeds = (scenario.seeds * scenario.factor) ** 2
    if scenario.noise == "failing":
        of_seeds *= 0.49 * (1 + 9 * 0.09)
    return Components(scenario.queries**2, of_seeds, scenario.interaction**2, scenario.paired)


def _mean_seeds(scenario: Scenario, seeds: int) -> float:
    return 2 / (1 / seeds + 1 / (seeds - scenario.missing))


@dataclass(frozen=True)
class Rates:
    """Shares of simulated studies."""

    false_claims: float
    coverage: float
    power: float
    predicted: float
    satterthwaite: float
    bootstrap: float
    paired_t: float


def simulate(scenario: Scenario, seeds: int, repetitions: int, *, bootstrapped: int = 0) -> Rates:
    """Draw studies without a difference and studies with one, and count."""
    generator = np.random.default_rng([crc32(scenario.name.encode()), seeds])
    shift, difference, components = truth(scenario, seeds)
    null = np.array([_without_difference(scenario, seeds, generator) for _ in range(repetitions)])
    found = np.array(
        [_with_difference(scenario, seeds, shift, difference, generator) for _ in range(repetitions)]
    )
    resampled = [
        _bootstrap_rejects(draw(scenario, seeds, 0.0, generator)[:2], scenario.paired, generator)
        for _ in range(bootstrapped)
    ]
    false_claims, satterthwaite, paired_t = null.mean(axis=0)
    coverage, power = found.mean(axis=0)
    planned = components.reference(scenario.number, _mean_seeds(scenario, seeds))
    predicted = power_of_difference(planned, difference)
    bootstrap = float(np.mean(resampled)) if resampled else float("nan")
    return Rates(false_claims, coverage, power, predicted, satterthwaite, bootstrap, paired_t)


def _without_difference(scenario: Scenario, seeds: int, generator: Generator) -> tuple[bool, bool, bool]:
    better, than, *others = draw(scenario, seeds, 0.0, generator)
    effect = estimate(better, than, others, paired=scenario.paired)
    differences = better.mean(axis=0) - than.mean(axis=0)
    paired_t = differences.std(ddof=1) / sqrt(scenario.number) * _t_quantile(scenario.number - 1)
    half_widths = (effect.reference.half_width(LEVEL), _satterthwaite_half_width(effect), paired_t)
    return tuple(abs(effect.estimate) > half_width for half_width in half_widths)


def _with_difference(
    scenario: Scenario, seeds: int, shift: float, difference: float, generator: Generator
) -> tuple[bool, bool]:
    better, than, *others = draw(scenario, seeds, shift, generator)
    effect = estimate(better, than, others, paired=scenario.paired)
    low, high = effect.interval
    return low <= difference <= high, low > 0


def _satterthwaite_half_width(effect: Effect) -> float:
    variances, freedoms = zip(*effect.reference.parts, strict=True)
    return effect.standard_error * _t_quantile(welch_freedom(variances, freedoms))


def _t_quantile(freedom: float) -> float:
    return -float(stdtrit(freedom, LEVEL / 2))


def _bootstrap_rejects(recipes: Sequence[Values], paired: bool, generator: Generator) -> bool:
    """Whether the percentile interval of a bootstrap that resamples both queries and seeds excludes 0."""
    better, than = recipes
    queries = better.shape[1]
    of_queries = generator.multinomial(queries, np.full(queries, 1 / queries), RESAMPLES) / queries

    def means(table: Values) -> Values:
        seeds = len(table)
        of_seeds = generator.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
        return ((of_seeds @ table) * of_queries).sum(axis=1)

    differences = means(better - than) if paired else means(better) - means(than)
    low, high = np.quantile(differences, [LEVEL / 2, 1 - LEVEL / 2])
    return not low <= 0 <= high


def simulate_equality(scenario: Scenario, seeds: int, repetitions: int) -> tuple[float, float, float]:
    """Return how often equality is found: with a difference of the margin, with none, and as planned."""
    generator = np.random.default_rng([crc32(scenario.name.encode()), seeds])
    reference = _components(scenario).reference(scenario.number, seeds)
    margin = provable_margin(reference)

    def found(shift: float) -> float:
        effects = (
            estimate(*draw(scenario, seeds, shift, generator), paired=scenario.paired)
            for _ in range(repetitions)
        )
        return float(np.mean([p_equal(effect, margin) < LEVEL for effect in effects]))

    return found(margin), found(0.0), power_of_equality(reference, margin)


def table_of_tests(repetitions: int) -> str:
    """The main table, as Markdown."""
    rows = []
    for scenario in SCENARIOS:
        for seeds in SEEDS:
            rates = simulate(scenario, seeds, repetitions, bootstrapped=min(repetitions, BOOTSTRAPPED))
            rows.append(
                [
                    scenario.name,
                    str(seeds),
                    *(f"**{x:.3f}**" for x in (rates.false_claims, rates.coverage)),
                    *(f"{x:.2f}" for x in (rates.power, rates.predicted)),
                    *(f"{x:.3f}" for x in (rates.satterthwaite, rates.bootstrap, rates.paired_t)),
                ]
            )
    heads = "scenario|seeds|false claims|coverage|power|predicted|Satterthwaite|bootstrap|paired t"
    return markdown(heads.split("|"), rows)


def table_of_equality(repetitions: int) -> str:
    """Two one-sided tests, as Markdown."""
    rows = []
    for scenario in SCENARIOS[:4]:
        for seeds in SEEDS:
            false, power, predicted = simulate_equality(scenario, seeds, repetitions)
            rows.append([scenario.name, str(seeds), f"**{false:.3f}**", f"{power:.2f}", f"{predicted:.2f}"])
    return markdown(["scenario", "seeds", "false equality", "power", "predicted"], rows)


PAPER_QUERIES = 5193
PAPER = (("V4 - V3", 0.003, 0.19), ("V3 - V2", 0.007, 0.19), ("V4 - V0", 0.054, 0.45))
"""Differences of RR@100 that the paper prints (BERT, HDCT) and the standard deviation over queries: as we
measured
it for V4 - V3 and V4 - V0, and for V3 - V2 taken to be the former's."""
PAPER_SEEDS = (3, 5, 10)
SD_SEEDS = 0.003
"""Assumed between seeds; nobody has published it for these recipes."""


def table_of_paper() -> str:
    """What the paper's test, and ours, can find on the paper's queries, as Markdown."""
    rows = []
    for name, difference, sd in PAPER:
        power = power_of_paired_t(difference, sd, PAPER_QUERIES)
        smallest = difference_detectable_by_paired_t(sd, PAPER_QUERIES)
        needed = queries_needed_by_paired_t(difference, sd)
        components = Components(sd**2, SD_SEEDS**2, 0.0)
        ours = (
            power_of_difference(components.reference(PAPER_QUERIES, seeds), difference)
            for seeds in PAPER_SEEDS
        )
        rows.append(
            [
                name,
                f"{difference:.3f}",
                f"{sd}",
                f"{power:.2f}",
                f"{smallest:.4f}",
                f"{needed:,}",
                *(f"{x:.2f}" for x in ours),
            ]
        )
    heads = [
        "difference",
        "paper",
        "SD over queries",
        "power of paired t",
        "smallest with .8",
        "queries for .8",
    ]
    return markdown([*heads, *(f"power over {seeds} seeds" for seeds in PAPER_SEEDS)], rows)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=4000)
    options = parser.parse_args(arguments)
    parts: list[Callable[[], str]] = [
        lambda: table_of_tests(options.repetitions),
        lambda: table_of_equality(options.repetitions),
        table_of_paper,
    ]
    for part in parts:
        print(part(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
