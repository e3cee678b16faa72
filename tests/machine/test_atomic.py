import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sirbench.machine.atomic import ABANDONED, atomic_file, atomic_folder, sweep
from sirbench.machine.process import is_alive, machine_identity


def test_a_file_appears_with_its_whole_content(tmp_path):
    path = tmp_path / "new" / "run.trec.gz"
    with atomic_file(path) as temporary:
        assert temporary.name.endswith("run.trec.gz") and temporary.parent == path.parent
        temporary.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half"
    assert [one.name for one in path.parent.iterdir()] == ["run.trec.gz"]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as temporary:
        temporary.write_text("new")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "file"):
        pass


def test_a_folder_replaces_another_as_a_whole(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").write_text("old")
    with atomic_folder(path) as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "new").write_text("new")
        assert (path / "old").exists()
    assert [one.name for one in path.iterdir()] == ["sub"]
    assert (path / "sub" / "new").read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    with pytest.raises(RuntimeError), atomic_folder(path) as temporary:
        (temporary / "new").write_text("new")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == [path] and not list(path.iterdir())


KILLED = """
import os, shutil, sys
from pathlib import Path
from sirbench.machine import atomic
calls = 0
def die(event, arguments):
    global calls
    if event in ("os.rename", "os.remove", "os.rmdir", "open", "os.mkdir") and started:
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
started = False
sys.addaudithook(die)
path = Path(sys.argv[1])
started = True
with atomic.atomic_folder(path) as temporary:
    for name in "abc":
        (temporary / name).write_text("new")
started = False
"""


def test_a_kill_at_any_moment_leaves_a_whole_folder_or_none(tmp_path):
    """Every call to the file system is tried as the moment, until one is beyond the last."""
    whole = {"old": dict.fromkeys("abc", "old"), "new": dict.fromkeys("abc", "new"), "none": {}}
    seen = []
    for moment in range(1, 100):
        path = tmp_path / str(moment) / "model"
        path.mkdir(parents=True)
        for name in "abc":
            (path / name).write_text("old")
        code = subprocess.run(
            [sys.executable, "-S", "-c", KILLED, path, str(moment)], env=ENVIRONMENT
        ).returncode
        found = {one.name: one.read_text() for one in path.iterdir()} if path.exists() else {}
        seen.append(next(name for name, content in whole.items() if content == found))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert seen[0] == "old" and seen[-1] == "new"
    assert seen == sorted(seen, key=["old", "none", "new"].index)


def left(folder, process, machine=None, kind="tmp", name="model"):
    """What a writer has left half written."""
    path = folder / f".{kind}-{machine or machine_identity()}-{process}-{name}"
    path.mkdir()
    (path / "half").write_text("half")
    return path


@pytest.fixture
def dead():
    """The number of a process that is no more."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


@pytest.mark.parametrize("write", [atomic_file, atomic_folder])
def test_what_the_dead_have_left_is_swept_by_the_next_writer(write, tmp_path, dead):
    """Whatever it was to be called: the next start may write other files."""
    half = tmp_path / f".tmp-{machine_identity()}-{dead}-state.pt"
    half.write_text("half")
    swept = [left(tmp_path, dead), left(tmp_path, dead, kind="old"), half]
    alive = [left(tmp_path, os.getpid(), name="other"), left(tmp_path, 1)]
    with write(tmp_path / "new") as temporary:
        temporary.write_text("new") if write is atomic_file else (temporary / "new").write_text("new")
    assert not any(path.exists() for path in swept) and all(path.exists() for path in alive)


def test_what_lies_there_under_other_names_stays(tmp_path, dead):
    others = [
        ".tmp-1-model",
        ".tmp-model",
        ".oldest-00000000-1-x",
        "tmp-00000000-1-x",
        ".snakemake_timestamp",
    ]
    for name in others:
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_of_another_machine_s_only_what_is_old_goes(tmp_path):
    """Its processes cannot be asked for. A folder is as new as the newest file in it."""
    new, old, growing = (left(tmp_path, 1, machine="00000000", name=name) for name in "abc")
    before = time.time() - ABANDONED - 60
    for path in (old, old / "half", growing):
        os.utime(path, (before, before))
    sweep(tmp_path)
    assert (new.exists(), old.exists(), growing.exists()) == (True, False, True)


def test_a_link_is_swept_and_not_what_it_leads_to(tmp_path, dead):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("precious")
    (tmp_path / f".tmp-{machine_identity()}-{dead}-x").symlink_to(tmp_path / "precious")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert (tmp_path / "precious/file").read_text() == "precious"


def test_a_folder_that_is_not_there_is_swept_in_peace(tmp_path):
    sweep(tmp_path / "none")


def test_who_is_alive(dead):
    assert is_alive(os.getpid()) and is_alive(1) and not is_alive(dead) and is_alive(10**30)
    assert re.fullmatch("[0-9a-f]{8}", machine_identity())


ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
