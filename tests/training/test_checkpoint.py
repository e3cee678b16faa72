"""A checkpoint that cannot be written: the reason, and the old one left."""

import subprocess
import sys

import torch

from sirbench.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from tests.checkouts import ROOT


def parts(width):
    model = torch.nn.Linear(width, width)
    optimizer = torch.optim.AdamW(model.parameters())
    return model, optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer)


SAVE_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from sirbench.training.checkpoint import Progress, save_checkpoint
from tests.training.test_checkpoint import parts
large = parts(100)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
try:
    save_checkpoint(Path(sys.argv[1]), "same", Progress(4, 2.0), *large)
except OSError as error:
    print(error.strerror, error.filename)
"""


def test_a_full_disk_is_named_and_the_old_checkpoint_stays(tmp_path):
    """In a process of its own, whose files may have a few kilobytes, as on a disk that is nearly full."""
    path = tmp_path / "checkpoint/state.pt"
    save_checkpoint(path, "same", Progress(3, 1.5), *parts(2))
    command = [sys.executable, "-c", SAVE_WITHOUT_ROOM, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"File too large {path}\n"
    assert [file.name for file in path.parent.iterdir()] == ["state.pt"]
    assert load_checkpoint(path, "same", *parts(2)).step == 3


def test_a_checkpoint_without_a_fingerprint_is_another_ones(tmp_path):
    path = tmp_path / "state.pt"
    torch.save({"progress": (3, 1.5)}, path)
    assert load_checkpoint(path, "same", *parts(2)).step == 0
