"""The candidates of a study: retrieved by a first stage of the suite, or given as run files."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sirbench.study.scale import Optimization
from sirbench.study.settings import GivenPath, Label, Seed, Settings


class FirstStageTraining(Optimization):
    """How a first stage that learns is trained, on the training queries of the study's collection."""

    steps: int = Field(1000, ge=0)
    """Optimiser steps; for `dense` 0 takes the backbone as it is, e.g. one that was trained elsewhere."""
    batch: int = Field(16, ge=2)
    """Training queries at a step; for `hdct`, passages of their documents."""
    queries: int | None = Field(None, ge=2)
    """How many training queries of the collection to learn from, those with the lowest sha256 of their id;
    null: all. The study's re-rankers may have fewer."""
    seed: Seed = 1
    """Of everything that is drawn: batches, negatives, dropout."""


class FirstStage(Settings):
    """Candidates retrieved by one of the suite's own first stages."""

    first_stage: str
    """Name of a file in sirbench/firststage/, e.g. `bm25`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of that first stage, e.g. `{k1: 0.9, b: 0.4}` for `bm25`."""
    title: Label | None = None
    """How tables call these candidates; the name in upper case if null."""
    backbone: str | None = None
    """For a first stage that learns: the backbone of the study whose encoder and tokenizer it uses."""
    start: str | None = None
    """For a first stage that learns: other candidates of the study, of the same first stage, whose trained
    encoder it continues from (ADORE from STAR); null: the backbone as it is."""
    training: FirstStageTraining = Field(default_factory=FirstStageTraining)
    """For a first stage that learns."""


class RunFile(Settings):
    """A run that somebody else retrieved: a file, and where it is published."""

    path: GivenPath
    """Where it is kept: plain, gzip where the name ends in .gz, or .zip, of which all files are read."""
    format: Literal["trec", "ranks", "texts"] = "trec"
    """`trec`: six columns, the score decides. `ranks`: query, document, rank (as MS MARCO's leaderboard asks
    for). `texts`: query, its text, document, and any further columns between tabs, best documents first."""
    url: str | None = Field(None, pattern="^https?://")
    """Where it is published. `sirbench fetch` brings it to `path`, and nothing else does."""
    size: int | None = Field(None, ge=1)
    """Its bytes, where the source says; null: asked of the server before anything starts."""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """Its checksum, where the source publishes one; null: recorded on first use, in a file beside it. Another
    file stops the study."""
    licence: str = "not stated"
    """Terms of use, shown before anything starts."""


def _path_alone(spec: object) -> object:
    return {"path": spec} if isinstance(spec, (str, Path)) else spec


PathOrRunFile = Annotated[RunFile, BeforeValidator(_path_alone, json_schema_input_type=Path | RunFile)]
"""A run file; where nothing but its path is to be said, the path alone."""


LEAST_FILLED = 0.25
"""Full candidates for a quarter of the queries, or a quarter of the candidates for all."""


class GivenRuns(Settings):
    """Candidates that somebody else retrieved: a run of the training queries and one of the dev queries."""

    train: PathOrRunFile
    """Run of the training queries: a path, or `{path: ..., format: ..., url: ...}`."""
    dev: PathOrRunFile
    """Run of the dev queries, likewise."""
    source: str = ""
    """Where these files come from and how to get them; shown when one is missing."""
    title: Label | None = None
    """How tables call these candidates; the name in upper case if null."""
    least_filled: float = Field(LEAST_FILLED, ge=0, le=1, exclude_if=lambda share: share == LEAST_FILLED)
    """Least share of the places, `depth` for each train or dev query, that a run must fill: a shorter one is
    refused. Queries whose scores are all equal, or contradict the ranks, fill none."""

    @property
    def files(self) -> dict[str, RunFile]:
        """The files by split."""
        return {"train": self.train, "dev": self.dev}


def _kind(spec: object) -> str:
    retrieved = isinstance(spec, FirstStage) or (isinstance(spec, dict) and "first_stage" in spec)
    return "FirstStage" if retrieved else "GivenRuns"


Candidates = Annotated[
    Annotated[FirstStage, Tag("FirstStage")] | Annotated[GivenRuns, Tag("GivenRuns")],
    Discriminator(_kind),
]
