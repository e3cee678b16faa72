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


class Numbers:
    """What a page may ask of a study's results, each number as it is printed."""

    def __init__(self, study: str):
        self.layout = Layout(study)

    def value(
        self, table: str, row: str, measure: str, *, column: str = "value", candidates: str = ""
    ) -> str:
        """A number of a table: three decimals, without the leading zero."""
        lines = self._csv(self.layout.table(table))
        wanted = (lines["row"] == row) & (lines["measure"] == measure)
        if candidates:
            wanted &= lines["candidates"] == candidates
        return printed(_only(lines[wanted], f"{table}: {row}, {measure}")[column])

    def claim(self, name: str, *, candidates: str = "") -> Mapping[str, Any]:
        """A claim's line: numbers printed with their sign, everything else as it is."""
        lines = self._csv(self.layout.claims())
        wanted = lines["claim"] == name
        if candidates:
            wanted &= lines["candidates"] == candidates
        line = _only(lines[wanted], f"claims: {name}")
        return {str(key): printed(it, sign=True) if isinstance(it, float) else it for key, it in line.items()}

    def table(self, name: str) -> str:
        """A whole table in Markdown, without its heading."""
        text = self._text(self.layout.table(name, "md"))
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
    environment.globals.update(value=numbers.value, claim=numbers.claim, table=numbers.table)
    try:
        return environment.from_string(template.read_text(encoding="utf-8")).render()
    except (TemplateError, KeyError) as error:
        raise InputError(f"{template}: {error}") from None


def printed(number: float, *, sign: bool = False) -> str:
    """Three decimals without the zero before the point: .431, and +.012 or -.012 with a sign."""
    text = f"{number:+.3f}" if sign else f"{number:.3f}"
    return text.replace("0.", ".", 1) if abs(number) < 1 else text


def _only(lines: pd.DataFrame, what: str) -> Mapping[Any, Any]:
    if len(lines) != 1:
        raise InputError(f"{what}: {len(lines)} lines of the results fit, not one")
    return dict(lines.iloc[0])
