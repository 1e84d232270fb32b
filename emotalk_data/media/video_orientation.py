"""How a picture is turned to stand upright: phones store it as the sensor lies."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from av.buffer import Buffer
    from av.video.frame import VideoFrame

__all__ = ["Orientation"]

_ONE = 1 << 16

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a coded picture is turned to stand upright: swap the axes first, then flip.

    Attributes:
        is_swapped: rows become columns.
        flips_rows: then upside down.
        flips_columns: then left to right.
    """

    is_swapped: bool = False
    flips_rows: bool = False
    flips_columns: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Orientation:
        """Read the display matrix of a frame; one that is no quarter turn or mirror image is ignored.

        The matrix takes a coded point (column p, row q) to (a·p + c·q, b·p + d·q).
        """
        from av.sidedata.sidedata import SideDataContainer

        # `frame.side_data` would be kept by the frame that it refers to: the picture stays in memory until the
        # next collection of cycles.
        side_data = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]  # PyAV's types lack it
        # PyAV's types know the item as an object only.
        matrix = bytes(cast("Buffer", side_data)) if side_data is not None else b""
        if len(matrix) != struct.calcsize("=9i"):
            return cls()
        a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
        if (abs(a), b, c, abs(d)) == (_ONE, 0, 0, _ONE):
            return cls(False, d < 0, a < 0)
        if (a, abs(b), abs(c), d) == (0, _ONE, _ONE, 0):
            return cls(True, b < 0, c < 0)
        return cls()

    @property
    def is_mirrored(self) -> bool:
        """Whether it is no mere turn."""
        return self.is_swapped ^ self.flips_rows ^ self.flips_columns

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) after turning; also before, since turning back swaps the same axes."""
        return (width, height) if self.is_swapped else (height, width)

    def apply(self, picture: Frames) -> Frames:
        """Return a view of (height, width, 3) that stands upright."""
        if self.is_swapped:
            picture = picture.transpose(1, 0, 2)
        return picture[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]
