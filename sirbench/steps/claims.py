"""Verb `claims`: the verdicts on all claims as tidy CSV, and printed in Markdown and LaTeX."""

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.claims.of_study import judged_claims
from sirbench.reporting.claims.printed import present_claims
from sirbench.reporting.tables import latex, markdown


def make_claims(config: Configuration) -> None:
    """Write claims.csv, .md and .tex from the measures of the cells that claims compare."""
    layout, lines = Layout(config.name), judged_claims(config)
    shown = [present_claims(config, str(name), group) for name, group in lines.groupby("family", sort=False)]
    texts = {
        "md": "\n".join(map(markdown.render, shown)),
        "tex": "\n".join(map(latex.render, shown)),
        "csv": lines.to_csv(index=False, lineterminator="\n"),
    }
    for ending, text in texts.items():
        with atomic_file(layout.claims(ending)) as temporary:
            temporary.write_text(text, encoding="utf-8")
