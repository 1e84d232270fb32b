"""Group normalisation over a row's real frames.

The first convolution of HuBERT, wav2vec 2.0 and WavLM "base" is followed by a normalisation over time. Computed
over a padded batch its mean and variance include the padding, so a row's numbers depend on its neighbours, by as
much as the signal itself; an attention mask, which works behind it, does not help.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

__all__ = ["LengthAwareGroupNorm", "use_real_lengths"]


class LengthAwareGroupNorm(nn.Module):  # type: ignore[misc]  # torch is not type-checked here
    """A `GroupNorm` that takes mean and variance of each row over its first frames only.

    Each row is normalised by itself, as if it were alone in the batch; what is behind its frames becomes zero.

    Args:
        norm: the layer whose place it takes; its parameters are shared.

    Attributes:
        lengths: frames of each row of the next batch. Set before each call.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm
        self.lengths: Sequence[int] = ()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return (rows, channels, frames), normalised; `values` is overwritten where rows have padding.

        Raises:
            ValueError: `lengths` are not those of this batch.
        """
        num_rows, _, num_frames = values.shape
        if len(self.lengths) != num_rows or max(self.lengths) > num_frames or min(self.lengths) < 1:
            raise ValueError(f"{list(self.lengths)} are no lengths of a batch of {tuple(values.shape)}")
        if min(self.lengths) == num_frames:
            return self._normalise(values)
        for row, length in enumerate(self.lengths):
            # In place: with 240 s of sound in a batch these are 1.5 GB, and the convolution's output is nobody's.
            values[row, :, :length] = self._normalise(values[row : row + 1, :, :length])[0]
            values[row, :, length:] = 0
        return values

    def _normalise(self, values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.group_norm(
            values, self.norm.num_groups, self.norm.weight, self.norm.bias, self.norm.eps
        )


def use_real_lengths(model: Any) -> LengthAwareGroupNorm | None:
    """Replace the group normalisation of one speech model, the object and not its class.

    Returns:
        What now stands in its place; None for a model that normalises over channels, and needs nothing.

    Raises:
        ValueError: its configuration says that it has one, and it is not where transformers puts it.
    """
    if model.config.feat_extract_norm != "group":
        return None
    first = model.feature_extractor.conv_layers[0]
    if not isinstance(getattr(first, "layer_norm", None), nn.GroupNorm):
        raise ValueError(f"{type(model).__name__} has no GroupNorm behind its first convolution")
    norm = LengthAwareGroupNorm(first.layer_norm)
    first.layer_norm = norm
    return norm
