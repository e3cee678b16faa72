"""Checkpoint folders: checking that one is whole, and loading it as a cross-encoder's model."""

from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from sirbench.errors import InputError

HEAD = ("classifier", "score", "pooler", "dense", "out_proj")
"""Parts of a classifier that a pre-trained checkpoint may lack: they are drawn from the cell's seed."""


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint folder."""
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no usable tokenizer: {error}") from error


def load_model(folder: Path, seed: int) -> PreTrainedModel:
    """A classifier with one label, float32: the checkpoint's encoder and, unless it has one, a new head.

    The new head depends on `seed` alone. Weights of the encoder that are missing, or have another
    shape, are an `InputError`: they would be random without a word.
    """
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                num_labels=1,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"{folder}: not a checkpoint that can be loaded: {error}") from error
    lacking = sorted(key for key in report["missing_keys"] if not set(key.split(".")) & set(HEAD))
    if lacking:
        raise InputError(
            f"{folder}: the checkpoint lacks {len(lacking)} weights of its encoder, e.g. {lacking[0]}; "
            "is it of another architecture than its config.json says?"
        )
    return model


def check_checkpoint(folder: Path) -> None:
    """Raise `InputError` unless the folder loads as a cross-encoder and its tokenizer fits the vocabulary."""
    tokenizer = load_tokenizer(folder)
    size = AutoConfig.from_pretrained(folder, local_files_only=True).vocab_size
    if len(tokenizer) > size:
        raise InputError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens and the model embeddings for {size} only"
        )
    load_model(folder, seed=0)
