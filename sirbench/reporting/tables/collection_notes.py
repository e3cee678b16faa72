"""What readers of any table have to know of the study's collection, and of runs that were given to it."""

from dataclasses import replace

from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.json_object import read_object
from sirbench.reporting.tables.heads import given_notes
from sirbench.reporting.tables.presentation import Presentation


def with_collection_notes(config: Configuration, shown: Presentation) -> Presentation:
    """A table with the sentences about the study's collection, and its given runs, beneath its own."""
    candidates = needs.shown_candidates(config, config.tables[shown.name])
    return replace(shown, notes=[*shown.notes, *collection_notes(config), *given_notes(config, candidates)])


def collection_notes(config: Configuration) -> list[str]:
    """How queries are divided where they are not, and that a collection is incomplete."""
    return [*_of_folds(config), *_of_what_is_missing(config)]


def _of_folds(config: Configuration) -> list[str]:
    if not (folds := len(config.study.collection.folds)):
        return []
    return [
        f"Queries come in {folds} folds: each is measured by the model that was trained on the {folds - 1} "
        "others, and all are pooled before any test."
    ]


def _of_what_is_missing(config: Configuration) -> list[str]:
    """How many relevant documents an incomplete collection lacks, where that is recorded."""
    if not config.study.collection.incomplete:
        return []
    record = Layout(config.name).collection
    known = read_object(record) if record.exists() else {}
    lacking = ""
    if "missing" in known:
        number, relevant = known["missing"]["dev"], known["relevant"]["dev"]
        lacking = (
            f": of {relevant} documents that are relevant to dev queries it lacks {number}, which no "
            "re-ranking finds"
        )
    return [f"The collection holds only texts that somebody has retrieved{lacking}."]
