"""Small made-up releases in the true layout: for tests, documentation, the demo and benchmarks.

Every sentence, name and picture in them is invented; only the layout is the corpora's. The names below are
resolved on first use, so importing this package costs nothing.

`hub_double` beside them is a double of the Hub on this machine, for tests of what downloads and publishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data.testing.emotalk import make_emotalk
    from emotalk_data.testing.fullsize import make_fullsize_emotalk
    from emotalk_data.testing.m3ed import make_m3ed
    from emotalk_data.testing.media import read_frame_number, tone_frequency, write_numbered_video, write_wav
    from emotalk_data.testing.truth import EmotalkSample, EmotalkUtterance, M3edSample, M3edUtterance, Vote

__all__ = [
    "EmotalkSample",
    "EmotalkUtterance",
    "M3edSample",
    "M3edUtterance",
    "Vote",
    "make_emotalk",
    "make_fullsize_emotalk",
    "make_m3ed",
    "read_frame_number",
    "tone_frequency",
    "write_numbered_video",
    "write_wav",
]

_MODULES = {
    "EmotalkSample": ".truth",
    "EmotalkUtterance": ".truth",
    "M3edSample": ".truth",
    "M3edUtterance": ".truth",
    "Vote": ".truth",
    "make_emotalk": ".emotalk",
    "make_fullsize_emotalk": ".fullsize",
    "make_m3ed": ".m3ed",
    "read_frame_number": ".media",
    "tone_frequency": ".media",
    "write_numbered_video": ".media",
    "write_wav": ".media",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
