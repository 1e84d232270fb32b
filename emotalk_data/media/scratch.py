"""Memory for samples on their way to another rate, which each thread uses again.

New memory comes page by page. On a virtual machine that can take as long as resampling what is put in it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["scratch"]

_KEPT_SAMPLES: Final = 1 << 20  # 4 MiB: 24 s of one channel at 44.1 kHz


class _Kept(threading.local):
    samples: NDArray[np.float32] | None = None


_kept = _Kept()


@contextmanager
def scratch(shape: tuple[int, int]) -> Iterator[NDArray[np.float32]]:
    """Yield float32 memory of this shape, with anything in it, until the block ends: copy what is to stay.

    Who asks inside of the block gets other memory.
    """
    size = math.prod(shape)
    if size > _KEPT_SAMPLES:
        yield np.empty(shape, np.float32)
        return
    samples, _kept.samples = _kept.samples, None
    if samples is None:
        samples = np.empty(_KEPT_SAMPLES, np.float32)
    try:
        yield samples[:size].reshape(shape)
    finally:
        _kept.samples = samples
