"""Where utterances lie on a time line, in percent of its length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["place_utterances"]

_NUM_TICKS: Final = 5
_NARROWEST: Final = 0.35  # percent: a mark that can still be seen and hit
_SHORTEST, _LONGEST = 0.01, 1e6  # seconds that a dialogue may last
_FILLED: Final = 0.92  # of its slot, where times are not known

Places = list[tuple[float, float]]
Ticks = tuple[tuple[float, str], ...]


def place_utterances(starts: Sequence[float | None], ends: Sequence[float | None]) -> tuple[Places, Ticks]:
    """Return x and width of each utterance, and round moments with their places.

    Where a time is null, reversed or absurd, all utterances get the same width, one after the other, and there is
    no moment: a place that stands for nothing must not look like a time.

    Args:
        starts: seconds, in the order of speech.
        ends: seconds.
    """
    begin, end = (np.array([np.nan if one is None else one for one in times]) for times in (starts, ends))
    first, last = (float(begin.min()), float(end.max())) if len(begin) else (0.0, 0.0)
    # NaN is in no range.
    is_timed = abs(first) <= _LONGEST and _SHORTEST <= last - first <= _LONGEST and bool((end >= begin).all())
    if is_timed:
        scale = 100 / (last - first)
        width = np.maximum((end - begin) * scale, _NARROWEST)
        return _pairs((begin - first) * scale, width), _ticks(first, last)
    slot = 100 / max(len(begin), 1)
    return _pairs(np.arange(len(begin)) * slot, np.full(len(begin), slot * _FILLED)), ()


def _pairs(x: NDArray[Any], width: NDArray[Any]) -> Places:
    return [(round(float(a), 3), round(float(b), 3)) for a, b in zip(x, width, strict=True)]


def _ticks(first: float, last: float) -> Ticks:
    """Return a few round moments between the first and the last; the first itself where there is none."""
    step = _step((last - first) / _NUM_TICKS)
    moment = math.ceil(first / step) * step
    ticks: list[tuple[float, str]] = []
    while moment <= last and len(ticks) <= 2 * _NUM_TICKS:
        ticks.append((round(100 * (moment - first) / (last - first), 3), _clock(moment)))
        moment += step
    return tuple(ticks) or ((0.0, _clock(first)),)


def _step(rough: float) -> float:
    """Return a round number of seconds that is not below a rough one: 0.2, 5, 15, 60, 300."""
    round_ones = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    if rough <= 1:
        power = 10.0 ** math.floor(math.log10(rough))
        return next(power * one for one in round_ones if power * one >= rough)
    return next((float(one) for one in round_ones if one >= rough), 3600.0 * math.ceil(rough / 3600))


def _clock(moment: float) -> str:
    """Return 75 as "1:15"; a fraction of a second stays one."""
    if moment != int(moment):
        return f"{moment:.3g} s"
    return f"{int(moment) // 60}:{int(moment) % 60:02d}"
