"""A whole table in LaTeX, written by hand, its escapes, and that it compiles at print width."""

import shutil
import subprocess

import pytest

from sirbench.reporting.tables import latex
from sirbench.reporting.tables.presentation import present
from tests.reporting.tables.conftest import tidy_lines

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
\parbox{\linewidth}{Means over 3 dev queries, each query's values averaged over 2 seeds first. Bold: best of its column. $\dagger$ significantly better, $\ddagger$ significantly worse than v0 with the same backbone: two-sided paired t-test over queries on the column's own measure, p $<$ 0.05; in parentheses where Holm's correction over the column undoes it. HDCT Top 100 before re-ranking: MRR@100 0.293, recall@100 0.750 (no re-ranking finds more). ANCE Top 100 before re-ranking: MRR@100 0.389, recall@100 0.800 (no re-ranking finds more).}
\end{table}
"""  # noqa: E501


def shown(table, per_query, **more):
    tidy = tidy_lines("table3", table, per_query, list(GROUPS), seeds=2)
    return latex.render(present(tidy, table, per_query, GROUPS, FIRST_STAGE, **more))


def test_the_whole_table(two_rows):
    assert shown(*two_rows) == GOLDEN


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
        ("†(‡)", r"$\dagger$($\ddagger$)"),
        ("one\n\ntwo\t\n three\n", "one two three"),
    ],
)
def test_special_characters(text, escaped):
    assert latex.escape(text) == escaped


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex to compile with")
def test_it_compiles_and_fits_a_column_of_a_two_column_page(two_rows, tmp_path):
    table, per_query = two_rows
    rows = [table.rows[0], table.rows[1].model_copy(update={"label": "V1 Random 16"})]
    table = table.model_copy(
        update={"rows": rows, "caption": r"\ & % $ # _ { } ~ ^ < > | " + '"\n\nA paragraph.'}
    )
    (tmp_path / "table.tex").write_text(shown(table, per_query, demonstration=True), encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs}\begin{document}\input{table}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
