"""What the batches of sound and of pictures have in common: their clips, their threads, their memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.clip import MediaClip

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_THREADS", "check_threads", "checked_clips", "memory_for", "thread_map"]

MAX_THREADS: Final = 64

Clip = TypeVar("Clip", bound=MediaClip)
Item = TypeVar("Item")
Result = TypeVar("Result")


def check_threads(num_threads: object) -> None:
    """Check a number of threads.

    Raises:
        OptionError: not a whole number from 1 to 64.
    """
    is_whole = isinstance(num_threads, int | np.integer) and not isinstance(num_threads, bool)
    if not is_whole or num_threads not in range(1, MAX_THREADS + 1):
        raise OptionError(f"num_threads must be from 1 to {MAX_THREADS}; got {quote(num_threads)}")


def checked_clips(clips: Any, kind: type[Clip]) -> list[Clip | None]:
    """Return the clips of a batch as a list.

    Raises:
        OptionError: something else is among them.
    """
    if isinstance(clips, MediaClip | str) or not isinstance(clips, Iterable):
        raise OptionError(f"clips is {quote(clips)}; expected a list of {kind.__name__}s")
    listed = list(clips)
    for clip in listed:
        if not (clip is None or isinstance(clip, kind)):
            raise OptionError(f"a clip is {quote(clip)}; expected a {kind.__name__}, or None")
    return listed


def memory_for(shape: tuple[int, ...], dtype: type[Any], out: Any) -> NDArray[Any]:
    """Return an array of this shape, in the memory of `out` if it fits; its values are undefined.

    Raises:
        OptionError: `out` cannot be used, large enough or not.
    """
    if out is None:
        return np.empty(shape, dtype)
    flags = out.flags if isinstance(out, np.ndarray) else None
    if flags is None or out.dtype != dtype or not flags.c_contiguous or not flags.writeable:
        raise OptionError(f"out must be a writable C-contiguous array of {np.dtype(dtype).name}")
    size = math.prod(shape)
    return np.empty(shape, dtype) if out.size < size else out.reshape(-1)[:size].reshape(shape)


@contextmanager
def thread_map(
    num_threads: int,
) -> Iterator[Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]]:
    """Yield `map`, done by so many threads; what a call raises is raised in the order of the items."""
    if num_threads <= 1:
        yield map
        return
    with ThreadPoolExecutor(num_threads) as pool:
        yield pool.map
