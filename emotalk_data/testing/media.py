"""Made-up sound and pictures that say where they come from: tones and frames with a number painted in."""

from __future__ import annotations

import io
import math
import wave
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from emotalk_data.errors import MissingDependencyError, OptionError, VideoError, quote

if TYPE_CHECKING:
    import av
    import numpy as np

__all__ = [
    "numbered_video_bytes",
    "pcm16_wav_bytes",
    "read_frame_number",
    "tone_frequency",
    "tone_samples",
    "wav_bytes",
    "write_numbered_video",
    "write_wav",
]

_CELLS = 4
_NUMBERS = 1 << (_CELLS * _CELLS)
_CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
_AAC_FRAME = 1024


def tone_frequency(seconds: float) -> float:
    """Return the tone's frequency in Hz at a time of an episode: 200 Hz, rising by 60 Hz each second."""
    return 200.0 + 60.0 * seconds


def tone_samples(start: int, num_samples: int, sampling_rate: int) -> np.ndarray:
    """Return samples `start` to `start + num_samples` of the rising tone, float32 in [−0.5, 0.5].

    The tone is a function of time alone, so a cut of an episode equals the tone made for that window.
    """
    import numpy as np

    seconds = np.arange(start, start + num_samples, dtype=np.float64) / sampling_rate
    return (0.5 * np.sin(2 * np.pi * (200.0 + 30.0 * seconds) * seconds)).astype(np.float32)


def pcm16_wav_bytes(samples: np.ndarray, sampling_rate: int) -> bytes:
    """Return a 16-bit PCM wav file of float samples in [−1, 1], shape (channels, samples)."""
    import numpy as np

    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(sampling_rate)
        file.writeframes(np.round(samples.T * 32767).astype("<i2").tobytes())
    return out.getvalue()


def wav_bytes(*, num_samples: int, sampling_rate: int, num_channels: int, seed: int) -> bytes:
    """Return a 16-bit PCM wav file: per channel a tone whose pitch follows `seed`, and soft noise."""
    import numpy as np

    seconds = np.arange(num_samples, dtype=np.float64) / sampling_rate
    frequencies = 150.0 + 13.0 * (seed % 97) + 70.0 * np.arange(num_channels)
    tones = 0.4 * np.sin(2 * np.pi * frequencies[:, None] * seconds[None, :])
    noise = 0.02 * np.random.default_rng(seed).uniform(-1, 1, (num_channels, num_samples))
    return pcm16_wav_bytes(tones + noise, sampling_rate)


def write_wav(
    path: str | Path, *, seconds: float, sampling_rate: int, num_channels: int = 1, seed: int = 0
) -> None:
    """Write a 16-bit PCM wav file of `round(seconds * sampling_rate)` samples per channel.

    Raises:
        OptionError: an argument is not positive, or `seed` is negative.
    """
    if not (0 < seconds < math.inf and sampling_rate > 0 and num_channels > 0 and seed >= 0):
        raise OptionError(
            f"seconds={quote(seconds)}, sampling_rate={quote(sampling_rate)}, "
            f"num_channels={quote(num_channels)} must be positive, and seed={quote(seed)} not negative."
        )
    data = wav_bytes(
        num_samples=round(seconds * sampling_rate),
        sampling_rate=sampling_rate,
        num_channels=num_channels,
        seed=seed,
    )
    Path(path).write_bytes(data)


def write_numbered_video(
    path: str | Path,
    *,
    num_frames: int,
    frame_rate: int | Fraction = 25,
    width: int = 160,
    height: int = 120,
    audio: bool = True,
    codec: str = "libx264",
    gop: int = 12,
    bframes: int = 2,
    first_number: int = 0,
    sampling_rate: int = 16_000,
) -> None:
    """Write a video whose frame i shows the number `first_number + i`, and a tone that rises with time.

    The number is painted as 4 × 4 black and white cells (16 bits, the first cell the highest); it starts
    again at 0 after 65,535. The container follows the suffix: `.mp4`, `.mov` or `.mkv`.

    Args:
        path: the file to write.
        num_frames: frames to write, at least one.
        frame_rate: frames per second.
        width: pixels, even and at least 16.
        height: pixels, even and at least 16.
        audio: add an AAC track, mono, as long as the pictures.
        codec: encoder to use; `mpeg4` takes its place where FFmpeg was built without it.
        gop: frames from one keyframe to the next, at most.
        bframes: frames between two reference frames, at most.
        first_number: the number in the first frame.
        sampling_rate: of the AAC track, in Hz.

    Raises:
        OptionError: an argument is out of its range, the suffix is not known, or `codec` is not for video.
        VideoError: FFmpeg refuses the settings, such as a sampling rate that AAC does not have.
        MissingDependencyError: FFmpeg has neither `codec` nor `mpeg4`.
    """
    container = _CONTAINERS.get(Path(path).suffix)
    if container is None:
        raise OptionError(f"suffix of {quote(str(path))} is not one of {sorted(_CONTAINERS)}.")
    data = numbered_video_bytes(
        num_frames=num_frames,
        frame_rate=frame_rate,
        width=width,
        height=height,
        audio=audio,
        codec=codec,
        gop=gop,
        bframes=bframes,
        first_number=first_number,
        sampling_rate=sampling_rate,
        container=container,
    )
    Path(path).write_bytes(data)


