"""Settings: the models of config/'s files, reading them, checking them; the only place where one is defined.

Each field carries its description and unit; the JSON schemas in config/schema/ and the tables of
config/README.md are generated from them (`sirbench schema`). A plug-in's options are in its own file, as a
model derived from `Plugin`; `sirbench.config` reads config/ with all of them.
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
from sirbench.study.claim import Claim, Claims, Compared
from sirbench.study.collection import AnyCollection, Collection, OneSet, OwnCollection, Split
from sirbench.study.figure import Figure, Space
from sirbench.study.own_files import JudgementFile, JudgementFiles, RecordFile, TextFile, TextFiles
from sirbench.study.query_set import HOME, QuerySet
from sirbench.study.recipe import Recipe, Selection
from sirbench.study.registry import Plugin, Registry
from sirbench.study.scale import Compute, Input, Optimization, Training
from sirbench.study.settings import Choice, Settings
from sirbench.study.study import Study
from sirbench.study.table import BASELINE, Row, Table
from sirbench.study.tuning import Tuning

__all__ = [
    "BASELINE",
    "HOME",
    "AnyCollection",
    "Backbone",
    "Candidates",
    "Choice",
    "Claim",
    "Claims",
    "Collection",
    "Compared",
    "Compute",
    "Corpus",
    "Figure",
    "FirstStage",
    "FirstStageTraining",
    "FolderBackbone",
    "GivenRuns",
    "HubBackbone",
    "Input",
    "JudgementFile",
    "JudgementFiles",
    "OneSet",
    "Optimization",
    "OwnCollection",
    "PackageBackbone",
    "Plugin",
    "PretrainedBackbone",
    "QuerySet",
    "Recipe",
    "RecordFile",
    "Registry",
    "Row",
    "RunFile",
    "Selection",
    "Settings",
    "Space",
    "Split",
    "Study",
    "Table",
    "TextFile",
    "TextFiles",
    "TinyBackbone",
    "Training",
    "Tuning",
]
