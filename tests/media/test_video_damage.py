"""Bad videos are typed errors: never a crash, a hang, a short clip or a second file opened."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from emotalk_data.errors import EmotalkError, LimitError, ReleaseError, SpanError, VideoError
from emotalk_data.media.container import sniff_container
from emotalk_data.media.video import VideoClip

from .video_files import box_field, has_encoder, linear_decode, make_video

CORPUS = Path(__file__).parents[3] / "shared" / "badcorpus"
FRAMES = {"ok_open_gop.mp4": 50, "ok_av1.mp4": 10, "ok_vp9.mp4": 10}


def _corpus() -> list[dict[str, str]]:
    manifest = CORPUS / "manifest.jsonl"
    if not manifest.exists():
        return []
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["group"] == "mp4"]


def decode_all(clip: VideoClip) -> np.ndarray:
    return clip.frames(indices=range(clip.num_frames))


@pytest.mark.skipif(not _corpus(), reason="the corpus of bad files is not beside this checkout")
@pytest.mark.parametrize("row", _corpus(), ids=lambda row: row["file"])
def test_every_file_of_the_bad_corpus_gets_its_verdict(row: dict[str, str]) -> None:
    path = CORPUS / row["file"]
    clip = VideoClip(path=str(path))
    started = time.monotonic()
    if row["verdict"] == "reject":
        expected = LimitError if row["error"] == "LimitError" else VideoError
        with pytest.raises(expected, match=path.name) as caught:
            decode_all(clip)
        assert type(caught.value) is expected
        assert len(str(caught.value)) <= 500
    else:
        assert len(decode_all(clip)) == FRAMES.get(path.name, 25)
    # A guard against a hang, not a measurement.
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("is_index_first", [False, True])
def test_every_cut_of_a_file_is_an_error(is_index_first: bool) -> None:
    data = make_video(range(30))
    if is_index_first:
        truth, data = linear_decode(data), _index_first(data)
        np.testing.assert_array_equal(decode_all(VideoClip(bytes=data)), truth)
    for size in range(0, len(data), 16):
        with pytest.raises(VideoError, match=r"cut or damaged|is empty|no index|ends inside|not a video"):
            decode_all(VideoClip(bytes=data[:size]))


def _index_first(data: bytes) -> bytes:
    """Move `moov` before `mdat` and correct the chunk offsets."""
    moov_at = data.index(b"moov") - 4
    mdat_at = data.index(b"mdat") - 4
    moov = bytearray(data[moov_at:])
    stco = moov.index(b"stco") + 8
    for entry in range(int.from_bytes(moov[stco : stco + 4], "big")):
        at = stco + 4 + 4 * entry
        moov[at : at + 4] = (int.from_bytes(moov[at : at + 4], "big") + len(moov)).to_bytes(4, "big")
    return data[:mdat_at] + bytes(moov) + data[mdat_at:moov_at]


def test_a_cut_fragmented_file_is_an_error_unless_it_ends_with_a_fragment() -> None:
    data = make_video(container_options={"movflags": "frag_keyframe+empty_moov"})
    whole = VideoClip(bytes=data).num_frames
    counts = set()
    for size in range(0, len(data), 16):
        try:
            counts.add(VideoClip(bytes=data[:size]).num_frames)
        except VideoError:
            continue
    assert whole == 50
    # 16 bytes at a time a cut may fall on the border of two fragments, and nothing tells then.
    assert all(count % 10 == 0 for count in counts)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4", "libsvtav1"])
def test_random_damage_gives_frames_or_a_typed_error(codec: str) -> None:
    if not has_encoder(codec):
        pytest.skip("this build of FFmpeg lacks the encoder")
    data = make_video(range(20), codec=codec)
    dice = random.Random(codec)  # noqa: S311  # not a secret
    for _ in range(60):
        at = dice.randrange(len(data) - 8)
        damaged = data[:at] + dice.randbytes(dice.choice([1, 4, 8])) + data[at + 8 :]
        # Anything else that is raised fails the test.
        with contextlib.suppress(VideoError, LimitError):
            assert decode_all(VideoClip(bytes=damaged)).dtype == np.uint8


def test_damage_before_a_wanted_frame_is_an_error_also_in_a_window() -> None:
    data = make_video(range(100), options={"x264-params": "keyint=100:bframes=0:scenecut=0", "crf": "5"})
    start = data.index(b"mdat") + 4
    end = start + int.from_bytes(data[start - 8 : start - 4], "big") - 8
    middle = (start + end) // 2
    damaged = data[:middle] + bytes(400) + data[middle + 400 :]
    with pytest.raises(VideoError, match="damaged"):
        VideoClip(bytes=damaged).frames(indices=[99])
    with pytest.raises(VideoError, match="damaged"):
        VideoClip(bytes=damaged, path="x.mp4#t=3,4").frames(indices=[20])


def test_tables_that_promise_more_frames_than_they_locate_are_an_error() -> None:
    data = make_video(range(20))
    fewer_in_chunk = data.replace(b"stco" + bytes(4) + b"\0\0\0\1", b"stco" + bytes(4) + b"\0\0\0\0")
    assert fewer_in_chunk != data
    with pytest.raises(VideoError, match="frames"):
        decode_all(VideoClip(bytes=fewer_in_chunk))


def test_a_time_scale_of_zero_is_an_error() -> None:
    data = make_video(range(5))
    with pytest.raises(VideoError, match="time scale is 0"):
        decode_all(VideoClip(bytes=box_field(data, b"mdhd", 12, bytes(4))))


def test_an_avi_with_reordered_frames_is_refused() -> None:
    from fractions import Fraction

    data = make_video(container="avi", time_base=Fraction(1, 25))
    with pytest.raises(VideoError, match=r"AVI with B-frames.*Convert it to mp4"):
        VideoClip(bytes=data).frames()


@pytest.mark.parametrize(
    ("head", "description"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf  <!DOCTYPE html>", "an HTML page"),
        (b"<HTML><body>", "an HTML page"),
        (b"\xff\xd8\xff\xe0", "a JPEG"),
        (b"\x89PNG\r\n", "a PNG"),
        (b"#EXTM3U\n", "an HLS playlist"),
        (b"ffconcat version 1.0\nfile a.mp4", "an ffconcat script"),
        (b"v=0\r\no=- 0 0 IN IP4", "an SDP"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b'{"error": "gated"}', "a JSON"),
        (b"RIFF\x24\0\0\0WAVE", "without pictures"),
        (b".RMF\0\0\0\x12", "RealMedia"),
        (b"\x1b]0;\x07", "of no kind that is known"),
    ],
)
def test_content_is_named_for_what_it_is(head: bytes, description: str) -> None:
    with pytest.raises(VideoError, match=description):
        sniff_container(head, "'x.mp4'")


def test_a_missing_file_and_a_wrong_window_keep_their_own_errors(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="nothing"):
        VideoClip(path=str(tmp_path / "nothing.mp4")).frames()
    with pytest.raises(SpanError, match="empty"):
        VideoClip(path=str(tmp_path / "a.mp4#t=3,2")).frames()
    with pytest.raises(EmotalkError, match="path"):
        VideoClip().frames()


_AUDITED = """
import os, sys
folder, names = sys.argv[1], sys.argv[2:]
from emotalk_data.media.video import VideoClip
from emotalk_data.errors import EmotalkError
import av.container, av.video.reformatter, av.stream
opened = []
def hook(event, arguments):
    if event in ("open", "os.open") and not str(arguments[0]).endswith((".py", ".pyc", ".so")):
        opened.append(str(arguments[0]))
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.fork", "os.system")):
        opened.append(event)
