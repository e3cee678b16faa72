"""A step takes no more memory than the job has, whatever would be faster."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from sirbench.data.tokens import TokenStore
from sirbench.encoding.cross_encoder import CrossEncoder
from sirbench.encoding.keeping import Room
from sirbench.study.scale import WhatFits
from tests.training.jobs import in_new_process

SIZES = {"vocab_size": 200, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}


def resident(field):
    """A memory field of /proc/self/status, in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)[1])


def measure_a_step(store, how, room, result):
    """Write down by how much a step raises the memory of this process, and how many chunks were kept of all.

    Where activations are kept as memory allows, the process may take `room` bytes more than it has.
    """
    torch.set_num_threads(1)
    model = BertForSequenceClassification(BertConfig(**SIZES, intermediate_size=256, num_labels=1)).train()
    encoder = CrossEncoder(model, TokenStore(store), chunk_tokens=2000)
    documents = encoder.store.documents.lengths(np.arange(60)).argsort()[-30:].repeat(20)
    takes, taken = Room.takes, []
    Room.takes = lambda *given: taken.append(takes(*given)) or taken[-1]
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before = resident("VmRSS")
    gradient = WhatFits((before + room) // 10**6) if how == "auto" else how
    encoder.score(np.zeros(600, dtype=int), documents, gradient).logsumexp(0).backward()
    result.write_text(f"{resident('VmHWM') - before} {sum(taken)} {len(taken)}")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_job_stays_within_its_memory(tiny_store, tiny_store_folder, tmp_path):
    """Which all activations would not; some are kept all the same."""
    room = 300 * 10**6
    for how in ("kept", "auto"):
        in_new_process((measure_a_step, tiny_store_folder, how, room, tmp_path / how))
    peak, *_ = map(int, (tmp_path / "kept").read_text().split())
    assert peak > room
    peak, kept, chunks = map(int, (tmp_path / "auto").read_text().split())
    assert peak < room and 0 < kept < chunks
