"""Step `embed`: embeddings of the negatives of a few queries at the start, middle and end of training."""

import hashlib

import numpy as np
import pandas as pd
from tqdm import tqdm

from sirbench.backbones.checkpoint import load_model
from sirbench.config import Configuration
from sirbench.data import collections
from sirbench.data.runs import read_run
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.evaluation.space import MOMENTS, overlap
from sirbench.fine_tuning.blocks import training_queries
from sirbench.jobs import plan
from sirbench.jobs.layout import Layout
from sirbench.machine.atomic import atomic_file
from sirbench.machine.device import claim_device
from sirbench.machine.errors import InputError
from sirbench.steps.training import start_folder
from sirbench.training.schedule import middle_step


def embed_cell(config: Configuration, candidates: str, backbone: str, recipe: str, seed: int) -> None:
    """Embed what figures show of a cell: for each of their queries, the positives and all candidates.

    Writes `embeddings.parquet`: a line per moment (`start`, `middle`, `end`), query and document, queries by
    the sha256 of their id. Columns: `query_id`, `split`, `doc_id`, `rank` (in the candidates, from 1; 0 for
    positives), `kind` (`positive`, `negative`), `overlap` (with the positive most alike, see
    `evaluation.space`), `moment`, `score` (logit), `embedding`, and
    `trained`: whether the classifier, the last level, trained on this negative before that moment;
    `hardest`: whether a Top compressor that is the model of that moment would pass it to the classifier, that
    is whether it is among the K - 1 highest-scored candidates, ties by rank. Nothing was trained on dev
    queries: this is what there is to show of them;
    `front`: whether the front compressor, whose weights the classifier started from, was trained on this
    negative (V2; False for all others).
    """
    layout, study = Layout(config.name), config.study
    job = plan.plan(config.recipes[recipe], study)
    folder = layout.cell(candidates, backbone, recipe, seed)
    models = {
        "start": start_folder(layout, job, candidates, backbone, seed),
        "middle": folder / "middle",
        "end": folder / "model",
    }
    store = TokenStore(layout.tokens(backbone))
    counts = plan.embedded_cells(config).get((candidates, backbone, recipe, seed))
    if not counts:
        raise InputError(f"{folder}: no figure of config/figures/ shows the space of this cell")
    if not models["middle"].is_dir():
        raise InputError(f"{models['middle']}: not kept when the cell was trained; train it again")
    documents = pd.concat(
        [_documents(layout, candidates, split, count, study.depth, store) for split, count in counts.items()],
        ignore_index=True,
    )
    trace = pd.read_parquet(folder / "selection.parquet")
    documents["front"] = False
    if job.weights_from:
        front = layout.level(candidates, backbone, job.weights_from.name, seed) / "selection.parquet"
        documents["front"] = _selected(documents, pd.read_parquet(front))
    embedded = []
    with claim_device(study.compute.gpus, study.compute.threads) as device:
        for moment in tqdm(MOMENTS, f"embed {candidates}/{backbone}/{recipe}/seed{seed}", unit="model"):
            encoder = CrossEncoder(
                load_model(models[moment], seed).to(device).eval(),
                store,
                chunk_tokens=study.compute.chunk_tokens,
                precision=study.compute.precision,
            )
            rows = (documents[name].to_numpy() for name in ("query_row", "document_row"))
            scores, embeddings = (values.cpu().numpy() for values in encoder.embed(*rows))
            frame = documents.assign(moment=moment, score=scores, embedding=list(embeddings))
            frame["trained"] = _trained(frame, trace, moment)
            frame["hardest"] = _hardest(frame, job.sizes[-1] - 1)
            embedded.append(frame.drop(columns=["query_row", "document_row"]))
    with atomic_file(folder / "embeddings.parquet") as temporary:
        pd.concat(embedded, ignore_index=True).to_parquet(temporary, compression="zstd", index=False)


def _documents(
    layout: Layout, candidates: str, split: str, count: int, depth: int, store: TokenStore
) -> pd.DataFrame:
    """The positives and candidates of the split's `count` queries with the lowest sha256 of their id."""
    ids = list(collections.load_queries(layout.queries(split)))
    ids = sorted(ids, key=lambda query: hashlib.sha256(query.encode()).digest())[:count]
    run = read_run(layout.candidates(candidates, split), depth)
    frames = []
    for query in training_queries(ids, collections.load_qrels(layout.qrels(split)), run, store):
        rows = np.concatenate([query.positives, query.negatives])
        ranks = np.concatenate([np.zeros(len(query.positives), np.int64), query.ranks])
        positives = [store.documents[row] for row in query.positives]
        alike = [max(overlap(store.documents[row], positive) for positive in positives) for row in rows]
        content = {"query_id": query.id, "split": split, "doc_id": store.documents.ids[rows], "rank": ranks}
        content |= {"kind": np.where(ranks == 0, "positive", "negative"), "overlap": alike}
        frames.append(pd.DataFrame(content | {"query_row": query.row, "document_row": rows}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _trained(documents: pd.DataFrame, trace: pd.DataFrame, moment: str) -> np.ndarray:
    """Which of the documents are negatives that the last level trained on before the moment."""
    steps = int(trace["step"].max()) + 1
    before = {"start": 0, "middle": middle_step(steps), "end": steps}[moment]
    return _selected(documents, trace[trace["step"] < before], level=int(trace["level"].max()))


def _selected(documents: pd.DataFrame, trace: pd.DataFrame, level: int | None = None) -> np.ndarray:
    """Which of the documents are training negatives in the trace, at one level or at any."""
    seen = (trace if level is None else trace[trace["level"] == level]).explode("ranks")
    pairs = set(zip(seen["query_id"], seen["ranks"], strict=True))
    # Never those of dev queries, none of which has the id of a training query.
    keys = zip(documents["query_id"], documents["rank"], strict=True)
    return np.array([key in pairs for key in keys], dtype=bool)


def _hardest(documents: pd.DataFrame, size: int) -> np.ndarray:
    """Which of the documents are among the `size` highest-scored negatives of their query."""
    negatives = documents[documents["kind"] == "negative"].sort_values(
        ["score", "rank"], ascending=[False, True]
    )
    places = negatives.groupby(["split", "query_id"], sort=False).cumcount()
    return documents.index.isin(places.index[places < size])
