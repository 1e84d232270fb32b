"""Memory for batches: used again once nobody holds it, page-locked for a GPU, or new each time.

A batch of sound is 25 MB and more. The system gives new memory page by page, zeroed, which slows an epoch of PCM
by a fifth. So the memory of a batch is taken back when its last tensor is gone, and never before:
keep a batch, or a slice of it, and it keeps its values.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # Decodes into the array it is given if that is large enough; returns what `decode_many` and `frames_many`
    # do: the array of the batch first.
    Decode: TypeAlias = Callable[[NDArray[Any] | None], tuple[Any, ...]]

__all__ = ["Memory", "NewMemory", "PinnedMemory", "RecycledMemory"]

# A little more than was needed: the next batch may be longer.
_HEADROOM = 1.25


class Memory(Protocol):
    """Where the array of a batch is put."""

    def fill(self, decode: Decode) -> tuple[torch.Tensor, Any]:
        """Have `decode` fill memory; return the array as a tensor, and the lengths that come with it."""


class NewMemory:
    """New memory for each batch."""

    def fill(self, decode: Decode) -> tuple[torch.Tensor, Any]:
        """Have `decode` make an array; return it as a tensor, and the lengths that come with it."""
        array, lengths = decode(None)[:2]
        return torch.from_numpy(array), lengths


class RecycledMemory:
    """Memory that comes back when the last tensor that lies in it is gone. Many threads may use it at once.

    A pickled copy begins without memory.

    Args:
        dtype: of the arrays.
        max_kept: how many are kept while they are not in use.
    """

    def __init__(self, dtype: type[np.generic], max_kept: int) -> None:
        self._dtype = dtype
        self._free: deque[NDArray[Any]] = deque(maxlen=max_kept)
        self._size = 0  # of the largest batch so far, with some headroom

    def fill(self, decode: Decode) -> tuple[torch.Tensor, Any]:
        """Have `decode` fill memory that is free; return the array as a tensor, and the lengths.

        torch keeps `view` until the last tensor, slice or array that shares its memory is gone.
        """
        memory = self._take()
        array, lengths = decode(memory)[:2]
        if memory is None or not np.may_share_memory(array, memory):
            memory = array
            self._size = max(self._size, int(array.size * _HEADROOM))
        view = array.view()
        weakref.finalize(view, self._free.append, memory).atexit = False
        return torch.from_numpy(view), lengths

    def __reduce__(self) -> tuple[object, ...]:
        return RecycledMemory, (self._dtype, self._free.maxlen)

    def _take(self) -> NDArray[Any] | None:
        """Return free memory that is large enough for any batch so far; None before the first."""
        while True:
            try:
                memory = self._free.pop()  # the last that came back: the processor's cache may still hold it
            except IndexError:
                return np.empty(self._size, self._dtype) if self._size else None
            if memory.size >= self._size:
                return memory


class PinnedMemory:
    """Page-locked memory, from which copies to a GPU are fast and can go on beside other work.

    It is torch's, which also uses it again: not before the copies to the GPU that are under way are done.

    Args:
        dtype: of the arrays.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._size = 0

    def fill(self, decode: Decode) -> tuple[torch.Tensor, Any]:
        """Have `decode` fill page-locked memory; return the array as a tensor, and the lengths."""
        pinned = torch.empty(self._size, dtype=self._dtype, pin_memory=True)
        memory = pinned.numpy()
        array, lengths = decode(memory)[:2]
        if array.size == 0 or np.may_share_memory(array, memory):
            return pinned[: array.size].view(array.shape), lengths
        self._size = max(self._size, int(array.size * _HEADROOM))
        return torch.from_numpy(array).pin_memory(), lengths
