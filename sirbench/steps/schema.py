"""Verb `schema`: the schemas of config/'s files, and the tables of keys in config/README.md."""

import re
from pathlib import Path

from sirbench.backbones.objectives import OBJECTIVES
from sirbench.firststage import FIRST_STAGES
from sirbench.machine.atomic import atomic_file
from sirbench.reporting.figures import KINDS
from sirbench.strategies import STRATEGIES
from sirbench.strategies.losses import LOSSES
from sirbench.study import (
    Claim,
    Claims,
    Collection,
    Compute,
    FirstStage,
    FirstStageTraining,
    FolderBackbone,
    GivenRuns,
    HubBackbone,
    Input,
    JudgementFile,
    OneSet,
    OwnCollection,
    PackageBackbone,
    PretrainedBackbone,
    QuerySet,
    Row,
    RunFile,
    Settings,
    Space,
    Split,
    Study,
    Table,
    TextFile,
    TinyBackbone,
    Training,
    Tuning,
)
from sirbench.study.schema import (
    Schema,
    add_options,
    as_text,
    choice_of,
    key_table,
    schema_of,
    schema_of_plugins,
)

MODELS: dict[str, list[type[Settings]]] = {
    "study": [Study],
    "collection": [Collection, OneSet, OwnCollection],
    "split": [Split],
    "text file": [TextFile],
    "judgement file": [JudgementFile],
    "query set": [QuerySet],
    "first stage": [FirstStage],
    "first stage's training": [FirstStageTraining],
    "given runs": [GivenRuns],
    "run file": [RunFile],
    "tiny": [TinyBackbone],
    "folder": [FolderBackbone],
    "hub": [HubBackbone],
    "package": [PackageBackbone],
    "pretrained": [PretrainedBackbone],
    "input": [Input],
    "training": [Training],
    "compute": [Compute],
    "table": [Table],
    "row": [Row],
    "space": [Space],
    "claims": [Claims],
    "claim": [Claim],
    "tuning": [Tuning],
}
"""What the tables of keys in config/README.md are of, beside plug-ins."""


def write_schemas(folder: Path) -> None:
    """Write a schema for each kind of file into the folder, and README.md beside it anew."""
    for name, schema in schemas().items():
        with atomic_file(folder / name) as temporary:
            temporary.write_text(as_text(schema), encoding="utf-8")
    readme = folder.parent / "README.md"
    if readme.exists():
        text = with_key_tables(readme.read_text(encoding="utf-8"))
        with atomic_file(readme) as temporary:
            temporary.write_text(text, encoding="utf-8")


def schemas() -> dict[str, Schema]:
    """The schema of each kind of file, by the name of its own file."""
    study = schema_of(Study)
    add_options(study["$defs"]["FirstStage"], "first_stage", FIRST_STAGES)
    pretrained = study["$defs"]["PretrainedBackbone"]["properties"]
    pretrained["objectives"]["propertyNames"] = {"enum": OBJECTIVES.names()}
    pretrained["options"]["properties"] = {it: schema_of(OBJECTIVES.find(it)) for it in OBJECTIVES.names()}
    recipe = schema_of_plugins(STRATEGIES, "strategy")
    for strategy in recipe["oneOf"]:
        strategy["properties"]["loss"] |= choice_of(LOSSES)
    return {
        "study.json": study,
        "recipe.json": recipe,
        "table.json": schema_of(Table),
        "figure.json": schema_of_plugins(KINDS, "kind"),
        "claims.json": schema_of(Claims),
        "tuning.json": schema_of(Tuning),
    }


def with_key_tables(text: str) -> str:
    """The text with every table of keys anew: what is between `<!-- keys: NAME -->` and `<!-- end -->`."""
    tables = {name: key_table(models) for name, models in MODELS.items()}
    found = [STRATEGIES.find(name) for name in STRATEGIES.names()]
    strategies = sorted(found, key=lambda strategy: not strategy.trains)
    tables["recipe"] = key_table(strategies)
    tables["figure"] = key_table(KINDS.find(name) for name in KINDS.names())
    for kind, registry in (("first stage", FIRST_STAGES), ("objective", OBJECTIVES), ("loss", LOSSES)):
        tables |= {f"{kind} {name}": key_table([registry.find(name)]) for name in registry.names()}
    return re.sub(
        r"(<!-- keys: (.+?) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{tables[found[2]]}\n\n{found[3]}",
        text,
        flags=re.DOTALL,
    )
