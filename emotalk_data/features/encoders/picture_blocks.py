"""Pictures of a batch through a model on its device: so many at a time, whatever the batch holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

__all__ = ["block_size", "encode_blocks", "in_blocks", "look_up"]

_MAX_PICTURES: Final = 32  # 24 MB of input at 224 x 224: enough to fill a CPU
_MAX_PICTURES_OF_GPU: Final = 128


def block_size(device: str) -> int:
    """Return how many pictures go through a model at once."""
    return _MAX_PICTURES if device == "cpu" else _MAX_PICTURES_OF_GPU


def encode_blocks(
    values: Sequence[NDArray[np.uint8]],
    encode: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    *,
    size: int,
) -> list[NDArray[np.float32]]:
    """Encode the pictures of several utterances, those of several in one block.

    Args:
        values: of each utterance (T, ...), all of the same shape but for T.
        encode: from (n, ...) to (n, D), n from 1 to `size`.
        size: pictures in a block; the last has fewer.

    Returns:
        float32, (T, D) of each utterance.
    """
    if not values:
        return []
    encoded = np.concatenate([encode(block) for block in in_blocks(values, size)])
    ends = np.cumsum([len(value) for value in values])
    return np.split(encoded, ends[:-1])


def in_blocks(values: Sequence[NDArray[np.uint8]], size: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of several utterances in their order, `size` at a time, the last time fewer."""
    pieces: list[NDArray[np.uint8]] = []
    room = size
    for value in values:
        start = 0
        while start < len(value):
            pieces.append(value[start : start + room])
            start += len(pieces[-1])
            room -= len(pieces[-1])
            if not room:
                yield np.concatenate(pieces)
                pieces, room = [], size
    if pieces:
        yield np.concatenate(pieces)


def look_up(pixels: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Return what a model takes.

    Args:
        pixels: uint8, (..., h, w, 3).
        table: (3, 256), on the same device: `Scaling.table`.

    Returns:
        (..., 3, h, w), of the table's type.
    """
    import torch

    channels = [table[channel][pixels[..., channel].int()] for channel in range(3)]
    return torch.stack(channels, dim=-3)
