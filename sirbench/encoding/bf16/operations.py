"""What a transformer layer is made of, in bf16 with hand-written gradients.

Activations and their gradients are bf16, weights are cast by whoever calls, and the gradients of weights,
gains and biases leave in float32, so that what is summed over chunks is summed in float32.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

from sirbench.encoding.bf16.masks import Mask, zeroed

Gradients = tuple[Tensor | None, ...]


class Dense(NamedTuple):
    """One affine map, or several of the same inputs, in bf16."""

    weight: Tensor
    """(out, in), those of several one below the other."""
    bias: Tensor
    """(out,)."""
    masters: tuple[nn.Linear, ...]
    """The maps in float32, which get the gradients."""


def cast(*masters: nn.Linear) -> Dense:
    """bf16 copies of affine maps."""
    weights, biases = (torch.cat([getattr(one, name) for one in masters]) for name in ("weight", "bias"))
    return Dense(weights.bfloat16(), biases.bfloat16(), masters)


def linear(inputs: Tensor, dense: Dense) -> Tensor:
    """The affine map of bf16 rows (rows, in): (rows, out)."""
    masters = [getattr(one, name) for name in ("weight", "bias") for one in dense.masters]
    return _Linear.apply(inputs, dense.weight, dense.bias, *masters)


def attention(inputs: Tensor, batch: int, heads: int, padding: Tensor | None, mask: Mask | None) -> Tensor:
    """Scaled dot-product attention of every head, with dropout on its weights: (batch * length, width).

    Where nothing is dropped and no gradient wanted, torch's fused kernel does it, with float32 inside. It has
    no dropout, and on cores without AMX its backward pass takes several times as long as this one.

    Args:
        inputs: queries, keys and values side by side (batch * length, 3 * width).
        batch: sequences.
        heads: heads.
        padding: (batch, 1, 1, length) bf16, -inf where a key is padding, 0 elsewhere; None if none is.
        mask: of weights (batch * heads, length, length).
    """
    if mask is None and not torch.is_grad_enabled():
        q, k, v = inputs.view(batch, -1, 3, heads, inputs.shape[1] // (3 * heads)).permute(2, 0, 3, 1, 4)
        fused = functional.scaled_dot_product_attention(q, k, v, attn_mask=padding)
        return fused.transpose(1, 2).reshape(len(inputs), -1)
    return _Attention.apply(inputs, batch, heads, padding, *_parts(mask))


def add_norm(inputs: Tensor, residual: Tensor, norm: nn.LayerNorm, mask: Mask | None) -> Tensor:
    """The layer norm, in its own float32 parameters, of `residual` plus `inputs` after dropout."""
    return _AddNorm.apply(inputs, residual, norm.weight, norm.bias, norm.eps, *_parts(mask))


def dropout(inputs: Tensor, mask: Mask | None) -> Tensor:
    """Dropout of bf16 elements."""
    return inputs if mask is None else _Dropout.apply(inputs, *mask)


def look_up(rows: Tensor, table: nn.Embedding) -> Tensor:
    """Rows of a table, float32 (..., width).

    Its backward pass adds to `table.weight.grad` in place. Otherwise every chunk would make, and add up, a
    gradient as large as the table, of which it touches a few rows: for MiniLM 4 % of a chunk's time.
    """
    if not (torch.is_grad_enabled() and table.weight.requires_grad):
        return functional.embedding(rows, table.weight)
    # A Function is recorded only if an input wants a gradient, and the table is to get none from autograd.
    return _LookUp.apply(torch.zeros(0, requires_grad=True), rows, table)


def _parts(mask: Mask | None) -> tuple[Tensor | None, int, float]:
    """Tensors have to be arguments of their own, or autograd does not see them."""
    return (None, 0, 1.0) if mask is None else mask


def _mask(bits: Tensor | None, threshold: int, scale: float) -> Mask | None:
    return None if bits is None else Mask(bits, threshold, scale)


def _affine(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`functional.linear`, where it exists by a kernel that adds the bias as it writes: a tenth faster.

    torch's own writes the bias to all rows first, and reads it again.
    """
    if torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
    return functional.linear(inputs, weight, bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, inputs: Tensor, weight: Tensor, bias: Tensor, *masters: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.rows = [len(master) for master in masters[len(masters) // 2 :]]
        return _affine(inputs, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Gradients:
        inputs, weight = ctx.saved_tensors
        of_weights = (gradient.t() @ inputs).split(ctx.rows)
        of_biases = gradient.sum(0).split(ctx.rows)
        return gradient @ weight, None, None, *(part.float() for part in (*of_weights, *of_biases))


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        inputs: Tensor,
        batch: int,
        heads: int,
        padding: Tensor | None,
        *mask: Tensor | float,
    ) -> Tensor:
        width = inputs.shape[1] // (3 * heads)
        joint = inputs.view(batch, -1, 3, heads, width).permute(2, 0, 3, 1, 4)
        joint = joint.clone(memory_format=torch.contiguous_format)
        q, k, v = joint.view(3, batch * heads, -1, width)
        q.mul_(width**-0.5)
        logits = torch.bmm(q, k.transpose(1, 2))
        if padding is not None:
            logits.view(batch, heads, *logits.shape[1:]).add_(padding)
        weights = torch.softmax(logits, -1)
        ctx.save_for_backward(joint, weights, mask[0])
        ctx.mask = mask[1:]
        seen = torch.bmm(zeroed(weights, _mask(*mask)), v).view(batch, heads, -1, width)
        result = inputs.new_empty(batch, seen.shape[2], heads, width)
        torch.mul(seen.transpose(1, 2), mask[2], out=result)
        return result.view(len(inputs), heads * width)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Gradients:
        joint, weights, bits = ctx.saved_tensors
        mask = _mask(bits, *ctx.mask)
        _, batch, heads, length, width = joint.shape
        q, k, v = joint.view(3, batch * heads, length, width)
        seen = joint.new_empty(batch, heads, length, width)
        torch.mul(gradient.view(batch, length, heads, width).transpose(1, 2), ctx.mask[1], out=seen)
        seen = seen.view(batch * heads, length, width)
        result = torch.empty_like(joint)
        of_query, of_key, of_value = result.view(3, batch * heads, length, width)
        torch.bmm(zeroed(weights, mask).transpose(1, 2), seen, out=of_value)
        of_weights = zeroed(torch.bmm(seen, v.transpose(1, 2)), mask)
        of_logits = torch._softmax_backward_data(of_weights, weights, -1, torch.bfloat16)
        torch.bmm(of_logits, k, out=of_query)
        of_query.mul_(width**-0.5)
        torch.bmm(of_logits.transpose(1, 2), q, out=of_key)
        by_row = result.permute(1, 3, 0, 2, 4).reshape(batch * length, 3 * heads * width)
        return by_row, *([None] * 6)


class _AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        inputs: Tensor,
        residual: Tensor,
        gain: Tensor,
        bias: Tensor,
        epsilon: float,
        *mask: Tensor | float,
    ) -> Tensor:
        total = torch.add(residual, zeroed(inputs, _mask(*mask)), alpha=mask[2])
        outputs, mean, deviation = torch.native_layer_norm(total, gain.shape, gain, bias, epsilon)
        ctx.save_for_backward(total, gain, bias, mean, deviation, mask[0])
        ctx.mask = mask[1:]
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Gradients:
        total, gain, bias, mean, deviation, bits = ctx.saved_tensors
        # In float32: for bf16, torch sums the gradients of gain and bias over all rows in bf16, off by 5 %.
        of_total, of_gain, of_bias = torch.ops.aten.native_layer_norm_backward(
            gradient.float(), total.float(), gain.shape, mean, deviation, gain, bias, [True, True, True]
        )
        of_total = of_total.bfloat16()
        of_inputs = zeroed(of_total, _mask(bits, *ctx.mask))
        if bits is not None:
            of_inputs.mul_(ctx.mask[1])
        return of_inputs, of_total, of_gain, of_bias, *([None] * 4)


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, recorded: Tensor, rows: Tensor, table: nn.Embedding) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.table = table
        return functional.embedding(rows, table.weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Gradients:
        (rows,), weight = ctx.saved_tensors, ctx.table.weight
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        weight.grad.index_add_(0, rows.flatten(), gradient.flatten(0, -2))
        if ctx.table.padding_idx is not None:
            weight.grad[ctx.table.padding_idx] = 0
        return None, None, None


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, inputs: Tensor, *mask: Tensor | float) -> Tensor:
        ctx.save_for_backward(mask[0])
        ctx.mask = mask[1:]
        return zeroed(inputs, _mask(*mask)).mul_(mask[2])

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Gradients:
        return zeroed(gradient, _mask(*ctx.saved_tensors, *ctx.mask)).mul_(ctx.mask[1]), None, None, None
