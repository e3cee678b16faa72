"""A whole table in LaTeX, written by hand, its escapes, and that it compiles at print width."""

import shutil
import subprocess

import pytest

from sirbench.reporting.tables import latex
from sirbench.reporting.tables.presentation import Number, Presentation, ShownRow
from sirbench.reporting.tables.printed import present
from tests.reporting.tables.conftest import tidy_lines, trainings, two_seeds

GROUPS = {"hdct": "HDCT Top 100", "ance": "ANCE Top 100"}
FIRST_STAGE = {"hdct": {"RR@100": 0.2931, "R@100": 0.75}, "ance": {"RR@100": 0.389, "R@100": 0.8}}

GOLDEN = r"""% table3: needs \usepackage{booktabs}
\begin{table}[t]
\centering\footnotesize\setlength{\tabcolsep}{2.5pt}
\caption{BERT with V0 \& V4.}
\label{tab:table3}\par\smallskip
\begin{tabular}{@{}lcccc@{}}
\toprule
 & \multicolumn{2}{c}{HDCT Top 100} & \multicolumn{2}{c}{ANCE Top 100} \\
\cmidrule(lr){2-3} \cmidrule(lr){4-5}
Model & MRR@100 & MRR@10 & MRR@100 & MRR@10 \\
\midrule
BERT & 0.417 & \textbf{0.833} & \textbf{0.417} & \textbf{0.667} \\
\midrule
V4 Top 8 & \textbf{0.833}\rlap{\textsuperscript{$\dagger$}} & 0.417\rlap{\textsuperscript{$\ddagger$}} & \textbf{0.417} & \textbf{0.667} \\
\bottomrule
\end{tabular}
\par\smallskip
\parbox{\linewidth}{Means over 3 dev queries, one seed: how far other seeds would lie is not known. Bold: highest of its column, by however little. $\dagger$ better, $\ddagger$ worse than v0 with the same backbone by the paper's test: two-sided paired t-test over queries on the column's own measure, p $<$ 0.05; in parentheses where Holm's correction over the column undoes it. A mark says that these trained models differ by more than the choice of queries explains; it does not say that models of other seeds would. HDCT Top 100 before re-ranking: MRR@100 0.293, recall@100 0.750 (no re-ranking finds more). ANCE Top 100 before re-ranking: MRR@100 0.389, recall@100 0.800 (no re-ranking finds more).}
\end{table}
"""  # noqa: E501

SPREAD = r"{\scriptsize\,$\pm$.014}"


def shown(table, per_query, **more):
    tidy = tidy_lines("table3", table, per_query, list(GROUPS))
    return latex.render(present(tidy, table, trainings(per_query), GROUPS, FIRST_STAGE, **more))


def in_two_seeds(per_query):
    return {one: two_seeds(frame) for one, frame in per_query.items()}


def test_the_whole_table(two_rows):
    assert shown(*two_rows) == GOLDEN


def test_marks_have_the_same_room_in_every_row_where_a_spread_follows(two_rows):
    table, per_query = two_rows
    lines = shown(table, in_two_seeds(per_query)).splitlines()
    none, better, worse = (
        rf"\makebox[4pt][l]{{{mark}}}{SPREAD}"
        for mark in ("", r"\textsuperscript{$\dagger$}", r"\textsuperscript{$\ddagger$}")
    )
    assert lines[11] == (
        rf"BERT & 0.417{none} & \textbf{{0.833}}{none} & \textbf{{0.417}}{none} & \textbf{{0.667}}{none} \\"
    )
    assert lines[13].startswith(rf"V4 Top 8 & \textbf{{0.833}}{better} & 0.417{worse} & ")
    assert r"$\pm$ is the standard deviation from seed to seed" in lines[-2]
    assert lines[1] == r"\begin{table*}[t]"


def test_marks_in_parentheses_have_more_room():
    rows = [ShownRow("V4", [Number("0.417", mark="(†)", spread="0.014"), Number("0.417", spread="1.014")])]
    text = latex.render(Presentation("mine", "", "", "", [("", ["MRR@10", "MRR@100"])], rows, []))
    assert rf"0.417\makebox[10pt][l]{{\textsuperscript{{($\dagger$)}}}}{SPREAD} & " in text
    assert r"0.417\makebox[10pt][l]{}{\scriptsize\,$\pm$1.014} \\" in text


def test_what_diverged_is_a_word(two_rows):
    table, per_query = two_rows
    seeds = in_two_seeds(per_query)
    diverged = next(one for one in seeds if one.name == "ance/bert/v4-top-8")
    text = shown(table, seeds | {diverged: ["NaN", "NaN"]})
    assert r" & diverged & diverged \\" in text


def test_a_demonstration_says_so_first_and_in_the_caption(two_rows):
    sentence = (
        "DEMONSTRATION ONLY: these numbers mean nothing. "
        "They show that the suite runs; do not cite or compare them."
    )
    lines = shown(*two_rows, demonstration=True).splitlines()
    assert lines[1] == "% " + sentence
    assert rf"\caption{{\textbf{{{sentence}}} BERT with V0 \& V4.}}" in lines


def test_wide_tables_span_both_columns(two_rows):
    table, per_query = two_rows
    wide = table.model_copy(update={"measures": ["RR@100", "RR@10", "AP@20"]})
    per_query = {cell: frame.assign(**{"AP@20": frame["RR@10"]}) for cell, frame in per_query.items()}
    text = shown(wide, per_query)
    assert r"\begin{table*}[t]" in text
    assert text.endswith("\\end{table*}\n")
    assert r"\cmidrule(lr){2-4} \cmidrule(lr){5-7}" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % of R&D_x #1 for $2", r"50 \% of R\&D\_x \#1 for \$2"),
        ("{a} ~ b ^ c", r"\{a\} \textasciitilde{} b \textasciicircum{} c"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("p < .05 | q > 1", "p $<$ .05 $|$ q $>$ 1"),
        ("†(‡) ± 1", r"$\dagger$($\ddagger$) $\pm$ 1"),
        ("one\n\ntwo\t\n three\n", "one two three"),
    ],
)
def test_special_characters(text, escaped):
    assert latex.escape(text) == escaped


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex to compile with")
@pytest.mark.parametrize(("seeds", "measures"), [(1, 2), (2, 2), (2, 3)])
def test_it_compiles_and_fits_a_two_column_page(two_rows, seeds, measures, tmp_path):
    table, per_query = two_rows
    names = {"RR@100": "RR@100", "RR@10": "RR@10", "nDCG@20": "RR@100"}
    names = dict(list(names.items())[:measures])
    per_query = {
        one: frame.assign(**{new: frame[of] for new, of in names.items()}) for one, frame in per_query.items()
    }
    rows = [table.rows[0], table.rows[1].model_copy(update={"label": "V1 Random 16"})]
    update = {
        "rows": rows,
        "caption": r"\ & % $ # _ { } ~ ^ < > | " + '"\n\nA paragraph.',
        "measures": list(names),
    }
    given = in_two_seeds(per_query) if seeds == 2 else per_query
    text = shown(table.model_copy(update=update), given, demonstration=True)
    (tmp_path / "table.tex").write_text(text, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs}\begin{document}\input{table}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
