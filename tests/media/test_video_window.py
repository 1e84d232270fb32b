"""Windows of an episode: exact frames, little read."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from emotalk_data.errors import LimitError, SpanError, VideoError
from emotalk_data.media.video import VideoClip

from .video_files import (
    TICKS,
    TIME_BASE,
    has_encoder,
    linear_decode,
    make_video,
    number_of,
    numbers_of,
    picture,
)

NUM_FRAMES = 1_500
X264 = "bframes=3:keyint=50:scenecut=0:threads=1"
EPISODES: dict[str, dict[str, object]] = {
    "mp4": {"options": {"x264-params": X264}},
    "open gop": {"options": {"x264-params": X264 + ":open-gop=1"}},
    "intra refresh": {"options": {"x264-params": "intra-refresh=1:keyint=50:threads=1"}},
    "fragmented": {
        "options": {"x264-params": X264},
        "container_options": {"movflags": "frag_keyframe+empty_moov"},
    },
    "start offset": {"options": {"x264-params": X264}, "container_options": {"use_editlist": "0"}},
    "matroska": {"options": {"x264-params": X264}, "container": "matroska"},
    "mpegts": {"options": {"x264-params": X264}, "container": "mpegts"},
    "flv": {"options": {"x264-params": X264}, "container": "flv"},
    "hevc": {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=50:bframes=3:pools=1"}},
}
WINDOWS = [(0, 0.04), (0, 1), (1.96, 2.04), (12.48, 15.2), (22.0, 22.04), (31.97, 32.01), (58.2, 60)]


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("episodes")
    made = {}
    for form, options in EPISODES.items():
        if has_encoder(str(options.get("codec", "libx264"))):
            encoder = {"preset": "ultrafast", **options["options"]}  # type: ignore[dict-item]  # a mixed table
            data = make_video(range(NUM_FRAMES), **{**options, "options": encoder})  # type: ignore[arg-type]
            made[form] = folder / f"{form}.video"
            made[form].write_bytes(data)
    return made


@pytest.mark.parametrize("form", EPISODES)
def test_a_window_holds_exactly_the_frames_that_start_in_it(episodes: dict[str, Path], form: str) -> None:
    if form not in episodes:
        pytest.skip("this build of FFmpeg lacks the encoder")
    for start, end in WINDOWS:
        clip = VideoClip(path=f"{episodes[form]}#t={start},{end}")
        expected = [number for number in range(NUM_FRAMES) if start - 1e-9 <= number * 0.04 < end - 1e-9]
        frames = clip.frames(indices=range(clip.num_frames))
        assert numbers_of(frames) == expected, (start, end)
        np.testing.assert_allclose(clip.times_seconds, np.array(expected) * 0.04 - start, atol=1e-6)
        assert clip.duration_seconds == pytest.approx(end - start, abs=1e-6)
        assert clip.frame_rate == pytest.approx(25)


def test_pixels_of_a_window_equal_the_linear_decode(episodes: dict[str, Path]) -> None:
    truth = linear_decode(episodes["open gop"].read_bytes())
    frames = VideoClip(path=f"{episodes['open gop']}#t=12.48,15.2").frames(indices=[0, 13, 14, 60, -1])
    np.testing.assert_array_equal(frames, truth[[312, 325, 326, 372, 379]])


def test_moments_count_from_the_start_of_the_window(episodes: dict[str, Path]) -> None:
    clip = VideoClip(path=f"{episodes['mp4']}#t=30.02,31")
    assert numbers_of(clip.frames(at_seconds=[0, 0.02, 0.0599, 0.06, 0.9])) == [751, 751, 751, 752, 773]
    assert numbers_of(clip.frames(frame_rate=2)) == [751, 763]


def test_an_open_end_is_the_end_of_the_video(episodes: dict[str, Path]) -> None:
    clip = VideoClip(path=f"{episodes['mp4']}#t=58")
    assert (clip.num_frames, clip.duration_seconds) == (50, 2.0)


def test_bytes_take_the_window_of_their_path(episodes: dict[str, Path]) -> None:
    clip = VideoClip(bytes=episodes["mp4"].read_bytes(), path="episode.mp4#t=12.48,12.6")
    assert numbers_of(clip.frames(indices=range(clip.num_frames))) == [312, 313, 314]


def test_windows_that_leave_the_video_are_errors(episodes: dict[str, Path]) -> None:
    for form in ("mp4", "matroska", "mpegts"):
        for window in ("61,62", "59,61", "70", "58,3000"):
            with pytest.raises(SpanError, match="the window"):
                VideoClip(path=f"{episodes[form]}#t={window}").frames()
    # Sound and pictures end at slightly different moments; the window of the last utterance may do so too.
    assert VideoClip(path=f"{episodes['mp4']}#t=59,60.2").duration_seconds == 1.0


def test_a_window_between_two_frames_is_an_error(episodes: dict[str, Path]) -> None:
    with pytest.raises(SpanError, match="no frame inside the window"):
        VideoClip(path=f"{episodes['mp4']}#t=30.01,30.03").frames()


def test_a_window_costs_few_bytes(tmp_path: Path) -> None:
    # Noise, so that the pictures and not the tables make the size.
    path = tmp_path / "episode.mp4"
    _write_noisy_episode(path)
    before = _bytes_read()
    clip = VideoClip(path=f"{path}#t=40,41")
    assert number_of(clip.frames(indices=[0])[0, :96, :128]) == 40 * 25
    assert _bytes_read() - before < path.stat().st_size // 8


def test_a_whole_episode_is_refused_and_told_to_give_a_window(tmp_path: Path) -> None:
    path = tmp_path / "episode.mp4"
    path.write_bytes(make_video(range(100), pts=[place * 25_600 for place in range(100)]))
    with pytest.raises(LimitError, match=r"is 1\d\d\.. s long.*add its window to the path: #t="):
        VideoClip(path=str(path)).frames()
    assert numbers_of(VideoClip(path=f"{path}#t=100,104").frames(indices=[0, 1])) == [50, 51]


def test_an_episode_that_was_cut_is_an_error(episodes: dict[str, Path], tmp_path: Path) -> None:
    data = episodes["mp4"].read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(VideoError, match="cut or damaged"):
        VideoClip(path=f"{tmp_path}/cut.mp4#t=1,2").frames()


def _write_noisy_episode(path: Path) -> None:
    """Motion JPEG, 1500 frames of 25 KB, each with its number in the corner."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        stream.codec_context.time_base = TIME_BASE
        for number in range(NUM_FRAMES):
            image = noise.copy()
            image[:96, :128] = picture(number)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number * TICKS, TIME_BASE
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _bytes_read() -> int:
    counters = Path("/proc/self/io")
    if not counters.exists():
        pytest.skip("counting what is read needs /proc")
    return int(counters.read_text().split()[1])
