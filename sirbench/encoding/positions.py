"""How long an input may be: as long as the encoder has positions for."""

from torch import nn

from sirbench.machine.errors import InputError


def check_positions(model: nn.Module, tokens: int) -> None:
    """Raise `InputError` if inputs of so many tokens are longer than the model's encoder can tell apart."""
    positions = positions_of(model)
    if positions is not None and tokens > positions:
        raise InputError(
            f"input.max_tokens={tokens} is more than the {positions} positions of the backbone; lower it"
        )


def positions_of(model: nn.Module) -> int | None:
    """Tokens of the longest input; None where the architecture sets no limit.

    RoBERTa and its kin count positions from the padding token's number on: a table of 514 serves 512 tokens.
    Only tables of theirs have a row that is the padding's.
    """
    positions = getattr(model.config, "max_position_embeddings", None)
    for name, module in model.named_modules():
        padding = getattr(module, "padding_idx", None)
        if name.rpartition(".")[2] == "position_embeddings" and padding is not None:
            return module.num_embeddings - padding - 1
    return positions
