"""A table as Markdown, with its gains beneath."""

from sirbench.reporting.tables.presentation import Grid, Number, Presentation


def render(shown: Presentation) -> str:
    """The table as GitHub-flavoured Markdown.

    Markdown knows no column groups: a column's head is its group's over its own.
    """
    heads = [
        f"{_escape(group)}<br>{measure}" if group else measure
        for group, measures in shown.groups
        for measure in measures
    ]
    rows = [[_escape(row.label), *map(_number, row.numbers)] for row in shown.rows]
    parts = [f"# {_escape(shown.title)}"]
    if shown.warning:
        parts.append(f"> **{shown.warning}**")
    parts.append(_escape(shown.caption))
    parts.append(_table([shown.stub, *heads], rows, "l" + "r" * len(heads)))
    parts.append(_list(shown.notes))
    for grid in shown.grids:
        parts += _grid(grid)
    return "\n\n".join(parts) + "\n"


def _grid(grid: Grid) -> list[str]:
    sides = "".join("l" if head in grid.words else "r" for head in grid.heads)
    rows = [[_escape(text) for text in row] for row in grid.rows]
    return [f"## {grid.title}", _table(grid.heads, rows, sides), _list(grid.notes)]


def _number(number: Number) -> str:
    spread = f" ± {number.spread}" if number.spread else ""
    return (f"**{number.text}**" if number.best else number.text) + number.mark + spread


def _table(heads: list[str], rows: list[list[str]], alignment: str) -> str:
    rule = [{"l": ":--", "r": "--:"}[side] for side in alignment]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, rule, *rows])


def _list(notes: list[str]) -> str:
    return "\n".join(f"- {_escape(note)}" for note in notes)


def _escape(text: str) -> str:
    """Text in which nothing ends a cell or starts emphasis or code."""
    for character in "\\|*_`":
        text = text.replace(character, "\\" + character)
    return text
