"""What others report of public checkpoints (published/reported.csv) beside ours, with a verdict."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from sirbench.jobs.configuration import Configuration
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.presentation import Grid, Line, each
from sirbench.study import FolderBackbone, HubBackbone

REPORTED = Path("published/reported.csv")
KEYS = ["checkpoint", "dataset", "candidates", "measure"]
COLUMNS = [*KEYS, "value", "first_stage", "source"]

MARGIN = 0.005
"""How far apart two numbers of one model may lie. Nothing is trained, so what is left is other candidates,
and what sources do not say: where texts are cut, in what precision. The value is a choice, not measured."""

HEADS = ["Model", "Column", "Ours", "Reported", "Difference", "Of first stages", "Verdict", "Source"]
NOTES = [
    "Difference: ours minus the reported number. Of first stages: the same of the candidates before "
    "re-ranking, where the source says what they were worth.",
    f"Verdict: reproduced, if the numbers are within {MARGIN} of each other; other candidates, if they are "
    "not, and neither are the first stages; otherwise not reproduced.",
]


def read_reported(path: Path = REPORTED) -> pd.DataFrame:
    """The reported numbers, with `COLUMNS`; `first_stage` is nan where a source does not say it.

    Raises:
        InputError: the file is not readable, lacks a column, or a value is no number.
    """
    try:
        frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise InputError(f"{path}: not readable as CSV: {error}") from error
    if missing := [name for name in COLUMNS if name not in frame]:
        raise InputError(f"{path}: line 1: no column {', '.join(missing)}")
    for name in ("value", "first_stage"):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        wrong = numbers.isna() & ((frame[name] != "") | (name == "value"))
        if wrong.any():
            line = int(wrong.to_numpy().argmax())
            raise InputError(f"{path}: line {line + 2}: {name} is not a number: {frame[name].iloc[line]!r}")
        frame[name] = numbers.astype("float64")
    return frame[COLUMNS]


def checkpoint_of(config: Configuration, backbone: str) -> str:
    """What published/reported.csv calls a backbone: its name on the hub, or the end of its folder's path."""
    spec = config.study.backbones.get(backbone)
    if isinstance(spec, HubBackbone):
        return spec.name
    return "/".join(spec.path.parts[-2:]) if isinstance(spec, FolderBackbone) else ""


def verdict(difference: float, of_first_stages: float) -> str:
    """Whether a number is reproduced, from how far away it is, and how far the first stages are, or nan."""
    if abs(difference) <= MARGIN:
        return "reproduced"
    return "other candidates" if abs(of_first_stages) > MARGIN else "not reproduced"


def with_reported(config: Configuration, lines: pd.DataFrame, first_stage: pd.DataFrame) -> pd.DataFrame:
    """A line for each number that somebody reports of a line of a table whose recipe trains nothing.

    Its columns are those of the line, and reported, difference, of_first_stages, verdict_reported, source.

    Args:
        config: the study, whose backbones' names and collections are looked up.
        lines: of a tidy table of transfer.
        first_stage: means of the candidates as they are: columns on, candidates, measure, first_stage_value.
    """
    untrained = {name for name, recipe in config.recipes.items() if not recipe.trains}
    ours = lines[lines["recipe"].isin(untrained)]
    if ours.empty:
        return ours
    names = ours.assign(
        checkpoint=[checkpoint_of(config, str(name)) for name in ours["backbone"]],
        dataset=[config.at(str(on)).study.collection.dev for on in ours["on"]],
    )
    reported = read_reported().rename(columns={"value": "reported"})
    found = names.merge(reported, on=KEYS).merge(first_stage, "left", on=["on", "candidates", "measure"])
    found["difference"] = found["value"] - found["reported"]
    found["of_first_stages"] = found["first_stage_value"] - found["first_stage"]
    pairs = zip(found["difference"], found["of_first_stages"], strict=True)
    return found.assign(verdict_reported=[verdict(*pair) for pair in pairs])


def reported_grid(found: pd.DataFrame, head: Callable[[Line], str]) -> list[Grid]:
    """The grid of `with_reported`; nothing where nothing is reported."""
    rows = [
        [
            *(it.row, head(it), f"{it.value:.3f}", f"{it.reported:.3f}", f"{it.difference:+.3f}"),
            "" if pd.isna(it.of_first_stages) else f"{it.of_first_stages:+.3f}",
            *(it.verdict_reported, it.source),
        ]
        for it in each(found)
    ]
    words = {"Model", "Column", "Verdict", "Source"}
    return [Grid("Reported by others", HEADS, rows, NOTES, words)] if rows else []
