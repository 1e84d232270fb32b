"""Vectors that are no features: samples of sound, or pixels of pictures, under another name.

Heuristics. Each looks for what an encoder never gives and a recording or a camera always does:

    a grid       every number is k/32768, an integer of 16 bits, k/255 or an integer of 0 to 255
    few levels   thousands of numbers that take up to 256 values, evenly spaced: pixels, however they were scaled
    smoothness   in a long vector each number is almost the one before
    no number    infinite, not a number, too large or too small for one: bytes that are read as floats
    pace         more than 200 vectors a second of sound, or tens of thousands of one utterance

What is stored or was calculated with few bits lies on coarse grids by itself, so a grid is judged by its finest
part: there numbers of an encoder are finer. Vectors too short to tell are judged together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NumberScan", "find_in_numbers", "find_in_times"]

MAX_FRAME_RATE: Final = 200.0
MAX_FRAMES: Final = 20_000
_DAY: Final = 86_400.0

_MIN_NUMBERS: Final = 1_024
_MAX_KEPT: Final = 1 << 16
_MIN_FINE: Final = 48
_MIN_LEVELS: Final = 24
_MIN_SHARE: Final = 0.98
_MAX_LEVELS: Final = 256
_MIN_PIXEL_LEVELS: Final = 100
_LONG: Final = 2_000
_MIN_PICTURE: Final = 16
_MIN_FACE: Final = 192  # 8 x 8 pixels of three colours
_LARGEST: Final = 1e30
_MIN_WIDE: Final = 64
_MAX_TINY: Final = 0.1
_MAX_SPREAD: Final = 30.0  # bits: of bytes 37 and more, of probabilities some 15
_SAMPLES: Final = "samples of sound with 16 bits"
_PIXELS: Final = "pixels"


class NumberScan:
    """Looks at the numbers of one column, some rows at a time. Short rows are put together until they can tell.

    Args:
        num_dims: numbers of a vector; 0 where they are of no fixed length.
    """

    def __init__(self, num_dims: int) -> None:
        self._num_dims = num_dims
        self._kept: list[NDArray[np.float32]] = []
        self._num_kept = 0

    def add(self, row: NDArray[np.floating[Any]]) -> str | None:
        """Look at the numbers of a row, one vector after the other; return what they seem to be, or None."""
        found = _impossible(row)
        if found is not None:
            return found
        if len(row) >= _MIN_NUMBERS:
            return find_in_numbers(row, self._num_dims)
        self._kept.append(row.astype(np.float32))
        self._num_kept += len(row)
        return self.finish() if self._num_kept >= _MAX_KEPT else None

    def finish(self) -> str | None:
        """Look at the short rows that were put together since the last time."""
        together = np.concatenate(self._kept) if self._kept else np.zeros(0, np.float32)
        self._kept, self._num_kept = [], 0
        return find_in_numbers(together, self._num_dims) if len(together) >= _MIN_NUMBERS else None


def find_in_numbers(numbers: NDArray[np.floating[Any]], num_dims: int) -> str | None:
    """Say what numbers seem to be that are no features; None where they may well be.

    Args:
        numbers: shape (n,), of any float type: one vector after the other.
        num_dims: numbers of a vector; 0 where they are of no fixed length.
    """
    found = _impossible(numbers)
    if found is not None:
        return found
    values = _without_repeats(numbers.astype(np.float32), num_dims)
    there = values[values != 0]
    found = _wide(there)
    if found is not None or len(there) < _MIN_NUMBERS // 2:
        return found
    lowest, highest = float(there.min()), float(there.max())
    found = _on_sample_grid(there, lowest, highest)
    # A number or two a vector: decibels and hertz are rounded too.
    if found is None and not 0 < num_dims < _MIN_PICTURE:
        found = _on_pixel_grid(there, lowest, highest)
    if found is None and (num_dims >= _MIN_FACE or num_dims == 0):
        found = _on_any_grid(values, num_dims)
    if found is None and (num_dims >= _LONG or num_dims == 0):
        found = _smooth(values)
    return found


def _impossible(numbers: NDArray[np.floating[Any]]) -> str | None:
    """Look for what extraction never stores."""
    if not np.isfinite(numbers).all():
        return "some are infinite or not a number, which no extraction writes"
    largest = max(abs(float(numbers.max())), abs(float(numbers.min()))) if len(numbers) else 0.0
    return f"up to {largest:.3g}: bytes that are read as floats" if largest > _LARGEST else None


def _wide(there: NDArray[np.float32]) -> str | None:
    """Look for bytes that are read as floats: their exponents are any. None of the numbers is zero."""
    if len(there) < _MIN_WIDE:
        return None
    sizes = np.abs(there)
    if float((sizes < np.finfo(np.float32).tiny).mean()) > _MAX_TINY:
        return "many are too small for a float: bytes that are read as floats"
    spread = float(np.log2(sizes, dtype=np.float64).std())
    return "of all sizes: bytes that are read as floats" if spread > _MAX_SPREAD else None


def _without_repeats(values: NDArray[np.float32], num_dims: int) -> NDArray[np.float32]:
    """Leave out vectors that repeat the one before: of a still picture there are many, with few values."""
    if num_dims < 2 or len(values) % num_dims:
        return values
    vectors = values.reshape(-1, num_dims)
    is_new = np.append(True, (vectors[1:] != vectors[:-1]).any(axis=1))
    kept: NDArray[np.float32] = vectors[is_new].reshape(-1)
    return kept


def find_in_times(seconds: NDArray[np.floating[Any]], num_frames: int) -> str | None:
    """Say why an utterance has too many vectors for features.

    Args:
        seconds: the time of each; empty where they have none.
        num_frames: how many there are.
    """
    if num_frames > MAX_FRAMES:
        return f"a row has {num_frames:,} vectors; features have at most {MAX_FRAMES:,}"
    if not ((seconds >= -1) & (seconds <= _DAY)).all():  # a window's middle may lie before the beginning
        return "its times are none: not of one day"
    if len(seconds) not in (0, num_frames) or (np.diff(seconds) < 0).any():
        return "its times are none: other than one for each vector, or going back"
    if len(seconds) < 3:
        return None
    span = float(seconds[-1]) - float(seconds[0])
    rate = (len(seconds) - 1) / span if span > 0 else float("inf")
    # Vectors at one and the same time are of no pace: several of a picture, say.
    if span > 0 and rate > MAX_FRAME_RATE:
        return f"{rate:,.0f} vectors a second; features have at most {MAX_FRAME_RATE:g}"
    return None


def _on_sample_grid(values: NDArray[np.float32], lowest: float, highest: float) -> str | None:
    if -1 <= lowest < 0 < highest <= 1:
        # 128 of 32768: finer than what bfloat16 and float16 keep there.
        steps = values * np.float32(32_768)
        if _is_grid(steps, np.abs(steps) < 128):
            return _SAMPLES
    if -32_768 <= lowest < -255 and 255 < highest <= 32_767 and _is_grid(values, np.abs(values) < 64):
        return _SAMPLES
    return None


def _on_pixel_grid(values: NDArray[np.float32], lowest: float, highest: float) -> str | None:
    if lowest > 0 and 64 < highest <= 255 and _is_grid(values, values < 64):
        return _PIXELS if len(np.unique(values)) >= _MIN_PIXEL_LEVELS else None
    if lowest > 0 and 0.25 < highest <= 1.001:
        steps = values * np.float32(255)
        if _is_grid(steps, steps < 64, tolerance=0.03):
            return _PIXELS if len(np.unique(np.rint(steps))) >= _MIN_PIXEL_LEVELS else None
    return None


def _is_grid(steps: NDArray[np.float32], is_fine: NDArray[np.bool_], tolerance: float = 0.0) -> bool:
    """Say whether numbers are integers, where they are finest: enough of them, with enough different values."""
    fine = steps[is_fine]
    if len(fine) < _MIN_FINE:
        return False
    near = np.rint(fine)
    is_on = np.abs(fine - near) <= tolerance
    if is_on.mean() < _MIN_SHARE:
        return False
    return len(np.unique(near)) >= _MIN_LEVELS and bool(
        (np.abs(steps - np.rint(steps)) <= 0.05).mean() > _MIN_SHARE
    )


def _on_any_grid(values: NDArray[np.float32], num_dims: int) -> str | None:
    """Look for pixels that were normalised: all of them in one way, or each of three colours in its own."""
    colours = [values]
    if num_dims % 3 == 0 and len(values) % 3 == 0:
        colours = [values, *(values[colour::3] for colour in range(3))]
        if num_dims and len(values) % num_dims == 0:
            colours += list(values.reshape(-1, 3, num_dims // 3).swapaxes(0, 1).reshape(3, -1))
    return f"{_PIXELS}: 256 values or fewer, evenly spaced" if any(map(_even_levels, colours)) else None


def _even_levels(values: NDArray[np.float32]) -> bool:
    """Say whether numbers take 256 values or fewer, evenly spaced: pixels, however they were scaled."""
    if len(values) < 2 * _MIN_NUMBERS // 3:
        return False
    # Of many numbers some first: sorting all of them would take longer than all else.
    if len(np.unique(values[:: max(len(values) // 8_192, 1)])) > _MAX_LEVELS:
        return False
    levels = np.unique(values)
    if not _MIN_PIXEL_LEVELS <= len(levels) <= _MAX_LEVELS:
        return False
    gaps = np.diff(levels)
    step = float(np.quantile(gaps, 0.1))
    parts = gaps / step
    # Half precision moves a value by a tenth of a step.
    is_even = float((np.abs(parts - np.rint(parts)) <= 0.25).mean()) >= 0.95
    return is_even and float(levels[-1] - levels[0]) / step <= 1.1 * _MAX_LEVELS


def _smooth(values: NDArray[np.float32]) -> str | None:
    steps = np.abs(np.diff(values))
    from_middle = np.abs(values - np.median(values))
    typical = float(np.median(from_middle))
    if typical == 0 or float(np.median(steps)) > 0.35 * typical:
        return None
    deviation = values.astype(np.float64) - values.mean(dtype=np.float64)
    power = float(deviation @ deviation)
    likeness = float(deviation[1:] @ deviation[:-1]) / power if power else 0.0
    return "samples or pixels: each number is almost the one before" if likeness > 0.8 else None
