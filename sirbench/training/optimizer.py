"""AdamW and its learning rate, as the paper says and, where it is silent, as BERT is usually fine-tuned."""

from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from sirbench.study import Optimization


def make_optimizer(
    model: nn.Module, settings: Optimization, steps: int
) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """AdamW, in one kernel, with a linear warm-up and linear decay to 0 over `steps`."""
    optimizer = torch.optim.AdamW(
        parameter_groups(model, settings.weight_decay),
        lr=settings.learning_rate,
        betas=settings.adam_betas,
        fused=True,
    )
    return optimizer, LambdaLR(optimizer, lambda step: learning_rate_factor(step, steps, settings.warmup))


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate at a step: rises to 1 over `warmup * steps`, falls to 0 at the end."""
    rising = warmup * steps
    # Counted from 1 while rising, so that the first step is not a step of size 0.
    return min((step + 1) / (rising + 1), (steps - step) / max(1.0, steps - rising))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; vectors, that is biases and the gains of norms, do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
