"""A checkpoint that cannot be written: the reason, and the old one left."""

import resource

import pytest
import torch

from sirbench.training.checkpoint import Progress, load_checkpoint, save_checkpoint


@pytest.fixture
def no_large_files():
    """Files of this process may have a few kilobytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def parts(width):
    model = torch.nn.Linear(width, width)
    optimizer = torch.optim.AdamW(model.parameters())
    return model, optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer)


def test_a_full_disk_is_named_and_the_old_checkpoint_stays(tmp_path, request):
    path, small, large = tmp_path / "checkpoint/state.pt", parts(2), parts(100)
    save_checkpoint(path, "same", Progress(3, 1.5), *small)
    request.getfixturevalue("no_large_files")
    with pytest.raises(OSError, match="File too large") as raised:
        save_checkpoint(path, "same", Progress(4, 2.0), *large)
    assert raised.value.filename == str(path)
    assert [file.name for file in path.parent.iterdir()] == ["state.pt"]
    assert load_checkpoint(path, "same", *parts(2)).step == 3


def test_a_checkpoint_without_a_fingerprint_is_another_ones(tmp_path):
    path = tmp_path / "state.pt"
    torch.save({"progress": (3, 1.5)}, path)
    assert load_checkpoint(path, "same", *parts(2)).step == 0
