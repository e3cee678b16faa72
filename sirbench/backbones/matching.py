"""An initialisation with which an encoder of two layers learns to match words within minutes.

From the usual small random weights, so small an encoder is still at chance when this one ranks like BM25
(docs/backbones.md has the measurement). Its first layer starts where large pre-trained ones end: attending
to equal words. After Trockman and Kolter (Mimetic Initialization of Self-Attention Layers, ICML 2023), W_q
and W_k of a head are nearly equal and W_o W_v is a negative multiple of the identity; ours differ in that
W_k mirrors the direction in which the two token types differ, so that a word of the query attends to its
like in the document before itself.
"""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

TYPE = 0.5
"""Length of a token type's embedding by that of a word's."""
OUTPUT = 0.5
"""-W_o W_v, as a multiple of the identity."""


@torch.no_grad()
def initialise(model: PreTrainedModel) -> None:
    """Set the embeddings and the first layer of a BERT or ELECTRA encoder, from torch's random state.

    Words are random vectors of length 1 or so, nearly orthogonal to each other; positions hardly count.
    """
    width, heads = model.config.hidden_size, model.config.num_attention_heads
    embeddings, attention = model.embeddings, model.encoder.layer[0].attention
    direction = nn.functional.normalize(torch.randn(width), dim=0)
    words = embeddings.word_embeddings
    words.weight.normal_(0, width**-0.5)
    words.weight[words.padding_idx] = 0
    embeddings.position_embeddings.weight.normal_(0, 0.1 * width**-0.5)
    embeddings.token_type_embeddings.weight.copy_(torch.stack([direction, -direction]) * TYPE)
    projections = torch.cat([_orthogonal(width)[: width // heads] for _ in range(heads)])
    mirror = torch.eye(width) - 2 * torch.outer(direction, direction)
    attention.self.query.weight.copy_(projections)
    attention.self.key.weight.copy_(projections @ mirror)
    values = _orthogonal(width)
    attention.self.value.weight.copy_(OUTPUT**0.5 * values)
    attention.output.dense.weight.copy_(-(OUTPUT**0.5) * values.T)


def _orthogonal(width: int) -> Tensor:
    return nn.init.orthogonal_(torch.empty(width, width))
