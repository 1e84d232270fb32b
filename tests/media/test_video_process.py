"""Clips travel between threads and processes and leave nothing open."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from emotalk_data.archives import open_source
from emotalk_data.errors import VideoError
from emotalk_data.media.container import open_video
from emotalk_data.media.video import VideoClip
from emotalk_data.media.video_decode import feeding_runs
from emotalk_data.media.video_index import scan_clip

from .video_files import make_video, numbers_of


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    path.write_bytes(make_video(has_sound=True))
    return path


def _read(clip: VideoClip) -> list[int]:
    return numbers_of(clip.frames(4, num_threads=2))


def test_a_clip_pickles_used_and_unused(path: Path) -> None:
    clip = VideoClip(path=f"{path}#t=0.4,1.2")
    unused = pickle.loads(pickle.dumps(clip))  # noqa: S301  # our own bytes
    assert (clip.num_frames, clip.width) == (20, 128)
    used = pickle.loads(pickle.dumps(clip))  # noqa: S301  # our own bytes
    for copy in (unused, used):
        assert (copy.num_frames, copy.width) == (20, 128)
        assert _read(copy) == _read(clip) == [10, 15, 20, 25]


def test_eight_threads_share_a_clip(path: Path) -> None:
    clip = VideoClip(path=str(path))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: _read(clip), range(32)))
    assert results == [[0, 12, 25, 37]] * 32


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_clip_used_before_works_in_a_worker_process(path: Path, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("this system has no such start method")
    clip = VideoClip(path=str(path))
    assert _read(clip) == [0, 12, 25, 37]
    with multiprocessing.get_context(method).Pool(2) as pool:
        # The library's own method: a worker need not be able to import the tests.
        pending = [pool.apply_async(clip.frames, (4,), {"num_threads": 2}) for _ in range(6)]
        assert [numbers_of(job.get(timeout=60)) for job in pending] == [[0, 12, 25, 37]] * 6


def test_no_descriptor_stays_open_with_garbage_collection_off(
    path: Path, tmp_path: Path, open_files: Callable[[], list[str]]
) -> None:
    good, damaged = tmp_path / "good.mp4", tmp_path / "damaged.mp4"
    data = path.read_bytes()
    good.write_bytes(data)
    damaged.write_bytes(data[:600] + bytes(300) + data[900:])
    gc.disable()
    try:
        for _ in range(40):
            VideoClip(path=f"{good}#t=0.4,0.6").frames(2)
            with pytest.raises(VideoError, match="damaged"):
                VideoClip(path=str(damaged)).frames()
        assert open_files() == []
    finally:
        gc.enable()


def test_packets_that_nobody_needs_are_not_decoded(path: Path) -> None:
    source = open_source(path=str(path))
    with open_video(source, "a.mp4") as (container, stream):
        samples, _ = scan_clip(container, stream, source, "a.mp4")
        runs = feeding_runs(samples, {25})
        assert len(runs) == 1
        # From the key frame 20 on, without the pictures that no other picture refers to.
        assert samples[runs[0][0]].rank == 20
        fed = [samples[place] for place in runs[0]]
        assert all(sample.rank == 25 or not sample.is_disposable for sample in fed)
        assert len(fed) < runs[0][-1] - runs[0][0] + 1
        everything = feeding_runs(samples, range(50))
        assert sum(map(len, everything)) == 50


def test_the_result_belongs_to_the_caller(path: Path) -> None:
    clip = VideoClip(path=str(path))
    first = clip.frames(indices=[3, 3])
    first[0] = 0
    clip.times_seconds[0] = 99.0
    np.testing.assert_array_equal(clip.frames(indices=[3])[0], first[1])
    assert clip.times_seconds[0] == 0
    assert first.flags.writeable
    assert first.flags.c_contiguous


def test_no_picture_waits_for_the_collector_of_cycles(path: Path) -> None:
    VideoClip(path=str(path)).frames(2)
    gc.collect()
    gc.disable()
    try:
        VideoClip(path=str(path)).frames(2)
        VideoClip(path=f"{path}#t=0.4,0.6").frames(2)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_an_error_that_is_kept_holds_no_decoder(path: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    data = path.read_bytes()
    damaged.write_bytes(data[:600] + bytes(300) + data[900:])
    with pytest.raises(VideoError, match="damaged") as caught:
        VideoClip(path=str(damaged)).frames()
    error: BaseException | None = caught.value
    held: set[str] = set()
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            held |= frame.f_locals.keys()
        error = error.__cause__
    assert "name" in held  # of `read_frames`, which has not ended when the error is raised
    assert not held & {"samples", "stream", "reader", "packet", "container"}
