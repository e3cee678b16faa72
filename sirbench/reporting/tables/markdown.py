"""A table as Markdown, with the published numbers and a verdict on each beneath where there are any."""

from sirbench.reporting.tables.presentation import Number, Presentation


def render(shown: Presentation) -> str:
    """The table as GitHub-flavoured Markdown.

    Markdown knows no column groups: a column's head is its group's over its own.
    """
    heads = [
        f"{_escape(group)}<br>{measure}" if group else measure
        for group, measures in shown.groups
        for measure in measures
    ]
    rows = [[row.label, *map(_number, row.numbers)] for row in shown.rows]
    parts = [f"# {_escape(shown.title)}"]
    if shown.warning:
        parts.append(f"> **{shown.warning}**")
    parts.append(_escape(shown.caption))
    parts.append(_grid([shown.stub, *heads], rows, "l" + "r" * len(heads)))
    parts.append("\n".join(f"- {_escape(note)}" for note in shown.notes))
    if shown.comparisons:
        heads = ["Model", "Column", "Ours", "95 % interval", "Published", "Difference", "Verdict"]
        rows = [
            [line.label, line.column, line.ours, line.interval, line.published, line.difference, line.verdict]
            for line in shown.comparisons
        ]
        parts.append("## Beside the published numbers")
        parts.append(
            "The interval is over queries (percentile bootstrap) and does not cover the choice of seeds; "
            "the verdict says on which side of it the published number lies."
        )
        parts.append(_grid(heads, rows, "llrrrrl"))
    return "\n\n".join(parts) + "\n"


def _number(number: Number) -> str:
    return (f"**{number.text}**" if number.best else number.text) + number.mark


def _grid(heads: list[str], rows: list[list[str]], alignment: str) -> str:
    rule = [{"l": ":--", "r": "--:"}[side] for side in alignment]
    lines = [heads, rule, *([_escape(row[0]), *row[1:]] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    """Text in which nothing ends a cell or starts emphasis or code."""
    for character in "\\|*_`":
        text = text.replace(character, "\\" + character)
    return text
