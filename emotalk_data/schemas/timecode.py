"""M3ED's times: `HH:MM:SS:FF`, where FF counts frames at 25 per second.

A frame field of 25 or more is legal (82 dialogues of the release have one) and means what arithmetic says:
`00:00:05:30` is 6.2 seconds. Seven times of the released relation file are malformed: blanks, one-digit
fields, a frame of three digits. They can be read, and are reported.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from emotalk_data.errors import SchemaError, quote

__all__ = ["FRAME_RATE", "Timecode", "format_timecode", "parse_timecode"]

FRAME_RATE: Final = 25
"""Frames per second of M3ED's time codes."""

_STRICT: Final = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2}):([0-9]{2})")
_TOLERANT: Final = re.compile(r"\s*([0-9]{1,2})\s*:\s*([0-9]{1,3})\s*:\s*([0-9]{1,3})\s*:\s*([0-9]{1,3})\s*")


class Timecode(NamedTuple):
    """A parsed time code.

    Attributes:
        frame_number: the time in frames of 1/25 s; exact.
        is_well_formed: the text was four fields of two digits.
        has_frame_overflow: the frame field is 25 or more.
    """

    frame_number: int
    is_well_formed: bool
    has_frame_overflow: bool

    @property
    def seconds(self) -> float:
        """The time in seconds, exact to the millisecond: one frame is 0.04 s."""
        return self.frame_number / FRAME_RATE


@lru_cache(maxsize=8_192)  # a release has few different times in dialogues, and each is asked for thrice
def parse_timecode(text: str) -> Timecode:
    """Read `HH:MM:SS:FF`.

    Raises:
        SchemaError: not four numbers, or minutes or seconds of 60 or more.
    """
    match = _STRICT.fullmatch(text)
    is_well_formed = match is not None
    if match is None:
        match = _TOLERANT.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        raise SchemaError(f"{quote(text)} is not a time code; expected HH:MM:SS:FF, such as '00:01:02:24'.")
    hours, minutes, seconds, frames = (int(field) for field in match.groups())
    if minutes >= 60 or seconds >= 60:
        raise SchemaError(
            f"{quote(text)} is not a time code: minutes and seconds go from 00 to 59 in HH:MM:SS:FF."
        )
    total = ((hours * 60 + minutes) * 60 + seconds) * FRAME_RATE + frames
    return Timecode(total, is_well_formed, frames >= FRAME_RATE)


def format_timecode(frame_number: int) -> str:
    """Write a number of frames as `HH:MM:SS:FF`, with FF below 25."""
    seconds, frames = divmod(frame_number, FRAME_RATE)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}"
