"""Folders of trainings and the files in them: a file's name is written here and nowhere else.

Paths are relative to the folder that the workflow runs in, and an attribute may be one of Snakemake's
wildcards instead of a name: `Cell("demo", "{candidates}", ...)` is the pattern of all cells.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from sirbench.machine.json_object import read_object
from sirbench.machine.provenance import PROVENANCE
from sirbench.study.query_set import HOME
from sirbench.training import MIDDLE, STEP_LOG

RESULTS = Path("results")
PER_QUERY = "per_query.csv"
RUN = "run.trec.gz"


Fold = int | str | None
"""The fold whose queries a training leaves out, where a study has folds."""


class TrainingFolder(ABC):
    """What any training leaves: a model, the log of its steps, and where it comes from."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where all of it is."""

    @property
    def model(self) -> Path:
        """The trained checkpoint, with its tokenizer."""
        return self.folder / "model"

    @property
    def step_log(self) -> Path:
        """Loss, learning rate and gradient norm of every step, a line of JSON each."""
        return self.folder / STEP_LOG

    @property
    def provenance(self) -> Path:
        """Settings, checksums of all inputs, code, machine and time."""
        return self.folder / PROVENANCE

    @property
    def diverged(self) -> str:
        """How its training diverged, as its provenance says; "" where it did not, or has not ended."""
        if not self.provenance.exists():
            return ""
        return str(read_object(self.provenance).get("diverged") or "")

    @property
    def checkpoint(self) -> Path:
        """What an interrupted training resumes from; it goes when the training has ended."""
        return self.folder / "checkpoint"

    @property
    def selection(self) -> Path:
        """Which negatives every level kept, for every query and step."""
        return self.folder / "selection.parquet"

    @property
    @abstractmethod
    def job(self) -> str:
        """Its name as part of a file name or of a job's name."""


@dataclass(frozen=True)
class FirstStageFolder(TrainingFolder):
    """What a first stage that learns has learned for some candidates."""

    study: str
    name: str
    """The candidates."""

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return RESULTS / self.study / "candidates" / self.name / "learned"

    @property
    def job(self) -> str:
        """Its name as part of a file name."""
        return self.name


@dataclass(frozen=True)
class PretrainingFolder(TrainingFolder):
    """The pre-training of a backbone; its model is where every backbone is."""

    study: str
    name: str
    """The backbone."""

    @property
    def folder(self) -> Path:
        """Where its records are."""
        return RESULTS / self.study / "pretraining" / self.name

    @property
    def model(self) -> Path:
        """The trained checkpoint, with its tokenizer."""
        return RESULTS / self.study / "backbones" / self.name

    @property
    def job(self) -> str:
        """Its name as part of a file name."""
        return self.name


@dataclass(frozen=True)
class Compressor(TrainingFolder):
    """A level of V1 and V2 in one seed, which recipes share."""

    study: str
    candidates: str
    backbone: str
    level: str
    """Name of its job."""
    seed: int | str
    fold: Fold = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.candidates}/{self.backbone}/{self.level}/{_run(self.seed, self.fold, '/')}"

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return RESULTS / self.study / "levels" / self.name

    @property
    def job(self) -> str:
        """Its name as part of a file name."""
        return f"{self.candidates}-{self.backbone}-{self.level}-{_run(self.seed, self.fold, '-')}"

    @property
    def scored(self) -> Path:
        """The run of its scores of its own input."""
        return self.folder / "scored.trec.gz"


