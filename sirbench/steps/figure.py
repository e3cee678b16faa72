"""Verb `figure`: a figure of the study as pdf, png and svg, and what was drawn as CSV."""

from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.figures import draw
from sirbench.reporting.figures.drawing import style

ENDINGS = ("pdf", "png", "svg")


def make_figure(config: Configuration, name: str) -> None:
    """Write `name` in every format, and its CSV."""
    layout = Layout(config.name)
    with style.applied():
        drawing = draw(config, name)
        for ending in ENDINGS:
            with atomic_file(layout.figure(name, ending)) as temporary:
                style.save(drawing.canvas, temporary)
    with atomic_file(layout.figure(name, "csv")) as temporary:
        drawing.data.to_csv(temporary, index=False, lineterminator="\n")
