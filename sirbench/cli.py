"""The command line: `sirbench VERB` is what each workflow rule runs: every step runs without Snakemake too.

Verbs import what they need when called: help and plain tables shall not wait for torch.
"""

import errno
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sirbench import __version__
from sirbench.config import Configuration, check_sizes, load
from sirbench.machine.errors import InputError, Interrupted, TrainingError, missing

app = typer.Typer(
    help=(
        "Reproduce, question and extend the Self-Involvement Ranker (SIR). Run it in the repository's root; "
        "`snakemake TABLE` calls these verbs in the right order and in parallel."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
REMEDY = "see to space and rights there and start again; what was finished is kept"

StudyOption = Annotated[str, typer.Option("--study", help="Name of a file in config/studies/.")]
CandidatesOption = Annotated[str, typer.Option("--candidates", help="Candidates of the study, e.g. bm25.")]
OneOfThemOption = Annotated[
    str | None, typer.Option("--candidates", help="Some candidates only; all of the study's if not given.")
]
BackboneOption = Annotated[str, typer.Option("--backbone", help="Backbone of the study, e.g. bert.")]
RecipeOption = Annotated[str, typer.Option("--recipe", help="Name of a file in config/recipes/.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of the cell.")]


def main() -> None:
    """Run the command line; known errors are one message and an exit code, not a traceback.

    Exit codes: 2 for wrong input, 3 for training that failed for good, 75 for training that was stopped by a
    signal, or by a disk that takes nothing, and resumes when started again.
    """
    _prepare_stderr()
    try:
        app()
    except (InputError, TrainingError, Interrupted) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except FileNotFoundError as error:
        if Path(str(error.filename)).parts[:1] != ("results",):
            raise
        print(f"error: {missing(error.filename)}", file=sys.stderr)
        sys.exit(InputError.exit_code)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        print(f"error: {error.filename or 'a file'}: {error.strerror}; {REMEDY}", file=sys.stderr)
        sys.exit(Interrupted.exit_code)


def _prepare_stderr() -> None:
    """Our messages, others' warnings, and progress: every second, or every minute where it is a file."""
    messages = logging.StreamHandler()
    messages.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    # Asked of each message, since bm25s sets its own logger to DEBUG.
    messages.addFilter(lambda it: it.levelno >= logging.WARNING or it.name.startswith("sirbench"))
    logging.getLogger().addHandler(messages)
    logging.getLogger("sirbench").setLevel(logging.INFO)
    # tqdm reads these when it is first imported.
    for name in ("TQDM_MININTERVAL", "TQDM_MAXINTERVAL"):
        os.environ.setdefault(name, "1" if sys.stderr.isatty() else "60")


@app.command()
def check(study: StudyOption = "demo") -> None:
    """Check config/: the study, every recipe, table and figure, and that they fit together."""
    config = load(study)
    counts = f"{len(config.recipes)} recipes, {len(config.tables)} tables and {len(config.figures)} figures"
    print(f"{study}: {counts} fit together")


@app.command()
def plan(
    study: StudyOption,
    tflops: Annotated[float, typer.Option(help="What a GPU does, in TFLOP/s.", min=0.001)] = 125.0,
    pairs_per_second: Annotated[
        float | None, typer.Option(help="Measured: pairs that one GPU trains on in a second.", min=0.001)
    ] = None,
) -> None:
    """Say what a study will cost before anything starts: pairs, GPU-hours, trainings, bytes on disk."""
    from sirbench.steps.cost import describe_plan

    print(describe_plan(load(study), tflops, pairs_per_second))


@app.command()
def schema(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("config/schema"),
) -> None:
    """Write the JSON schemas of config/'s files, which editors use to complete and check."""
    from sirbench.config import schemas

    folder.mkdir(parents=True, exist_ok=True)
    for name, content in schemas().items():
        (folder / name).write_text(content, encoding="utf-8")


@app.command()
def pydocs(
    name: Annotated[str, typer.Argument(help="pydocs, or pydocs-sliver for the test suite.")] = "pydocs",
) -> None:
    """Build PyDocs, the embedded collection, from the docstrings of installed packages."""
    from sirbench.data.pydocs import PACKAGES, build, data_home

    if name not in PACKAGES:
        raise InputError(f"{name!r} is no PyDocs collection; allowed: {', '.join(PACKAGES)}")
    description = build(name, data_home() / name)
    print(f"{name}: {description['documents']} documents, {description['queries']} queries")


@app.command()
def collection(study: StudyOption) -> None:
    """Write the study's queries and judgements, and a record of its collection."""
    from sirbench.steps.collection import make_collection

    make_collection(load(study))


@app.command()
def downloads(study: StudyOption, candidates: OneOfThemOption = None) -> None:
    """List the published runs that the study takes from others: size, checksum, licence, and what is here."""
    from sirbench.steps.downloads import list_downloads

    print(list_downloads(_with_candidates(study, candidates), candidates))


@app.command()
def fetch(study: StudyOption, candidates: OneOfThemOption = None) -> None:
    """Fetch what `downloads` lists, and nothing else; started again after a cut, it resumes."""
    from sirbench.steps.downloads import fetch_downloads, list_downloads

    config = _with_candidates(study, candidates)
    print(list_downloads(config, candidates))
    fetch_downloads(config, candidates)


@app.command()
def candidates(study: StudyOption, candidates: CandidatesOption) -> None:
    """Retrieve, or take from given run files, the candidates of train and dev queries."""
    from sirbench.steps.candidates import make_candidates

    config = load(study)
    _known(candidates, "candidates", config)
    make_candidates(config, candidates)


@app.command()
def train_first_stage(study: StudyOption, candidates: CandidatesOption) -> None:
    """Train the first stage of candidates, where it learns; started again after a kill, it resumes."""
    from sirbench.steps import first_stage

    config = load(study)
    _known(candidates, "candidates", config)
    first_stage.train_first_stage(config, candidates)


@app.command()
def backbone(study: StudyOption, backbone: BackboneOption) -> None:
    """Bring a backbone into its folder: made, copied, or downloaded, and checked."""
    from sirbench.jobs import plan
    from sirbench.steps.backbone import fetch_backbone

    config = load(study)
    _known(backbone, "backbones", config)
    if backbone in plan.pretrained(config.study):
        raise InputError(f"--backbone: {backbone} is pre-trained by the suite; `sirbench pretrain-backbone`")
    fetch_backbone(config, backbone)


@app.command()
def tokenize(study: StudyOption, backbone: BackboneOption) -> None:
    """Tokenise the collection once for a backbone, for all its cells."""
    from sirbench.steps import backbone as step

    config = load(study)
    _known(backbone, "backbones", config)
    step.tokenize(config, backbone)


@app.command()
def tokenize_corpus(
    study: StudyOption,
    corpus: Annotated[str, typer.Option("--corpus", help="Name of a corpus, e.g. collection-bert-3f2a9c1b.")],
) -> None:
    """Cut a corpus that backbones are pre-trained on into sentences and tokens."""
    from sirbench.jobs import plan
    from sirbench.steps import pretraining

    config = load(study)
    if corpus not in plan.corpora(config.study):
        allowed = ", ".join(plan.corpora(config.study)) or "none"
        raise InputError(f"--corpus: study {study} has no corpus {corpus!r}; allowed: {allowed}")
    pretraining.tokenize_corpus(config, corpus)


@app.command()
def pretrain_backbone(study: StudyOption, backbone: BackboneOption) -> None:
    """Pre-train a backbone of `source: pretrained`; started again after a kill, it resumes."""
    from sirbench.jobs import plan
    from sirbench.steps import pretraining

    config = load(study)
    _known(backbone, "backbones", config)
    if backbone not in plan.pretrained(config.study):
        raise InputError(
            f"--backbone: {backbone} is not pre-trained by the suite; `sirbench backbone` makes it"
        )
    pretraining.pretrain_backbone(config, backbone)


@app.command()
def train(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
) -> None:
    """Train the model of a cell, on all its GPUs; started again after a kill, it resumes."""
    from sirbench.steps.training import train_cell
    from sirbench.training.distributed import start_workers

    config = _cell(study, candidates, backbone, recipe, seed)
    start_workers(max(1, config.study.compute.gpus))
    train_cell(config, candidates, backbone, recipe, seed)


@app.command()
def train_level(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    level: Annotated[str, typer.Option("--level", help="Name of a compressor, e.g. level1-88-3f2a9c1b.")],
    seed: SeedOption,
) -> None:
    """Train a compressor that V1 and V2 recipes share, and score its input."""
    from sirbench.steps import training
    from sirbench.training.distributed import start_workers

    config = load(study)
    _known(candidates, "candidates", config)
    _known(backbone, "backbones", config)
    start_workers(max(1, config.study.compute.gpus))
    training.train_level(config, candidates, backbone, level, seed)


@app.command()
def rerank(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
) -> None:
    """Re-rank the dev candidates with a cell's model."""
    from sirbench.steps.reranking import rerank_cell

    rerank_cell(_cell(study, candidates, backbone, recipe, seed), candidates, backbone, recipe, seed)


@app.command()
def embed(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
) -> None:
    """Embed a few queries' candidates with a cell's model at the start, middle and end of its training."""
    from sirbench.steps.embedding import embed_cell

    embed_cell(_cell(study, candidates, backbone, recipe, seed), candidates, backbone, recipe, seed)


@app.command()
def evaluate(
    study: StudyOption,
    candidates: CandidatesOption,
    backbone: BackboneOption,
    recipe: RecipeOption,
    seed: SeedOption,
) -> None:
    """Measure a cell's run, query by query."""
    from sirbench.steps.evaluation import evaluate_cell

    evaluate_cell(_cell(study, candidates, backbone, recipe, seed), candidates, backbone, recipe, seed)


@app.command()
def evaluate_candidates(study: StudyOption, candidates: CandidatesOption) -> None:
    """Measure candidates as they are: the first stage's own quality, and what re-ranking can find."""
    from sirbench.steps import evaluation

    config = load(study)
    _known(candidates, "candidates", config)
    evaluation.evaluate_candidates(config, candidates)


@app.command()
def table(
    study: StudyOption,
    table: Annotated[str, typer.Option("--table", help="Name of a file in config/tables/.")],
) -> None:
    """Write a table as csv, md and tex from the measures of its cells."""
    from sirbench.steps.table import make_table

    config = load(study)
    _known(table, "tables", config)
    make_table(config, table)


@app.command()
def figure(
    study: StudyOption,
    figure: Annotated[str, typer.Option("--figure", help="Name of a file in config/figures/.")],
) -> None:
    """Draw a figure as pdf, png and svg, with a csv of what was drawn."""
    from sirbench.steps.figure import make_figure

    config = load(study)
    _known(figure, "figures", config)
    make_figure(config, figure)


@app.command()
def report(study: StudyOption) -> None:
    """Write results/<study>/report.html: what was run and what came out, as far as it has come."""
    from sirbench.steps.report import make_report

    make_report(load(study))


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def _cell(study: str, candidates: str, backbone: str, recipe: str, seed: int) -> Configuration:
    """The study, once every name of a cell is known to it."""
    config = load(study)
    _known(candidates, "candidates", config)
    _known(backbone, "backbones", config)
    _known(recipe, "recipes", config)
    check_sizes(config, recipe)
    if seed not in config.study.seeds:
        raise InputError(f"--seed: study {study} has no seed {seed}; allowed: {config.study.seeds}")
    return config


def _with_candidates(study: str, candidates: str | None) -> Configuration:
    config = load(study)
    if candidates is not None:
        _known(candidates, "candidates", config)
    return config


def _known(name: str, kind: str, config: Configuration) -> None:
    allowed = getattr(config, kind, None) or getattr(config.study, kind)
    if name not in allowed:
        raise InputError(f"{kind}: {name!r} is unknown in study {config.name}; allowed: {', '.join(allowed)}")


if __name__ == "__main__":
    main()
