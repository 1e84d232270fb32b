"""`VideoClip`: the lazy handle that a row's `video` is."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from emotalk_data.archives import open_source
from emotalk_data.errors import EmotalkError, VideoError
from emotalk_data.media.clip import MediaClip
from emotalk_data.media.container import ffmpeg_errors, open_video
from emotalk_data.media.frame_plan import FramePolicy
from emotalk_data.media.video_decode import start_decoder
from emotalk_data.media.video_frames import (
    FrameRequest,
    VideoBackend,
    check_decoding_options,
    read_frames,
    read_index,
)
from emotalk_data.media.video_index import VideoIndex
from emotalk_data.media.video_orientation import Orientation

if TYPE_CHECKING:
    from emotalk_data.media.audio import AudioClip

__all__ = ["VideoClip"]

_STRIP_FRAMES = 8
_STRIP_HEIGHT = 96


class VideoClip(MediaClip):
    """Pictures that are read when they are asked for: a file, a member of a tar, or a window of an episode.

    Frames are counted in the order they are shown. They are upright: a phone's rotation is applied, and
    `width` and `height` are those of the turned picture. Pixels are as coded, also where they are not square.

    Args:
        bytes: the content of a video file.
        path: a file, or `tar://<member>::<archive>`, either followed by `#t=<start>,<end>` in seconds from
            the first frame of the video, half open.
    """

    __slots__ = ("_header", "_index")

    _header: tuple[int, int, bool]
    _index: VideoIndex

    @property
    def num_frames(self) -> int:
        """Number of frames, counted, not declared.

        Raises:
            VideoError: not a video, damaged or cut.
            LimitError: a whole file longer than 120 s; give a window.
        """
        return len(self._known_index.times_seconds)

    @property
    def frame_rate(self) -> float:
        """Average frames per second."""
        return self._known_index.frame_rate

    @property
    def duration_seconds(self) -> float:
        """Length of the clip, in seconds."""
        return self._known_index.duration_seconds

    @property
    def times_seconds(self) -> npt.NDArray[np.float64]:
        """Presentation time of each frame, in seconds from the clip's start, float64, ascending."""
        return self._known_index.times_seconds.copy()

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        return self._known_header[0]

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        return self._known_header[1]

    @property
    def has_audio(self) -> bool:
        """Whether the file has a sound track."""
        return self._known_header[2]

    @property
    def audio(self) -> AudioClip | None:
        """The sound of the same clip, window included; None when the file has no sound track."""
        from emotalk_data.media.audio import AudioClip

        return AudioClip(bytes=self._data, path=self._path) if self.has_audio else None

    def frames(
        self,
        num: int | None = None,
        *,
        at_seconds: Sequence[float] | None = None,
        frame_rate: float | None = None,
        indices: Sequence[int] | None = None,
        size: int | tuple[int, int] | None = None,
        policy: FramePolicy = "repeat_last",
        num_threads: int = 1,
        backend: VideoBackend = "av",
    ) -> npt.NDArray[np.uint8]:
        """Decode some frames. Choose them in one of four ways; 8 evenly spaced ones are the default.

        Args:
            num: so many, at `arange(0, len, len / n)` with n = min(num, len), as the corpora's authors
                choose them.
            at_seconds: the frame on screen at each of these moments of the clip.
            frame_rate: the frame on screen at k / frame_rate for all k inside the clip.
            indices: by number; negative ones count from the end.
            size: None for the picture's own; an int for the shorter side, in pixels, the other in proportion;
                or (height, width). Scaling is bilinear.
            policy: "repeat_last" gives the last frame for what lies after the clip's end and fills up to
                `num`; "error" raises.
            num_threads: threads of the decoder.
            backend: what decodes: "av", or "torchcodec" where that works. The frames are the same ones; pixels
                differ slightly where they are scaled. torchcodec does not tell a damaged picture.

        Returns:
            RGB, uint8, shape (frames, height, width, 3), in the order asked for.

        Raises:
            OptionError: two ways at once, or a value that cannot be.
            SpanError: a frame that the clip does not have, or a window that leaves the video.
            VideoError: not a video, damaged or cut; nothing is returned in place of a damaged frame.
            LimitError: pictures above 4096x2304, a whole file longer than 120 s, or a result above 2 GiB.
            MissingDependencyError: torchcodec is asked for and does not work here.
        """
        check_decoding_options(num_threads, backend)
        request = FrameRequest(num, at_seconds, frame_rate, indices, size, policy)
        return self.read(request, num_threads=num_threads, backend=backend)

    def choose(
        self,
        num: int | None = None,
        *,
        at_seconds: Sequence[float] | None = None,
        frame_rate: float | None = None,
        indices: Sequence[int] | None = None,
        policy: FramePolicy = "repeat_last",
    ) -> npt.NDArray[np.intp]:
        """Say which frames `frames` gives for the same arguments; nothing is decoded.

        Args:
            num: as for `frames`.
            at_seconds: as for `frames`.
            frame_rate: as for `frames`.
            indices: as for `frames`.
            policy: as for `frames`.

        Returns:
            Positions from 0 in the order of `times_seconds`, shape (frames,), intp, repeats included.

        Raises:
            OptionError: two ways at once, or a value that cannot be.
            SpanError: a frame that the clip does not have, or a window that leaves the video.
            VideoError: not a video, damaged or cut.
            LimitError: a whole file longer than 120 s, or more than a million frames.
        """
        request = FrameRequest(num, at_seconds, frame_rate, indices, None, policy)
        return request.choose(self._known_index, self._name)

    def read(
        self,
        request: FrameRequest,
        *,
        num_threads: int = 1,
        backend: VideoBackend = "av",
        out: npt.NDArray[np.uint8] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """As `frames`, for what was asked once and is read from many clips.

        Args:
            request: the frames.
            num_threads: threads of the decoder.
            backend: what decodes.
            out: uint8 of exactly the result's shape, to be filled and returned.

        Raises:
            EmotalkError: as `frames`.
            OptionError: the frames do not fit `out`.
        """
        source = open_source(data=self._data, path=self._path)
        return read_frames(source, self._name, request, num_threads=num_threads, backend=backend, out=out)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return `frames()`: 8 evenly spaced ones. Decoding always makes a new array."""
        return np.asarray(self.frames(), dtype)

    def _repr_html_(self) -> str:
        """Return a strip of up to 8 frames for a notebook, or the reason why there is none."""
        name = html.escape(self._name)
        try:
            count = min(_STRIP_FRAMES, self.num_frames)
            frames = self.frames(
                count, size=(_STRIP_HEIGHT, round(_STRIP_HEIGHT * self.width / self.height) or 1)
            )
            pictures = "".join(
                f'<img alt="" src="data:image/png;base64,{base64.b64encode(_png(frame)).decode("ascii")}">'
                for frame in frames
            )
        except EmotalkError as error:
            return f"<div><b>VideoClip</b> {name}<br>{html.escape(str(error))}</div>"
        caption = (
            f"{self.width}×{self.height}, {self.num_frames} frames, {self.duration_seconds:.2f} s, "
            f"{self.frame_rate:.4g} frames/s, {'with' if self.has_audio else 'no'} sound"
        )
        return f"<figure><div>{pictures}</div><figcaption>{name}: {caption}</figcaption></figure>"

    @property
    def _known_index(self) -> VideoIndex:
        """Times of all frames and what follows from them; read once, without decoding."""
        if not hasattr(self, "_index"):
            self._index = read_index(open_source(data=self._data, path=self._path), self._name)
        return self._index

    @property
    def _known_header(self) -> tuple[int, int, bool]:
        """(height, width, has_audio). The rotation is a property of frames, so one is decoded."""
        if not hasattr(self, "_header"):
            source = open_source(data=self._data, path=self._path)
            with (
                open_video(source, self._name) as (container, stream),
                ffmpeg_errors(self._name, "decoding"),
            ):
                start_decoder(stream, 1)
                frame = next(container.decode(stream), None)
                if frame is None:
                    raise VideoError(f"{self._name}: no frame could be decoded")
                height, width = Orientation.of(frame).size(frame.height, frame.width)
                self._header = height, width, bool(container.streams.audio)
        return self._header


def _png(frame: npt.NDArray[np.uint8]) -> bytes:
    """Encode one RGB picture of (height, width, 3)."""
    import av

    encoder = av.CodecContext.create("png", "w")
    encoder.height, encoder.width = frame.shape[:2]
    encoder.pix_fmt = "rgb24"
    encoder.time_base = Fraction(1, 1)
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
