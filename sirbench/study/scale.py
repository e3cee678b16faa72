"""The scale of a study: what the model reads, how it is trained, and what a job asks of the machine."""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from sirbench.study.settings import Settings

Share = Annotated[float, Field(ge=0, lt=1)]

FP32 = 2
"""Revision of what `precision: fp32` computes, for checkpoints: 1 was the last layer for all positions."""

BF16 = 3
"""Revision of what `precision: bf16` computes, likewise: 1 was autocast everywhere, 2 had another AdamW."""


class Input(Settings):
    """How a (query, document) pair becomes tokens: [CLS] query [SEP] document [SEP]."""

    max_tokens: int = Field(512, ge=8)
    """Tokens of a pair, special tokens included; only the document is cut to fit."""
    max_query_tokens: int = Field(64, ge=1)
    """Tokens of a query; a longer one is cut. (BERT rerankers of MS MARCO commonly use 64.)"""
    passages: Literal["first", "max"] = Field("first", exclude_if=lambda passages: passages == "first")
    """What of a document that does not fit counts: its first passage, or the one that scores best."""
    stride: int | None = Field(None, ge=1, exclude_if=lambda stride: stride is None)
    """With `passages: max`: tokens from the beginning of a passage to that of the next; null: half of what
    `max_query_tokens` leave of `max_tokens`, so that passages overlap by half (as Dai and Callan's do)."""
    max_passages: int = Field(4, ge=2, exclude_if=lambda number: number == 4)
    """With `passages: max`: passages of a document, at most; the rest of a longer one is not read."""
    trained_passage: Literal["best", "first"] = Field("best", exclude_if=lambda which: which == "best")
    """With `passages: max`: the passage that stands for its document in training; `best` is that which the
    model in training scores best, without dropout."""

    @property
    def step(self) -> int:
        """Tokens from the beginning of a passage to that of the next."""
        return self.stride or (self.max_tokens - self.max_query_tokens) // 2

    @property
    def further_tokens(self) -> int:
        """Tokens of a document, at most, that are read beyond those of its first passage."""
        return (self.max_passages - 1) * self.step if self.passages == "max" else 0

    @model_validator(mode="after")
    def _room_for_the_document(self) -> Self:
        if self.max_query_tokens + 8 > self.max_tokens:
            raise ValueError(
                f"max_query_tokens={self.max_query_tokens} leaves no room for a document in "
                f"max_tokens={self.max_tokens}; lower the first or raise the second (8 or more between them)"
            )
        return self

    @model_validator(mode="after")
    def _passages_leave_nothing_out(self) -> Self:
        unread = self.model_fields_set & {"stride", "max_passages", "trained_passage"}
        if self.passages == "first" and unread:
            raise ValueError(f"{min(unread)}: is read with `passages: max` only; say that too, or remove it")
        if self.stride and self.stride + self.max_query_tokens + 8 > self.max_tokens:
            raise ValueError(
                f"stride={self.stride} would skip tokens between passages, as max_query_tokens="
                f"{self.max_query_tokens} of max_tokens={self.max_tokens} leave room for fewer; "
                f"lower it to {max(1, self.max_tokens - self.max_query_tokens - 8)} or less"
            )
        return self


class Optimization(Settings):
    """AdamW and its schedule, for whatever is trained; where the paper is silent, why."""

    learning_rate: float = Field(5e-5, gt=0)
    """AdamW's peak learning rate (paper: 5e-5)."""
    adam_betas: tuple[Share, Share] = Field((0.9, 0.999), strict=False)
    """AdamW's decay rates (paper: 0.9 and 0.999)."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decoupled decay of matrices, not of biases and norms (paper silent; AdamW's usual value)."""
    warmup: float = Field(0.1, ge=0, le=1)
    """Share of the steps with a linearly rising learning rate; it falls linearly to 0 afterwards."""
    gradient_clip: float | None = Field(1.0, gt=0)
    """Largest gradient norm (paper silent; 1.0 is what BERT's own fine-tuning used); null: no clipping."""
    checkpoint_every: int = Field(200, ge=1)
    """Steps between checkpoints, that is the most work a killed job loses."""


class Training(Optimization):
    """Fine-tuning, as the paper's section *Implementation Details* says."""

    epochs: int = Field(2, ge=1)
    """Passes over the training queries, per level for V1 and V2 (paper: 2)."""
    blocks_per_step: int = Field(4, ge=1)
    """Blocks per optimiser step, over all GPUs together (paper: batch size of the training block 4)."""


class WhatFits(NamedTuple):
    """Activations are kept as far as memory allows, and computed again otherwise."""

    mem_mb: int
    """Main memory of the job in MB."""


class Compute(Settings):
    """What a job asks of the machine. None of it changes a result beyond rounding and, where the backbone has
    dropout, the masks that are drawn: each chunk, and each GPU, has its own."""

    gpus: int = Field(1, ge=0)
    """GPUs of a training job; 0 trains on the CPU."""
    threads: int = Field(1, ge=1)
    """CPU threads of a training or re-ranking job."""
    mem_mb: int = Field(8000, ge=100)
    """Main memory of a training job in MB; doubled on a retry."""
    runtime: int = Field(60, ge=1)
    """Wall time of a training job in minutes; a retry gets as much again on top."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of an encoder, forward and backward; bf16 is of use on GPUs, and on CPUs with avx512_bf16 or
    amx (the suite's own for BERT and ELECTRA as cross-encoders on CPUs, autocast elsewhere). Weights,
    heads and scores are always fp32."""
    chunk_tokens: int = Field(16384, ge=64)
    """Tokens, padding included, that go through the encoder at once: the knob for memory."""
    gradient_cache: Literal["auto"] | bool = "auto"
    """Which activations are computed again in the backward pass instead of being kept: true, all, so that a
    block trains in the memory of one chunk, for a third more time; false, none; auto, those for which there
    is no memory (of the GPU; or of the machine, the container and `mem_mb`). All give the same bytes."""

    @property
    def gradient(self) -> Literal["kept", "cached"] | WhatFits:
        """What becomes of activations between forward and backward pass."""
        if self.gradient_cache == "auto":
            return WhatFits(self.mem_mb)
        return "cached" if self.gradient_cache else "kept"

    @property
    def arithmetic(self) -> dict[str, object]:
        """What a job may not change on the way: rounding and masks of dropout depend on it."""
        changing = self.model_dump(include={"gpus", "precision", "chunk_tokens"})
        return changing | ({"bf16": BF16} if self.precision == "bf16" else {"fp32": FP32})
