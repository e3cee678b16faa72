"""A figure: what kind it is, and what it is drawn from."""

from typing import ClassVar, Literal, Self

from pydantic import Field, computed_field, model_validator

from sirbench.study.registry import Plugin
from sirbench.study.settings import Seed, Settings


class Space(Settings):
    """The cells and queries whose semantic space of negatives is drawn or measured."""

    backbone: str
    """Name of a backbone; a study without it has no such figure."""
    recipes: list[str] = Field(min_length=1)
    """Names of files in config/recipes/, one row of panels each. Their training keeps the model as it is in
    the middle, beside the final one."""
    candidates: str | None = None
    """Candidates that the cells were trained on; null: the first that the study re-ranks."""
    seed: Seed | Literal["every"] | None = None
    """Seed of the cells; null: the study's first; `every`: all of them, in kinds that compare seeds, and no
    figure where the study has one."""
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


class Figure(Plugin):
    """A figure: its face, and what it is drawn from; a kind of figure adds how."""

    draws: ClassVar[str] = "cells"
    """What the tables are `of` that this kind draws."""

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

    @computed_field
    @property
    def kind(self) -> str:
        """Name of the file that draws it."""
        return self.file_name()
