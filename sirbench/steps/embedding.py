"""Verb `embed`: embeddings of the negatives of a few queries at the start, middle and end of training."""

import logging
from collections.abc import Mapping

import pandas as pd
from tqdm import tqdm

from sirbench.backbones.checkpoint import load_model
from sirbench.data import collections
from sirbench.data.frames import read_frame, write_frame
from sirbench.data.runs import read_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.evaluation.embedded import (
    OVERLAPS,
    documents_of,
    first_queries,
    hardest,
    selected,
    trained_before,
)
from sirbench.evaluation.space import MOMENTS
from sirbench.fine_tuning.blocks import training_queries
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.folders import Cell
from sirbench.jobs.job import compressor_of, job_of_cell
from sirbench.jobs.layout import Layout
from sirbench.jobs.needs import embedded_cells
from sirbench.machine.device import claim_device
from sirbench.machine.errors import InputError
from sirbench.steps.training import start_of

logger = logging.getLogger(__name__)

COLUMNS = [
    *("query_id", "split", "doc_id", "rank", "kind", *OVERLAPS),
    *("moment", "score", "embedding", "trained", "hardest", "front"),
]
"""Of the file: what `evaluation.embedded` and `embed_cell` say."""


def embed_cell(config: Configuration, cell: Cell) -> None:
    """Embed what figures show of a cell: for each of their queries, the positives and all candidates.

    Writes a line per moment (`start`, `middle`, `end`), query and document, queries by the sha256 of their
    id, with the columns of `evaluation.embedded` and:
    * moment, score (logit), embedding;
    * trained: whether the classifier, the last level, was trained on this negative before that moment;
    * hardest: whether a Top compressor that is the model of that moment would pass it to the classifier, as
      one of the K - 1 highest-scored. No model is trained on dev queries: this is what they can show;
    * front: whether the front compressor, whose weights the classifier started from, was trained on this
      negative (V2; False for all others).

    Of a cell whose training diverged there are no lines.
    """
    if cell.diverged:
        logger.warning("%s: training diverged (%s): there is nothing to embed", cell.name, cell.diverged)
        write_frame(pd.DataFrame(columns=COLUMNS), cell.embeddings)
        return
    job, store = job_of_cell(config, cell), TokenStore(Layout(config.name).tokens(cell.backbone))
    models = {"start": start_of(cell, job), "middle": cell.middle, "end": cell.model}
    counts = embedded_cells(config).get(cell)
    if not counts:
        raise InputError(f"{cell.folder}: no figure of config/figures/ shows the space of this cell")
    if not cell.middle.is_dir():
        raise InputError(f"{cell.middle}: not kept when the cell was trained; train it again")
    documents = _documents(config, cell, counts, store)
    documents["front"] = False
    if job.weights_from:
        front = compressor_of(cell, job.weights_from)
        documents["front"] = selected(documents, read_frame(front.selection))
    trace = read_frame(cell.selection)
    embedded = []
    with claim_device(config.study.compute.gpus, config.study.compute.threads) as device:
        for moment in tqdm(MOMENTS, f"embed {cell.name}", unit="model"):
            encoder = CrossEncoder(
                load_model(models[moment], int(cell.seed)).to(device).eval(),
                store,
                chunk_tokens=config.study.compute.chunk_tokens,
                precision=config.study.compute.precision,
                input=config.study.input,
            )
            rows = (documents[name].to_numpy() for name in ("query_row", "document_row"))
            scores, embeddings = (values.cpu().numpy() for values in encoder.embed(*rows))
            frame = documents.assign(moment=moment, score=scores, embedding=list(embeddings))
            frame["trained"] = trained_before(frame, trace, moment)
            frame["hardest"] = hardest(frame, job.strategy.levels[-1] - 1)
            embedded.append(frame.drop(columns=["query_row", "document_row"]))
    write_frame(pd.concat(embedded, ignore_index=True)[COLUMNS], cell.embeddings)


def _documents(
    config: Configuration, cell: Cell, counts: Mapping[str, int], store: TokenStore
) -> pd.DataFrame:
    """The documents of so many queries of each split."""
    layout, frames = Layout(config.name), []
    for split, count in counts.items():
        ids = first_queries(list(collections.load_queries(layout.queries(split))), count)
        run = read_run(layout.candidates(cell.candidates, split), config.study.depth)
        queries = training_queries(ids, collections.load_qrels(layout.qrels(split)), run, store)
        frames.append(documents_of(queries, split, store))
    return pd.concat(frames, ignore_index=True)
