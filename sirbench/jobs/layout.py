"""Where every file of a study lives below results/ and data/: the one place that knows."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths of one study, relative to the folder that the workflow runs in."""

    study: str

    @property
    def root(self) -> Path:
        """Everything that this study makes, apart from figures."""
        return Path("results") / self.study

    @property
    def collection(self) -> Path:
        """Record of the collection: ids, counts, fingerprint, versions."""
        return self.root / "collection" / "collection.json"

    def queries(self, split: str) -> Path:
        """Queries of `train` or `dev`: id, tab, text."""
        return self.root / "collection" / f"{split}.queries.tsv"

    def qrels(self, split: str) -> Path:
        """Judgements of `train` or `dev`, as TREC qrels."""
        return self.root / "collection" / f"{split}.qrels"

    def candidates(self, name: str, split: str) -> Path:
        """First-stage run of `train` or `dev` queries."""
        return self.root / "candidates" / name / f"{split}.trec.gz"

    def learned(self, name: str) -> Path:
        """What a first stage that learns has learned: `model`, `train.jsonl`, `provenance.json`."""
        return self.root / "candidates" / name / "learned"

    def first_stage(self, name: str) -> Path:
        """Per-query measures of the dev candidates themselves, recall included."""
        return self.root / "candidates" / name / "per_query.csv"

    def backbone(self, name: str) -> Path:
        """Checkpoint and tokenizer of a backbone."""
        return self.root / "backbones" / name

    def corpus(self, name: str) -> Path:
        """Store of a corpus that backbones are pre-trained on."""
        return self.root / "corpora" / name

    def pretraining(self, backbone: str) -> Path:
        """Record of a backbone's pre-training: `train.jsonl`, `provenance.json`."""
        return self.root / "pretraining" / backbone

    def tokens(self, backbone: str) -> Path:
        """Token store of the collection for a backbone's tokenizer."""
        return self.root / "tokens" / backbone

    def level(self, candidates: str, backbone: str, level: str, seed: int) -> Path:
        """Folder of a compressor that V1 and V2 recipes share."""
        return self.root / "levels" / candidates / backbone / level / f"seed{seed}"

    def cell(self, candidates: str, backbone: str, recipe: str, seed: int) -> Path:
        """Folder of a cell: one trained model and its scores."""
        return self.root / "cells" / candidates / backbone / recipe / f"seed{seed}"

    def table(self, name: str, ending: str = "csv") -> Path:
        """A table as csv, md or tex."""
        return self.root / "tables" / f"{name}.{ending}"

    def log(self, name: str) -> Path:
        """Messages and progress of a job, e.g. `train/bm25-bert-v0-seed1`."""
        return self.root / "logs" / f"{name}.log"

    @property
    def report(self) -> Path:
        """The report that people read."""
        return self.root / "report.html"

    @property
    def workflow_report(self) -> Path:
        """Snakemake's own report, beside it."""
        return self.root / "workflow-report.html"

    def figure(self, name: str, ending: str = "pdf") -> Path:
        """A figure as pdf, png or svg, or what was drawn as csv."""
        return Path("figures") / self.study / f"{name}.{ending}"
