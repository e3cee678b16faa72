"""What readers of any table have to know of the study: its sizes, its backbones, its collection."""

from collections.abc import Sequence
from dataclasses import replace

from sirbench.jobs import needs
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.json_object import read_object
from sirbench.reporting.tables.heads import given_notes
from sirbench.reporting.tables.presentation import Presentation
from sirbench.study import PretrainedBackbone
from sirbench.study.backbones import TinyBackbone


def with_study_notes(config: Configuration, shown: Presentation) -> Presentation:
    """A table with the sentences about the study, and runs that were given to it, beneath its own."""
    table = config.tables[shown.name]
    candidates = needs.shown_candidates(config, table)
    backbones = list(dict.fromkeys(row.backbone for row in needs.shown_rows(config, table)[0]))
    notes = [*study_notes(config, backbones if table.of_cells else []), *given_notes(config, candidates)]
    return replace(shown, notes=[*shown.notes, *notes])


def study_notes(config: Configuration, backbones: Sequence[str] = ()) -> list[str]:
    """How the study differs from what its words say, and how it divides its queries.

    Args:
        config: the study.
        backbones: those that cells of the table or of the claims were trained from; without any, nothing
            is said of groups either, as nothing is trained.
    """
    of_cells = [*_of_sizes(config), *_of_backbones(config, backbones)] if backbones else []
    return [*of_cells, *_of_folds(config), *_of_what_is_missing(config)]


def _of_sizes(config: Configuration) -> list[str]:
    sizes = {paper: here for paper, here in config.study.group_sizes.items() if paper != here}
    if not sizes:
        return []
    papers, here = (", ".join(map(str, some)) for some in (sizes, sizes.values()))
    return [f"Groups are called by the paper's sizes: where it has {papers} documents, here are {here}."]


def _of_backbones(config: Configuration, backbones: Sequence[str]) -> list[str]:
    """How the suite made those that it has made: a name like `bert` is no published checkpoint then."""
    made = {name: _origin(config, name) for name in backbones}
    return [
        f"{name.upper()} is no published checkpoint: {origin}." for name, origin in made.items() if origin
    ]


def _origin(config: Configuration, name: str) -> str:
    """How the suite made a backbone; "" for one that somebody has published."""
    spec = config.study.backbones[name]
    if isinstance(spec, TinyBackbone):
        weights = "random weights that match words" if spec.initialisation == "matching" else "random weights"
        return f"{spec.layers} layers of {spec.hidden}, {weights}"
    if isinstance(spec, PretrainedBackbone):
        objectives = " and ".join(
            name.upper() if name != "weak" else "weak supervision" for name in spec.objectives
        )
        before = _origin(config, spec.start) or spec.start.upper()
        return f"{before}; then {spec.steps} steps of {objectives}"
    return ""


def _of_folds(config: Configuration) -> list[str]:
    if not (folds := len(config.study.collection.folds)):
        return []
    return [
        f"Queries come in {folds} folds: each is measured by the model that was trained on the {folds - 1} "
        "others, and all are pooled before any test, which takes queries as independent although those of a "
        "fold share a model."
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
