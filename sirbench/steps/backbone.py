"""Verbs `backbone` and `tokenize`: a checkpoint in a local folder, and the collection in its tokens."""

from tqdm import tqdm

from sirbench.backbones import make_backbone
from sirbench.backbones.checkpoint import load_tokenizer
from sirbench.data import collections
from sirbench.data.sources import check_sources
from sirbench.data.tokens import build_token_store
from sirbench.jobs.configuration import Configuration
from sirbench.jobs.layout import Layout


def fetch_backbone(config: Configuration, name: str) -> None:
    """Write the checkpoint of a backbone into its folder."""
    layout, collection = Layout(config.name), config.study.collection

    def texts() -> list[str]:
        check_sources(collection, layout.collection)
        return [document.text for document in collections.iterate_documents(collection.train)]

    make_backbone(config.study.backbones[name], layout.backbone(name), texts)


def tokenize(config: Configuration, backbone: str) -> None:
    """Tokenise every document of the collection and every query of the study, once for all cells."""
    layout, study = config.layout, config.study
    check_sources(study.collection, layout.collection)
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
        further_tokens=study.input.further_tokens,
    )
