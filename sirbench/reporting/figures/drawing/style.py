"""The style of every figure: matplotlibrc, widths in print, notes on its face, files without dates."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

Look = Mapping[str, Any]
"""Keywords of matplotlib: how something looks."""

RC = Path(__file__).with_name("matplotlibrc")

WIDTHS = {"column": 3.33, "page": 7.0}
"""Inches: one column, and both columns, of a two-column page."""

NOTE_SIZE, NOTE_LINE = 6.0, 0.105
"""Points of a note's type, and inches from one of its lines to the next."""
CHARACTERS_PER_INCH = 20
"""Of a note's type, averaged over English text, and a little less: no line reaches the border."""

LEGEND_ROW, LEGEND_ENTRY, LEGEND_CHARACTER = 0.15, 0.25, 0.055
"""Inches of a legend's row, of an entry's mark with the room around it, and of a letter of its name."""
WARNING = "#B30000"

_warning = ContextVar("warning", default="")


@contextmanager
def applied() -> Iterator[None]:
    """The style, and nothing of the user's own, while the block lasts."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.use("agg")
        matplotlib.rc_file(RC)
        yield


@contextmanager
def warned(warning: str) -> Iterator[None]:
    """Print a warning on every canvas that is made while the block lasts; none if it is empty."""
    token = _warning.set(warning)
    try:
        yield
    finally:
        _warning.reset(token)


def canvas(
    width: str,
    height: float,
    notes: Sequence[str] = (),
    legend: Mapping[str, Look] | None = None,
) -> Canvas:
    """An empty figure with room for its panels; above them a legend, below them notes.

    Within `warned` it has that warning too, printed in red above all else.

    Args:
        width: `column` or `page`.
        height: inches for the panels with their titles and ticks; the rest comes on top of that.
        notes: printed small, each beginning a line of its own.
        legend: by name, keywords of matplotlib's `Line2D`.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    inches, warning = WIDTHS[width], _warning.get()
    above, below = (_wrapped(texts, inches) for texts in ([warning] if warning else [], notes))
    top, bottom = (NOTE_LINE * len(lines) + 0.04 * bool(lines) for lines in (above, below))
    longest = max(map(len, legend or [""]))
    columns = max(1, int(inches / (LEGEND_ENTRY + LEGEND_CHARACTER * longest)))
    legend_rows = -(-len(legend or {}) // columns)
    legend_top = bottom + height + LEGEND_ROW * legend_rows + 0.04 * bool(legend)
    total = legend_top + top
    figure = Figure(figsize=(inches, total))
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine), f"{layout}: the style is not on"
    layout.set(rect=(0, bottom / total, 1, height / total))
    margin = 0.04 / inches
    spacing: Look = {"fontsize": NOTE_SIZE, "linespacing": NOTE_LINE * 72 / NOTE_SIZE / 1.164}
    if above:
        figure.text(margin, 1 - 0.02 / total, "\n".join(above), va="top", color=WARNING, **spacing)
    if below:
        figure.text(margin, 0.03 / total, "\n".join(below), va="bottom", color="0.3", **spacing)
    if legend:
        _add_legend(figure, legend, columns=-(-len(legend) // legend_rows), top=legend_top / total)
    return figure


def save(figure: Canvas, path: Path) -> None:
    """Write the figure in the format of the path's ending, the same bytes for the same figure."""
    _settle(figure)
    dates = {".pdf": "CreationDate", ".svg": "Date"}
    figure.savefig(path, metadata={dates[path.suffix]: None} if path.suffix in dates else None)


def _settle(figure: Canvas) -> None:
    """Lay the figure out once for all formats, to nine digits.

    The solver's last digits differ from run to run, and names inside an SVG are made from them.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for panel in figure.axes:
        left, bottom, width, height = (round(float(it), 9) for it in panel.get_position().bounds)
        panel.set_position((left, bottom, width, height))


def _add_legend(figure: Canvas, entries: Mapping[str, Look], columns: int, top: float) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=name, **look) for name, look in entries.items()]
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, top), ncols=columns)


def _wrapped(texts: Sequence[str], inches: float) -> list[str]:
    width = round(inches * CHARACTERS_PER_INCH)
    return [line for text in texts for line in textwrap.wrap(text, width)]
