"""torchcodec gives the same frames as PyAV, or says why it cannot."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotalk_data.errors import MissingDependencyError, OptionError, VideoError
from emotalk_data.media.torchcodec_backend import check_torchcodec
from emotalk_data.media.video import VideoClip

from .video_files import box_field, make_video, numbers_of


def _failure() -> str | None:
    if importlib.util.find_spec("torchcodec") is None:
        return "torchcodec is not installed"
    try:
        check_torchcodec()
    except MissingDependencyError as error:
        return str(error)
    return None


needs_torchcodec = pytest.mark.skipif(_failure() is not None, reason=_failure() or "")
X264 = "bframes=3:b-pyramid=normal:keyint=10:scenecut=0:threads=1"
FORMS: dict[str, dict[str, Any]] = {
    "h264": {},
    "open gop": {"options": {"x264-params": X264 + ":open-gop=1"}},
    "fragmented": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "start offset": {"pts": [25_600 + 512 * place for place in range(50)]},
    "variable rate": {"pts": [0, *itertools.accumulate([512, 700, 300, 2_048, 5] * 9 + [512] * 4)]},
    "matroska": {"container": "matroska"},
    "turned": {"rotation": 90},
    "upside down": {"rotation": 180},
}


@needs_torchcodec
@pytest.mark.parametrize("window", [None, "x.mp4#t=0.5,1.5", "x.mp4#t=1.5"])
@pytest.mark.parametrize("form", FORMS)
def test_the_frames_are_the_same_ones(form: str, window: str | None) -> None:
    clip = VideoClip(bytes=make_video(range(50), **FORMS[form]), path=window)
    for way in ({}, {"indices": [-1, 0, 3, 3]}, {"frame_rate": 5}, {"at_seconds": [0.0, 0.3]}):
        expected = clip.frames(**way)
        np.testing.assert_array_equal(clip.frames(**way, backend="torchcodec"), expected)
    for size in (40, (30, 50)):
        scaled = clip.frames(size=size, backend="torchcodec", num_threads=2)
        expected = clip.frames(size=size)
        assert scaled.shape == expected.shape
        assert ((scaled.astype(float) - expected) ** 2).mean() < 6.5  # 40 dB


@needs_torchcodec
@pytest.mark.parametrize(
    "options", [{"container": "mpegts"}, {"options": {"x264-params": "intra-refresh=1:keyint=10:threads=1"}}]
)
def test_other_frames_are_an_error_and_never_a_result(options: dict[str, Any]) -> None:
    clip = VideoClip(bytes=make_video(range(50), **options))
    # A later torchcodec may well give the right ones.
    with contextlib.suppress(VideoError):
        assert numbers_of(clip.frames(indices=[3, 33, -1], backend="torchcodec")) == [3, 33, 49]


@needs_torchcodec
def test_mirrored_pictures_are_refused() -> None:
    data = make_video(range(3))
    mirrored = box_field(data[data.index(b"trak") :], b"tkhd", 40, (-65_536).to_bytes(4, "big", signed=True))
    clip = VideoClip(bytes=data[: data.index(b"trak")] + mirrored)
    assert clip.frames(1).shape == (1, 96, 128, 3)
    with pytest.raises(OptionError, match="is mirrored"):
        clip.frames(1, backend="torchcodec")


@needs_torchcodec
def test_a_cut_file_is_found_before_torchcodec_sees_it(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="cut or damaged"):
        VideoClip(bytes=make_video(range(30))[:-500]).frames(backend="torchcodec")


def test_an_unknown_backend_is_an_error() -> None:
    with pytest.raises(OptionError, match=r"backend must be one of \['av', 'torchcodec'\]; got 'decord'"):
        VideoClip(bytes=b"").frames(backend="decord")  # type: ignore[arg-type]  # the point


_BROKEN = """
import sys
sys.path.insert(0, sys.argv[1])
from emotalk_data.errors import MissingDependencyError
from emotalk_data.media.video import VideoClip
clip = VideoClip(path=sys.argv[2])
for _ in range(2):
    try:
        clip.frames(2, backend="torchcodec")
    except MissingDependencyError as error:
        print(error)
print(clip.frames(2).shape)
"""


@pytest.mark.parametrize(
    ("decoders", "message"),
    [
        (None, "is needed to decode"),
        ("raise RuntimeError('Could not load libtorchcodec')", "Could not load libtorchcodec"),
        (
            "class VideoDecoder:\n    def __init__(self, *a, **k): raise ValueError('no such codec')",
            "does not work: .*no such codec",
        ),
    ],
)
def test_a_torchcodec_that_does_not_work_is_named_and_av_goes_on(
    decoders: str | None, message: str, tmp_path: Path
) -> None:
    package = tmp_path / "torchcodec"
    package.mkdir()
    (package / "__init__.py").touch()
    if decoders is not None:
        (package / "decoders.py").write_text(decoders)
    (package / "transforms.py").write_text("class Resize:\n    def __init__(self, size): pass")
    (tmp_path / "a.mp4").write_bytes(make_video(range(4)))
    finished = subprocess.run(
        [sys.executable, "-c", _BROKEN, str(tmp_path), str(tmp_path / "a.mp4")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    first, second, shape = finished.stdout.splitlines()
    assert first == second
    assert re.search(message, first)
    assert 'backend="av" needs neither' in first
    assert shape == "(2, 96, 128, 3)"
