"""A study: one experiment, in one file."""

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, model_validator

from sirbench.study.backbones import Backbone, PretrainedBackbone
from sirbench.study.candidates import Candidates, FirstStage, GivenRuns
from sirbench.study.collection import AnyCollection
from sirbench.study.query_set import HOME, EvaluatedOnly, QuerySet
from sirbench.study.scale import Compute, Input, Training
from sirbench.study.settings import NAMES, Name, Seed, Settings

Depth = Annotated[int, Field(ge=1)]
"""A number of candidates."""


class Study(Settings):
    """One experiment: a collection, candidates, backbones, the scale, and the seeds."""

    title: str
    """One line for the head of tables and reports."""
    demonstration: bool = False
    """True says on every output that its numbers mean nothing."""
    comparable: bool = False
    """True where the paper's own collection, sizes and backbones are used: only then do tables show the
    published numbers beside ours."""
    collection: AnyCollection
    """The documents, queries and judgements: names of `ir_datasets`, or files of one's own."""
    candidates: dict[Name, Candidates] = Field(min_length=1, json_schema_extra=NAMES)
    """Candidates by name; those that are re-ranked are column groups of tables."""
    reranked: list[str] | None = Field(None, min_length=1)
    """Candidates that cells are trained on and re-rank, in the tables' order; null: all. The others are
    measured as first stages only."""
    negatives: str | None = Field(None, exclude_if=lambda name: name is None)
    """Candidates that all cells are trained on, whichever they re-rank; null: each those that it re-ranks."""
    depth: int = Field(100, ge=2)
    """Documents per query that are re-ranked and that negatives come from."""
    depths: list[Depth] = Field(default_factory=list, exclude_if=lambda depths: not depths)
    """Depths of tables `of: depths`, as if only so many candidates were re-ranked; none: no such table."""
    evaluate_on: dict[Name, QuerySet] = Field(
        default_factory=dict, json_schema_extra=NAMES, exclude_if=lambda sets: not sets
    )
    """Further sets of queries by name: of other collections, for tables `of: transfer`, or the study's own at
    a greater depth, for tables `of: depths`."""
    backbones: dict[Name, Backbone] = Field(min_length=1, json_schema_extra=NAMES)
    """Pre-trained encoders by name; tables show the rows whose backbone is here."""
    group_sizes: dict[int, int] = Field(default_factory=dict)
    """The paper's group sizes (positive included) and what they are scaled down to here, e.g. `{88: 22}`;
    a size that is not listed stays as it is."""
    input: Input = Field(default_factory=Input)
    training: Training = Field(default_factory=Training)
    learning_rates: dict[str, PositiveFloat] = Field(default_factory=dict, exclude_if=lambda rates: not rates)
    """Learning rates of families of recipes, by strategy, e.g. `{v0: 1.0e-4, v3: 5.0e-5}`, as `snakemake
    tune` finds them; another family has that of `training`."""
    learning_rate_grid: list[PositiveFloat] = Field(default_factory=list, exclude_if=lambda grid: not grid)
    """Learning rates that `snakemake tune` tries; without any, those of `config/tuning/`. Small encoders want
    larger ones."""
    compute: Compute = Field(default_factory=Compute)
    seeds: list[Seed] = Field(default_factory=lambda: [1], min_length=1)
    """One cell per seed; per-query values are averaged over seeds before any test."""

    @model_validator(mode="after")
    def _reranked_are_candidates(self) -> Self:
        named = [("reranked", name) for name in self.reranked or []]
        named += [("negatives", self.negatives)] if self.negatives else []
        for place, spec in self.evaluate_on.items():
            named += [(f"evaluate_on.{place}.candidates", name) for name in spec.candidates or []]
        for key, name in named:
            if name not in self.candidates:
                raise ValueError(f"{key}: no candidates {name!r}; allowed: {', '.join(self.candidates)}")
        return self

    @model_validator(mode="after")
    def _query_sets_can_be_had(self) -> Self:
        for name, spec in self.evaluate_on.items():
            place = f"evaluate_on.{name}"
            if name in ("train", HOME, "validation"):
                raise ValueError(f"{place}: the study's own queries are called so; choose another name")
            if spec.collection is None and (spec.depth or self.depth) <= self.depth:
                raise ValueError(
                    f"{place}: the study's own queries at no greater depth than its {self.depth}: give a "
                    "`collection`, or a greater `depth`"
                )
            given = [it for it in self.candidates_on(name) if isinstance(self.candidates[it], GivenRuns)]
            if given and spec.collection is not None:
                raise ValueError(
                    f"{place}.candidates: {given[0]} is a given run, which another collection has none of; "
                    "name candidates of a first stage"
                )
        return self

    @model_validator(mode="after")
    def _folds_stay_at_home(self) -> Self:
        further = {"negatives": self.negatives, "evaluate_on": self.evaluate_on, "depths": self.depths}
        if self.collection.folds and (asked := [key for key, value in further.items() if value]):
            raise ValueError(
                f"{asked[0]}: a cell of folds is several models, each for its own queries, and re-ranks no "
                "others; take `split: {dev: 0.2}`, or remove the key"
            )
        return self

    @model_validator(mode="after")
    def _depths_are_reached(self) -> Self:
        if sorted(set(self.depths)) != self.depths:
            raise ValueError(f"depths: {self.depths} must rise, e.g. [10, 20, 50, 100]")
        deepest = max(map(self.depth_on, [HOME, *self.evaluate_on]))
        if self.depths and self.depths[-1] > deepest:
            raise ValueError(
                f"depths: {self.depths[-1]} is beyond every set of candidates, the deepest of which is "
                f"{deepest}; raise `depth`, or evaluate_on a set with a greater one"
            )
        return self

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice; a repeated seed adds no evidence")
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

    @model_validator(mode="after")
    def _pretrained_backbones_have_what_they_start_from(self) -> Self:
        for number, (name, spec) in enumerate(self.backbones.items()):
            if not isinstance(spec, PretrainedBackbone):
                continue
            above = list(self.backbones)[:number]
            if spec.start not in above:
                raise ValueError(
                    f"backbones.{name}.start: {spec.start!r} must be a backbone above it in the file; "
                    f"allowed: {', '.join(above) or 'none, so put one there'}"
                )
            tokens = self.pretraining_input(name)
            if tokens.max_query_tokens + 8 > tokens.max_tokens:
                raise ValueError(
                    f"backbones.{name}: max_query_tokens={tokens.max_query_tokens} leaves no room for a "
                    f"document in max_tokens={tokens.max_tokens}; lower the first or raise the second"
                )
            own = spec.corpus.source == "collection"
            if "wlp" in spec.objectives and own and not self.collection.has_links:
                raise ValueError(
                    f"backbones.{name}.corpus: wlp learns from links between documents, and "
                    f"{self.collection.train} has none; use `source: wikispeedia` or `source: wikipedia`"
                )
        return self

    @model_validator(mode="after")
    def _first_stages_have_what_they_start_from(self) -> Self:
        for name, spec in self.candidates.items():
            if not isinstance(spec, FirstStage):
                continue
            if self.collection.folds and spec.backbone is not None and spec.training.steps:
                raise ValueError(
                    f"candidates.{name}: {spec.first_stage} learns from training queries, and of folds every "
                    "query is evaluated on, too; take bm25 or given runs, or `split: {dev: 0.2}`"
                )
            if spec.backbone is not None and spec.backbone not in self.backbones:
                raise ValueError(
                    f"candidates.{name}.backbone: {spec.backbone!r} is not a backbone of the study; "
                    f"allowed: {', '.join(self.backbones)}"
                )
            before = self.candidates.get(spec.start) if spec.start is not None else None
            if spec.start is not None and not (
                isinstance(before, FirstStage)
                and (before.first_stage, before.backbone) == (spec.first_stage, spec.backbone)
                and list(self.candidates).index(spec.start) < list(self.candidates).index(name)
            ):
                raise ValueError(
                    f"candidates.{name}.start: {spec.start!r} must be above it in the file, and have the "
                    "same first_stage and backbone"
                )
        return self

    @property
    def columns(self) -> list[str]:
        """Names of the candidates that are re-ranked."""
        return list(self.reranked or self.candidates)

    def trained_on(self, candidates: str) -> str:
        """The candidates that the cells are trained on which re-rank these, unless a table says otherwise."""
        if self.negatives:
            return self.negatives
        return candidates if candidates in self.columns else self.columns[0]

    def candidates_on(self, queries: str) -> list[str]:
        """The candidates that are re-ranked for the dev queries, or for a further set."""
        return (self.evaluate_on[queries].candidates if queries != HOME else None) or self.columns

    def depth_on(self, queries: str) -> int:
        """How many documents of a query are re-ranked there."""
        return (self.evaluate_on[queries].depth if queries != HOME else None) or self.depth

    def on(self, queries: str) -> "Study":
        """The study as it is on a further set of queries: these are its dev queries, and it has no others."""
        spec = self.evaluate_on[queries]
        collection = EvaluatedOnly(
            dataset=spec.dataset or self.collection.dev,
            dev_queries=spec.queries,
            exclude_self=spec.exclude_self if spec.dataset else self.collection.exclude_self,
            incomplete=self.collection.incomplete if not spec.dataset else False,
        )
        return self.model_copy(update={"collection": collection, "depth": self.depth_on(queries)})

    def pretraining_input(self, backbone: str) -> Input:
        """Tokens of a pair in the pre-training of a backbone, where it does not say otherwise the study's."""
        spec = self.backbones[backbone]
        assert isinstance(spec, PretrainedBackbone), backbone
        given = {"max_tokens": spec.max_tokens, "max_query_tokens": spec.max_query_tokens}
        study = {key: getattr(self.input, key) for key in given}
        return Input.model_construct(**study | {key: n for key, n in given.items() if n is not None})

    def group_size(self, paper_size: int) -> int:
        """What a group size of a recipe (the paper's numbers) comes to in this study."""
        return self.group_sizes.get(paper_size, paper_size)

    def queries_title(self, queries: str) -> str:
        """How tables call the dev queries, or a further set."""
        return (self.evaluate_on[queries].title if queries != HOME else None) or queries

    def candidates_title(self, name: str) -> str:
        """How tables call these candidates."""
        return self.candidates[name].title or name.upper()
