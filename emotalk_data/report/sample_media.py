"""Sound and pictures of one utterance, small enough to be part of a page: FLAC, JPEG and the outline of the wave.

What cannot be decoded leaves its typed error, which the page shows in place of a player.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from emotalk_data.errors import EmotalkError
from emotalk_data.report.shown_text import without_folders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.media import AudioClip, VideoClip

__all__ = ["Pictures", "Sound", "encode_jpeg", "pictures_of", "sound_of"]

SAMPLING_RATE: Final = 16_000
NUM_FRAMES: Final = 6
_SHORTER_SIDE: Final = 120  # pixels
_OUTLINE_POINTS: Final = 160
_JPEG_QUANTISER: Final = 4  # FFmpeg's scale: 2 is best, 31 worst


@dataclass(frozen=True)
class Sound:
    """Sound for a player.

    Attributes:
        data: a data URI of mono FLAC at 16 kHz; "" when `problem` says why there is none.
        outline: points of an SVG polygon over a box of 160 by 2, the middle at 1.
        seconds: length of the whole clip.
        shown_seconds: length of what is in `data`.
        problem: name and message of the error.
    """

    data: str = ""
    outline: str = ""
    seconds: float = 0.0
    shown_seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class Pictures:
    """Frames of a clip, evenly spaced.

    Attributes:
        data: a data URI of a JPEG for each frame; none when `problem` says why.
        width: of each, in pixels.
        height: of each, in pixels.
        seconds: length of the clip.
        problem: name and message of the error.
    """

    data: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    problem: str = ""


def sound_of(clip: AudioClip, max_seconds: float) -> Sound:
    """Return the beginning of a clip as a small file.

    Args:
        clip: any clip.
        max_seconds: how much of it, at most.
    """
    try:
        length = clip.duration_seconds
        end = max_seconds if length > max_seconds else None
        samples = clip.decode(0.0, end, sampling_rate=SAMPLING_RATE, mono=True)[0]
    except EmotalkError as error:
        return Sound(problem=_told(error))
    return Sound(
        data=_data_uri("audio/flac", _flac(samples)),
        outline=_outline(samples),
        seconds=length,
        shown_seconds=len(samples) / SAMPLING_RATE,
    )


def pictures_of(clip: VideoClip) -> Pictures:
    """Return six frames of a clip as small files; 120 pixels on their shorter side."""
    try:
        frames = clip.frames(num=NUM_FRAMES, size=_SHORTER_SIDE)
        seconds = clip.duration_seconds
    except EmotalkError as error:
        return Pictures(problem=_told(error))
    return Pictures(
        data=tuple(_data_uri("image/jpeg", encode_jpeg(frame)) for frame in frames),
        width=frames.shape[2],
        height=frames.shape[1],
        seconds=seconds,
    )


def encode_jpeg(frame: NDArray[np.uint8]) -> bytes:
    """Encode one RGB picture of (height, width, 3)."""
    import av

    encoder = av.VideoCodecContext.create("mjpeg", "w")
    encoder.height, encoder.width = frame.shape[:2]
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 1)
    encoder.qmin = encoder.qmax = _JPEG_QUANTISER
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    packets = [*encoder.encode(picture.reformat(format="yuvj420p")), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _flac(samples: NDArray[np.float32]) -> bytes:
    import soundfile

    file = io.BytesIO()
    clean = np.clip(np.nan_to_num(samples, nan=0.0), -1.0, 1.0)
    soundfile.write(file, clean, SAMPLING_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _outline(samples: NDArray[np.float32]) -> str:
    """Return the loudest sample of each of 160 parts, above and below the middle, as a part of the loudest."""
    edges = np.linspace(0, len(samples), _OUTLINE_POINTS + 1).astype(np.int64)
    loud = np.abs(np.nan_to_num(samples))
    peaks = np.array([loud[a:b].max(initial=0.0) for a, b in pairwise(edges)])
    peaks = peaks / (peaks.max(initial=0.0) or 1.0)
    above = [f"{x},{1 - peak:.2f}" for x, peak in enumerate(peaks)]
    below = [f"{x},{1 + peak:.2f}" for x, peak in enumerate(peaks)]
    return " ".join([*above, *reversed(below)])


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _told(error: EmotalkError) -> str:
    return f"{type(error).__name__}: {without_folders(error.message)}"
