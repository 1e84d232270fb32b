"""Episodes that stay open between windows: bounded, never stale, never shared, never in a child."""

from __future__ import annotations

import multiprocessing
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from emotalk_data.errors import EmotalkError, SpanError, VideoError
from emotalk_data.media.open_containers import MAX_IDLE, close_idle_videos, count_idle_videos
from emotalk_data.media.video import VideoClip

from .video_files import linear_decode, make_video, numbers_of

NUM_FRAMES = 300
SECOND = 12_800
X264 = {"preset": "ultrafast", "x264-params": "bframes=3:b-pyramid=normal:keyint=10:scenecut=0:threads=1"}


def _episode(first: int = 0, **options: object) -> bytes:
    """Two frames a second for 150 s: longer than a whole file may be."""
    pts = [place * SECOND // 2 for place in range(NUM_FRAMES)]
    return make_video(range(first, first + NUM_FRAMES), pts=pts, options=X264, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made() -> bytes:
    return _episode()


@pytest.fixture(autouse=True)
def none_is_open() -> Iterator[None]:
    close_idle_videos()
    yield
    close_idle_videos()


@pytest.fixture
def episode(made: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "episode.mp4"
    path.write_bytes(made)
    return path


def _numbers(path: Path | str, start: float, end: float, num_threads: int = 1) -> list[int]:
    clip = VideoClip(path=f"{path}#t={start},{end}")
    return numbers_of(clip.frames(indices=range(round((end - start) * 2)), num_threads=num_threads))


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
@pytest.mark.parametrize("num_threads", [1, 2])
def test_windows_in_any_order_equal_the_decode_of_everything(
    container: str, num_threads: int, tmp_path: Path
) -> None:
    data = _episode(container=container)
    path = tmp_path / "episode"
    path.write_bytes(data)
    truth = linear_decode(data, {"mp4": "mov"}.get(container, container))
    for start in (100, 3, 140, 0, 60, 148, 5, 101, 12):
        clip = VideoClip(path=f"{path}#t={start},{start + 2}")
        frames = clip.frames(indices=[3, 0, 2], num_threads=num_threads)
        np.testing.assert_array_equal(frames, truth[[2 * start + 3, 2 * start, 2 * start + 2]])
    assert count_idle_videos() == (0 if container == "mpegts" else 1)


def test_one_video_stays_open_and_short_files_and_bytes_do_not(episode: Path, tmp_path: Path) -> None:
    for start in (20, 40, 30):
        assert _numbers(episode, start, start + 2) == list(range(2 * start, 2 * start + 4))
    assert count_idle_videos() == 1
    close_idle_videos()
    (tmp_path / "short.mp4").write_bytes(make_video(range(50)))
    VideoClip(path=f"{tmp_path}/short.mp4#t=1,2").frames(2)
    VideoClip(path=f"{tmp_path}/short.mp4").frames(2)
    VideoClip(bytes=episode.read_bytes(), path="x.mp4#t=30,32").frames(2)
    assert count_idle_videos() == 0


def test_a_member_of_a_tar_is_kept_too(episode: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "tv.tar", "w") as tar:
        tar.add(episode, "tv/01.mp4")
    member = f"tar://tv/01.mp4::{tmp_path}/tv.tar"
    assert _numbers(member, 70, 71) == [140, 141]
    assert count_idle_videos() == 1
    assert _numbers(member, 20, 21) == [40, 41]


def test_a_file_that_changed_is_opened_again(episode: Path, tmp_path: Path) -> None:
    assert _numbers(episode, 30, 31) == [60, 61]
    other = tmp_path / "other"
    other.write_bytes(_episode(1_000))
    other.replace(episode)
    assert _numbers(episode, 30, 31) == [1_060, 1_061]
    assert count_idle_videos() == 1
    episode.write_bytes(_episode(2_000))  # in place
    assert _numbers(episode, 30, 31) == [2_060, 2_061]
    episode.unlink()
    with pytest.raises(EmotalkError, match="no file at"):
        _numbers(episode, 30, 31)


def test_after_an_error_nothing_is_kept(episode: Path) -> None:
    _numbers(episode, 30, 31)
    with pytest.raises(SpanError, match="the window"):
        _numbers(episode, 400, 401)
    assert count_idle_videos() == 0
    data = bytearray(episode.read_bytes())
    middle = data.index(b"mdat") + 4_000
    data[middle : middle + 6_000] = bytes(6_000)
    episode.write_bytes(data)
    for start in range(10, 150, 10):
        try:
            assert _numbers(episode, start, start + 1) == [2 * start, 2 * start + 1]
        except VideoError:
            assert count_idle_videos() == 0


def test_descriptors_are_bounded(episode: Path, tmp_path: Path, open_files: Callable[[], list[str]]) -> None:
    for number in range(MAX_IDLE + 5):
        copy = tmp_path / f"{number}.mp4"
        shutil.copyfile(episode, copy)
        assert _numbers(copy, 30, 31) == [60, 61]
    assert count_idle_videos() == MAX_IDLE
    assert len(open_files()) == MAX_IDLE
    close_idle_videos()
    assert open_files() == []


def test_threads_never_share_one(episode: Path) -> None:
    starts = [20 + place * 7 % 120 for place in range(80)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda start: _numbers(episode, start, start + 1), starts))
    assert results == [[2 * start, 2 * start + 1] for start in starts]
    assert 1 <= count_idle_videos() <= 6


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_child_inherits_none_and_ends(episode: Path, num_threads: int) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork")
    # Kept open by another thread as well, which the child does not have.
    thread = threading.Thread(target=_numbers, args=(episode, 50, 51, num_threads))
    thread.start()
    thread.join()
    assert _numbers(episode, 30, 31, num_threads) == [60, 61]
    child = multiprocessing.get_context("fork").Process(target=_child, args=(episode, num_threads))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert count_idle_videos() == 0  # closed before the fork
    assert _numbers(episode, 31, 32, num_threads) == [62, 63]


def _child(episode: Path, num_threads: int) -> None:
    assert count_idle_videos() == 0
    assert _numbers(episode, 70, 71, num_threads) == [140, 141]
