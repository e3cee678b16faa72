"""A sealed file is whole to the last bit, or it is not sealed; PyTorch reads it all the same."""

import hashlib
import os

import pytest
import torch

from sirbench.machine.seal import LENGTH, is_sealed, seal, sha256_of_beginning


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "state.pt"
    torch.save({"weights": torch.arange(50.0), "step": 3}, path)
    content = path.read_bytes()
    seal(path)
    assert path.read_bytes() == content + hashlib.sha256(content).hexdigest().encode()
    return path


def test_pytorch_reads_it(sealed):
    assert is_sealed(sealed)
    state = torch.load(sealed, weights_only=True)
    assert state["step"] == 3 and torch.equal(state["weights"], torch.arange(50.0))


def test_every_flipped_bit_is_noticed(sealed):
    content = sealed.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        sealed.write_bytes(flipped)
        assert not is_sealed(sealed), place


def test_every_cut_and_everything_that_is_added_is_noticed(sealed):
    content = sealed.read_bytes()
    for length in [*range(0, len(content), 37), len(content) - 1]:
        sealed.write_bytes(content[:length])
        assert not is_sealed(sealed), length
    for added in (b"\x00", b"\n", bytes(4096)):
        sealed.write_bytes(content + added)
        assert not is_sealed(sealed)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not is_sealed(tmp_path / "pipe") and not is_sealed(tmp_path / "none") and not is_sealed(tmp_path)


def test_the_sha256_of_a_beginning(tmp_path):
    path = tmp_path / "file"
    content = bytes(range(256)) * 10_000
    path.write_bytes(content)
    for size in (0, 1, 1 << 20, (1 << 20) + 1, len(content)):
        assert sha256_of_beginning(path, size) == hashlib.sha256(content[:size]).hexdigest()
    assert sha256_of_beginning(path, len(content) + 5) == hashlib.sha256(content).hexdigest()
    assert LENGTH == 64
