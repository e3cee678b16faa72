"""What tables, figures and claims need of a study: cells, candidates and measures."""

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Condition
from sirbench.study import Claim, Claims, Compared, Row, Space, Study, Table


def shown_rows(config: Configuration, table: Table) -> tuple[list[Row], list[str]]:
    """The rows of a table that the study has a backbone for, and the labels of the others."""
    shown = [row for row in table.rows if row.backbone in config.study.backbones]
    return shown, [row.label for row in table.rows if row not in shown]


def shown_candidates(config: Configuration, table: Table) -> list[str]:
    """The candidates of a table that the study has, in the table's order.

    A table of cells shows those that are re-ranked, unless it names others; a table of candidates all.
    """
    every = config.study.columns if table.of == "cells" else list(config.study.candidates)
    wanted = table.candidates or every
    return [name for name in wanted if name in config.study.candidates]


def measured_candidates(config: Configuration, table: Table) -> list[str]:
    """The candidates whose own measures a table needs: those it shows, and those it tests them against."""
    tested = table.of == "candidates" and table.baseline in config.study.candidates
    baseline = [table.baseline] if tested else []
    return list(dict.fromkeys([*shown_candidates(config, table), *baseline]))


def conditions(config: Configuration, table: Table) -> list[Condition]:
    """(candidates, backbone, recipe) of every number that a table needs, its baselines included."""
    pairs = [
        (row.backbone, recipe)
        for row in shown_rows(config, table)[0]
        for recipe in (table.baseline_of(row), row.recipe)
    ]
    return [
        Condition(config.name, candidates, *pair)
        for candidates in shown_candidates(config, table)
        for pair in dict.fromkeys(pairs)
    ]


def cells(config: Configuration, table: Table) -> list[Cell]:
    """Every cell that a table needs: its conditions in all seeds of the study."""
    return [one.cell(seed) for one in conditions(config, table) for seed in config.study.seeds]


def shown_claims(config: Configuration, family: Claims) -> dict[str, Claim]:
    """The claims of a family about backbones that the study has."""
    backbones = config.study.backbones
    return {
        name: claim
        for name, claim in family.claims.items()
        if {claim.first.backbone, claim.than.backbone} <= backbones.keys()
    }


def claimed_candidates(config: Configuration, family: Claims) -> list[str]:
    """The candidates that a family is about and the study has."""
    return [it for it in family.candidates or config.study.columns if it in config.study.candidates]


def condition_of(config: Configuration, candidates: str, side: Compared) -> Condition:
    """What is measured of one side of a claim."""
    return Condition(config.name, candidates, side.backbone, side.recipe)


def claimed_conditions(config: Configuration) -> list[Condition]:
    """Every condition that any claim compares, once each."""
    found = [
        condition_of(config, candidates, side)
        for family in config.claims.values()
        for candidates in claimed_candidates(config, family)
        for claim in shown_claims(config, family).values()
        for side in (claim.first, claim.than)
    ]
    return list(dict.fromkeys(found))


def space_cells(config: Configuration, space: Space) -> list[Cell]:
    """The cells whose semantic space a figure shows, in its order.

    None where the study lacks the figure's backbone, candidates or seed; or has folds, as a query then is
    in the space of one model and not of another.
    """
    study = config.study
    if study.collection.folds:
        return []
    candidates = space.candidates or study.columns[0]
    seed = study.seeds[0] if space.seed is None else space.seed
    if candidates not in study.candidates or space.backbone not in study.backbones or seed not in study.seeds:
        return []
    return [Cell(config.name, candidates, space.backbone, recipe, seed) for recipe in space.recipes]


def every_cell(config: Configuration) -> list[Cell]:
    """Every cell that any table, figure or claim of the study needs, once each."""
    tables = [
        cell for table in config.tables.values() if table.of == "cells" for cell in cells(config, table)
    ]
    claimed = [one.cell(seed) for one in claimed_conditions(config) for seed in config.study.seeds]
    return list(dict.fromkeys([*tables, *claimed, *embedded_cells(config)]))


def embedded_cells(config: Configuration) -> dict[Cell, dict[str, int]]:
    """The cells whose space any figure shows, with the number of `train` and `dev` queries to embed.

    These cells keep their model as it is in the middle of training. Queries are chosen so that a figure
    with fewer has a subset of those of a figure with more: the larger number serves both.
    """
    counts: dict[Cell, dict[str, int]] = {}
    for space in (figure.space for figure in config.figures.values() if figure.space):
        for cell in space_cells(config, space):
            before = counts.get(cell, {"train": 0, "dev": 0})
            wanted = {"train": space.train_queries, "dev": space.dev_queries}
            counts[cell] = {split: max(before[split], wanted[split]) for split in wanted}
    return counts


def shows_something(config: Configuration, table: Table) -> bool:
    """Whether the study has any cell, or any candidates, that a table shows."""
    return bool(conditions(config, table) if table.of == "cells" else shown_candidates(config, table))


def measures(config: Configuration) -> list[str]:
    """Every measure that any table of cells shows or any claim is about: what a cell is evaluated by."""
    tables = [table for table in config.tables.values() if table.of == "cells"]
    shown = [name for table in tables for name in table.measures]
    return list(dict.fromkeys([*shown, *(family.measure for family in config.claims.values())]))


def candidates_measures(config: Configuration) -> list[str]:
    """What candidates are evaluated by: as cells are, as tables of candidates ask, and by their recall."""
    shown = [name for table in config.tables.values() for name in table.measures]
    return list(dict.fromkeys([*measures(config), recall(config.study), *shown]))


def recall(study: Study) -> str:
    """The measure that no re-ranking changes: recall at the candidates' depth."""
    return f"R@{study.depth}"
