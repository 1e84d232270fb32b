"""WavLM's attention with one mask instead of two.

transformers gives torch two masks of different kinds for WavLM, one that blocks padding and one that weighs
distances, which torch calls deprecated with a warning at each layer. Minus infinity in the second says the same.
"""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["use_one_mask"]


def use_one_mask(model: Any) -> None:
    """Change how the attention layers of one WavLM hand over their masks; no number changes."""
    for layer in model.encoder.layers:
        layer.attention.torch_multi_head_self_attention = _with_one_mask(
            layer.attention.torch_multi_head_self_attention
        )


def _with_one_mask(attend: Any) -> Any:
    def attend_with_one_mask(
        hidden_states: torch.Tensor, attention_mask: torch.Tensor | None, position_bias: torch.Tensor
    ) -> Any:
        if attention_mask is not None:
            num_rows, num_frames = attention_mask.shape
            is_padding = attention_mask.ne(1).view(num_rows, 1, 1, num_frames)
            by_row = position_bias.view(num_rows, -1, num_frames, num_frames)
            position_bias = by_row.masked_fill(is_padding, -torch.inf).view_as(position_bias)
        return attend(hidden_states, None, position_bias)

    return attend_with_one_mask
