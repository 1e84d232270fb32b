"""torchcodec as the decoder of frames that our own index has chosen.

    our index ──> presentation time of each wanted frame ──> torchcodec ──> its own times, compared with ours

Frames are asked for by time, which means the same in a file, a member of an archive and a window. A frame that
comes back with another time is an error, never a result. torchcodec is used only once it has decoded a small
turned video just as PyAV does; an installed torchcodec often lacks a fitting FFmpeg.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from emotalk_data._optional import require
from emotalk_data.archives import open_source
from emotalk_data.errors import EmotalkError, MissingDependencyError, OptionError, VideoError, quote
from emotalk_data.media.frame_plan import scaled_size
from emotalk_data.media.open_containers import Reader, borrow_video
from emotalk_data.media.video_decode import (
    decode_frames,
    decode_rgb,
    result_array,
    start_decoder,
)
from emotalk_data.media.video_index import scan_clip
from emotalk_data.media.video_orientation import Orientation
from emotalk_data.media.video_packets import Sample

if TYPE_CHECKING:
    from emotalk_data.archives import ByteSource

__all__ = ["check_torchcodec", "decode_with_torchcodec"]

Frames = npt.NDArray[np.uint8]

_PROBE_SIZE = 64, 48
_PROBE_FRAMES = 6


def check_torchcodec() -> None:
    """Make sure that torchcodec works here: it decodes a small video as PyAV does. Done once per process.

    Raises:
        MissingDependencyError: torchcodec is absent, fails, or gives other frames.
    """
    failure = _probe()
    if failure is not None:
        raise MissingDependencyError(failure)


def decode_with_torchcodec(
    source: ByteSource,
    reader: Reader,
    samples: list[Sample],
    ranks: npt.NDArray[np.intp],
    size: int | tuple[int, int] | None,
    name: str,
    num_threads: int,
    out: Frames | None = None,
) -> Frames:
    """Decode frames into one array, as `decode_rgb` does.

    Args:
        source: the bytes.
        reader: the same, opened by PyAV; its decoder is prepared by `start_decoder`.
        samples: all packets of the clip.
        ranks: frames in the order of the result, repeats allowed.
        size: as in `scaled_size`.
        name: what to call the clip in a message.
        num_threads: threads of torchcodec's decoder.
        out: uint8 of the result's shape, to be filled and returned instead of a new array.

    Returns:
        uint8 RGB, shape (frames, height, width, 3), upright.

    Raises:
        MissingDependencyError: torchcodec does not work here.
        VideoError: it refuses the video, or gives other frames than those that were asked for.
        OptionError: the frames do not fit `out`, or the pictures are mirrored.
    """
    check_torchcodec()
    wanted, places = np.unique(ranks, return_inverse=True)
    pts = {sample.rank: sample.pts for sample in samples}
    upright = _upright_size(reader, samples, name)
    height, width = scaled_size(*upright, size)
    result = result_array(len(ranks), height, width, name, out)
    ticks = [pts[rank] for rank in wanted.tolist()]
    time_base = Fraction(reader.video.stream.time_base or 1)
    frames = _ask(source, ticks, time_base, (height, width), upright, num_threads, name)
    np.take(frames, places, axis=0, out=result)
    return result


def _upright_size(reader: Reader, samples: list[Sample], name: str) -> tuple[int, int]:
    """Return height and width of the upright picture: a frame is decoded, for the rotation is found there."""
    first = next(sample.rank for sample in samples if sample.rank is not None)
    for _, frame in decode_frames(reader.video.stream, samples, [first], name):
        orientation = Orientation.of(frame)
        if orientation.is_mirrored:
            raise OptionError(f'{name} is mirrored, which torchcodec does not undo. Use backend="av"')
        return orientation.size(frame.height, frame.width)
    raise VideoError(f"{name}: no frame could be decoded")


def _ask(
    source: ByteSource,
    ticks: Sequence[int],
    time_base: Fraction,
    size: tuple[int, int],
    upright: tuple[int, int],
    num_threads: int,
    name: str,
) -> Frames:
    """Get the frames with these presentation times from torchcodec: (frames, height, width, 3)."""
    decoders, transforms = _require()
    # A quarter of a tick after its beginning a frame is surely on screen, however that is rounded.
    moments = [float((tick + Fraction(1, 4)) * time_base) for tick in ticks]
    with source.open() as file:
        try:
            decoder = decoders.VideoDecoder(
                file,
                dimension_order="NHWC",
                num_ffmpeg_threads=num_threads,
                seek_mode="exact",
                transforms=[] if size == upright else [transforms.Resize(size)],
            )
            # An mp4 may give its last frame no length. It is then on screen at no moment.
            end = decoder.metadata.end_stream_seconds
            early = [moment for moment in moments if moment < end]
            batches: list[Any] = [decoder.get_frames_played_at(early)] if early else []
            if len(early) < len(moments):
                batches.append(decoder.get_frames_at([len(decoder) - 1] * (len(moments) - len(early))))
            frames: Frames = np.concatenate([batch.data.numpy() for batch in batches])
            times = np.concatenate([batch.pts_seconds.numpy() for batch in batches])
        except EmotalkError:
            raise
        except Exception as error:  # torchcodec raises RuntimeError, ValueError, IndexError, TypeError …
            reason = quote(str(error).partition("\n")[0], max_chars=200)
            raise VideoError(f'{name}: torchcodec fails: {reason}. Use backend="av"') from error
    expected = np.array([float(tick * time_base) for tick in ticks])
    if frames.shape != (len(ticks), *size, 3) or np.abs(times - expected).max() > float(time_base) / 2:
        raise VideoError(f'{name}: torchcodec gives other frames than were asked for. Use backend="av"')
    return frames


def _require() -> tuple[Any, Any]:
    purpose = 'decode with backend="torchcodec"'
    return (
        require("torchcodec.decoders", extra="torchcodec", purpose=purpose),
        require("torchcodec.transforms", extra="torchcodec", purpose=purpose),
    )


@functools.cache
def _probe() -> str | None:
    """Return what is wrong with torchcodec here; None when it works."""
    advice = (
        "It needs the torch that its version was built for, and the libraries of FFmpeg 4 to 8, as from "
        '`apt install ffmpeg`. backend="av" needs neither'
    )
    try:
        _require()
        source = open_source(data=_probe_video())
        ranks = np.array([3, 0, 3])
        with borrow_video(source, "a test video", 1) as reader:
            _, container, stream = reader.video
            samples, _ = scan_clip(container, stream, source, "a test video")
            ticks = {sample.rank: sample.pts for sample in samples}
            start_decoder(stream, 1)
            expected = decode_rgb(stream, samples, ranks, None, "a test video")
            given = _ask(
                source,
                [ticks[rank] for rank in ranks.tolist()],
                Fraction(stream.time_base or 1),
                expected.shape[1:3],
                (0, 0),
                1,
                "a test video",
            )
    except MissingDependencyError as error:
        return f"{error} {advice}"
    except Exception as error:  # whatever it is: it does not work
        return f"torchcodec is installed but does not work: {quote(str(error), max_chars=300)}. {advice}"
    if np.abs(given.astype(int) - expected).max() > 8:
        return f"torchcodec is installed but gives other pictures than PyAV for a test video. {advice}"
    return None


def _probe_video() -> bytes:
    """Encode a few grey frames, to be shown turned by a quarter."""
    import av

    width, height = _PROBE_SIZE
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream: Any = output.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.set_display_rotation(90)
        for number in range(_PROBE_FRAMES):
            picture = np.full((height, width, 3), 40 * number, np.uint8)
            picture[: height // 2, : width // 2] = 255
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return buffer.getvalue()