def numbered_video_bytes(
    *,
    num_frames: int,
    frame_rate: int | Fraction = 25,
    width: int = 160,
    height: int = 120,
    audio: bool = True,
    codec: str = "libx264",
    gop: int = 12,
    bframes: int = 2,
    first_number: int = 0,
    sampling_rate: int = 16_000,
    container: str = "mp4",
) -> bytes:
    """Return the file that `write_numbered_video` writes."""
    import av

    if num_frames < 1 or frame_rate <= 0 or min(width, height) < 16 or width % 2 or height % 2:
        raise OptionError(
            f"num_frames={quote(num_frames)} and frame_rate={quote(frame_rate)} must be positive, "
            f"width={quote(width)} and height={quote(height)} even and at least 16."
        )
    out = io.BytesIO()
    try:
        with av.open(out, "w", format=container) as file:
            video = _add_video(file, codec, Fraction(frame_rate), (width, height), gop, bframes)
            sound = _add_sound(file, sampling_rate) if audio else None
            total = round(num_frames * sampling_rate / Fraction(frame_rate))
            sent = 0
            for index in range(num_frames):
                file.mux(video.encode(_painted(first_number + index, width, height, index)))
                # Sound and pictures side by side, so that the muxer has little to hold back.
                while sound is not None and sent < total * (index + 1) // num_frames:
                    step = min(_AAC_FRAME, total - sent)
                    file.mux(sound.encode(_sound_frame(sent, step, sampling_rate)))
                    sent += step
            file.mux(video.encode(None))
            if sound is not None:
                file.mux(sound.encode(None))
    except av.FFmpegError as error:
        raise VideoError(f"FFmpeg could not write a video with codec={quote(codec)}: {error}.") from error
    return out.getvalue()


def _encoder(codec: str) -> str:
    """Return `codec`, or `mpeg4` where this FFmpeg cannot write it."""
    import av
    from av.codec.codec import UnknownCodecError

    for name in (codec, "mpeg4"):
        try:
            kind = av.Codec(name, "w").type
        except UnknownCodecError:
            continue
        if kind != "video":
            raise OptionError(
                f"codec={quote(codec)} is for {kind}; expected a video codec, such as 'libx264'."
            )
        return name
    raise MissingDependencyError(f"FFmpeg has no encoder {quote(codec)} and no 'mpeg4'. Reinstall av.")


def _add_video(
    file: av.container.OutputContainer,
    codec: str,
    frame_rate: Fraction,
    size: tuple[int, int],
    gop: int,
    bframes: int,
) -> av.VideoStream:
    name = _encoder(codec)
    # ultrafast alone turns B-frames off; max_b_frames below turns them on again.
    options = {"preset": "ultrafast", "crf": "28"} if name == "libx264" else {"qscale": "4"}
    stream: av.VideoStream = file.add_stream(name, rate=frame_rate, options=options)  # type: ignore[assignment]
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.gop_size = gop
    stream.codec_context.max_b_frames = bframes
    # More threads start slower than these few pixels take, and may order the work differently.
    stream.codec_context.thread_count = 1
    stream.codec_context.time_base = 1 / frame_rate
    return stream


def _add_sound(file: av.container.OutputContainer, sampling_rate: int) -> av.AudioStream:
    # The default search takes ten times as long and a tone does not profit.
    options = {"aac_coder": "fast"}
    stream: av.AudioStream = file.add_stream("aac", rate=sampling_rate, layout="mono", options=options)
    return stream


def _painted(number: int, width: int, height: int, pts: int) -> av.VideoFrame:
    """Return one yuv420p frame that shows `number`."""
    import av
    import numpy as np

    bits = [(number % _NUMBERS) >> shift & 1 for shift in range(_CELLS * _CELLS - 1, -1, -1)]
    grid = np.array(bits, np.uint8).reshape(_CELLS, _CELLS) * 219 + 16
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    rows, columns = np.arange(height) * _CELLS // height, np.arange(width) * _CELLS // width
    planes[:height] = grid[rows][:, columns]
    frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.pts = pts
    return frame


def _sound_frame(start: int, num_samples: int, sampling_rate: int) -> av.AudioFrame:
    import av

    samples = tone_samples(start, num_samples, sampling_rate)
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
    frame.sample_rate = sampling_rate
    frame.pts = start
    frame.time_base = Fraction(1, sampling_rate)
    return frame


def read_frame_number(frame: np.ndarray) -> int:
    """Return the number painted in a frame of `write_numbered_video`, also after scaling.

    Args:
        frame: uint8, shape (height, width) or (height, width, channels).

    Raises:
        OptionError: the array has another shape or dtype.
        VideoError: a cell is neither black nor white, so this is no such frame, or a blend of two.
    """
    import numpy as np

    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or min(frame.shape[:2]) < 2 * _CELLS:
        raise OptionError(
            f"frame is {frame.dtype} of shape {frame.shape}; expected uint8 (height, width[, channels])."
        )
    grey = frame.reshape(*frame.shape[:2], -1).mean(axis=2)
    height, width = grey.shape
    number = 0
    for cell in range(_CELLS * _CELLS):
        row, column = divmod(cell, _CELLS)
        # Only the middle half of a cell: its border is blurred by compression and scaling.
        top, left = (4 * row + 1) * height // 16, (4 * column + 1) * width // 16
        bottom, right = (4 * row + 3) * height // 16, (4 * column + 3) * width // 16
        level = float(grey[top : max(bottom, top + 1), left : max(right, left + 1)].mean())
        if 90 < level < 165:
            raise VideoError(f"cell {cell} of the frame is grey ({level:.0f}); expected black or white.")
        number = number * 2 + (level > 127)
    return number