sys.addaudithook(hook)
for name in names:
    opened.clear()
    path = os.path.join(folder, name)
    try:
        VideoClip(path=path).frames()
        result = "frames"
    except EmotalkError as error:
        result = type(error).__name__
    strangers = [place for place in opened if os.path.basename(place) != name]
    print(name, result, strangers)
"""


def test_no_other_file_and_no_socket_is_opened_and_the_terminal_stays_quiet(tmp_path: Path) -> None:
    movie = make_video(range(10), has_sound=True)
    (tmp_path / "good.mp4").write_bytes(movie)
    (tmp_path / "damaged.mp4").write_bytes(movie[:600] + bytes(300) + movie[900:])
    (tmp_path / "concat.mp4").write_text("ffconcat version 1.0\nfile good.mp4\n")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\ngood.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "sdp.mp4").write_text("v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n")
    names = ["good.mp4", "damaged.mp4", "concat.mp4", "list.mp4", "sdp.mp4"]
    finished = subprocess.run(
        [sys.executable, "-c", _AUDITED, str(tmp_path), *names], capture_output=True, text=True, timeout=60
    )
    assert finished.stderr == ""
    assert finished.stdout.splitlines() == [
        "good.mp4 frames []",
        *(f"{name} VideoError []" for name in names[1:]),
    ]
