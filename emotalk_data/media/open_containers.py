"""Long videos that stay open between two windows of them, because opening an episode costs more than a window.

    window of a long file ── take ──> used by one call ── put back ──> idle, the last one first to stay
                               │                            │
                               └ none idle: open            └ an error, or the file changed: closed

An open video belongs to the call that took it: no two threads ever use one at the same time. All idle ones of
the process are closed before it forks, so a child never inherits a decoder whose threads it does not have.
Short files and bytes in memory are never kept.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from emotalk_data.media.container import OpenVideo, ffmpeg_errors, start_reading
from emotalk_data.media.video_packets import MAX_SECONDS, NEAR_SECONDS

if TYPE_CHECKING:
    from emotalk_data.archives import ByteSource

__all__ = ["MAX_IDLE", "Reader", "borrow_video", "close_idle_videos", "count_idle_videos"]

MAX_IDLE: Final = 8
"""Videos that stay open in one process. Each is one descriptor, and some MB of tables."""

_MAX_IDLE_SAMPLES: Final = 2_000_000
"""Samples in the tables of all of them: FFmpeg takes up to 70 bytes for each."""


class _Key(NamedTuple):
    """What must be the same for an open video to be used again."""

    path: str
    state: tuple[int, int, int, int]
    offset: int
    size_bytes: int
    num_threads: int


@dataclass(eq=False, slots=True)
class Reader:
    """An open video, and what earlier windows found out about it.

    Attributes:
        video: the open file, its demuxer and its picture stream.
        origin_ticks: presentation time of its first frame; None before the first window was read.
        is_started: the decoder was set up by an earlier window, and has been emptied.
    """

    video: OpenVideo
    origin_ticks: int | None = None
    is_started: bool = False

    @property
    def num_samples(self) -> int:
        """Entries in the tables of all its streams."""
        return sum(len(stream.index_entries) for stream in self.video.container.streams)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether it is long, and its demuxer finds the same packets whatever it has read before."""
        container, stream = self.video.container, self.video.stream
        if container.duration is None or container.duration <= MAX_SECONDS * 1_000_000:
            return False
        # A fragmented mp4, which declares no number of frames, learns of its key frames while it is read.
        return container.format.name.startswith("matroska") or (self.is_mov and stream.frames > 0)

    @property
    def is_mov(self) -> bool:
        """Whether it is an mp4 or mov."""
        return self.video.container.format.name.startswith("mov")


class _Idle:
    """The open videos that no call uses, the one used last at the end."""

    def __init__(self) -> None:
        self._readers: list[tuple[_Key, Reader]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._readers)

    def take(self, key: _Key) -> Reader | None:
        """Hand out the one used last; close those of an earlier state of the same file."""
        found: Reader | None = None
        outdated = []
        with self._lock:
            for place in reversed(range(len(self._readers))):
                other, reader = self._readers[place]
                if found is None and other == key:
                    found = reader
                elif other.path == key.path and other.state != key.state:
                    outdated.append(reader)
                else:
                    continue
                del self._readers[place]
        for reader in outdated:
            reader.video.close()
        return found

    def put(self, key: _Key, reader: Reader) -> None:
        """Keep one more, and close the oldest ones that are too many."""
        with self._lock:
            self._readers.append((key, reader))
            surplus = []
            while len(self._readers) > MAX_IDLE or self._num_samples() > _MAX_IDLE_SAMPLES:
                surplus.append(self._readers.pop(0)[1])
        for old in surplus:
            old.video.close()

    def close(self) -> None:
        with self._lock:
            readers, self._readers = self._readers, []
        for _, reader in readers:
            reader.video.close()

    def _num_samples(self) -> int:
        return sum(reader.num_samples for _, reader in self._readers)


_idle = _Idle()
# What another thread put back while the process forked. Freeing it would wait for threads that are not there.
_inherited: list[_Idle] = []


@contextmanager
def borrow_video(source: ByteSource, name: str, num_threads: int) -> Iterator[Reader]:
    """Give an open video for the length of the block, a fresh one or one that was kept.

    Args:
        source: the bytes; only a window of a file on disk is looked for and kept.
        name: what to call it in a message.
        num_threads: of its decoder. A decoder keeps the number that it was started with.

    Yields:
        The reader. It is closed when the block raises, and kept when it is worth it.

    Raises:
        EmotalkError: as `open_video`.
    """
    key = _key(source, num_threads)
    reader = None if key is None else _idle.take(key)
    if reader is not None and _must_start_over(reader, source):
        reader.video.close()
        reader = None
    if reader is None:
        reader = Reader(start_reading(source, name))
    is_kept = False
    try:
        yield reader
        if key is not None and reader.origin_ticks is not None and reader.is_worth_keeping:
            if reader.is_started:
                with ffmpeg_errors(name, "emptying the decoder"):
                    reader.video.stream.codec_context.flush_buffers()
            is_kept = True
    finally:
        if not is_kept:
            reader.video.close()
    if is_kept and key is not None:
        _idle.put(key, reader)


def close_idle_videos() -> None:
    """Close all videos that are kept open for the next window of them."""
    _idle.close()


def count_idle_videos() -> int:
    """Return how many videos are open with no call using them."""
    return len(_idle)


def _key(source: ByteSource, num_threads: int) -> _Key | None:
    if source.window is None or source.byte_range is None:
        return None
    try:
        # Before the file is opened: if it is replaced in between, the next look finds another state.
        status = os.stat(source.byte_range.path)  # noqa: PTH116  a str, and pathlib is slower
    except OSError:
        return None  # opening it says what is wrong
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    path, offset, size_bytes = source.byte_range
    return _Key(path, state, offset, size_bytes, num_threads)


def _must_start_over(reader: Reader, source: ByteSource) -> bool:
    """Whether the first frames of a video are wanted that cannot seek back to them for certain."""
    return not reader.is_mov and (source.window or (0.0, None))[0] <= NEAR_SECONDS


def _abandon_in_child() -> None:
    global _idle
    if len(_idle):
        _inherited.append(_idle)
    _idle = _Idle()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=close_idle_videos, after_in_child=_abandon_in_child)
