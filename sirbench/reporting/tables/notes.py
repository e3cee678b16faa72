"""The sentences beneath a table: what its numbers are means of, what its marks say, what it lacks and why."""

from collections.abc import Mapping

import pandas as pd

from sirbench.reporting.tables.presentation import BETTER, WORSE, each, paper_name
from sirbench.reporting.tables.tidy import SIGNIFICANCE_LEVEL

OF_MODELS = (
    "A mark says that these trained models differ by more than the choice of queries explains; it does not "
    "say that models of other seeds would."
)
CLAIMS = "For what may be said of the recipes see the target claims (docs/claims.md)."


def sample(lines: pd.DataFrame) -> str:
    """What a number is the mean of, and what is printed beside it."""
    seeds = lines["seeds"].max()
    if not seeds:
        return "No seed of any row converged."
    bold = "Bold: highest of its column, by however little."
    if seeds == 1:
        return (
            f"Means over {dev_queries(lines)}, one seed: how far other seeds would lie is not known. {bold}"
        )
    return (
        f"Means over {dev_queries(lines)} and {seeds} seeds. ± is the standard deviation from seed to seed "
        f"of the mean over queries. {bold}"
    )


def dev_queries(lines: pd.DataFrame) -> str:
    """How many queries a number is the mean of, in words."""
    counts = lines.groupby("on", sort=False)["queries"].max()
    return " and ".join(f"one {on} query" if it == 1 else f"{it} {on} queries" for on, it in counts.items())


def tests(compared: str, meaning: str) -> str:
    """What the marks mean, and what they do not.

    Args:
        compared: what is compared with, and what the test is called.
        meaning: a sentence on what a mark says.
    """
    return (
        f"{BETTER} better, {WORSE} worse than {compared}: two-sided paired t-test over queries on "
        f"the column's own measure, p < {SIGNIFICANCE_LEVEL}; in parentheses where Holm's correction over "
        f"the column undoes it. {meaning}"
    )


def compared_with(lines: pd.DataFrame) -> str:
    """What gains are over, in words: what most rows are compared with, and which rows with something else."""
    compared = lines[lines["baseline"] != ""]
    usual = str(compared["baseline"].mode().iloc[0])
    others = compared[compared["baseline"] != usual].groupby("baseline", sort=False)["row"].unique()
    words = usual + (" with the same backbone" if compared["backbone"].any() else "")
    exceptions = "; ".join(f"{', '.join(rows)}: {name}" for name, rows in others.items())
    return f"{words} ({exceptions})" if exceptions else words


def several_baselines(lines: pd.DataFrame) -> bool:
    """Whether rows are compared with different recipes."""
    return bool(lines.loc[lines["baseline"] != "", "baseline"].nunique() > 1)


def intervals(gains: pd.DataFrame) -> list[str]:
    """Over what the intervals of gains generalise, by the rows where they do not over seeds."""
    said = []
    alone = gains[gains["gain_over"] == "queries"]
    if (gains["gain_over"] == "queries and seeds").any():
        said.append(
            "95 % intervals are over queries and seeds together (docs/claims.md), each by itself: one of "
            "twenty is expected to miss the gain that it is about."
        )
    if len(alone) and not alone["backbone"].any():
        said.append(
            "95 % intervals are over queries alone: of a first stage that learns, they are about this one "
            "training."
        )
    elif len(alone):
        rows = "" if len(alone) == len(gains) else f" of {', '.join(dict.fromkeys(alone['row']))}"
        said.append(
            f"95 % intervals{rows} are over queries alone: they are about these trained models, and say "
            "nothing of other seeds."
        )
    return said


def untested(lines: pd.DataFrame) -> list[str]:
    """Which rows have a value, and a baseline that they could not be compared with, or not tested against.

    Where the baseline diverged, `diverged` says so.
    """
    here = lines[(lines["baseline"] != "") & lines["value"].notna()]
    notes = []
    if len(without := here[here["gain"].isna() & (here["baseline_diverged"] == "")]):
        rows = ", ".join(dict.fromkeys(without["row"]))
        notes.append(f"No gain and no test, for want of a result of {compared_with(without)}: {rows}.")
    if (here["gain"].notna() & here["p_paired_t"].isna()).any():
        notes.append("Not tested: of a single query nothing follows for others.")
    return notes


def diverged(lines: pd.DataFrame, groups: Mapping[str, str]) -> list[str]:
    """Which rows lack seeds because trainings diverged, and which gains for want of a baseline.

    Args:
        lines: of a tidy table, with `column`, and with `baseline_diverged`: how many seeds of a line's
            baseline converged where none did, else empty.
        groups: column -> head of its column group.
    """
    without = lines[(lines["baseline_diverged"] != "") & lines["value"].notna()]
    notes = []
    for (backbone, baseline, why), group in without.groupby(["backbone", "baseline", "baseline_diverged"]):
        rows = ", ".join(dict.fromkeys(group["row"]))
        heads = ", ".join(dict.fromkeys(group["column"].map(groups)))
        notes.append(
            f"No gains and no tests of {rows} ({heads}), since the baseline, {backbone} with {baseline}, "
            f"diverged: {why}."
        )
    told = set(without[["backbone", "baseline", "column"]].itertuples(index=False, name=None))
    of_rows = lines[lines["diverged"] != ""].drop_duplicates(["row", "column"])
    notes += [
        f"{line.row}, {groups[line.column]}: {line.diverged}."
        for line in each(of_rows)
        if (line.backbone, line.recipe, line.column) not in told
    ]
    return [*notes, "Means are over the seeds that converged."] if of_rows["seeds"].any() else notes


def readings(lines: pd.DataFrame) -> list[str]:
    """How V4's conditional probability is read, by the rows where readings differ."""
    rows = lines.loc[lines["cpr"] != "", ["row", "cpr"]].drop_duplicates()
    if rows.empty:
        return []
    if rows["cpr"].nunique() == 1:
        return [f"V4: CPR of Eq. 7 read as {rows['cpr'].iloc[0]} (docs/cpr.md)."]
    each = "; ".join(f"{cpr}: {', '.join(of['row'])}" for cpr, of in rows.groupby("cpr", sort=False))
    return [f"CPR of Eq. 7 read as {each} (docs/cpr.md)."]


def negatives(lines: pd.DataFrame) -> list[str]:
    """What cells were trained on, where that is not what they re-rank, by the rows where that differs."""
    rows = lines.loc[lines["negatives"] != "", ["row", "negatives"]].drop_duplicates()
    said = [
        f"{', '.join(of['row'])}: {str(name).upper()}" for name, of in rows.groupby("negatives", sort=False)
    ]
    return [f"Trained on other candidates than they re-rank: {'; '.join(said)}."] if said else []


def first_stage(head: str, measures: Mapping[str, float]) -> str:
    """What a column group's candidates are worth before re-ranking."""
    values = [
        f"{paper_name(name)} {value:.3f}" + (" (no re-ranking finds more)" if name[:2] == "R@" else "")
        for name, value in measures.items()
    ]
    return f"{head} before re-ranking: {', '.join(values)}."
