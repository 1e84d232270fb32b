"""Videos whose frames carry their number, made by PyAV.

Each frame is a 3 x 4 grid of black and white blocks, the bits of its number, most significant first. The
blocks are large, so any lossy codec keeps them.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

ROWS, COLUMNS = 3, 4
HEIGHT, WIDTH = 96, 128
TIME_BASE = Fraction(1, 12_800)
TICKS = 512
CODECS = {
    "libx264": "mov",
    "libx265": "mov",
    "libvpx-vp9": "matroska",
    "libsvtav1": "mov",
    "mpeg4": "mov",
}
_OPTIONS = {
    "libx264": {
        "preset": "ultrafast",
        "x264-params": "bframes=3:b-pyramid=normal:keyint=10:scenecut=0:threads=1",
    },
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3:keyint=10:pools=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "6", "crf": "10", "svtav1-params": "lp=1"},
    "mpeg4": {"bf": "2", "g": "10"},
}


def has_encoder(codec: str) -> bool:
    try:
        av.Codec(codec, "w")
    except av.error.FFmpegError:
        return False
    return True


@functools.cache
def picture(number: int, height: int = HEIGHT, width: int = WIDTH) -> npt.NDArray[np.uint8]:
    """Draw one frame: (height, width, 3)."""
    bits = np.array([number >> bit & 1 for bit in reversed(range(ROWS * COLUMNS))], np.uint8).reshape(
        ROWS, COLUMNS
    )
    grid = np.kron(bits, np.ones((height // ROWS, width // COLUMNS), np.uint8)) * 219 + 16
    full = np.full((height, width), 16, np.uint8)
    full[: grid.shape[0], : grid.shape[1]] = grid
    return np.repeat(full[:, :, None], 3, axis=2)


def number_of(frame: npt.NDArray[np.uint8]) -> int:
    """Read the number off one upright frame of any size."""
    height, width = frame.shape[:2]
    rows = [(2 * row + 1) * height // (2 * ROWS) for row in range(ROWS)]
    columns = [(2 * column + 1) * width // (2 * COLUMNS) for column in range(COLUMNS)]
    bits = frame[np.ix_(rows, columns)].mean(axis=2) > 127
    return int("".join("1" if bit else "0" for bit in bits.ravel()), 2)


def numbers_of(frames: npt.NDArray[np.uint8]) -> list[int]:
    return [number_of(frame) for frame in frames]


def make_video(
    numbers: Sequence[int] = range(50),
    *,
    codec: str = "libx264",
    container: str = "mp4",
    pts: Sequence[int] | None = None,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: int | None = None,
    has_sound: bool = False,
    time_base: Fraction = TIME_BASE,
    pix_fmt: str = "yuv420p",
) -> bytes:
    """Encode one frame for each number, `pts` in ticks of 1/12800 s, 25 frames a second unless given."""
    buffer = io.BytesIO()
    height, width = size
    ticks = int(1 / (25 * time_base))
    with av.open(buffer, "w", format=container, options=container_options or {}) as output:
        stream: Any = output.add_stream(
            codec, rate=25, options={**_OPTIONS.get(codec, {}), **(options or {})}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = time_base
        if rotation is not None:
            stream.set_display_rotation(rotation)
        sound: Any = output.add_stream("aac", rate=16_000, layout="mono") if has_sound else None
        for place, number in enumerate(numbers):
            frame = av.VideoFrame.from_ndarray(picture(number, height, width), format="rgb24")
            frame.pts, frame.time_base = (pts[place] if pts else place * ticks), time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound is not None:
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 16_000), np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate, silence.pts = 16_000, 0
            output.mux(sound.encode(silence))
            output.mux(sound.encode(None))
    return buffer.getvalue()


def box_field(data: bytes, box: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite bytes of the first box of a kind, `offset` bytes after its name."""
    start = data.index(box) + len(box) + offset
    return data[:start] + value + data[start + len(value) :]


def linear_decode(data: bytes, container: str = "mov") -> npt.NDArray[np.uint8]:
    """All frames as FFmpeg gives them when it is asked for nothing else: the truth to compare with."""
    with av.open(io.BytesIO(data), mode="r", format=container) as opened:
        frames = [frame.to_ndarray(format="rgb24") for frame in opened.decode(opened.streams.video[0])]
    return np.stack(frames)
