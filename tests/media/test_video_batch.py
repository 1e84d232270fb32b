"""A batch of clips gives what each clip gives, in one array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotalk_data.errors import LimitError, OptionError, SpanError, VideoError
from emotalk_data.media.video import VideoClip
from emotalk_data.media.video_batch import frames_many

from .video_files import make_video, numbers_of

LENGTHS = (50, 7, 21)


@pytest.fixture(scope="module")
def clips() -> list[VideoClip]:
    return [VideoClip(bytes=make_video(range(length))) for length in LENGTHS]


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("size", [(32, 40), 48, None])
@pytest.mark.parametrize(
    "way",
    [
        {},
        {"num": 9},
        {"at_seconds": [0.0, 0.2, 9.0]},
        {"frame_rate": 10},
        {"indices": np.array([-1, 0, 3, 3])},
        {"indices": [60], "policy": "repeat_last"},
    ],
)
def test_each_row_is_what_the_clip_gives(
    clips: list[VideoClip], way: dict[str, Any], size: Any, num_threads: int
) -> None:
    batch = frames_many([*clips, None], **way, size=size, num_threads=num_threads)
    expected = [clip.frames(**way, size=size) for clip in clips]
    assert batch.lengths.tolist() == [*map(len, expected), 0]
    assert batch.lengths.dtype == np.int64
    assert batch.frames.shape == (4, max(map(len, expected)), *expected[0].shape[1:])
    for row, frames in zip(batch.frames, [*expected, expected[0][:0]], strict=True):
        np.testing.assert_array_equal(row[: len(frames)], frames)
        assert not row[len(frames) :].any()


def test_memory_is_used_again_when_it_is_large_enough(clips: list[VideoClip]) -> None:
    memory = np.full(10_000_000, 7, np.uint8)
    batch = frames_many([None, clips[1]], frame_rate=5, size=(32, 32), out=memory)
    assert np.shares_memory(batch.frames, memory)
    np.testing.assert_array_equal(batch.frames[1], clips[1].frames(frame_rate=5, size=(32, 32)))
    assert not batch.frames[0].any()
    small = np.zeros(10, np.uint8)
    again = frames_many(clips[:1], num=1, out=small)
    assert not np.shares_memory(again.frames, small)
    with pytest.raises(OptionError, match="out must be a writable C-contiguous array of uint8"):
        frames_many(clips[:1], num=1, out=np.zeros(10_000_000, np.float32))


def test_a_batch_without_pictures_has_no_frames() -> None:
    for clips in ([], [None, None]):
        batch = frames_many(clips, size=(16, 16))
        assert batch.frames.shape == (len(clips), 0, 16, 16, 3)
        assert batch.lengths.tolist() == [0] * len(clips)
    assert frames_many([None]).frames.shape == (1, 0, 0, 0, 3)


def test_windows_of_one_episode_are_read_in_threads(tmp_path: Path) -> None:
    path = tmp_path / "episode.mp4"
    path.write_bytes(make_video(range(150), pts=[place * 12_800 for place in range(150)]))
    windows = [VideoClip(path=f"{path}#t={start},{start + 4}") for start in range(20, 120, 5)]
    batch = frames_many(windows, num=4, size=(96, 128), num_threads=4)
    assert [numbers_of(row) for row in batch.frames] == [
        [start, start + 1, start + 2, start + 3] for start in range(20, 120, 5)
    ]


@pytest.mark.parametrize("num_threads", [1, 4])
def test_the_first_error_in_order_is_raised(clips: list[VideoClip], num_threads: int) -> None:
    damaged = [VideoClip(bytes=b"<html>"), VideoClip(bytes=b"")]
    with pytest.raises(VideoError, match="an HTML page"):
        frames_many([*clips, *damaged, *clips], size=(32, 32), num_threads=num_threads)
    with pytest.raises(SpanError, match="none at index 7"):
        frames_many(clips, indices=[7], policy="error", size=(32, 32), num_threads=num_threads)


def test_clips_of_different_sizes_need_one_size(clips: list[VideoClip]) -> None:
    upright = VideoClip(bytes=make_video(range(3), size=(128, 96)))
    for size in (None, 48):
        with pytest.raises(OptionError, match=r"were expected\. Pass size=\(height, width\)"):
            frames_many([clips[0], upright], num=2, size=size)
    assert frames_many([clips[0], upright], num=2, size=(48, 48)).frames.shape == (2, 2, 48, 48, 3)


def test_arguments_are_checked_before_any_clip_is_opened() -> None:
    with pytest.raises(OptionError, match="num_threads must be from 1 to 64"):
        frames_many([VideoClip(bytes=b"")], num_threads=0)
    with pytest.raises(OptionError, match="one way, not by num and frame_rate"):
        frames_many([VideoClip(bytes=b"")], num=2, frame_rate=2)
    with pytest.raises(OptionError, match="size must be positive"):
        frames_many([VideoClip(bytes=b"")], size=(0, 5))
    with pytest.raises(LimitError, match="more than 2 GiB"):
        frames_many([VideoClip(bytes=b"")] * 40, num=10, size=(4_000, 4_000))
