"""Checkpoint folders: checking that one is whole, and loading it with a new head or with none."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from sirbench.backbones.configuration import check_configuration, refuse_foreign_code
from sirbench.machine.errors import InputError, missing
from sirbench.machine.manifest import check_manifest

# transformers warns of every new head, and shows the progress of writes that take no time.
logging.set_verbosity_error()
logging.disable_progress_bar()


SPARE = 1024
"""Embeddings that a model may have and its tokenizer no token for: some are rounded up by a few hundreds."""


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint folder; `InputError` for one that is damaged or asks for foreign code."""
    check_manifest(folder)
    with _refused(f"{folder}: no usable tokenizer"):
        for name in ("config.json", "tokenizer_config.json"):
            if (folder / name).exists():
                refuse_foreign_code(folder / name)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    # Without the vocabulary's file, transformers makes a tokenizer to which every word is unknown.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise InputError(f"{folder}: no usable tokenizer: its vocabulary has no word; is a file missing?")
    if tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: no usable tokenizer: it has no token to pad with; is a file missing?")
    return tokenizer


def load_model(folder: Path, seed: int) -> PreTrainedModel:
    """A classifier with one label, float32: the checkpoint's encoder and its head, or a new one.

    The new head depends on `seed` alone. Weights of the encoder that are missing, or have another
    shape, are an `InputError`: they would be random without a word. So are weights of an encoder that the
    configuration has no place for: a model of fewer layers would be another one. Heads of other tasks,
    which published checkpoints carry along, are left out.
    """
    model, _ = _load_with_head(AutoModelForSequenceClassification, folder, seed)
    return model


def check_ranks(folder: Path) -> None:
    """Raise `InputError` unless all of a checkpoint's head is its own: a new one would score at random."""
    model, report = _load(AutoModelForSequenceClassification, folder, seed=0, num_labels=1)
    _check_encoder(folder, model, f"{model.base_model_prefix}.", report)
    if _random(report):  # BERT's pooler too, which the encoder's own check leaves to the head
        raise InputError(
            f"{folder}: this backbone does not rank: it has no head with one label, or not all of one; "
            "recipe none takes one that does, such as a published cross-encoder"
        )


def load_token_regression(folder: Path, seed: int) -> PreTrainedModel:
    """A regression with one output for each token, float32: encoder and head as in `load_model`.

    A ranker's head is replaced, although some have the names and shapes of this one.
    """
    model, kept = _load_with_head(AutoModelForTokenClassification, folder, seed)
    if kept and type(model).__name__ not in (model.config.architectures or []):
        with _drawn_from(seed):
            new = type(model)(model.config).eval()
        for name, part in new.named_children():
            if name != model.base_model_prefix:
                setattr(model, name, part)
    return model


def _load_with_head(architecture: type, folder: Path, seed: int) -> tuple[PreTrainedModel, bool]:
    """The model, and whether all of its head is the checkpoint's."""
    model, report = _load(architecture, folder, seed, num_labels=1)
    # What lies outside the encoder is the head.
    prefix = f"{model.base_model_prefix}."
    _check_encoder(folder, model, prefix, report)
    return model, all(key.startswith(prefix) for key in _random(report))


def load_encoder(folder: Path) -> PreTrainedModel:
    """The encoder of a checkpoint without any head, float32; for its hidden states.

    Weights that are missing, have another shape or have no place are an `InputError`, as in `load_model`. A
    pooler may be new, and is the same at every call: nothing uses it.
    """
    model, report = _load(AutoModel, folder, seed=0)
    _check_encoder(folder, model, "", report)
    return model


def _load(
    architecture: Any, folder: Path, seed: int, **options: object
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model, with new weights drawn from `seed`, and what transformers reports of its loading."""
    if not folder.is_dir():
        raise missing(folder)
    check_manifest(folder)
    refused = f"{folder}: not a checkpoint that can be loaded"
    with _refused(refused):
        check_configuration(folder)
    with _refused(refused), _drawn_from(seed):
        loaded: tuple[PreTrainedModel, dict[str, Any]] = architecture.from_pretrained(
            folder,
            **options,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    for name, weights in loaded[0].state_dict().items():
        if not bool(weights.isfinite().all()):
            raise InputError(f"{folder}: damaged weights: {name} has numbers that are not finite")
    return loaded


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """Turn whatever a library raises over a damaged file within the block into an `InputError`.

    That is of any kind: transformers looks up, divides by and compares what the file says, and a panic of
    tokenizers, which is written in Rust, is not even an `Exception`.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        said = str(error) if isinstance(error, (InputError, OSError, ValueError)) else repr(error)
        raise InputError(f"{what}: {said}") from error


@contextmanager
def _drawn_from(seed: int) -> Iterator[None]:
    """Draw new weights from `seed`, and leave the state of all other draws as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _random(report: dict[str, Any]) -> set[str]:
    """Names of the weights that are drawn, since the checkpoint lacks them or has them in another shape."""
    return {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}


def _check_encoder(folder: Path, model: PreTrainedModel, prefix: str, report: dict[str, Any]) -> None:
    """Raise `InputError` for weights under `prefix` that the checkpoint lacks, or has too many.

    BERT's pooler belongs to the head, although it is kept in the encoder.
    """
    lacking = sorted(
        key for key in _random(report) if key.startswith(prefix) and "pooler" not in key.split(".")
    )
    if lacking:
        raise InputError(
            f"{folder}: the checkpoint lacks {len(lacking)} weights of its encoder or has them in another "
            f"shape, e.g. {lacking[0]}; is it of another architecture than its config.json says?"
        )
    parts = {name for name, _ in model.base_model.named_children()}
    extra = sorted(
        key
        for key in report["unexpected_keys"]
        if key.removeprefix(f"{model.base_model_prefix}.").partition(".")[0] in parts
        and not {"pooler", "position_ids"} & set(key.split("."))
    )
    if extra:
        raise InputError(
            f"{folder}: the checkpoint has {len(extra)} weights of its encoder that its config.json has no "
            f"place for, e.g. {extra[0]}; do they belong together?"
        )


def check_checkpoint(folder: Path) -> None:
    """Raise `InputError` unless the folder is a cross-encoder that scores a pair of its own tokenizer's.

    The score must be a finite number: a null epsilon, for one, is noticed only when it is computed with.
    """
    model, tokenizer = load_model(folder, seed=0), load_tokenizer(folder)
    if len(tokenizer) > model.config.vocab_size:
        raise InputError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens and the model embeddings for "
            f"{model.config.vocab_size} only; do they belong together?"
        )
    if model.config.vocab_size - len(tokenizer) > SPARE:
        raise InputError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens and the model embeddings for "
            f"{model.config.vocab_size}; is its vocabulary cut?"
        )
    with _refused(f"{folder}: it cannot score a pair"), torch.no_grad():
        score = float(model(**tokenizer("left", "right", return_tensors="pt")).logits)
    if not isfinite(score):
        raise InputError(f"{folder}: it scores a pair with {score}; are its weights or config.json damaged?")
