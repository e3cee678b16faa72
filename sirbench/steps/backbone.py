"""Verbs `backbone` and `tokenize`: a checkpoint in a local folder, and the collection in its tokens."""

from tqdm import tqdm

from sirbench.backbones import make_backbone
from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.data import collections
from sirbench.data.tokens import build_token_store
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout


def fetch_backbone(config: Configuration, name: str) -> None:
    """Write the checkpoint of a backbone into its folder."""
    dataset = config.study.collection.train

    def texts() -> list[str]:
        return [document.text for document in collections.iterate_documents(dataset)]

    make_backbone(config.study.backbones[name], Layout(config.name).backbone(name), texts)


def tokenize(config: Configuration, backbone: str) -> None:
    """Tokenise every document of the collection and every query of the study, once for all cells."""
    layout, study = config.layout, config.study
    documents = collections.iterate_documents(study.collection.train)
    queries: dict[str, str] = {}
    for split in (it for it in study.collection.splits if it != "validation"):
        queries |= collections.load_queries(layout.queries(split))
    build_token_store(
        layout.tokens(backbone),
        load_tokenizer(layout.backbone(backbone)),
        tqdm(documents, f"tokens for {backbone}", unit=" documents"),
        queries.items(),
        max_tokens=study.input.max_tokens,
        max_query_tokens=study.input.max_query_tokens,
    )
