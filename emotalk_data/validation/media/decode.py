"""Every sample of a sound and every frame of a video, decoded a part at a time and let go.

Work has a bound whatever a file declares: 120 s of sound, and as many pixels as 120 s of 1920x1080 at 60 frames
a second.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from emotalk_data.errors import LimitError, VideoError
from emotalk_data.media.audio_decode import read_samples
from emotalk_data.media.container import open_video
from emotalk_data.media.video_decode import decode_frames, start_decoder
from emotalk_data.media.video_index import VideoIndex, scan_clip, scan_window
from emotalk_data.media.video_packets import MAX_SECONDS, Sample
from emotalk_data.validation.media.faults import NAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.archives.source import ByteSource
    from emotalk_data.media.audio_facts import AudioFacts

__all__ = ["Pictures", "Sound", "decode_pictures", "decode_sound"]

_BLOCK_VALUES: Final = 1 << 20
"""Samples, over all channels, that are in memory at one time."""

_MAX_CLIP_BYTES: Final = 128 << 20
_MAX_PIXELS: Final = MAX_SECONDS * 60 * 1920 * 1080
_SECOND_TRY_SECONDS: Final = 30
_CANCELS_BELOW: Final = 1e-4  # of the peak, as `AudioClip.inspect` has it


class Sound(NamedTuple):
    """What decoding some samples has shown.

    Attributes:
        is_finite: whether no sample is NaN or infinite.
        peak: the largest absolute value of the finite samples.
        mean_peak: the same of the mean of the channels.
    """

    is_finite: bool
    peak: float
    mean_peak: float

    @property
    def cancels(self) -> bool:
        """Whether the channels are not silent and their mean is."""
        return self.peak > 0 and self.mean_peak < self.peak * _CANCELS_BELOW


class Pictures(NamedTuple):
    """What decoding all frames has shown.

    Attributes:
        seconds: how long they are on screen, counted.
        num_frames: how many there are.
        repeated_seconds: the first time that two frames share; None when none do.
        goes_back: whether decoding times do.
    """

    seconds: float
    num_frames: int
    repeated_seconds: float | None
    goes_back: bool


def decode_sound(source: ByteSource, facts: AudioFacts, start: int, stop: int) -> Sound:
    """Decode samples `[start, stop)`, at most 120 s of them.

    Raises:
        AudioError: damaged or cut.
        ReleaseError: the file cannot be read.
    """
    stop = min(stop, start + MAX_SECONDS * facts.sampling_rate)
    step = _BLOCK_VALUES // facts.num_channels
    is_finite, peak, mean_peak = True, 0.0, 0.0
    for first in range(start, stop, step):
        samples = read_samples(source, facts, first, min(first + step, stop))
        block_peak = _peak(samples)
        if not math.isfinite(block_peak):
            is_finite = False
            np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            block_peak = _peak(samples)
        peak = max(peak, block_peak)
        # In float64: the sum of two large float32 values may not be one.
        mixed = samples if len(samples) == 1 else samples.mean(axis=0, dtype=np.float64)
        mean_peak = max(mean_peak, block_peak if mixed is samples else _peak(mixed))
    return Sound(is_finite, peak, mean_peak)


def decode_pictures(source: ByteSource) -> Pictures:
    """Decode every frame of a clip or of its window; none is kept or converted.

    Raises:
        VideoError: damaged or cut, or fewer frames than are declared.
        LimitError: larger, or longer, than an utterance can be.
        SpanError: the window leaves the video.
        ReleaseError: the file cannot be read.
    """
    if source.window is None:
        if source.size_bytes > _MAX_CLIP_BYTES:
            raise LimitError(f"{NAME} is of {source.size_bytes} bytes; the limit is {_MAX_CLIP_BYTES}")
        return _decode(source, 0)
    try:
        return _decode(source, 0)
    except VideoError:  # pictures of a window may not come out of its own key frame; see `VideoClip.frames`
        return _decode(source, _SECOND_TRY_SECONDS)


def _decode(source: ByteSource, extra_seconds: int) -> Pictures:
    with open_video(source, NAME) as (container, stream):
        if source.window is None:
            samples, index = scan_clip(container, stream, source, NAME)
        else:
            samples, index = scan_window(container, stream, source.window, NAME, extra_seconds=extra_seconds)
        num_frames = len(index.times_seconds)
        width, height = stream.codec_context.width, stream.codec_context.height
        if num_frames * width * height > _MAX_PIXELS:
            raise LimitError(
                f"{NAME} is of {num_frames} frames of {width}x{height}; that is too much to decode"
            )
        pictures = _pictures(samples, index)  # before decoding: that replaces the time stamps
        start_decoder(stream, 1)
        deque(decode_frames(stream, samples, list(range(num_frames)), NAME), maxlen=0)
    return pictures


def _pictures(samples: list[Sample], index: VideoIndex) -> Pictures:
    times = index.times_seconds
    repeats = np.flatnonzero(np.diff(times) <= 0)
    stamps = [sample.packet.dts for sample in samples if sample.packet.dts is not None]
    goes_back = any(later < earlier for earlier, later in pairwise(stamps))
    repeated = float(times[repeats[0]]) if len(repeats) else None
    return Pictures(index.duration_seconds, len(times), repeated, goes_back)


def _peak(samples: NDArray[np.floating]) -> float:
    """Return the largest absolute value; NaN when one of the samples is."""
    return max(abs(float(samples.max())), abs(float(samples.min())))
