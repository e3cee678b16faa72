from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers import AutoModel, BertConfig, ElectraConfig, MPNetConfig, RobertaConfig, XLMRobertaConfig

from sirbench.encoding.positions import check_positions, positions_of
from sirbench.machine.errors import InputError

SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
"""Of a vocabulary of 30 and a table of 20 positions."""


@pytest.mark.parametrize(
    ("config", "longest"),
    [(BertConfig, 20), (ElectraConfig, 20), (RobertaConfig, 18), (XLMRobertaConfig, 18), (MPNetConfig, 18)],
)
def test_the_longest_input_that_is_allowed_is_the_longest_that_runs(config, longest):
    model = AutoModel.from_config(config(vocab_size=30, max_position_embeddings=20, pad_token_id=1, **SMALL))
    assert positions_of(model) == longest
    check_positions(model, longest)
    model(input_ids=torch.full((1, longest), 5))
    with pytest.raises(InputError, match=rf"input\.max_tokens={longest + 1} is .* the {longest} positions"):
        check_positions(model, longest + 1)
    with pytest.raises((IndexError, RuntimeError)):
        model(input_ids=torch.full((1, longest + 1), 5))


def test_an_architecture_without_a_table_of_positions_has_no_limit():
    model = nn.Linear(1, 1)
    model.config = SimpleNamespace()
    check_positions(model, 10**6)
