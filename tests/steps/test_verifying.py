"""Verb `verify`: everything with a manifest is read through, and all that is damaged is named at once."""

import os
from types import SimpleNamespace

import pytest

from sirbench.jobs.layout import Layout
from sirbench.machine import manifest
from sirbench.machine.errors import InputError
from sirbench.machine.manifest import recorded_file, recorded_folder
from sirbench.steps.verifying import verify

STUDY, LAYOUT = SimpleNamespace(name="s"), Layout("s")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A run and a model, larger than what is read whenever it is used."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(manifest, "SMALL", 2)
    with recorded_file(LAYOUT.candidates("bm25", "dev")) as path:
        path.write_text("some lines")
    with recorded_folder(LAYOUT.backbone("bert")) as path:
        (path / "weights").write_text("some weights")
    LAYOUT.collection.parent.mkdir()
    LAYOUT.collection.write_text("without a manifest")


def test_what_is_whole_is_counted(results):
    assert verify(STUDY) == 2


def test_all_that_is_damaged_is_named_also_where_size_and_time_are_right(results):
    run, weights = LAYOUT.candidates("bm25", "dev"), LAYOUT.backbone("bert") / "weights"
    for path, text in ((run, "same lines"), (weights, "same weights")):
        path.write_text(text)
        os.utime(path, (0, 0))
    with pytest.raises(InputError, match="2 of 2 are not as they were written") as refused:
        verify(STUDY)
    assert str(run) in str(refused.value) and str(weights) in str(refused.value)
