"""The linear layer and norm on top of the encoder in ANCE's published checkpoints (Xiong et al., ICLR 2021).

    E(text) = LayerNorm(W h + b),    h the last hidden state at [CLS]

castorini's checkpoints hold them as `embeddingHead` and `norm` beside the encoder's weights. Without them the
embeddings are another function's, and retrieval goes wrong without a word.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

WEIGHTS = "model.safetensors"
NAMES = ("embeddingHead.weight", "embeddingHead.bias", "norm.weight", "norm.bias")


def load_projection(folder: Path, device: torch.device) -> nn.Sequential | None:
    """The projection of a checkpoint folder, float32; None where the checkpoint has none."""
    path = folder / WEIGHTS
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as weights:
        if not set(NAMES) <= set(weights.keys()):
            return None
        linear_weight, linear_bias, norm_weight, norm_bias = (weights.get_tensor(it).float() for it in NAMES)
    outputs, inputs = linear_weight.shape
    projection = nn.Sequential(nn.Linear(inputs, outputs), nn.LayerNorm(outputs))
    projection.load_state_dict(
        {"0.weight": linear_weight, "0.bias": linear_bias, "1.weight": norm_weight, "1.bias": norm_bias}
    )
    return projection.requires_grad_(False).to(device)


def projection_weights(projection: nn.Sequential) -> dict[str, Tensor]:
    """The weights under the names that `load_projection` looks for."""
    return dict(zip(NAMES, projection.state_dict().values(), strict=True))
