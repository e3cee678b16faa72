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
    **{character: "\\" + character for character in "&%$#_{}"},
}
WIDEST_SINGLE_COLUMN = 4
"""Columns of numbers that fit one column of a two-column page; more make a table* over both."""


def render(shown: Presentation) -> str:
    """A float with caption, label `tab:<name>` and notes; it needs ``\\usepackage{booktabs}``."""
    columns = sum(len(measures) for _, measures in shown.groups)
    environment = "table" if columns <= WIDEST_SINGLE_COLUMN else "table*"
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
        lines.append(_row([escape(row.label), *map(_number, row.numbers)]))
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


def _number(number: Number) -> str:
    """A number; its mark hangs to the right without width, so that the digits stay in line."""
    text = rf"\textbf{{{number.text}}}" if number.best else number.text
    return text + (rf"\rlap{{\textsuperscript{{{escape(number.mark)}}}}}" if number.mark else "")
