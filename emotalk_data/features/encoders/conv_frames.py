"""Which samples a frame of a speech encoder is made from: its convolutions, seen as one window that moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ConvFrames", "cut_pieces"]


class ConvFrames:
    """A stack of convolutions without padding: frame i is made from samples [i * hop, i * hop + window).

    Args:
        kernels: of the convolutions, the first one first.
        strides: likewise.

    Attributes:
        window: samples that a frame is made from; with fewer there is none. 400 for HuBERT and its kin.
        hop: samples from one frame to the next. 320 for HuBERT and its kin.
    """

    def __init__(self, kernels: Sequence[int], strides: Sequence[int]) -> None:
        self.window, self.hop = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            self.window += (kernel - 1) * self.hop
            self.hop *= stride

    @classmethod
    def first(cls, kernels: Sequence[int], strides: Sequence[int]) -> Self:
        """Return the first convolution alone."""
        return cls(kernels[:1], strides[:1])

    def count(self, num_samples: int) -> int:
        """Return how many frames so many samples give."""
        return max(0, (num_samples - self.window) // self.hop + 1)

    def seconds(self, num_samples: int, sampling_rate: int) -> NDArray[np.float32]:
        """Return the middle of each frame's window, in seconds from the first sample: float32, (frames,)."""
        middles = np.arange(self.count(num_samples)) * self.hop + self.window / 2
        return (middles / sampling_rate).astype(np.float32)


def cut_pieces(num_samples: int, piece: int | None, shortest: int) -> list[tuple[int, int]]:
    """Cut a sound into pieces that are encoded one by one.

        0        piece     2 * piece
        |---------|---------|---|        the last one is as long as it happens to be
        |---------|-----------|          and joins the one before it when it would give no frame

    Args:
        num_samples: of the sound, at least 1.
        piece: samples of a piece; None for all in one.
        shortest: samples that a piece needs at least.

    Returns:
        Start and stop of each piece, in samples; they follow on each other and cover the sound.
    """
    if piece is None or num_samples <= piece:
        return [(0, num_samples)]
    starts = list(range(0, num_samples, piece))
    if num_samples - starts[-1] < shortest:
        starts.pop()
    return list(zip(starts, [*starts[1:], num_samples], strict=True))
