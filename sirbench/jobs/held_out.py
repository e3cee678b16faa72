"""Which training-side queries a study trains nothing on: its validation queries and their near-duplicates."""

from pathlib import Path

from sirbench.data.validation import read_held_out
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout
from sirbench.machine.errors import InputError


def held_out(config: Configuration) -> set[str]:
    """Their ids; whoever reads training queries from the collection itself leaves these out.

    Raises InputError if `sirbench collection` has not chosen them yet.
    """
    return {query_id for path in held_out_inputs(config).values() for query_id in read_held_out(path)}


def held_out_inputs(config: Configuration) -> dict[str, Path]:
    """The file that has them, as an input of a job; none where a study has no validation queries."""
    spec = config.study.collection
    return {"held_out": Layout(config.name).held_out} if spec.validation_queries else {}


def check_validation(config: Configuration) -> None:
    """Raise `InputError` where a study has no validation queries to choose anything on."""
    if not config.study.collection.validation_queries:
        raise InputError(
            f"config/studies/{config.name}.yaml: collection.validation_queries: this key is missing, and "
            "choices are made on validation queries only; add e.g. `validation_queries: 300`"
        )
