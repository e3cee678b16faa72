"""How long an input may be: as long as the encoder has positions for."""

from torch import nn

from sirbench.machine.errors import InputError


def check_positions(model: nn.Module, tokens: int) -> None:
    """Raise `InputError` if the model's encoder has fewer positions than inputs have `tokens`."""
    positions = positions_of(model)
    if positions is not None and tokens > positions:
        raise InputError(
            f"input.max_tokens={tokens} is more than the {positions} positions of the backbone; lower it"
        )


def positions_of(model: nn.Module) -> int | None:
    """Tokens of the longest input; None if the architecture sets no limit.

    RoBERTa and its kin number positions from the padding token's id plus 1: a table of 514 positions is for
    512 tokens. Only such tables have a padding row.
    """
    for name, module in model.named_modules():
        is_table = name.rpartition(".")[2] == "position_embeddings"
        if is_table and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return module.num_embeddings - module.padding_idx - 1
    limit: int | None = getattr(model.config, "max_position_embeddings", None)
    return limit