@dataclass(frozen=True)
class Condition:
    """What a number of a table is about; an evaluation is it in one seed."""

    study: str
    candidates: str
    """Those that are re-ranked."""
    backbone: str
    recipe: str
    negatives: str = ""
    """The candidates that its cells were trained on, where they are others."""
    on: str = HOME
    """The queries: the study's dev queries, or a further set."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.evaluation(0).name.replace("/seed0", "")

    @property
    def column(self) -> str:
        """The queries and candidates that a table shows in one group of columns."""
        return self.candidates if self.on == HOME else f"{self.on}/{self.candidates}"

    @property
    def trained_on(self) -> str:
        """The candidates that its cells were trained on."""
        return self.negatives or self.candidates

    def cell(self, seed: int) -> "Cell":
        """The cell that was trained for it in one seed."""
        return Cell(self.study, self.trained_on, self.backbone, self.recipe, seed)

    def evaluation(self, seed: int) -> "Evaluation":
        """It in one seed."""
        return Evaluation(self.cell(seed), self.on, self.candidates)


@dataclass(frozen=True)
class Cell(TrainingFolder):
    """One trained model and its scores: the unit that a job computes and that tables share.

    Where a study has folds, a cell is a model for each, with its scores of the fold's queries in a folder of
    its own, and the cell's folder has the scores of all queries (`sirbench.jobs.folds`).
    """

    study: str
    candidates: str
    backbone: str
    recipe: str
    seed: int | str
    fold: Fold = None
    """The fold whose model it is; None: the whole cell."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.candidates}/{self.backbone}/{self.recipe}/{_run(self.seed, self.fold, '/')}"

    @property
    def condition(self) -> Condition:
        """What it is one seed of."""
        return Condition(self.study, self.candidates, self.backbone, self.recipe)

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return RESULTS / self.study / "cells" / self.name

    @property
    def job(self) -> str:
        """Its name as part of a file name."""
        return f"{self.candidates}-{self.backbone}-{self.recipe}-{_run(self.seed, self.fold, '-')}"

    @property
    def middle(self) -> Path:
        """The model after half of its training, where a figure shows it."""
        return self.folder / MIDDLE

    @property
    def embeddings(self) -> Path:
        """A few queries' candidates as embedded at the start, the middle and the end of training."""
        return self.folder / "embeddings.parquet"

    @property
    def run(self) -> Path:
        """The dev candidates re-ranked."""
        return self.folder / RUN

    @property
    def run_metadata(self) -> Path:
        """Where the run comes from, for whoever gets it alone."""
        return self.folder / "run.ir_metadata.yaml"

    @property
    def per_query(self) -> Path:
        """Every measure of every dev query."""
        return self.folder / PER_QUERY

    @property
    def further(self) -> Path:
        """What it re-ranks beside its own dev candidates: those of others, and of further queries."""
        return self.folder / "on"

    @property
    def validation_run(self) -> Path:
        """The validation queries' candidates re-ranked, where something is chosen."""
        return self.folder / "validation.trec.gz"

    @property
    def validation_per_query(self) -> Path:
        """Every measure of every validation query."""
        return self.folder / "validation_per_query.csv"


@dataclass(frozen=True)
class Evaluation:
    """A cell on the candidates of some queries: its own, those of other candidates, or of a further set."""

    cell: Cell
    on: str
    """The queries: the study's dev queries, or a further set."""
    candidates: str
    """Those that are re-ranked, whichever the cell was trained on."""

    @property
    def is_own(self) -> bool:
        """Whether it is the re-ranking that every cell ends with."""
        return (self.on, self.candidates) == (HOME, self.cell.candidates)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.cell.name if self.is_own else f"{self.cell.name} on {self.on}/{self.candidates}"

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.cell.folder if self.is_own else self.cell.further / self.on / self.candidates

    @property
    def job(self) -> str:
        """Its name as part of a file name."""
        return self.cell.job if self.is_own else f"{self.cell.job}-on-{self.on}-{self.candidates}"

    @property
    def run(self) -> Path:
        """The candidates re-ranked."""
        return self.folder / RUN

    @property
    def per_query(self) -> Path:
        """Every measure of every query."""
        return self.folder / PER_QUERY


def _run(seed: int | str, fold: Fold, between: str) -> str:
    """Seed and fold in a name."""
    return f"seed{seed}" + (f"{between}fold{fold}" if fold is not None else "")
