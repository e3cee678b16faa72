"""Verbs for the collection and candidates."""

from typing import Annotated

import typer

from sirbench.cli.options import (
    CandidatesOption,
    OneOfThemOption,
    OnOption,
    StudyOption,
    with_candidates,
    with_queries,
)
from sirbench.config import load
from sirbench.machine.errors import InputError
from sirbench.study import HOME

PANEL = "Data and candidates"
"""What `--help` calls this group."""

verbs = typer.Typer()


@verbs.command(rich_help_panel=PANEL)
def pydocs(
    name: Annotated[
        str, typer.Argument(help="pydocs, pydocs-tools, or pydocs-sliver for the test suite.")
    ] = "pydocs",
) -> None:
    """Build PyDocs, the embedded collection, from the docstrings of installed packages."""
    from sirbench.data.pydocs import PACKAGES, build, data_home

    if name not in PACKAGES:
        raise InputError(f"{name!r} is not a PyDocs collection; allowed: {', '.join(PACKAGES)}")
    made = build(name, data_home() / name)
    queries, alike = made["queries"], made["near_duplicates"]
    print(
        f"{name}: {made['documents']} documents, {queries} queries in {alike['clusters']} clusters of "
        f"near-duplicates, the largest of {alike['largest_cluster']}; to the positives of "
        f"{alike['dev_queries_whose_positive_has_one']} dev queries the collection has a near-duplicate"
    )


@verbs.command(rich_help_panel=PANEL)
def collection(study: StudyOption, on: OnOption = HOME) -> None:
    """Write the study's queries and judgements, or those of a further set, and a record of the collection."""
    from sirbench.steps.collection import make_collection
    from sirbench.steps.query_set import make_query_set

    with_queries(study, on)
    if on == HOME:
        make_collection(load(study))
    else:
        make_query_set(load(study), on)


@verbs.command(rich_help_panel=PANEL)
def fetch(study: StudyOption, candidates: OneOfThemOption = None) -> None:
    """Fetch what `downloads` lists, and nothing else; started again after a cut, it resumes."""
    from sirbench.steps.downloads import fetch_downloads, list_downloads

    config = with_candidates(study, candidates)
    print(list_downloads(config, candidates))
    fetch_downloads(config, candidates)


@verbs.command(rich_help_panel=PANEL)
def train_first_stage(study: StudyOption, candidates: CandidatesOption) -> None:
    """Train the first stage of candidates, where it learns; started again after a kill, it resumes."""
    from sirbench.steps import first_stage

    first_stage.train_first_stage(with_candidates(study, candidates), candidates)


@verbs.command(rich_help_panel=PANEL)
def candidates(study: StudyOption, candidates: CandidatesOption, on: OnOption = HOME) -> None:
    """Retrieve, or take from given run files, the candidates of train and dev queries."""
    from sirbench.steps.candidates import make_candidates

    make_candidates(with_candidates(study, candidates, on), candidates)


@verbs.command(rich_help_panel=PANEL)
def evaluate_candidates(study: StudyOption, candidates: CandidatesOption, on: OnOption = HOME) -> None:
    """Measure candidates as they are: the first stage's own quality, and what re-ranking can find."""
    from sirbench.steps import evaluation

    evaluation.evaluate_candidates(with_candidates(study, candidates, on), candidates)
