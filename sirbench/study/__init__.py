"""Studies, recipes, tables and figures: the pydantic models of every file in config/, and nothing else.

This is the only place where a setting is defined. Each field carries its description and unit; the
JSON schemas in config/schema/ are generated from here (`sirbench schema`), and config/README.md tells
the story. Loading a file and checking that files fit together is `sirbench.config`.
"""

from sirbench.study.backbones import (
    Backbone,
    Corpus,
    FolderBackbone,
    HubBackbone,
    PackageBackbone,
    PretrainedBackbone,
    TinyBackbone,
)
from sirbench.study.candidates import Candidates, FirstStage, FirstStageTraining, GivenRuns, RunFile
from sirbench.study.collection import Collection
from sirbench.study.figure import Figure, Space
from sirbench.study.recipe import STRATEGIES, Recipe
from sirbench.study.scale import Compute, Input, Optimization, Training
from sirbench.study.settings import Settings, registered
from sirbench.study.study import Study
from sirbench.study.table import BASELINE, Row, Table

__all__ = [
    "BASELINE",
    "STRATEGIES",
    "Backbone",
    "Candidates",
    "Collection",
    "Compute",
    "Corpus",
    "Figure",
    "FirstStage",
    "FirstStageTraining",
    "FolderBackbone",
    "GivenRuns",
    "HubBackbone",
    "Input",
    "Optimization",
    "PackageBackbone",
    "PretrainedBackbone",
    "Recipe",
    "Row",
    "RunFile",
    "Settings",
    "Space",
    "Study",
    "Table",
    "TinyBackbone",
    "Training",
    "registered",
]
