"""What tests share: the caches beside the repository, PyDocs' sliver, and a world of the smallest size."""

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

CACHES = Path(__file__).parents[1] / "../shared/data/ir_datasets_home"
WORDS = "array axis matrix tensor index shape value graph node edge sparse dense solver kernel plot"


PURE = (
    "strategies",
    "study",
    "jobs",
    "evaluation",
    "encoding",
    "machine",
    "data",
    "reporting/tables",
    "firststage/lexical",
    "firststage/term_weights",
    "backbones/corpora",
    "test_config.py",
)
"""What `--quick` runs: tests of pure code, which start no process and train no model."""
SLOW_ALL_THE_SAME = ("test_pydocs.py", "test_msmarco.py", "test_collections.py", "test_download.py")


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="tests of pure code only, a minute and a half")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--quick"):
        return
    here = Path(__file__).parent
    places = {item: item.path.relative_to(here).as_posix() for item in items}
    pure = [
        item
        for item, place in places.items()
        if place.startswith(PURE) and item.path.name not in SLOW_ALL_THE_SAME
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(pure)])
    items[:] = pure


def pytest_configure(config):
    # Tensors of tests are tiny: threads would only get in each other's way, here and in subprocesses.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # ir_datasets reads the variable once, when it is imported, and writes into the folder.
    home = Path(tempfile.mkdtemp(prefix="sirbench-tests-")) / "ir_datasets"
    if CACHES.is_dir():
        shutil.copytree(CACHES, home, copy_function=shutil.copyfile)
    os.environ["IR_DATASETS_HOME"] = str(home)
    # Models this small are slower on several threads, the more so beside other work.
    os.environ["OMP_NUM_THREADS"] = "1"
    config.add_cleanup(lambda: shutil.rmtree(home.parent, ignore_errors=True))


@pytest.fixture(scope="session")
def caches():
    """Skips the test where there is no cache of real collections to read offline."""
    if not CACHES.is_dir():
        pytest.skip(f"no ir_datasets caches at {CACHES}")


@pytest.fixture(scope="session")
def pydocs_sliver(tmp_path_factory):
    """The folder of a built `pydocs-sliver`, where ir_datasets finds it while the tests run."""
    from sirbench.data import pydocs

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIRBENCH_DATA", str(tmp_path_factory.mktemp("data")))
        folder = pydocs.data_home() / "pydocs-sliver"
        pydocs.build("pydocs-sliver", folder)
        yield folder


@pytest.fixture(scope="session")
def texts():
    """Documents (60, of 0 to 80 words; `d0` is empty) and queries (9, of 2 to 6 words) by id."""
    draw = random.Random(1)

    def text(shortest, longest):
        return " ".join(draw.choices(WORDS.split(), k=draw.randint(shortest, longest)))

    documents = {"d0": ""} | {f"d{i}": text(1, 80) for i in range(1, 60)}
    queries = {f"q{i}": text(2, 6) for i in range(9)}
    return documents, queries


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory, texts):
    """The folder of a BERT with one layer, 16 wide; dropout 0.1 as BERT's configuration has it."""
    from sirbench.backbones import make_backbone
    from sirbench.machine.manifest import manifest_of
    from sirbench.study import TinyBackbone

    folder = tmp_path_factory.mktemp("backbones") / "bert"
    spec = TinyBackbone(source="tiny", layers=1, hidden=16, heads=2, vocabulary=120)
    make_backbone(spec, folder, lambda: texts[0].values())
    manifest_of(folder).unlink()  # tests change copies of it
    return folder


@pytest.fixture(scope="session")
def tiny_store_folder(tmp_path_factory, texts, tiny_backbone):
    """The folder of the token store of `texts` for `tiny_backbone`: 40 tokens a pair, 8 a query."""
    from sirbench.backbones.checkpoint import load_tokenizer
    from sirbench.data.tokens import build_token_store

    folder = tmp_path_factory.mktemp("tokens") / "bert"
    documents, queries = (part.items() for part in texts)
    tokenizer = load_tokenizer(tiny_backbone)
    build_token_store(folder, tokenizer, documents, queries, max_tokens=40, max_query_tokens=8)
    return folder


@pytest.fixture(scope="session")
def tiny_store(tiny_store_folder):
    """The token store of `texts` for `tiny_backbone`."""
    from sirbench.data.tokens import TokenStore

    return TokenStore(tiny_store_folder)
