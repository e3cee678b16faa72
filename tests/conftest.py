"""Collections for the tests: a copy of the caches beside the repository, and PyDocs' sliver, built once."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

CACHES = Path(__file__).parents[1] / "../shared/data/ir_datasets_home"


def pytest_configure(config):
    # ir_datasets reads the variable once, when it is imported, and writes into the folder.
    home = Path(tempfile.mkdtemp(prefix="sirbench-tests-")) / "ir_datasets"
    if CACHES.is_dir():
        shutil.copytree(CACHES, home, copy_function=shutil.copyfile)
    os.environ["IR_DATASETS_HOME"] = str(home)
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
