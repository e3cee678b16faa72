"""A table's numbers in tidy form: a line per row x candidates x measure, with spread and gain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
from tqdm import tqdm

from sirbench.evaluation.claims.gain import Gain, gain_over
from sirbench.evaluation.claims.measured import Measured, Trainings
from sirbench.evaluation.significance import bootstrap_interval, holm
from sirbench.jobs.folders import Condition
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.against_paper import PUBLISHED_COLUMNS, with_published
from sirbench.study import Row, Table

SIGNIFICANCE_LEVEL = 0.05

COLUMNS = [
    *("table", "row", "backbone", "recipe", "cpr", "candidates", "measure"),
    *("value", "ci_low", "ci_high", "sd_seeds", "seeds", "queries"),
    *("baseline", "baseline_value", "gain", "gain_low", "gain_high"),
    *("gain_relative", "gain_relative_low", "gain_relative_high", "gain_over", "gain_of_seeds"),
    *("p_paired_t", "p_paired_t_holm", "dagger"),
    *PUBLISHED_COLUMNS,
    "diverged",
    *("negatives", "on", "pairs"),
]
"""What a line says, apart from what it is about.

* on: whose candidates are re-ranked: `dev`, or a further set of queries; negatives: the candidates that the
  cells were trained on, empty where these are `candidates`.
* value: the mean over queries and over the seeds that gave a model; ci_low, ci_high: its 95 % percentile
  bootstrap interval over queries (empty for a single query); sd_seeds: the standard deviation of the mean
  over queries from seed to seed (empty for one seed); seeds, queries: how many went into it; diverged:
  how many of the seeds converged, and why the others did not; empty where all did. Without any seed that
  converged there is no value.
* gain: value minus baseline_value, the value of `baseline` with the same backbone and candidates;
  gain_low, gain_high: its 95 % interval, over what gain_over says ("queries and seeds", or "queries"
  where either has one seed alone); gain_relative and its interval: the gain over baseline_value
  (`evaluation.claims.gain`); gain_of_seeds: the gain of each seed that both have, in the order of seeds.
* p_paired_t: of the paper's test, the two-sided paired t-test over queries of the means over seeds, on
  the line's own measure, so that no number is called significant on the strength of another one. On
  RR@100 it is what the paper's dagger stands for. It is about these trained models, not other seeds.
  p_paired_t_holm: after Holm's correction, its family being all tests of one candidates x measure, that
  is one column of the printed table. dagger: p_paired_t < 0.05, uncorrected like the paper's, for better
  or worse.
* cpr: the reading of Eq. 7, where the recipe has one; pairs: how many (query, document) pairs its trainings
  forward for each training query, all epochs together (`measured_lines` fills both in).
* the others: see `with_published`.

