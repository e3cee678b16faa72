"""A corpus of eight pages that can be checked by eye, and what objectives are made of on it."""

import pytest

from tests.conftest import WORDS

PAGES = 8
LINKS = {0: (1, 2), 1: (2,), 3: (0, 2), 4: (5,), 6: (4,)}
"""Page to the pages that it links to; nothing links to pages 3, 6 and 7, and 7 links to nothing."""


def sentence(page, number):
    """Six words that differ from sentence to sentence, with a stop word among them."""
    words = WORDS.split()
    chosen = [words[(page * 5 + number * 3 + i * (number + 1)) % len(words)] for i in range(5)]
    return f"{chosen[0].capitalize()} {chosen[1]} the {chosen[2]} {chosen[3]} {chosen[4]}."


def sentences_of(page):
    """Three to five sentences; the first two are the page's first section."""
    return [sentence(page, number) for number in range(3 + page % 3)]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory, tiny_backbone):
    from sirbench.backbones.checkpoint import load_tokenizer
    from sirbench.backbones.corpora import Page
    from sirbench.backbones.corpora.store import CorpusStore, build_corpus_store

    pages = [
        Page(
            f"page {page}",
            lead=[" ".join(sentences_of(page)[:2])],
            body=sentences_of(page)[2:],
            links=[f"page {other}" for other in LINKS.get(page, ())],
        )
        for page in range(PAGES)
    ]
    folder = tmp_path_factory.mktemp("corpora") / "eight"
    build_corpus_store(folder, load_tokenizer(tiny_backbone), pages)
    return CorpusStore(folder)


@pytest.fixture(scope="session")
def tiny_electra(tmp_path_factory, texts):
    from sirbench.backbones import make_backbone
    from sirbench.study import TinyBackbone

    folder = tmp_path_factory.mktemp("backbones") / "electra"
    shape = {"layers": 1, "hidden": 16, "heads": 4, "vocabulary": 120}
    make_backbone(
        TinyBackbone(source="tiny", architecture="electra", **shape), folder, lambda: texts[0].values()
    )
    return folder


@pytest.fixture
def material(tiny_backbone, corpus):
    """Makes material: the model without dropout, so that a loss can be computed a second time."""
    from sirbench.backbones.checkpoint import load_model, load_tokenizer
    from sirbench.backbones.objectives import Material
    from sirbench.data.tokens import pair_template
    from sirbench.study import Compute

    def make(start=tiny_backbone, **changes):
        tokenizer = load_tokenizer(start)
        parts = {
            "model": load_model(start, seed=1).eval(),
            "start": start,
            "tokenizer": tokenizer,
            "template": pair_template(tokenizer, 40),
            "corpus": corpus,
            "queries": lambda: ["sparse solver", "the graph of nodes"],
            "max_query_tokens": 10,
            "batch": 4,
            "negatives": 3,
            "seed": 1,
            "compute": Compute(gpus=0, gradient_cache=False),
        }
        return Material(**parts | changes)

    return make
