"""What commands leave on standard error, how soon help is there, and in which groups it shows verbs."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SLOW = ("torch", "transformers", "ir_datasets", "scipy", "bm25s", "tqdm")


def test_help_imports_nothing_slow():
    """All verbs in one process: what help of any of them imports is what the command line itself imports."""
    code = (
        "import sys; from typer.testing import CliRunner; from sirbench.cli import app\n"
        "groups = [group.typer_instance for group in app.registered_groups]\n"
        "commands = [command for group in groups for command in group.registered_commands]\n"
        "verbs = [command.name or command.callback.__name__ for command in commands]\n"
        "assert 'train_level' in verbs\n"
        "for verb in verbs:\n"
        "    assert CliRunner().invoke(app, [verb.replace('_', '-'), '--help']).exit_code == 0, verb\n"
        f"print(*[name for name in {SLOW} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_verb_is_in_a_group_of_the_help():
    from sirbench.cli import app

    groups = [group.typer_instance for group in app.registered_groups]
    panels = [{command.rich_help_panel for command in group.registered_commands} for group in groups]
    assert app.registered_commands == []
    assert [len(panel) for panel in panels] == [1] * len(groups)
    assert all(isinstance(name, str) for panel in panels for name in panel)
    assert len(set.union(*panels)) == len(groups)


NOISE = """
import logging, sys
from sirbench.cli import _prepare_stderr
_prepare_stderr()
import bm25s
logging.getLogger("bm25s").debug("index built")
logging.getLogger("someone").warning("someone's warning")
logging.getLogger("sirbench.training").info("our message")
from tqdm import tqdm
for _ in tqdm(range(200)): __import__("time").sleep(0.01)
"""


def test_a_log_file_gets_our_messages_others_warnings_and_few_lines_of_progress():
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", NOISE], env=variables, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stderr.replace("\r", "\n").split("\n") if line]
    assert lines[:2] == ["WARNING: someone's warning", "INFO: our message"]
    assert len(lines) == 4 and "0/200" in lines[2] and "200/200" in lines[3]  # the first and the last


@pytest.mark.parametrize("noise", ["Writing model shards", "Loading weights"])
def test_transformers_own_bars_are_off(noise, tiny_backbone, tmp_path, capfd):
    from sirbench.backbones.checkpoint import load_model

    load_model(tiny_backbone, seed=1).save_pretrained(tmp_path)
    assert noise not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("verb", "missing"),
    [
        ("train", "results/test/collection/train.queries.tsv"),
        ("rerank", "results/test/candidates/bm25/dev.trec.gz"),
        ("evaluate", "results/test/collection/dev.queries.tsv"),
    ],
)
def test_a_missing_file_of_an_earlier_step_is_a_message_with_the_command_that_makes_it(
    verb, missing, tmp_path
):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    cell = ["--candidates", "bm25", "--backbone", "bert", "--recipe", "v0", "--seed", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "sirbench", verb, "--study", "test", *cell],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert f"`snakemake --cores 1 --config study=test -- {missing}` makes it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_is_a_message_and_the_exit_code_of_what_resumes(monkeypatch, capsys):
    from sirbench import cli

    def write():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/test/cells/state.pt")

    monkeypatch.setattr(cli, "app", write)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 75
    message = capsys.readouterr().err
    assert message.startswith("error: results/test/cells/state.pt: No space left on device; ")
    assert "what was finished is kept" in message
