"""One clip of the source made into what the copy keeps of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data.archives.location import split_window
from emotalk_data.cache.recipe import AudioRecipe, VideoRecipe
from emotalk_data.errors import AudioError, VideoError, quote
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.video import VideoClip
from emotalk_data.media.wav_samples import wav_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Made", "file_name", "kept_name", "make_audio", "make_video", "make_wav", "write_frames"]

_FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG


class Made(NamedTuple):
    """A clip as the copy keeps it.

    Attributes:
        data: a media file.
        name: its name, without a folder; None when the source has none.
        clipped_samples: samples that 16 bits do not hold, set to the nearest value.
    """

    data: bytes
    name: str | None
    clipped_samples: int = 0


def make_audio(stored: Mapping[str, Any], recipe: AudioRecipe) -> Made:
    """Decode a stored clip at the recipe's rate and write it as 16-bit wav.

    The copy decodes to what the source decodes to, within 2**-16 (half a step of 16 bits), except for samples
    beyond full scale, which are counted.

    Args:
        stored: `bytes` and `path`, as in the table.
        recipe: rate and channels.

    Raises:
        AudioError: not a sound file, damaged, or with samples that are no numbers.
        EmotalkError: what else `AudioClip.decode` raises.
    """
    return make_wav(stored, sampling_rate=recipe.sampling_rate, mono=recipe.mono)


def make_wav(stored: Mapping[str, Any], *, sampling_rate: int | None, mono: bool) -> Made:
    """Decode a stored clip and write it as 16-bit wav.

    Args:
        stored: `bytes` and `path`, as in the table.
        sampling_rate: in Hz; None for the clip's own.
        mono: the mean of the channels; otherwise all of them.

    Raises:
        EmotalkError: as `make_audio`.
    """
    clip = AudioClip(stored["bytes"], stored["path"])
    samples = clip.decode(sampling_rate=sampling_rate, mono=mono)
    if not np.isfinite(samples).all():
        raise AudioError(f"{quote(stored['path'])} has samples that are infinite or not a number")
    clipped = int(np.count_nonzero((samples > 32767.5 / 32768) | (samples < -32768.5 / 32768)))
    data = wav_bytes(samples, sampling_rate or clip.sampling_rate, sample_format="i16")
    return Made(data, kept_name(stored["path"], ".wav"), clipped)


def make_video(stored: Mapping[str, Any], recipe: VideoRecipe) -> Made:
    """Decode the recipe's frames of a stored clip and write them as a small video.

    A frame that is chosen more than once, because the clip has fewer, is kept once: frames are asked of the
    copy as they are of the source.

    Args:
        stored: `bytes` and `path`, as in the table.
        recipe: which frames, and how large.

    Raises:
        VideoError: not a video, damaged, or cut.
        EmotalkError: what else `VideoClip.frames` raises.
    """
    clip = VideoClip(stored["bytes"], stored["path"])
    times_seconds = clip.times_seconds
    chosen = np.unique(clip.choose(recipe.num, frame_rate=recipe.frame_rate))
    frames = clip.frames(indices=chosen.tolist(), size=recipe.size)
    data = write_frames(frames, times_seconds[chosen], clip.duration_seconds, recipe)
    return Made(data, kept_name(stored["path"], ".mp4"))


def write_frames(
    frames: NDArray[np.uint8],
    times_seconds: NDArray[np.float64],
    duration_seconds: float,
    recipe: VideoRecipe,
) -> bytes:
    """Write pictures with their times as an mp4 of JPEGs. The same arguments give the same bytes.

    Args:
        frames: RGB, shape (frames, height, width, 3).
        times_seconds: when each is shown, ascending. The first is shown from 0 on: nothing is before it, and the
            frame before the first one of a window lies outside of it.
        duration_seconds: when the last one ends.
        recipe: codec, quality and clock.

    Raises:
        VideoError: FFmpeg could not write it.
    """
    import av
    from av.error import FFmpegError

    clock = Fraction(1, recipe.ticks_per_second)
    starts = [0, *(round(seconds / clock) for seconds in times_seconds[1:].tolist())]
    ends = [*starts[1:], max(round(duration_seconds / clock), starts[-1] + 1)]
    buffer = io.BytesIO()
    try:
        with av.open(buffer, "w", format="mp4", container_options={"fflags": "+bitexact"}) as file:
            # A range of one value: the quality is the same for all pictures, whatever is in them.
            quality = {"qmin": str(recipe.quantiser), "qmax": str(recipe.quantiser), "flags": "+bitexact"}
            stream = file.add_stream("mjpeg", options=quality)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = recipe.pixels
            stream.time_base = stream.codec_context.time_base = clock
            stream.codec_context.color_range = _FULL_RANGE
            stream.codec_context.thread_count = 1
            packets = []
            for picture, start in zip(frames, starts, strict=True):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame = frame.reformat(format=recipe.pixels, dst_color_range=_FULL_RANGE)
                frame.pts, frame.time_base = start, clock
                packets += stream.encode(frame)
            packets += stream.encode(None)
            for packet, start, end in zip(packets, starts, ends, strict=True):
                packet.duration = end - start
                file.mux(packet)
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"FFmpeg could not write {len(frames)} frames as JPEG: {error}") from error
    return buffer.getvalue()


def kept_name(path: str | None, suffix: str) -> str | None:
    """Return the name of a clip in the copy: that of its file, without folder or archive, and its window.

        tar://Audio/wav/x.flac::/data/Audio.tar     x.wav
        /data/tv/anjia_02.mp4#t=12.48,15.2          anjia_02_12.48-15.2.wav

    The suffix is that of the content, because decoders hold one against the other. The window may not stay
    what it was: the content is the window already.
    """
    if path is None:
        return None
    file, start, end = split_window(path)
    name = file_name(file)
    stem = name.rpartition(".")[0] or name
    window = "" if start is None and end is None else f"_{_seconds(start or 0.0)}-{_seconds(end)}"
    return f"{stem}{window}{suffix}"


def file_name(file: str) -> str:
    """Return the name of a file, or of a member of an archive, without the folder it is in."""
    if file.startswith(("tar://", "zip://")):
        file = file.partition("::")[0]
    return file.rpartition("/")[2]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}".rstrip("0").rstrip(".")
