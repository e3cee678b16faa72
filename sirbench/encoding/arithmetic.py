"""How a model's forward passes are computed: in float32, by autocast, or in the suite's own bf16."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import PreTrainedModel

from sirbench.encoding import first_position
from sirbench.encoding.bf16.dropouts import masked_dropout
from sirbench.encoding.bf16.encoder import Bf16Encoder, supports
from sirbench.encoding.bf16.masks import Masks
from sirbench.encoding.precision import Precision, encoding

Key = tuple[object, ...]


class Arithmetic:
    """The arithmetic of one model.

    Float32 is torch's own, dropout included, but for the last layer, of which no more is computed than the
    head reads. `bf16` is the suite's own on the CPU for the architectures that it knows, autocast elsewhere.
    """

    def __init__(self, model: PreTrainedModel, precision: Precision, *, first_only: bool):
        """Choose.

        Args:
            model: any model of transformers, on the device where it stays.
            precision: of its encoder; the head on it is float32 in any case.
            first_only: whether the head reads the state of the first position alone, which is what a
                cross-encoder's does. Float32 and the suite's own bf16 then skip the others in the last layer.
        """
        self.model = model
        self.precision = precision
        self.first_only = first_only
        self.shortened = first_only and precision == "fp32" and first_position.supports(model.base_model)
        own = precision == "bf16" and supports(model.base_model)
        self.encoder = Bf16Encoder(model.base_model) if own else None
        self.begin_step()

    def begin_step(self, *key: object) -> None:
        """Say that weights may have changed, and make dropout a function of `key` and of the chunks since.

        Only the suite's own bf16 listens: it casts the weights once a step, and draws its own masks.
        """
        self._key, self._chunks = key, 0
        if self.encoder is not None:
            self.encoder.forget()

    def next_chunk(self) -> Key:
        """The key of the next chunk's dropout; a chunk that is computed again takes the same."""
        self._chunks += 1
        return (*self._key, self._chunks)

    @contextmanager
    def forward(self, chunk: Key) -> Iterator[None]:
        """The context of one forward pass of the model."""
        if self.shortened:
            with first_position.last_layer_for_first_position(self.model.base_model):
                yield
            return
        if self.encoder is None:
            with encoding(self.model, self.precision):
                yield
            return
        masks = Masks(*chunk)
        with self.encoder.in_place(masks, first_only=self.first_only), masked_dropout(self.model, masks):
            yield
