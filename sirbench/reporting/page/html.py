"""HTML that needs nothing but itself: a page, sortable tables, images, small curves; all text is escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sirbench.reporting.tables.presentation import Presentation

HERE = Path(__file__).parent
CURVE_WIDTH, CURVE_HEIGHT, CURVE_POINTS = 160, 48, 80
"""Units of a curve's own coordinates, and the most points that it is drawn with."""


class Cell(NamedTuple):
    """A cell of a sortable table: what it says, what it is sorted by, and its CSS classes."""

    text: str
    value: str | float | None = None
    classes: str = ""


def page(title: str, sections: Mapping[str, str], head: str) -> str:
    """Return the whole page: `head` under the title, then sections by their titles, already in HTML."""
    ids = {name: f"section-{number}" for number, name in enumerate(sections)}
    contents = " ".join(f'<a href="#{ids[name]}">{escape(name)}</a>' for name in sections)
    body = "\n".join(
        f'<section id="{ids[name]}">\n<h2>{escape(name)}</h2>\n{content}\n</section>'
        for name, content in sections.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{(HERE / "page.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{head}
<nav>{contents}</nav>
{body}
<script>
{(HERE / "page.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def paragraph(text: str, classes: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{classes}">{escape(text)}</p>' if classes else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Return the head of a part of a section."""
    return f"<h3>{escape(text)}</h3>"


def definitions(items: Mapping[str, str]) -> str:
    """Return a list of terms and what they are."""
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in items.items()) + "</dl>"


def sortable(heads: Sequence[str], rows: Sequence[Sequence[Cell]], groups: str = "") -> str:
    """Return a table that sorts by a click on a column's head; `groups` is a row of HTML above the heads."""
    head = "".join(f'<th scope="col"><button>{escape(text)}</button></th>' for text in heads)
    body = "\n".join(
        f'<tr class="rule">{_cells(row)}</tr>' if "rule" in row[0].classes else f"<tr>{_cells(row)}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead>{groups}<tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def printed_table(shown: Presentation) -> str:
    """Return a table of the study, and below it ours beside the published numbers."""
    heads = [shown.stub, *(measure for _, measures in shown.groups for measure in measures)]
    spans = "".join(f'<th colspan="{len(names)}">{escape(group)}</th>' for group, names in shown.groups)
    rows = [
        [
            Cell(row.label, classes="rule" if row.rule_above else ""),
            *(Cell(it.text + it.mark, it.text, "best" if it.best else "") for it in row.numbers),
        ]
        for row in shown.rows
    ]
    parts = [paragraph(shown.caption), sortable(heads, rows, groups=f"<tr><th></th>{spans}</tr>")]
    parts += [paragraph(note, "quiet") for note in shown.notes]
    if shown.comparisons:
        heads = ["Model", "Column", "Ours", "95 % interval", "Published", "Difference", "Verdict"]
        rows = [
            [
                *(Cell(line.label), Cell(line.column, classes="text"), Cell(line.ours), Cell(line.interval)),
                *(Cell(line.published), Cell(line.difference), Cell(line.verdict, classes="text")),
            ]
            for line in shown.comparisons
        ]
        parts.append(paragraph("Beside the published numbers; the intervals are over queries:"))
        parts.append(sortable(heads, rows))
    return "\n".join(parts)


def links(targets: Mapping[str, str]) -> str:
    """Return links by their text."""
    return (
        "<p>"
        + " ".join(f'<a href="{escape(to)}">{escape(text)}</a>' for text, to in targets.items())
        + "</p>"
    )


def picture(svg: bytes, title: str, caption: str, width: float) -> str:
    """Return an SVG with its caption, `width` inches wide where there is room.

    It is an image of its own: styles and names of one SVG do not reach the page or another SVG.
    """
    data = base64.b64encode(svg).decode("ascii")
    return (
        f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(title)}" '
        f'style="width: {width * 1.4:.1f}in"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def curves(title: str, losses: Mapping[str, Sequence[float]]) -> str:
    """Return a card with the losses of a few runs by name, on one scale."""
    means = {name: _pooled(values) for name, values in losses.items() if values}
    every = [value for values in means.values() for value in values]
    if not every:
        return ""
    low, high = min(every), max(every)
    lines = "".join(
        f'<polyline stroke="var(--c{number % 5})" points="{_points(values, low, high)}"></polyline>'
        for number, values in enumerate(means.values())
    )
    ends = "; ".join(f"{name}: {values[0]:.3g} to {values[-1]:.3g}" for name, values in means.items())
    return (
        f'<div class="card"><strong>{escape(title)}</strong>'
        f'<svg viewBox="-1 -1 {CURVE_WIDTH + 2} {CURVE_HEIGHT + 2}" preserveAspectRatio="none" role="img" '
        f'aria-label="Loss of {escape(title)}">{lines}</svg><span class="quiet">{escape(ends)}</span></div>'
    )


def _cells(row: Sequence[Cell]) -> str:
    cells = []
    for text, value, classes in row:
        sort = "" if value is None else f' data-value="{escape(str(value))}"'
        style = f' class="{classes}"' if classes and classes != "rule" else ""
        cells.append(f"<td{style}{sort}>{escape(text)}</td>")
    return "".join(cells)


def _pooled(values: Sequence[float]) -> list[float]:
    """Means of as many equal parts as are drawn."""
    parts = min(len(values), CURVE_POINTS)
    edges = [len(values) * part // parts for part in range(parts + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def _points(values: Sequence[float], low: float, high: float) -> str:
    across = CURVE_WIDTH / max(1, len(values) - 1)
    scale = CURVE_HEIGHT / (high - low or 1)
    return " ".join(f"{x * across:.1f},{(high - value) * scale:.1f}" for x, value in enumerate(values))
