"""What tables call candidates: their title, and how many of a query's documents are re-ranked."""

from collections.abc import Sequence

from sirbench.data.collections import load_queries
from sirbench.data.run_facts import RunFacts, run_facts
from sirbench.data.runs import read_run
from sirbench.jobs.configuration import Configuration
from sirbench.study import GivenRuns


def candidates_head(config: Configuration, name: str) -> str:
    """E.g. `HDCT Top 100`; where a given run has no query with so many, the largest number that one has."""
    facts = given_facts(config, name)
    depth = min(config.study.depth, facts.most) if facts else config.study.depth
    return f"{config.study.candidates_title(name)} Top {depth}"


def given_notes(config: Configuration, names: Sequence[str]) -> list[str]:
    """A sentence on each given run that does not have the study's depth for every dev query."""
    every = {name: facts for name in names if (facts := given_facts(config, name))}
    return [
        f"The run {config.study.candidates_title(name)} {facts.sentence()}."
        for name, facts in every.items()
        if facts.covered < facts.queries or facts.documents < config.study.depth
    ]


def given_facts(config: Configuration, name: str) -> RunFacts | None:
    """What a given run has of the dev queries; None for what the suite retrieves, and where none is kept."""
    layout = config.layout
    run, queries = layout.candidates(name, "dev"), layout.queries("dev")
    if not isinstance(config.study.candidates[name], GivenRuns) or not (run.exists() and queries.exists()):
        return None
    return run_facts(read_run(run), load_queries(queries), "dev")
