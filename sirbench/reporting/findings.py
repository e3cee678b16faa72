"""The page of findings: its text is written by hand, every number in it is read from results/.

A template (docs/findings.md.j2) asks for numbers by what they are of,
`{{ value("table3", "V4 Top 16", "RR@100") }}`; so a page whose numbers are not those of the results cannot be
made, and a test compares the one that is kept.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined, TemplateError

from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError
from sirbench.reporting.tables.published import published_difference


class Numbers:
    """What a page may ask of a study's results, each number as it is printed."""

    def __init__(self, study: str):
        self.layout = Layout(study)

    def value(
        self,
        table: str,
        row: str,
        measure: str,
        *,
        column: str = "value",
        candidates: str = "",
        sign: bool = False,
    ) -> str:
        """A number of a table: three decimals, without the leading zero."""
        return printed(self.number(table, row, measure, column=column, candidates=candidates), sign=sign)

    def number(
        self, table: str, row: str, measure: str = "RR@100", *, column: str = "value", candidates: str = ""
    ) -> float:
        """The same, to be reckoned with."""
        lines = self._csv(self.layout.table(table))
        wanted = (lines["row"] == row) & (lines["measure"] == measure)
        if candidates:
            wanted &= lines["candidates"] == candidates
        return float(_only(lines[wanted], f"{table}: {row}, {measure}")[column])

    def claim(self, name: str, *, candidates: str = "") -> Mapping[str, Any]:
        """A claim's line: numbers printed with their sign, everything else as it is."""
        lines = self._csv(self.layout.claims())
        wanted = lines["claim"] == name
        if candidates:
            wanted &= lines["candidates"] == candidates
        line = _only(lines[wanted], f"claims: {name}")
        return {str(key): printed(it, sign=True) if isinstance(it, float) else it for key, it in line.items()}

    def claims(self, family: str) -> str:
        """A family of claims in Markdown: interval and verdict, beside the paper's own difference."""
        every = self._csv(self.layout.claims())
        lines = every[every["family"] == family].to_dict("records")
        papers = [_papers(line) for line in lines]
        heads = ["claim", *(["paper"] if any(papers) else []), "here", "95 % interval", "verdict"]
        rows = [
            [
                line["sentence"],
                *([paper] if any(papers) else []),
                printed(line["effect"], sign=True),
                f"{printed(line['ci_low'], sign=True)} to {printed(line['ci_high'], sign=True)}",
                f"**{line['verdict']}**" if line["verdict"] != "undecided" else "undecided",
            ]
            for line, paper in zip(lines, papers, strict=True)
        ]
        rule = ["---", *["--:" for _ in heads[1:-1]], "---"]
        return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *rows])

    def drawn(self, figure: str, column: str, **where: object) -> str:
        """A number that a figure was drawn from, which all lines that fit have in common."""
        lines = self._csv(self.layout.figure(figure, "csv"))
        for name, wanted in where.items():
            lines = lines[lines[name] == wanted]
        return printed(_only(lines.drop_duplicates(column), f"{figure}: {where}")[column], sign=True)

    def table(self, name: str) -> str:
        """A table in Markdown, without its heading and without the grid of gains beneath it."""
        text = self._text(self.layout.table(name, "md")).partition("\n## ")[0]
        return "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()

    def _csv(self, path: Path) -> pd.DataFrame:
        try:
            return pd.read_csv(path)
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file, and the page of findings needs it") from None

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file, and the page of findings needs it") from None


def render_findings(study: str, template: Path) -> str:
    """The page with the numbers of a study.

    Raises:
        InputError: a number or a file is missing, or the template asks for something that does not exist.
    """
    numbers = Numbers(study)
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    asked = ("value", "number", "claim", "claims", "drawn", "table")
    environment.globals.update({name: getattr(numbers, name) for name in asked} | {"printed": printed})
    try:
        return environment.from_string(template.read_text(encoding="utf-8")).render()
    except (TemplateError, KeyError) as error:
        raise InputError(f"{template}: {error}") from None


def _papers(line: Mapping[Any, Any]) -> str:
    """The paper's own difference on its candidates, HDCT and ANCE; "" where it prints none."""
    better, than = (tuple(str(line[side]).split("/")) for side in ("better", "than"))
    differences = [published_difference(better, than, it, str(line["measure"])) for it in ("hdct", "ance")]
    return ", ".join(printed(it, sign=True) for it in differences if it is not None)


def printed(number: float, *, sign: bool = False) -> str:
    """Three decimals without the zero before the point: .431, and +.012 or -.012 with a sign."""
    text = f"{number:+.3f}" if sign else f"{number:.3f}"
    return text.replace("0.", ".", 1) if abs(number) < 1 else text


def _only(lines: pd.DataFrame, what: str) -> Mapping[Any, Any]:
    if len(lines) != 1:
        raise InputError(f"{what}: {len(lines)} lines of the results fit, not one")
    return dict(lines.iloc[0])
