"""Frames of whole clips are the right ones, whatever the codec, the container and the way of asking."""

from __future__ import annotations

import io
import itertools
import tarfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import LimitError, OptionError, SpanError, VideoError
from emotalk_data.media.video import VideoClip

from .video_files import CODECS, HEIGHT, WIDTH, box_field, has_encoder, linear_decode, make_video, numbers_of

X264 = "bframes=3:b-pyramid=normal:keyint=10:scenecut=0:threads=1"
FORMS: dict[str, dict[str, object]] = {
    **{
        codec: {"codec": codec, "container": "mp4" if demuxer == "mov" else demuxer}
        for codec, demuxer in CODECS.items()
    },
    "open gop": {"options": {"x264-params": X264 + ":open-gop=1"}},
    "intra refresh": {"options": {"x264-params": "intra-refresh=1:keyint=10:threads=1"}},
    "fragmented": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "no edit list": {"container_options": {"use_editlist": "0"}},
    "start offset": {"pts": [25_600 + 512 * place for place in range(50)]},
    "matroska": {"container": "matroska"},
    "mpegts": {"container": "mpegts"},
    "flv": {"container": "flv"},
    "avi": {"codec": "mpeg4", "container": "avi", "options": {"bf": "0"}, "time_base": Fraction(1, 25)},
}
DEMUXERS = {"mp4": "mov"}


@pytest.fixture(scope="module")
def movie() -> bytes:
    return make_video(has_sound=True)


def all_frames(data: bytes) -> np.ndarray:
    clip = VideoClip(bytes=data)
    return clip.frames(indices=range(clip.num_frames))


@pytest.mark.parametrize("form", FORMS)
def test_frames_by_index_equal_a_decode_of_everything(form: str) -> None:
    options = FORMS[form]
    if not has_encoder(str(options.get("codec", "libx264"))):
        pytest.skip("this build of FFmpeg lacks the encoder")
    data = make_video(**options)  # type: ignore[arg-type]  # options of different types in one table
    container = str(options.get("container", "mp4"))
    truth = linear_decode(data, DEMUXERS.get(container, container))
    clip = VideoClip(bytes=data)
    assert (clip.num_frames, clip.width, clip.height) == (50, WIDTH, HEIGHT)
    assert (clip.frame_rate, clip.duration_seconds) == (25.0, 2.0)
    np.testing.assert_allclose(clip.times_seconds, np.arange(50) / 25, atol=1e-9)
    assert numbers_of(truth) == list(range(50))
    np.testing.assert_array_equal(clip.frames(indices=range(50)), truth)
    for chosen in ([0], [49], [11, 9, 10], [-1, 0, 25, 25], [3, 38]):
        np.testing.assert_array_equal(clip.frames(indices=chosen), truth[chosen])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-50, 49), min_size=1, max_size=12), st.sampled_from([1, 2]), st.booleans())
def test_any_indices_give_what_indexing_all_frames_gives(
    indices: list[int], threads: int, is_open: bool
) -> None:
    data = _open_gop() if is_open else _closed_gop()
    frames = VideoClip(bytes=data).frames(indices=indices, num_threads=threads)
    np.testing.assert_array_equal(frames, _truth(data)[indices])


_CACHE: dict[bytes, np.ndarray] = {}
_MADE: dict[str, bytes] = {}


def _closed_gop() -> bytes:
    return _MADE.setdefault("closed", _MADE.get("closed") or make_video())


def _open_gop() -> bytes:
    return _MADE.setdefault(
        "open", _MADE.get("open") or make_video(options={"x264-params": X264 + ":open-gop=1"})
    )


def _truth(data: bytes) -> np.ndarray:
    if data not in _CACHE:
        _CACHE[data] = linear_decode(data)
    return _CACHE[data]


@pytest.mark.parametrize("length", [1, 3, 8, 25, 49, 50])
@pytest.mark.parametrize("num", [1, 3, 8, 64])
def test_num_follows_the_rule_of_the_corpora_s_authors(length: int, num: int) -> None:
    numbers = numbers_of(VideoClip(bytes=make_video(range(length))).frames(num))
    taken = min(num, length)
    rule = np.arange(0, length, length / taken).astype(int)[:taken].tolist()
    assert numbers == rule + [length - 1] * (num - taken)


def test_eight_frames_are_the_default(movie: bytes) -> None:
    clip = VideoClip(bytes=movie)
    assert numbers_of(clip.frames()) == numbers_of(clip.frames(8)) == [0, 6, 12, 18, 25, 31, 37, 43]
    assert np.asarray(clip).shape == (8, HEIGHT, WIDTH, 3)


