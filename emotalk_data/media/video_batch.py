"""`frames_many`: the frames of a batch, in one padded array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emotalk_data.media.batching import check_threads, checked_clips, memory_for, thread_map
from emotalk_data.media.frame_plan import scaled_size
from emotalk_data.media.video import VideoClip
from emotalk_data.media.video_decode import check_result_size
from emotalk_data.media.video_frames import FrameRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.media.frame_plan import FramePolicy

__all__ = ["FrameBatch", "frames_many"]


class FrameBatch(NamedTuple):
    """The frames of some clips.

    Attributes:
        frames: uint8 RGB, shape (clips, frames of the longest, height, width, 3); zeros behind the last frame
            of each clip.
        lengths: int64, shape (clips,): frames of each clip, 0 where there is none.
    """

    frames: NDArray[np.uint8]
    lengths: NDArray[np.int64]


def frames_many(
    clips: Sequence[VideoClip | None],
    *,
    num: int | None = None,
    at_seconds: Sequence[float] | None = None,
    frame_rate: float | None = None,
    indices: Sequence[int] | None = None,
    size: int | tuple[int, int] | None = None,
    policy: FramePolicy = "repeat_last",
    num_threads: int = 1,
    out: NDArray[np.uint8] | None = None,
) -> FrameBatch:
    """Decode frames of several clips into one array, each clip straight into its row.

    Row k holds what `clips[k].frames(…)` gives for the same arguments, then zeros. `lengths` tells where; a
    None has length 0, so that nobody takes its zeros for a black picture.

    Args:
        clips: the clips of a batch; None for an utterance without pictures.
        num: as in `VideoClip.frames`, and so are the next five.
        at_seconds: moments of each clip.
        frame_rate: frames per second of each clip. Clips then differ in length.
        indices: positions in each clip.
        size: (height, width). None, or an int for the shorter side, where all clips come out the same.
        policy: for frames that a clip does not have.
        num_threads: clips that are decoded at a time, each by one thread.
        out: memory to use again: uint8, C-contiguous, of any shape. The result is a view of its beginning if
            it is large enough, and a new array if not.

    Raises:
        OptionError: clips of different sizes, without `size`, or an argument that cannot be.
        SpanError: a frame that a clip does not have, or a window that leaves the video.
        VideoError: a clip is damaged or cut; of several, the first. Nothing is returned in its place.
        LimitError: a clip is too long or too large, or the batch is above 2 GiB.
        ReleaseError: a file or archive is not there, or cannot be read.
    """
    check_threads(num_threads)
    clips = checked_clips(clips, VideoClip)
    request = FrameRequest(num, at_seconds, frame_rate, indices, size, policy)
    there = [(row, clip) for row, clip in enumerate(clips) if clip is not None]
    with thread_map(min(num_threads, len(there))) as apply:
        lengths = np.zeros(len(clips), np.int64)
        for (row, _), count in zip(there, apply(lambda item: _count(item[1], request), there), strict=True):
            lengths[row] = count
        known: dict[int, NDArray[np.uint8]] = {}
        if isinstance(size, tuple | list) or not there:
            height, width = scaled_size(1, 1, size) if isinstance(size, tuple | list) else (0, 0)
        else:  # the first clip tells
            known[there[0][0]] = there[0][1].read(request)
            height, width = known[there[0][0]].shape[1:3]
        longest = int(lengths.max(initial=0))
        check_result_size(len(clips) * longest, height, width, "a batch")
        frames = memory_for((len(clips), longest, height, width, 3), np.uint8, out)
        for row, length in enumerate(lengths):
            frames[row, length:] = 0

        def fill(item: tuple[int, VideoClip]) -> None:
            row, clip = item
            place = frames[row, : lengths[row]]
            if row in known:
                place[...] = known[row]
            else:
                clip.read(request, out=place)

        for _ in apply(fill, there):
            pass
    return FrameBatch(frames, lengths)


def _count(clip: VideoClip, request: FrameRequest) -> int:
    """Return how many frames the clip will give; only where its length decides it is looked at."""
    count = request.num_frames
    return len(request.choose(clip._known_index, repr(clip))) if count is None else count
