"""Where the files of a study are that no single training owns: below results/STUDY/ and figures/STUDY/."""

from dataclasses import dataclass
from pathlib import Path

from sirbench.jobs.folders import PER_QUERY, RESULTS, FirstStageFolder, PretrainingFolder
from sirbench.study.query_set import HOME


@dataclass(frozen=True)
class Layout:
    """Paths of one study, relative to the folder that the workflow runs in.

    A further set of queries has a folder of its own for queries, judgements, candidates and tokens; what was
    trained is the study's.
    """

    study: str
    on: str = HOME
    """The study's own queries, or a further set."""

    @property
    def root(self) -> Path:
        """Everything that this study makes, apart from figures, or that is of a further set of queries."""
        return RESULTS / self.study if self.on == HOME else RESULTS / self.study / "on" / self.on

    @property
    def collection(self) -> Path:
        """Record of the collection: ids, counts, fingerprint, versions."""
        return self.root / "collection" / "collection.json"

    @property
    def held_out(self) -> Path:
        """Ids of the training-side queries that nothing may train on, where there are validation queries."""
        return self.root / "collection" / "held-out.txt"

    @property
    def folds(self) -> Path:
        """The fold of each query, where the study has folds: id, tab, number."""
        return self.root / "collection" / "folds.tsv"

    def queries(self, split: str) -> Path:
        """Queries of `train`, `dev` or `validation`: id, tab, text."""
        return self.root / "collection" / f"{split}.queries.tsv"

    def qrels(self, split: str) -> Path:
        """Judgements of a split, as TREC qrels."""
        return self.root / "collection" / f"{split}.qrels"

    def candidates(self, name: str, split: str) -> Path:
        """First-stage run of the queries of a split."""
        return self.root / "candidates" / name / f"{split}.trec.gz"

    def candidates_per_query(self, name: str) -> Path:
        """Per-query measures of the dev candidates as they are, recall included."""
        return self.root / "candidates" / name / PER_QUERY

    def learned(self, candidates: str) -> FirstStageFolder:
        """What a first stage that learns has learned."""
        return FirstStageFolder(self.study, candidates)

    def backbone(self, name: str) -> Path:
        """Checkpoint and tokenizer of a backbone."""
        return self.pretraining(name).model

    def corpus(self, name: str) -> Path:
        """Store of a corpus that backbones are pre-trained on."""
        return self.root / "corpora" / name

    def pretraining(self, backbone: str) -> PretrainingFolder:
        """What the pre-training of a backbone leaves."""
        return PretrainingFolder(self.study, backbone)

    def tokens(self, backbone: str) -> Path:
        """Token store of the collection for a backbone's tokenizer."""
        return self.root / "tokens" / backbone

    def table(self, name: str, ending: str = "csv") -> Path:
        """A table as csv, md or tex."""
        return self.root / "tables" / f"{name}.{ending}"

    def claims(self, ending: str = "csv") -> Path:
        """The verdicts on all claims as csv, md or tex."""
        return self.root / f"claims.{ending}"

    def tuning(self, name: str, ending: str = "csv") -> Path:
        """A choice on validation queries as csv, md, or json for machines."""
        return self.root / "tuning" / f"{name}.{ending}"

    def figure(self, name: str, ending: str = "pdf") -> Path:
        """A figure as pdf, png or svg, or what was drawn as csv."""
        return Path("figures") / self.study / f"{name}.{ending}"

    def log(self, verb: str, job: str = "") -> Path:
        """Messages and progress of a job, e.g. of verb `train` and job `bm25-bert-v0-seed1`."""
        return self.root / "logs" / (f"{verb}/{job}.log" if job else f"{verb}.log")

    def benchmark(self, verb: str, job: str = "") -> Path:
        """Time and memory of a job."""
        return self.root / "benchmarks" / (f"{verb}/{job}.tsv" if job else f"{verb}.tsv")

    @property
    def report(self) -> Path:
        """The report that people read."""
        return self.root / "report.html"

    @property
    def run_crate(self) -> Path:
        """What the results are, for archives that read RO-Crates."""
        return self.root / "ro-crate-metadata.json"

    @property
    def workflow_report(self) -> Path:
        """Snakemake's own report, beside it."""
        return self.root / "workflow-report.html"
