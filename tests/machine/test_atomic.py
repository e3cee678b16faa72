import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sirbench.machine.atomic import atomic_file, atomic_folder


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


ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
