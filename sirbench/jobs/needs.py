"""What tables, figures and claims need of a study: cells, candidates and measures."""

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell, Condition, Evaluation
from sirbench.machine.errors import InputError
from sirbench.study import HOME, Claim, Claims, Compared, Row, Space, Study, Table


def shown_rows(config: Configuration, table: Table) -> tuple[list[Row], list[str]]:
    """The rows of a table that the study has a backbone for, and the labels of the others."""
    shown = [row for row in table.rows if row.backbone in config.study.backbones]
    return shown, [row.label for row in table.rows if row not in shown]


def shown_candidates(config: Configuration, table: Table) -> list[str]:
    """The candidates of a table that the study has, in the table's order.

    A table of cells shows those that are re-ranked, unless it names others; a table of candidates all.
    """
    every = config.study.columns if table.of_cells else list(config.study.candidates)
    wanted = table.candidates or every
    return [name for name in wanted if name in config.study.candidates]


def shown_queries(config: Configuration, table: Table) -> list[str]:
    """The queries of a table of cells, the study's own first; none where the study lacks what it shows."""
    if table.of == "transfer":
        elsewhere = [name for name, spec in config.study.evaluate_on.items() if spec.collection]
        return [HOME, *elsewhere] if elsewhere else []
    if table.of == "depths" and not shown_depths(config, table):
        return []
    return [table.query_set]


def shown_depths(config: Configuration, table: Table) -> list[int]:
    """The depths of a table of these that its candidates reach; none where the study lacks its queries."""
    study = config.study
    known = table.query_set == HOME or table.query_set in study.evaluate_on
    return [depth for depth in study.depths if depth <= study.depth_on(table.query_set)] if known else []


def columns(config: Configuration, table: Table) -> list[tuple[str, str]]:
    """(queries, candidates) of every group of columns of a table of cells, in order.

    What a table of transfer shows elsewhere it shows of the study's own queries, too.
    """
    own, further = [], []
    for queries in shown_queries(config, table):
        if queries == HOME:
            own += [(HOME, it) for it in shown_candidates(config, table)]
        else:
            every = config.study.candidates_on(queries)
            further += [(queries, it) for it in every if not table.candidates or it in table.candidates]
    if table.of == "transfer":
        own += [(HOME, it) for _, it in further]
    return list(dict.fromkeys([*own, *further]))


def measured_candidates(config: Configuration, table: Table) -> list[str]:
    """The candidates whose own measures a table needs: those it shows, and those it tests them against."""
    tested = table.of == "candidates" and table.baseline in config.study.candidates
    baseline = [table.baseline] if tested else []
    return list(dict.fromkeys([*shown_candidates(config, table), *baseline]))


def condition(
    config: Configuration, candidates: str, backbone: str, recipe: str, negatives: str = "", on: str = HOME
) -> Condition:
    """What is measured: cells that were trained on `negatives`, or on what the study says ("")."""
    trained_on = candidates
    if config.trained[recipe].trains:
        trained_on = negatives or config.study.trained_on(candidates)
    others = "" if trained_on == candidates else trained_on
    return Condition(config.name, candidates, backbone, recipe, others, on)


def condition_of_row(
    config: Configuration, row: Row, column: tuple[str, str], recipe: str | None = None
) -> Condition:
    """What a row of a table is in a group of columns; with the `recipe` of its baseline, what that is."""
    on, candidates = column
    if row.negatives and config.study.collection.folds:
        raise InputError(
            f"rows: {row.label}: negatives: cells of study {config.name}, which has folds, re-rank no "
            "candidates but their own; take `split: {dev: 0.2}`, or leave the table to other studies"
        )
    return condition(config, candidates, row.backbone, recipe or row.recipe, row.negatives or "", on)


def conditions(config: Configuration, table: Table) -> list[Condition]:
    """What every number of a table is about, its baselines included."""
    rows = shown_rows(config, table)[0]
    found = [
        condition_of_row(config, row, column, recipe)
        for column in columns(config, table)
        for row in rows
        for recipe in (table.baseline_of(row), row.recipe)
    ]
    return list(dict.fromkeys(found))


def evaluations(config: Configuration, table: Table) -> list[Evaluation]:
    """Every evaluation that a table needs: its conditions in all seeds."""
    return [it.evaluation(seed) for it in conditions(config, table) for seed in config.seeds(it.recipe)]


def cells(config: Configuration, table: Table) -> list[Cell]:
    """Every cell that a table needs."""
    return list(dict.fromkeys(one.cell for one in evaluations(config, table)))


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
    return condition(config, candidates, side.backbone, side.recipe)


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


def claimed_evaluations(config: Configuration) -> list[Evaluation]:
    """They in all seeds."""
    return [it.evaluation(seed) for it in claimed_conditions(config) for seed in config.seeds(it.recipe)]


def space_cells(config: Configuration, space: Space) -> list[Cell]:
    """The cells whose semantic space a figure shows, in its order.

    None where the study lacks the figure's backbone, candidates or seed, or has one seed and `every` is
    asked for; or has folds, as a query then is in the space of one model and not of another.
    """
    study = config.study
    candidates = space.candidates or study.trained_on(study.columns[0])
    seeds = _space_seeds(study, space)
    if study.collection.folds or candidates not in study.candidates or space.backbone not in study.backbones:
        return []
    return [
        Cell(config.name, candidates, space.backbone, recipe, seed)
        for recipe in space.recipes
        for seed in seeds
    ]


def _space_seeds(study: Study, space: Space) -> list[int]:
    """The seeds of a figure's cells that the study has."""
    if space.seed == "every":
        return list(study.seeds) if len(study.seeds) > 1 else []
    seed = study.seeds[0] if space.seed is None else space.seed
    return [seed] if seed in study.seeds else []


def every_cell(config: Configuration) -> list[Cell]:
    """Every cell that any table, figure or claim of the study needs, once each."""
    tables = [cell for table in config.tables.values() if table.of_cells for cell in cells(config, table)]
    claimed = [one.cell for one in claimed_evaluations(config)]
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
    return bool(conditions(config, table) if table.of_cells else shown_candidates(config, table))


def measures(config: Configuration) -> list[str]:
    """Every measure that any table of cells shows or any claim is about: what a cell is evaluated by.

    Tables of transfer count where the study has one, and tables of depths measure runs anew.
    """
    tables = [
        table
        for table in config.tables.values()
        if table.of == "cells" or (table.of == "transfer" and shows_something(config, table))
    ]
    shown = [name for table in tables for name in table.measures]
    return list(dict.fromkeys([*shown, *(family.measure for family in config.claims.values())]))


def candidates_measures(config: Configuration) -> list[str]:
    """What candidates are evaluated by: as cells are, as tables of candidates ask, and by their recall."""
    shown = [name for table in config.tables.values() for name in table.measures]
    return list(dict.fromkeys([*measures(config), recall(config.study), *shown]))


def recall(study: Study) -> str:
    """The measure that no re-ranking changes: recall at the candidates' depth."""
    return f"R@{study.depth}"
