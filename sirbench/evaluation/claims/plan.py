"""The cheapest plan of a table whose claims can still be decided: what it saves, and which seeds it needs.

Three savings, each on top of those before. Shared forwards: V3 and V4 gather their later levels' scores from
the first (`forward: shared`). Kept activations: no forward is repeated for the backward pass. Seeds and dev
queries: as many as the table's claims of a difference need for the power `power.POWER`.

Before anything is measured, the components of variance are assumed. The standard deviation over dev queries
of a difference in RR@100 was .45 for V4 - V0 and .19 for V4 - V3 (PyDocs, all-MiniLM-L6-v2, one seed), all of
which is taken to be queries'; SD_SEEDS is a guess.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from sirbench.evaluation.claims.power import power_of_difference, queries_needed, seeds_needed
from sirbench.evaluation.claims.reference import Reference
from sirbench.evaluation.claims.variance import Components
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.cost import Sizes, Speed, TableCost, table_cost
from sirbench.strategies.levels.all_levels import AllLevels
from sirbench.study import Claim, Table

SD_SEEDS = 0.005
"""Of a difference from one pair of seeds to the next."""


class Expected(NamedTuple):
    """What a claim is planned with: the smallest difference that it shall find, and its chance."""

    difference: float
    components: Components

    def found(self, reference: Reference) -> float:
        """The power of its test."""
        return power_of_difference(reference, self.difference)


OVER_V0 = Expected(0.03, Components(queries=0.45**2, seeds=SD_SEEDS**2, interaction=0.0))
"""Assumed of a claim in which one of the two is V0 or has its family's one level."""
AMONG_SIR = Expected(0.02, Components(queries=0.19**2, seeds=SD_SEEDS**2, interaction=0.0))
"""Assumed of every other claim."""


@dataclass(frozen=True)
class Plan:
    """A table's costs from as asked to the least, in GPU-hours.

    Attributes:
        asked: with the study's recipes, activations, seeds and dev queries.
        shared: with shared forwards.
        kept: with activations kept as well.
        least: with `seeds` and `queries` as well; these may be more than the study has seeds.
        claims: how many claims of a difference the table can decide, of those that it has cells for.
        seeds: the fewest that decide all of these on the study's dev queries; None: no number does.
        queries: the fewest dev queries that do with so many seeds; without `seeds`, those that would with the
            study's (two at least), None where no number would.
    """

    asked: TableCost
    shared: TableCost
    kept: TableCost
    least: TableCost
    claims: int
    seeds: int | None
    queries: int | None


def assumed(config: Configuration, candidates: str, claim: Claim) -> Expected:
    """What is expected of a claim of which nothing is measured."""
    families = [config.recipes[side.recipe].family for side in (claim.first, claim.than)]
    return OVER_V0 if "v0" in families else AMONG_SIR


Expect = Callable[[Configuration, str, Claim], Expected]


def plan_table(
    config: Configuration,
    table: Table,
    sizes: Sizes,
    speeds: dict[str, Speed],
    expect: Expect = assumed,
) -> Plan:
    """What a table costs as asked, with each saving, and at the least."""
    shared, kept = with_shared_forwards(config), {name: speed.kept for name, speed in speeds.items()}
    expected = [expect(config, *one) for one in table_claims(config, table)]
    seeds, queries = _fewest(tuple(dict.fromkeys(expected)), sizes.dev_queries, len(config.study.seeds))
    fewer, shorter = shared, sizes
    if expected and seeds and queries:
        study = config.study.model_copy(update={"seeds": list(range(1, seeds + 1))})
        fewer, shorter = replace(shared, study=study), sizes._replace(dev_queries=queries)
    return Plan(
        asked=table_cost(config, table, sizes, speeds),
        shared=table_cost(shared, table, sizes, speeds),
        kept=table_cost(shared, table, sizes, kept),
        least=table_cost(fewer, table, shorter, kept),
        claims=len(expected),
        seeds=seeds,
        queries=queries,
    )


def with_shared_forwards(config: Configuration) -> Configuration:
    """The same with one forward for all levels in every recipe that has several levels in a step."""
    recipes = {
        name: recipe.model_copy(update={"forward": "shared"}) if isinstance(recipe, AllLevels) else recipe
        for name, recipe in config.recipes.items()
    }
    return replace(config, recipes=recipes)


def table_claims(config: Configuration, table: Table) -> list[tuple[str, Claim]]:
    """The claims of a difference whose both sides are among a table's cells, each on its candidates."""
    shown = set(needs.conditions(config, table))
    return [
        (candidates, claim)
        for family in config.claims.values()
        for candidates in needs.claimed_candidates(config, family)
        for claim in needs.shown_claims(config, family).values()
        if claim.better
        and {needs.condition_of(config, candidates, side) for side in (claim.better, claim.than)} <= shown
    ]


@cache
def _fewest(expected: tuple[Expected, ...], queries: int, seeds: int) -> tuple[int | None, int | None]:
    """`Plan.seeds` and `Plan.queries`; the claim that needs most decides."""
    fewest = _most([seeds_needed(one.found, one.components, queries) for one in expected])
    at = fewest or max(2, seeds)
    return fewest, _most([queries_needed(one.found, one.components, at) for one in expected])


def _most(numbers: Sequence[int | None]) -> int | None:
    """The largest; None where one is missing, or there are none."""
    known = [number for number in numbers if number is not None]
    return max(known) if known and len(known) == len(numbers) else None