All columns about the gain are empty for a row that is its own baseline, and but for `baseline` where the
baseline has no model.
"""

PerQuery = Mapping[Condition, Trainings]
"""What was measured of every condition; all of the same queries."""

Places = Sequence[tuple[Row, Condition]]
"""What a table has numbers about: its rows, each with every one of its candidates."""


def tidy_table(
    name: str, table: Table, places: Places, per_query: PerQuery, published: pd.DataFrame | None
) -> pd.DataFrame:
    """The frame with `COLUMNS` that `results/<study>/tables/<name>.csv` holds.

    Args:
        name: the table's name, both in the study's results and, for table1 to table3, in the paper.
        table: its measures and baselines.
        places: what the lines are about, one place or more, in order.
        per_query: values of every place, and of their baselines where the study has them.
        published: the paper's numbers as `read_published` returns them, or None.

    Raises:
        InputError: conditions or measures are missing (all of them named), or conditions are about different
            queries.
    """
    _refuse_missing(name, table, places, per_query)
    lines = []
    for row, condition in tqdm(places, desc=f"{name}: intervals and tests", unit="place"):
        baseline = replace(condition, recipe=table.baseline_of(row))
        for measure in table.measures:
            compared = baseline in per_query and baseline != condition
            over = per_query[baseline].by(measure) if compared else None
            lines.append(
                {
                    **{"table": name, "row": row.label, "backbone": condition.backbone},
                    **{"recipe": condition.recipe, "cpr": "", "negatives": condition.negatives},
                    **{"on": condition.on, "candidates": condition.candidates, "measure": measure},
                    **estimate(per_query[condition].by(measure)),
                    "baseline": "" if baseline == condition else baseline.recipe,
                    **gain_columns(per_query[condition].by(measure), over),
                }
            )
    frame = with_daggers(pd.DataFrame(lines).reindex(columns=COLUMNS), family=["on", "candidates", "measure"])
    return with_published(frame, published)


def estimate(measured: Measured) -> dict[str, float | int | str]:
    """The columns of a line that are about its own value, as `COLUMNS` describes them."""
    low, high = bootstrap_interval(measured.of_queries) if measured.seeds else (float("nan"),) * 2
    return {
        **{"value": measured.mean, "ci_low": low, "ci_high": high, "sd_seeds": measured.sd_seeds},
        **{"seeds": measured.seeds, "queries": len(measured.values.columns)},
        "diverged": measured.convergence,
    }


def gain_columns(measured: Measured, baseline: Measured | None) -> dict[str, float | str]:
    """The columns of a line that compare it with its baseline, as `COLUMNS` describes them."""
    gain = gain_over(baseline, measured) if baseline else Gain()
    return {
        **{"baseline_value": baseline.mean if baseline else float("nan"), "gain": gain.absolute},
        **dict(zip(("gain_low", "gain_high"), gain.interval, strict=True)),
        "gain_relative": gain.relative,
        **dict(zip(("gain_relative_low", "gain_relative_high"), gain.relative_interval, strict=True)),
        "gain_over": gain.over,
        "gain_of_seeds": " ".join(repr(of_seed) for _, of_seed in sorted(gain.of_seeds.items())),
        "p_paired_t": gain.p_paired_t,
    }


def with_daggers(lines: pd.DataFrame, family: list[str]) -> pd.DataFrame:
    """Lines that have a p_paired_t with p_paired_t_holm and dagger too, as `COLUMNS` describes them.

    The tests of lines that agree in the columns `family` are corrected together.
    """
    p_values = lines.groupby(family, sort=False)["p_paired_t"]
    return lines.assign(
        p_paired_t_holm=p_values.transform(lambda of_family: holm(of_family.tolist())),
        dagger=lines["p_paired_t"] < SIGNIFICANCE_LEVEL,
    )


def _refuse_missing(name: str, table: Table, places: Places, per_query: PerQuery) -> None:
    shown = [condition for _, condition in places]
    if missing := [condition.name for condition in shown if condition not in per_query]:
        raise InputError(f"{name}: no per-query values of {', '.join(missing)}; run these cells first")
    baselines = [replace(condition, recipe=table.baseline_of(row)) for row, condition in places]
    compared = dict.fromkeys(shown + [it for it in baselines if it in per_query])
    for on in dict.fromkeys(condition.on for condition in compared):
        refuse_unequal(name, table.measures, [per_query[it] for it in compared if it.on == on])


def refuse_unequal(name: str, measures: Sequence[str], every: Sequence[Trainings]) -> None:
    """Hold what a table compares to the same queries, and to having its measures.

    What has no model has neither, and passes.

    Raises:
        InputError: a measure is missing, or two are about different queries.
    """
    measured = [it for it in every if it.per_query]
    for trainings in measured:
        if absent := [measure for measure in measures if measure not in trainings.measures]:
            raise InputError(f"{name}: {trainings.name} lacks {', '.join(absent)}; evaluate it again")
        if trainings.queries != measured[0].queries:
            raise InputError(
                f"{name}: {trainings.name} and {measured[0].name} are about different queries; "
                "evaluate both again"
            )
