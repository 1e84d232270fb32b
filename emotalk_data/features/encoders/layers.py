"""One tensor from several layers of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from emotalk_data.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["check_layers", "combine"]


def combine(
    hidden_states: Sequence[torch.Tensor], layers: Sequence[int], how: Literal["sum", "mean"]
) -> torch.Tensor:
    """Return the sum or the mean of some layers, in float32 whatever they are in.

    Args:
        hidden_states: as transformers gives them: what goes into the first layer, then what each gives.
        layers: which of them; negative ones count from the end.
        how: `sum` or `mean`.

    Returns:
        float32, of the shape of one of them, a tensor of its own.

    Raises:
        ModelError: there is no such layer.
    """
    check_layers(layers, len(hidden_states))
    # A sum in bfloat16 would lose another three digits.
    total = hidden_states[layers[0]].float().clone()
    for layer in layers[1:]:
        total += hidden_states[layer]
    return total / len(layers) if how == "mean" and len(layers) > 1 else total


def check_layers(layers: Sequence[int], num_states: int) -> None:
    """Do nothing when an encoder has these layers.

    Args:
        layers: as in a spec.
        num_states: hidden states that it gives: its layers, and one for what goes into the first.

    Raises:
        ModelError: it has no such layer.
    """
    for layer in layers:
        if not -num_states <= layer < num_states:
            raise ModelError(
                f"layers={tuple(layers)} asks for layer {layer}, and the encoder gives {num_states} states: "
                f"expected {-num_states} to {num_states - 1}."
            )
