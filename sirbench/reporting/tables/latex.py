"""A table as LaTeX with booktabs, to be \\input into a paper."""

from sirbench.reporting.tables.presentation import BETTER, WORSE, Number, Presentation

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    BETTER: r"$\dagger$",
    WORSE: r"$\ddagger$",
    "±": r"$\pm$",
    **{character: "\\" + character for character in "&%$#_{}"},
}
WIDEST_SINGLE_COLUMN = 225
"""Points that fit one column of a two-column page; a wider table is a table* over both."""
LETTER, CAPITAL, NUMBER, SPREAD, ROOM = 4.2, 4.8, 20, 19, 5
"""Points, roughly: a letter of a label and of a head, a number, its spread, and the room around a column."""
MARKS = {0: 0, 1: 4, 3: 10}
"""Points of a mark by its length: none, a dagger, and one in parentheses."""


def render(shown: Presentation) -> str:
    """A float with caption, label `tab:<name>` and notes; it needs ``\\usepackage{booktabs}``."""
    columns = sum(len(measures) for _, measures in shown.groups)
    room = _room(shown)
    environment = "table" if _width(shown) <= WIDEST_SINGLE_COLUMN else "table*"
    caption = escape(shown.caption)
    lines = [f"% {shown.name}: needs \\usepackage{{booktabs}}"]
    if shown.warning:
        lines.append(f"% {shown.warning}")
        caption = rf"\textbf{{{escape(shown.warning)}}} {caption}"
    lines += [
        rf"\begin{{{environment}}}[t]",
        r"\centering\footnotesize\setlength{\tabcolsep}{2.5pt}",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{shown.name}}}\par\smallskip",
        rf"\begin{{tabular}}{{@{{}}l{'c' * columns}@{{}}}}",
        r"\toprule",
        *_heads(shown),
        r"\midrule",
    ]
    for row in shown.rows:
        if row.rule_above:
            lines.append(r"\midrule")
        lines.append(_row([escape(row.label), *(_number(number, room) for number in row.numbers)]))
    lines += [
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\smallskip",
        rf"\parbox{{\linewidth}}{{{escape(' '.join(shown.notes))}}}",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text with LaTeX's special characters escaped and the marks of significance set, on one line.

    A blank line would end a paragraph, which no caption may have.
    """
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def _heads(shown: Presentation) -> list[str]:
    spans, rules, first = [""], [], 2
    for group, measures in shown.groups:
        last = first + len(measures) - 1
        spans.append(rf"\multicolumn{{{len(measures)}}}{{c}}{{{escape(group)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{last}}}")
        first = last + 1
    measures = [escape(measure) for _, measures in shown.groups for measure in measures]
    heads = _row([escape(shown.stub), *measures])
    return [_row(spans), " ".join(rules), heads] if any(group for group, _ in shown.groups) else [heads]


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _number(number: Number, room: int) -> str:
    """A number, its mark and its spread; digits stay in line whatever the mark.

    Args:
        number: what is shown.
        room: points for the mark where spreads follow; without, the mark hangs to the right without width.
    """
    text = rf"\textbf{{{number.text}}}" if number.best else number.text
    mark = rf"\textsuperscript{{{escape(number.mark)}}}" if number.mark else ""
    if number.spread:
        spread = rf"{{\scriptsize\,$\pm${number.spread.removeprefix('0')}}}"
        return text + (rf"\makebox[{room}pt][l]{{{mark}}}" if room else "") + spread
    return text + (rf"\rlap{{{mark}}}" if mark else "")


def _room(shown: Presentation) -> int:
    """Points that the widest mark of the table takes."""
    marks = [number.mark for row in shown.rows for number in row.numbers]
    return max(MARKS[len(mark)] for mark in marks)


def _width(shown: Presentation) -> float:
    """Points, roughly: the longest label and the columns of numbers."""
    spread = any(number.spread for row in shown.rows for number in row.numbers)
    heads = [len(measure) * CAPITAL for _, measures in shown.groups for measure in measures]
    columns = [max(head, NUMBER + (SPREAD + _room(shown)) * spread) + ROOM for head in heads]
    return max(len(row.label) for row in shown.rows) * LETTER + sum(columns)
