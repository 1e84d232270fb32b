"""Which frames a caller means: by number, by moment, by rate or by position.

Pure arithmetic over the presentation times of a clip; nothing here knows about files or decoders.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from emotalk_data.errors import LimitError, OptionError, SpanError, quote

__all__ = ["DEFAULT_NUM", "MAX_CHOSEN", "FramePolicy", "check_choice", "choose_frames", "scaled_size"]

FramePolicy = Literal["repeat_last", "error"]
"""What to do for frames that the clip does not have: give its last one instead, or raise."""

DEFAULT_NUM = 8
"""Frames that are given when nothing else is asked for."""

MAX_CHOSEN = 1_000_000
"""Frames that can be asked for at once."""

_MAX_SIDE = 16_384

Positions = npt.NDArray[np.intp]
Times = npt.NDArray[np.float64]


def choose_frames(
    times_seconds: Times,
    duration_seconds: float,
    name: str,
    *,
    num: int | None = None,
    at_seconds: Sequence[float] | None = None,
    frame_rate: float | None = None,
    indices: Sequence[int] | None = None,
    policy: FramePolicy = "repeat_last",
    tolerance_seconds: float = 0.0,
) -> Positions:
    """Return the positions, in presentation order, of the frames that are asked for.

    Args:
        times_seconds: ascending presentation times from the clip's start, at least one.
        duration_seconds: length of the clip.
        name: what to call the clip in a message.
        num: so many, evenly spaced as the corpora's authors do it: `arange(0, len, len / n)` with
            n = min(num, len).
        at_seconds: the frame that is on screen at each of these moments.
        frame_rate: the frame on screen at k / frame_rate, for all such moments in the clip.
        indices: positions as in Python, negative ones from the end.
        policy: for what the clip does not have, "repeat_last" or "error".
        tolerance_seconds: a moment this little before a frame belongs to that frame: rounding.

    Returns:
        Positions in `times_seconds`, one for each frame asked for, repeats included.

    Raises:
        OptionError: more than one way was chosen, or a value that cannot be.
        SpanError: a moment or index before the clip's start; with "error" also after its end, or too few
            frames.
        LimitError: more than a million frames.
    """
    check_choice(num, at_seconds, frame_rate, indices, policy)
    if at_seconds is not None:
        moments = _seconds(at_seconds)
        return _at_moments(moments, times_seconds, duration_seconds, name, policy, tolerance_seconds)
    if frame_rate is not None:
        count = duration_seconds * frame_rate
        if count > MAX_CHOSEN:
            raise LimitError(f"{frame_rate!r} frames a second of {name} are more than {MAX_CHOSEN} frames")
        # A moment that falls on the very end is outside the clip, however the product was rounded.
        moments = np.arange(max(math.ceil(count - 1e-6), 1)) / frame_rate
        return _at_moments(moments, times_seconds, duration_seconds, name, "repeat_last", tolerance_seconds)
    if indices is not None:
        return _at_indices(indices, len(times_seconds), name, policy)
    return _evenly(DEFAULT_NUM if num is None else operator.index(num), len(times_seconds), name, policy)


def check_choice(
    num: int | None,
    at_seconds: Sequence[float] | None,
    frame_rate: float | None,
    indices: Sequence[int] | None,
    policy: str,
) -> None:
    """Check what is asked for, before any clip is opened.

    Raises:
        OptionError: more than one way of choosing, or a value that cannot be.
    """
    options = {"num": num, "at_seconds": at_seconds, "frame_rate": frame_rate, "indices": indices}
    given = [key for key, value in options.items() if value is not None]
    if len(given) > 1:
        raise OptionError(f"choose frames in one way, not by {' and '.join(given)}")
    if policy not in get_args(FramePolicy):
        raise OptionError(f"policy must be one of {list(get_args(FramePolicy))}; got {quote(policy)}")
    if num is not None and not (_is_whole(num) and 0 < num <= MAX_CHOSEN):
        raise OptionError(f"num must be a whole number from 1 to {MAX_CHOSEN}; got {quote(num)}")
    if frame_rate is not None and not _is_positive(frame_rate):
        raise OptionError(f"frame_rate must be a positive number of frames a second; got {quote(frame_rate)}")
    for key, values in (("at_seconds", at_seconds), ("indices", indices)):
        if values is not None and not 0 < _length(values) <= MAX_CHOSEN:
            raise OptionError(f"{key} must be a list of 1 to {MAX_CHOSEN} values; got {quote(values)}")


def scaled_size(height: int, width: int, size: int | tuple[int, int] | None) -> tuple[int, int]:
    """Return (height, width) of the output for pictures of `height` x `width`.

    Args:
        height: of the upright picture, pixels.
        width: of the upright picture, pixels.
        size: None for no change; an int for the shorter side, the other in proportion; or (height, width).

    Raises:
        OptionError: a side is not a positive whole number.
        LimitError: a side is longer than 16384 pixels.
    """
    if size is None:
        return height, width
    try:
        if isinstance(size, tuple | list):
            new_height, new_width = (operator.index(side) for side in size)
        else:
            side, short = operator.index(size), min(height, width)
            new_height, new_width = (
                max(round(length * side / short), min(side, 1)) for length in (height, width)
            )
    except (TypeError, ValueError) as error:
        raise OptionError(f"size must be a number of pixels or (height, width); got {quote(size)}") from error
    if min(new_height, new_width) < 1:
        raise OptionError(f"size must be positive; got {quote(size)}")
    if max(new_height, new_width) > _MAX_SIDE:
        raise LimitError(f"size {quote(size)} asks for a side above {_MAX_SIDE} pixels")
    return new_height, new_width


def _length(values: object) -> int:
    try:
        return len(values)  # type: ignore[arg-type]  # that it may have no length is the question
    except TypeError:
        return 0


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and 0 < float(value) < math.inf


def _evenly(num: int, length: int, name: str, policy: FramePolicy) -> Positions:
    if num > length and policy == "error":
        raise SpanError(
            f'{name} has {length} frames; {num} were asked for. Pass policy="repeat_last" to fill up'
        )
    taken = min(num, length)
    positions = np.arange(0, length, length / taken).astype(np.intp)[:taken]
    return np.pad(positions, (0, num - len(positions)), constant_values=length - 1)


def _at_indices(indices: Sequence[int], length: int, name: str, policy: FramePolicy) -> Positions:
    positions = np.empty(len(indices), np.intp)
    for place, index in enumerate(indices):
        if not _is_whole(index):
            raise OptionError(f"indices must be whole numbers; got {quote(index)}")
        if index < -length or (index >= length and policy == "error"):
            raise SpanError(f"{name} has {length} frames; there is none at index {quote(index)}")
        positions[place] = min(index, length - 1) % length
    return positions


def _seconds(values: Sequence[float]) -> Times:
    try:
        moments = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"at_seconds must be a flat list of seconds; got {quote(values)}") from error
    if moments.ndim != 1 or not np.isfinite(moments).all():
        raise OptionError(f"at_seconds must be a flat list of finite seconds; got {quote(values)}")
    return moments


def _at_moments(
    moments: Times, times: Times, duration: float, name: str, policy: FramePolicy, tolerance: float
) -> Positions:
    outside = moments < -tolerance
    if policy == "error":
        outside |= moments >= duration
    if outside.any():
        moment = float(moments[outside][0])
        raise SpanError(f"{name} covers [0, {duration:.6g}) s; there is no frame at {moment!r} s")
    # A window may open between two frames: until its first frame starts, that one is what there is to show.
    return np.maximum(np.searchsorted(times, moments + tolerance, side="right") - 1, 0)
