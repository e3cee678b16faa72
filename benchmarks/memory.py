"""Peak memory of a training step: a block of 88 documents against one of 22, all of the same length.

Each is measured in a fresh process (`python -m benchmarks.memory MODEL STORE MODE DOCUMENTS`), since memory
that was once asked for is not always given back.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.material import Material, first_layers
from benchmarks.step import CHUNK_TOKENS, CPR, LAYERS, step
from benchmarks.timing import Row
from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder, Gradient
from sirbench.fine_tuning.batch import block_scorer
from sirbench.fine_tuning.blocks import Block
from sirbench.machine.errors import InputError
from sirbench.strategies.v4 import V4

GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
"""Makes glibc return freed tensors to the system at once: the resident set then is what is really held."""

LEVELS = {88: [88, 48, 16], 22: [22, 12, 4]}
"""Levels of a block of so many documents: the paper's, and a quarter of them."""


def run(material: Material) -> list[Row]:
    """The large block's peak over the small one's, with a gradient cache and, for contrast, without."""
    if sys.platform != "linux":
        raise InputError("benchmark memory: it reads /proc/self, which only Linux has")
    max_tokens = 64 if material.quick else 256
    material.store(max_tokens)
    rounds = 1 if material.quick else 3
    folders = [str(material.model_folder), str(material.folder / f"tokens-{max_tokens}")]
    kinds = {
        "cached": ("cached", GIVE_BACK),
        "kept": ("kept", GIVE_BACK),
        "cached, default malloc": ("cached", {}),
    }
    ratios: dict[str, list[float]] = {kind: [] for kind in kinds}
    for kind in tqdm([kind for _ in range(rounds) for kind in kinds], desc="memory", unit="pair"):
        mode, variables = kinds[kind]
        large, small = (peak_in_new_process(variables, *folders, mode, str(size)) for size in LEVELS)
        ratios[kind].append(large / small)
    goals = {"cached": "<= 1.15"}
    return [
        Row(f"peak memory, {kind}: 88 documents / 22", ratios[kind], goals.get(kind, "")) for kind in kinds
    ]


def peak_in_new_process(variables: Mapping[str, str], *arguments: str) -> int:
    """What `step_peak` returns when called in a process of its own with these environment variables."""
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return int(done.stdout)


def step_peak(model_folder: Path, store_folder: Path, mode: Gradient, size: int) -> int:
    """KiB by which one V4 `fresh` step raises the resident set over what it is with the model loaded."""
    torch.set_num_threads(1)
    encoder = CrossEncoder(
        first_layers(model_folder, LAYERS), TokenStore(store_folder), chunk_tokens=CHUNK_TOKENS
    )
    block = longest_block(encoder.store, size)
    strategy = V4(levels=LEVELS[size], cpr=CPR)
    one_step = step(encoder.model, block, block_scorer(encoder, [block], mode), strategy)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before = resident("VmRSS")
    one_step()
    return resident("VmHWM") - before


def longest_block(store: TokenStore, size: int) -> Block:
    """The longest documents of the store: `max_tokens` long, where it has enough such."""
    every = np.arange(len(store.documents.ids))
    chosen = np.argsort(-store.documents.lengths(every), kind="stable")[:size]
    return Block(0, chosen, np.arange(size), np.zeros(size, dtype=np.float32))


def resident(field: str) -> int:
    """A memory field of /proc/self/status, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)[1])


if __name__ == "__main__":
    model, store, mode, size = sys.argv[1:]
    print(step_peak(Path(model), Path(store), mode, int(size)))
