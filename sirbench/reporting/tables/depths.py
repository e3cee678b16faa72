"""A table of depths: what cells would be worth if only the first candidates of each query were re-ranked.

All depths are measured from one run. A model scores each pair by itself, so the first k candidates in the
order of its scores are what re-ranking k gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sirbench.data import collections
from sirbench.data.runs import read_run
from sirbench.evaluation.claims.measured import Trainings
from sirbench.evaluation.measures import per_query
from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Condition, Evaluation
from sirbench.reporting.tables import notes
from sirbench.reporting.tables.gains import gains_grid
from sirbench.reporting.tables.measured import is_trained, trainings
from sirbench.reporting.tables.presentation import (
    DEMONSTRATION,
    NOT_MEASURED,
    Presentation,
    ShownRow,
    as_printed,
    each,
    paper_name,
)
from sirbench.reporting.tables.tidy import COLUMNS, estimate, gain_columns, with_daggers
from sirbench.study import HOME, Row, Table

AS_THEY_ARE = "Candidates as they are"
BEFORE = "the depth before it"
DEPTH_COLUMNS = [*COLUMNS[: COLUMNS.index("measure")], "depth", *COLUMNS[COLUMNS.index("measure") :]]
"""Those of any table of cells, and the depth. Gains are over the depth before, so a negative one says that
further candidates do harm; `baseline` is that depth. Lines without a recipe are about the candidates as they
are, whose recall is a measure of theirs too (R@k at depth k)."""

ByDepth = Mapping[int, Trainings]


@dataclass(frozen=True)
class _Material:
    """What the runs of some candidates are cut to, and measured by."""

    candidates: pd.DataFrame
    queries: list[str]
    qrels: pd.DataFrame
    measures: list[str]

    def at(self, depth: int, run: pd.DataFrame, *others: str) -> pd.DataFrame:
        """Per-query measures of a run, of the first candidates only."""
        keys = ["query_id", "doc_id"]
        first = self.candidates.groupby("query_id", sort=False).head(depth)[keys]
        return per_query(run.merge(first, on=keys), self.qrels, self.queries, [*self.measures, *others])


def missing_runs(config: Configuration, name: str) -> list[Evaluation]:
    """The evaluations of a table without a run, or with one that study and recipe now have otherwise."""
    return [
        one
        for one in needs.evaluations(config, config.tables[name])
        if not (one.run.exists() and is_trained(config, one.cell))
    ]


def depth_lines(config: Configuration, name: str) -> pd.DataFrame:
    """The tidy lines, with `DEPTH_COLUMNS`, of what has a run in every seed; none where nothing has.

    The tests are corrected over the rows of a column, that is of (candidates, measure, depth).
    """
    table, lacking = config.tables[name], set(missing_runs(config, name))
    depths = needs.shown_depths(config, table)
    lines: list[dict[str, object]] = []
    for column in needs.columns(config, table):
        material = _material(config, table, column)
        rows = {
            row.label: one
            for row in needs.shown_rows(config, table)[0]
            if not _evaluations(config, one := needs.condition_of_row(config, row, column)) & lacking
        }
        if material is None or not rows:
            continue
        as_they_are = Condition(config.name, column[1], "", "", on=column[0])
        by_depth = {k: _as_they_are(material, k) for k in depths}
        lines += _lines_of(table, AS_THEY_ARE, as_they_are, by_depth)
        for label, one in rows.items():
            lines += _lines_of(table, label, one, _by_depth(config, one, material, depths))
    if not lines:
        return pd.DataFrame(columns=DEPTH_COLUMNS)
    readings = {it: str(getattr(recipe, "cpr", "")) for it, recipe in config.recipes.items()} | {"": ""}
    frame = pd.DataFrame(lines).reindex(columns=DEPTH_COLUMNS)
    frame = frame.assign(table=name, cpr=frame["recipe"].map(readings), verdict="")
    return with_daggers(frame, family=["candidates", "measure", "depth"])


def _evaluations(config: Configuration, condition: Condition) -> set[Evaluation]:
    return {condition.evaluation(seed) for seed in config.seeds(condition.recipe)}


def _material(config: Configuration, table: Table, column: tuple[str, str]) -> _Material | None:
    """None where the candidates are not there yet."""
    on, candidates = column
    layout = config.at(on).layout
    path = layout.candidates(candidates, HOME)
    if not path.exists():
        return None
    queries = list(collections.load_queries(layout.queries(HOME)))
    return _Material(read_run(path), queries, collections.load_qrels(layout.qrels(HOME)), table.measures)


def _as_they_are(material: _Material, depth: int) -> Trainings:
    recall = [] if (name := f"R@{depth}") in material.measures else [name]
    return Trainings(AS_THEY_ARE, {1: material.at(depth, material.candidates, *recall)})


def _by_depth(
    config: Configuration, condition: Condition, material: _Material, depths: Sequence[int]
) -> ByDepth:
    """What all seeds of a condition give at each depth."""
    runs = {one: read_run(one.run) for one in _evaluations(config, condition) if not one.cell.diverged}

    def at(depth: int) -> Trainings:
        return trainings(config, condition, lambda one: material.at(depth, runs[one]))

    return {depth: at(depth) for depth in depths}


def _lines_of(table: Table, label: str, one: Condition, by_depth: ByDepth) -> list[dict[str, object]]:
    """A line per measure and depth; of the candidates as they are with their recall."""
    lines: list[dict[str, object]] = []
    before: int | None = None
    for depth, measured in by_depth.items():
        recall = [f"R@{depth}"] if not one.recipe else []
        for measure in dict.fromkeys([*table.measures, *recall]):
            over = by_depth[before].by(measure) if before and measure in table.measures else None
            lines.append(
                {
                    **{"row": label, "backbone": one.backbone, "recipe": one.recipe},
                    **{"negatives": one.negatives, "on": one.on, "candidates": one.candidates},
                    **{"measure": measure, "depth": depth, **estimate(measured.by(measure))},
                    "baseline": str(before) if over else "",
                    **gain_columns(measured.by(measure), over),
                }
            )
        before = depth
    return lines


def present_depths(config: Configuration, name: str, tidy: pd.DataFrame) -> Presentation:
    """What `depth_lines` returned, ready to be laid out: a group of columns per candidates and measure."""
    study, table = config.study, config.tables[name]
    depths = needs.shown_depths(config, table)
    recall = tidy[tidy["measure"].str.startswith("R@") & (tidy["recipe"] == "")]
    shown = tidy[tidy["measure"].isin(table.measures)]
    lines = as_printed(shown, ["candidates", "measure", "depth"])
    lines["column"] = lines["candidates"]
    lines["baseline_diverged"] = ""
    heads = {it: study.candidates_title(it) for it in dict.fromkeys(lines["candidates"])}
    columns = [(it, measure) for it in heads for measure in table.measures]
    numbers = {(it.row, it.candidates, it.measure, it.depth): it.number for it in each(lines)}
    first, *_ = each(lines)
    return Presentation(
        name=name,
        title=table.title,
        caption=table.caption,
        warning=DEMONSTRATION if study.demonstration else "",
        groups=[(f"{heads[it]}, {paper_name(measure)}", [f"{k}" for k in depths]) for it, measure in columns],
        rows=[
            ShownRow(
                row,
                [numbers.get((row, *it, depth), NOT_MEASURED) for it in columns for depth in depths],
                rule_above,
            )
            for row, rule_above in _rows(table.rows, lines)
        ],
        notes=[
            "A column is a depth: how many candidates of each query are re-ranked, and no others shown.",
            notes.sample(lines[lines["recipe"] != ""]),
            *([notes.tests(f"{BEFORE} by the paper's test", notes.OF_MODELS)] if first.queries > 1 else []),
            *notes.diverged(lines, heads),
            *notes.readings(lines),
            *notes.negatives(lines),
            *(
                f"Recall of {heads[str(it)]} candidates: "
                + ", ".join(f"{line.value:.3f} at {line.depth}" for line in each(of))
                + " (no re-ranking finds more)."
                for it, of in recall.groupby("candidates", sort=False)
            ),
        ],
        grids=gains_grid(
            lines[lines["recipe"] != ""],
            lambda line: f"{heads[line.candidates]}, {paper_name(line.measure)}, {line.depth}",
            over=BEFORE,
        ),
    )


def _rows(rows: list[Row], lines: pd.DataFrame) -> list[tuple[str, bool]]:
    measured = set(lines["row"])
    shown = [(row.label, row.rule_above or number == 0) for number, row in enumerate(rows)]
    return [(AS_THEY_ARE, False), *((label, rule) for label, rule in shown if label in measured)]