def test_at_seconds_gives_the_frame_on_screen_also_at_a_variable_rate() -> None:
    gaps = [512, 512, 2048, 256, 256, 4096, 512]
    pts = [0, *itertools.accumulate(gaps)]
    clip = VideoClip(bytes=make_video(range(8), pts=pts))
    times = np.array(pts) / 12_800
    np.testing.assert_allclose(clip.times_seconds, times, atol=1e-9)
    moments = [0.0, 0.0399, 0.04, 0.2, *times.tolist(), 0.5, 0.1 + 0.02]
    expected = [int(np.searchsorted(times, moment + 1e-5, side="right")) - 1 for moment in moments]
    assert numbers_of(clip.frames(at_seconds=moments)) == expected


@pytest.mark.parametrize(
    ("rate", "expected"), [(2, [0, 12, 25, 37]), (0.5, [0]), (25, list(range(50))), (0.1, [0])]
)
def test_frame_rate_samples_inside_the_clip(movie: bytes, rate: float, expected: list[int]) -> None:
    assert numbers_of(VideoClip(bytes=movie).frames(frame_rate=rate)) == expected


def test_what_lies_outside_is_the_last_frame_or_an_error(movie: bytes) -> None:
    clip = VideoClip(bytes=movie)
    assert numbers_of(clip.frames(indices=[1, 50, 9_999])) == [1, 49, 49]
    assert numbers_of(clip.frames(at_seconds=[0.04, 2.0, 99])) == [1, 49, 49]
    with pytest.raises(SpanError, match="has 50 frames; there is none at index 50"):
        clip.frames(indices=[1, 50], policy="error")
    with pytest.raises(SpanError, match=r"covers \[0, 2\) s; there is no frame at 2.0 s"):
        clip.frames(at_seconds=[2.0], policy="error")
    with pytest.raises(SpanError, match="has 50 frames; 51 were asked for"):
        clip.frames(51, policy="error")
    with pytest.raises(SpanError, match="none at index -51"):
        clip.frames(indices=[-51])
    with pytest.raises(SpanError, match=r"no frame at -1\.0 s"):
        clip.frames(at_seconds=[-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num": 2, "indices": [1]}, "one way, not by num and indices"),
        ({"num": 0}, "num must be"),
        ({"num": 1.5}, "num must be"),
        ({"frame_rate": 0}, "frame_rate must be"),
        ({"frame_rate": float("nan")}, "frame_rate must be"),
        ({"at_seconds": []}, "at_seconds must be"),
        ({"at_seconds": ["a"]}, "at_seconds must be"),
        ({"at_seconds": [float("inf")]}, "at_seconds must be"),
        ({"indices": 3}, "indices must be"),
        ({"indices": [1.5]}, "indices must be whole"),
        ({"policy": "skip"}, "policy must be one of"),
        ({"size": 0}, "size must be positive"),
        ({"size": (1, 2, 3)}, "size must be a number"),
        ({"size": "big"}, "size must be a number"),
        ({"num_threads": 0}, "num_threads must be"),
    ],
)
def test_arguments_that_cannot_be_are_named(movie: bytes, options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        VideoClip(bytes=movie).frames(**options)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("size", "shape"), [(48, (48, 64)), (192, (192, 256)), ((50, 60), (50, 60)), (None, (HEIGHT, WIDTH))]
)
def test_size_is_the_short_side_or_height_and_width(
    movie: bytes, size: int | tuple[int, int] | None, shape: tuple[int, int]
) -> None:
    frames = VideoClip(bytes=movie).frames(indices=[21, 30], size=size)
    assert frames.shape == (2, *shape, 3)
    assert frames.dtype == np.uint8
    assert numbers_of(frames) == [21, 30]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_stand_upright(rotation: int) -> None:
    data = make_video(range(12), rotation=rotation)
    clip = VideoClip(bytes=data)
    with av.open(io.BytesIO(data), mode="r", format="mov") as container:
        declared = next(container.decode(video=0)).rotation
    upright = np.rot90(linear_decode(data), declared // 90, axes=(1, 2))
    assert (clip.height, clip.width) == upright.shape[1:3]
    np.testing.assert_array_equal(clip.frames(indices=range(12)), upright)
    if rotation % 180:
        assert clip.frames(1, size=48).shape == (1, 64, 48, 3)


def test_a_mirrored_picture_is_turned_back_and_a_senseless_matrix_ignored() -> None:
    data = make_video(range(3))
    one, minus = (1 << 16).to_bytes(4, "big"), (-(1 << 16)).to_bytes(4, "big", signed=True)
    mirrored = box_field(data, b"tkhd", 40, minus)
    np.testing.assert_array_equal(all_frames(mirrored), linear_decode(data)[:, :, ::-1])
    senseless = box_field(data, b"tkhd", 40, one * 6)
    np.testing.assert_array_equal(all_frames(senseless), linear_decode(data))


@pytest.mark.parametrize(("skipped", "cut"), [(5, 0), (0, 10), (10, 0), (15, 10), (0, 9), (20, 20)])
@pytest.mark.parametrize("bframes", [0, 3])
def test_an_edit_list_leaves_out_what_it_leaves_out(skipped: int, cut: int, bframes: int) -> None:
    data = make_video(options={"x264-params": f"bframes={bframes}:keyint=10:scenecut=0"})
    start = data.index(b"elst") + 12
    duration, media_time = (int.from_bytes(data[at : at + 4], "big") for at in (start, start + 4))
    data = box_field(data, b"elst", 8, (duration - 40 * (skipped + cut)).to_bytes(4, "big"))
    data = box_field(data, b"elst", 12, (media_time + 512 * skipped).to_bytes(4, "big"))
    clip = VideoClip(bytes=data)
    expected = list(range(skipped, 50 - cut))
    assert numbers_of(linear_decode(data)) == expected
    assert numbers_of(clip.frames(indices=range(clip.num_frames))) == expected
    assert clip.duration_seconds == pytest.approx(len(expected) / 25)


def test_tables_that_call_every_frame_a_key_frame_do_no_harm() -> None:
    data = make_video().replace(b"stss", b"free")
    assert numbers_of(VideoClip(bytes=data).frames(indices=[7, 33, 48])) == [7, 33, 48]


def test_ten_bit_odd_sized_and_full_range_pictures_decode() -> None:
    for pix_fmt, size in (("yuv420p10le", (96, 128)), ("yuv444p", (97, 131)), ("yuvj420p", (96, 128))):
        clip = VideoClip(bytes=make_video(range(6), pix_fmt=pix_fmt, size=size))
        frames = clip.frames(indices=range(6))
        assert frames.shape == (6, *size, 3)
        assert numbers_of(frames[:, :96, :128]) == list(range(6))


def test_bytes_a_file_and_a_member_of_a_tar_give_the_same(movie: bytes, tmp_path: Path) -> None:
    file = tmp_path / "片段.mp4"
    file.write_bytes(movie)
    with tarfile.open(tmp_path / "Multimodal.tar", "w") as archive:
        archive.add(file, "Multimodal/mp4/a.mp4")
    expected = VideoClip(bytes=movie).frames()
    for clip in (
        VideoClip(path=str(file)),
        VideoClip(path=f"tar://Multimodal/mp4/a.mp4::{tmp_path}/Multimodal.tar"),
        VideoClip(bytes=memoryview(movie)),
    ):
        np.testing.assert_array_equal(clip.frames(), expected)


def test_sound_is_offered_where_there_is_some(movie: bytes) -> None:
    assert VideoClip(bytes=movie).has_audio
    audio = VideoClip(bytes=movie, path="a.mp4").audio
    assert audio is not None
    assert dict(audio) == {"bytes": movie, "path": "a.mp4"}
    silent = VideoClip(bytes=make_video(range(3)))
    assert not silent.has_audio
    assert silent.audio is None


def test_the_notebook_view_is_a_strip_and_escapes_names(movie: bytes, tmp_path: Path) -> None:
    path = tmp_path / "<b>&.mp4"
    path.write_bytes(movie)
    page = VideoClip(path=str(path))._repr_html_()
    assert page.count("data:image/png;base64,iVBORw0KGgo") == 8
    assert "&lt;b&gt;&amp;.mp4" in page
    assert "128×96, 50 frames, 2.00 s, 25 frames/s, with sound" in page
    assert "is not a video file" in VideoClip(bytes=b"<html>")._repr_html_()
    assert "<html>" not in VideoClip(bytes=b"<html>")._repr_html_()


def test_limits_are_checked_before_decoding(tmp_path: Path) -> None:
    ticks = [place * 12_800 * 5 for place in range(30)]
    long = VideoClip(bytes=make_video(range(30), pts=ticks))
    with pytest.raises(LimitError, match=r"the limit for a whole file is 120 s.*#t="):
        long.frames()
    movie = VideoClip(bytes=make_video(range(3)))
    with pytest.raises(LimitError, match="more than 2 GiB"):
        movie.frames(100, size=(4_000, 4_000))
    with pytest.raises(LimitError, match="above 16384"):
        movie.frames(1, size=20_000)
    with pytest.raises(LimitError, match="more than 1000000 frames"):
        movie.frames(frame_rate=1e9)


def test_a_cover_picture_is_no_video() -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(VideoError, match="no video stream"):
        _ = VideoClip(bytes=buffer.getvalue()).num_frames
