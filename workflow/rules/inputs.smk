"""What rules read, as functions of their wildcards."""

from sirbench.backbones.objectives import reads_queries
from sirbench.data.pydocs import PACKAGES, data_home


def embedded_collection(wildcards) -> list[str]:
    """PyDocs has to be built first; any other collection is ir_datasets' own business."""
    root = CONFIG.study.collection.root
    return [str(data_home() / root / "collection.json")] if root in PACKAGES else []


def own_files(wildcards) -> list[str]:
    """Documents, queries and judgements in files of one's own, as far as they are there; the job itself says what is missing."""
    if CONFIG.study.collection.root != "own":
        return []
    # Imported here, since ir_datasets takes a second that other studies do without.
    from sirbench.data.own_collections import existing_files

    return list(map(str, existing_files(CONFIG.study.collection)))


def first_stage(wildcards) -> object:
    """How the study says these candidates are made."""
    return CONFIG.study.candidates[wildcards.candidates]


def learned_with(wildcards) -> object:
    """The backbone of a first stage that learns; None for another, and for given runs."""
    return getattr(first_stage(wildcards), "backbone", None)


def further_collection(wildcards) -> list:
    """What the queries of a further set are read from, as far as it is a file of the workflow's or one's own."""
    spec = CONFIG.study.evaluate_on[wildcards.queries]
    if spec.collection is None:
        return [PATHS.queries(HOME), PATHS.qrels(HOME)]
    root = CONFIG.at(wildcards.queries).study.collection.root
    if root == "own":
        from sirbench.data.own_collections import existing_files

        return list(map(str, existing_files(spec.collection)))
    return [str(data_home() / root / "collection.json")] if root in PACKAGES else []


def layout_on(wildcards) -> Layout:
    """Where the dev queries are, or those of a further set."""
    return Layout(STUDY, wildcards.queries)


def tokens_on(wildcards, backbone: str) -> object:
    """The token store of the dev queries' collection, or of a further set's."""
    return CONFIG.at(wildcards.queries).tokens(backbone)


def scoring_model(wildcards) -> object:
    """The checkpoint that scores for a cell."""
    return job.model_of(CONFIG, cell_of(wildcards))


def given_runs(wildcards) -> list[str]:
    """Run files that are there; where one is not, the job itself says how to get it."""
    files = getattr(first_stage(wildcards), "files", {}).values()
    return [str(file.path) for file in files if file.path.exists()]


def first_stage_start(wildcards) -> object:
    """The checkpoint that a first stage's training starts from."""
    spec = first_stage(wildcards)
    return PATHS.learned(spec.start).model if spec.start else PATHS.backbone(spec.backbone)


def documents_of_backbone(wildcards) -> object:
    """Only a backbone with a vocabulary of its own reads the documents."""
    return PATHS.collection if CONFIG.study.backbones[wildcards.backbone].source == "tiny" else []


def held_out_of_backbone(wildcards) -> object:
    """Only objectives that learn from training queries ask which of them are held out."""
    reads = reads_queries(PRETRAINED[wildcards.backbone])
    return list(held_out_inputs(CONFIG).values()) if reads else []


def corpus_files(wildcards) -> list[str]:
    """What a corpus is made of, as far as it is there; where it is not, the job itself says how to get it."""
    corpus = CORPORA[wildcards.corpus][1]
    if corpus.path is None:
        return [str(PATHS.collection)]
    return [str(corpus.path)] if corpus.path.exists() else []


def training_inputs(trained: Cell | Compressor, of: job.Job) -> dict[str, object]:
    """What a training job reads: data, tokens, the backbone, and the compressors that come before it."""
    before = [job.compressor_of(trained, needed) for needed in of.needs]
    return folds_input(CONFIG) | {
        "queries": PATHS.queries("train"),
        "qrels": PATHS.qrels("train"),
        "candidates": PATHS.candidates(trained.candidates, "train"),
        "backbone": PATHS.backbone(trained.backbone),
        "tokens": PATHS.tokens(trained.backbone),
        "compressors": [compressor.model for compressor in before],
        "scored": [compressor.scored for compressor in before],
    }


def cell_training_inputs(wildcards) -> dict[str, object]:
    """What the training of a cell reads."""
    return training_inputs(cell_of(wildcards), job_of_cell(wildcards))


def front_selection(wildcards) -> list:
    """The selection trace of the compressor whose weights a cell's training starts from, if there is one."""
    before = job_of_cell(wildcards).weights_from
    return [job.compressor_of(cell_of(wildcards), before).selection] if before else []


def table_cells(wildcards) -> list:
    """The measures of every cell that a table shows or compares with."""
    table = CONFIG.tables[wildcards.table]
    found = needs.evaluations(CONFIG, table)
    if lacking := [one for one in found if one.cell in KEPT and (table.of == "depths" or not one.is_own)]:
        raise WorkflowError(
            f"{lacking[0].cell.folder}: kept without model and run, which table {wildcards.table} needs; "
            "remove that folder to train the cell again"
        )
    return [one.run if table.of == "depths" else one.per_query for one in found]


def figure_inputs(wildcards) -> list:
    """What a figure is drawn from, unless it is of cells whose models are gone."""
    if wildcards.figure in OF_KEPT_CELLS:
        raise WorkflowError(
            f"{OF_KEPT_CELLS[wildcards.figure].folder}: kept without its model, which figure {wildcards.figure} "
            "needs; remove that folder to train the cell again"
        )
    return CONFIG.figures[wildcards.figure].inputs(CONFIG)


def table_candidates(wildcards) -> list:
    """The measures of the candidates that a table shows or compares with, before any re-ranking."""
    table = CONFIG.tables[wildcards.table]
    if table.of == "candidates":
        return [PATHS.candidates_per_query(name) for name in needs.measured_candidates(CONFIG, table)]
    columns = needs.columns(CONFIG, table)
    runs = [Layout(STUDY, on).candidates(name, HOME) for on, name in columns if table.of == "depths"]
    return [*runs, *(Layout(STUDY, on).candidates_per_query(name) for on, name in columns)]


def table_heads(wildcards) -> dict[str, str]:
    """The candidates of a table in order, and what it calls them: to Snakemake, inputs that only change places are the same."""
    table = CONFIG.tables[wildcards.table]
    names = needs.measured_candidates(CONFIG, table)
    sets = {on: CONFIG.study.queries_title(on) for on, _ in needs.columns(CONFIG, table) if on != HOME}
    return {name: CONFIG.study.candidates_title(name) for name in names} | sets


def reported_numbers(wildcards) -> list[str]:
    """What others report of checkpoints, which tables of transfer show of those that nothing is trained of."""
    table = CONFIG.tables[wildcards.table]
    untrained = any(not CONFIG.recipes[row.recipe].trains for row in table.rows)
    return ["published/reported.csv"] if table.of == "transfer" and untrained else []


def claimed_cells(wildcards) -> list:
    """The measures of every cell that any claim compares."""
    return [one.per_query for one in needs.claimed_evaluations(CONFIG)]


def tuned_cells(wildcards) -> list:
    """The measures on validation queries of every option of a tuning."""
    check_validation_queries()
    return [cell.validation_per_query for cell in tuning.cells(CONFIG, wildcards.tuning)]


def tunings(wildcards) -> list:
    """Every choice that the study makes."""
    check_validation_queries()
    return [PATHS.tuning(name) for name in tuning.applying(CONFIG)]


def check_validation_queries() -> None:
    """Say what a study lacks that asks for a choice and has nothing to make it on."""
    try:
        check_validation(CONFIG)
    except InputError as error:
        raise WorkflowError(str(error)) from None
