"""Bit for bit the frames of a decode of everything, whatever was left out on the way.

The pictures move and are noisy, so a picture decoded from a wrong reference would not be equal by chance.
"""

from __future__ import annotations

import functools
import io
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import VideoReformatter
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.media.frame_plan import choose_frames
from emotalk_data.media.video import VideoClip
from emotalk_data.media.video_batch import frames_many

from .video_files import TICKS, TIME_BASE, has_encoder

NUM_FRAMES = 60
HEIGHT, WIDTH = 72, 96
SCALED = (40, 56)
X264 = "bframes=3:keyint={}:scenecut=0:threads=1"
FORMS: dict[str, dict[str, Any]] = {
    "pyramid": {"options": {"x264-params": X264.format(250) + ":b-pyramid=normal"}},
    "no pyramid": {"options": {"x264-params": X264.format(250) + ":b-pyramid=none"}},
    "many B-frames": {"options": {"x264-params": "bframes=8:b-adapt=0:keyint=250:ref=4:threads=1"}},
    "no B-frames": {"options": {"x264-params": "bframes=0:keyint=250:threads=1"}},
    "open GOP": {"options": {"x264-params": X264.format(20) + ":open-gop=1"}},
    "a key frame a second": {"options": {"x264-params": X264.format(25)}},
    "sliced": {"options": {"x264-params": "slices=4:bframes=3:keyint=30:threads=1"}},
    "variable rate": {"options": {"x264-params": X264.format(25)}, "is_variable": True},
    "turned": {"options": {"x264-params": X264.format(25)}, "rotation": 90},
    "hevc": {"codec": "libx265", "options": {"x265-params": "log-level=none:bframes=4:keyint=30:pools=1"}},
    "hevc open GOP": {
        "codec": "libx265",
        "options": {"x265-params": "log-level=none:bframes=4:keyint=20:open-gop=1:pools=1"},
    },
    "mjpeg": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
}
Way = dict[str, Any]


@functools.cache
def _movie(form: str) -> bytes:
    settings_of: dict[str, Any] = FORMS[form]
    codec = settings_of.get("codec", "libx264")
    if not has_encoder(codec):
        pytest.skip("this build of FFmpeg lacks the encoder")
    dice = np.random.default_rng(0)
    scene = dice.integers(0, 256, (HEIGHT + NUM_FRAMES, WIDTH + NUM_FRAMES, 3)).astype(np.uint8)
    scene = (scene[:, :, :] // 2 + np.roll(scene, 1, 0) // 4 + np.roll(scene, 1, 1) // 4).astype(np.uint8)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream: Any = output.add_stream(codec, rate=25, options=settings_of.get("options", {}))
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = settings_of.get("pix_fmt", "yuv420p")
        stream.codec_context.time_base = TIME_BASE
        if "rotation" in settings_of:
            stream.set_display_rotation(settings_of["rotation"])
        moment = 0
        for number in range(NUM_FRAMES):
            picture = scene[number : number + HEIGHT, number // 2 : number // 2 + WIDTH].copy()
            picture[20:40, 30:60] = dice.integers(0, 256, 3)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = moment, TIME_BASE
            moment += TICKS * (1 + number % 3) if settings_of.get("is_variable") else TICKS
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


@functools.cache
def _truth(form: str, size: tuple[int, int] | None) -> npt.NDArray[np.uint8]:
    """Decode everything, one thread, then scale each picture by the same scaler."""
    is_turned = "rotation" in FORMS[form]
    height, width = size or ((WIDTH, HEIGHT) if is_turned else (HEIGHT, WIDTH))
    if is_turned:
        height, width = width, height
    scaler, pictures = VideoReformatter(), []
    with av.open(io.BytesIO(_movie(form)), mode="r") as opened:
        opened.streams.video[0].codec_context.thread_type = "NONE"
        for frame in opened.decode(video=0):
            picture = scaler.reformat(frame, width, height, "rgb24", threads=1).to_ndarray()
            pictures.append(np.rot90(picture) if is_turned else picture)
    assert len(pictures) == NUM_FRAMES
    return np.stack(pictures)


@pytest.mark.parametrize("num_threads", [1, 2, 4])
@pytest.mark.parametrize("form", FORMS)
def test_every_way_and_policy_gives_the_frames_of_a_full_decode(form: str, num_threads: int) -> None:
    clip = VideoClip(bytes=_movie(form))
    ways: list[Way] = [
        {},
        {"num": 1},
        {"num": NUM_FRAMES},
        {"num": NUM_FRAMES + 3},
        {"indices": [NUM_FRAMES // 2]},
        {"indices": [59, 3, 3, -60, 99]},
        {"indices": list(range(NUM_FRAMES)), "policy": "error"},
        {"at_seconds": [0.0, 1.9, 0.5, 99.0]},
        {"at_seconds": [0.0, 1.9, 0.5], "policy": "error"},
        {"frame_rate": 7},
    ]
    for place, way in enumerate(ways):
        ranks = choose_frames(clip.times_seconds, clip.duration_seconds, "x", tolerance_seconds=1e-5, **way)
        size = SCALED if (place + num_threads) % 2 else None
        frames = clip.frames(**way, size=size, num_threads=num_threads)
        np.testing.assert_array_equal(frames, _truth(form, size)[ranks], err_msg=f"{way} {size}")


@pytest.mark.parametrize("form", [form for form in FORMS if form != "variable rate"])
def test_windows_give_the_frames_of_a_full_decode(form: str) -> None:
    for first, last in ((0, 60), (7, 8), (19, 41), (33, 60), (50, 58)):
        clip = VideoClip(bytes=_movie(form), path=f"x.mp4#t={first / 25},{last / 25}")
        for size in (None, SCALED):
            truth = _truth(form, size)[first:last]
            np.testing.assert_array_equal(clip.frames(indices=range(last - first), size=size), truth)
            np.testing.assert_array_equal(clip.frames(indices=[-1, 0], size=size), truth[[-1, 0]])


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from([form for form in FORMS if "hevc" not in form]),
    indices=st.lists(st.integers(-NUM_FRAMES, NUM_FRAMES - 1), min_size=1, max_size=10),
    num_threads=st.sampled_from([1, 2, 4]),
    size=st.sampled_from([None, SCALED]),
)
def test_any_indices_are_exact(
    form: str, indices: list[int], num_threads: int, size: tuple[int, int] | None
) -> None:
    clip = VideoClip(bytes=_movie(form))
    frames = clip.frames(indices=indices, size=size, num_threads=num_threads)
    np.testing.assert_array_equal(frames, _truth(form, size)[indices])


def test_a_batch_is_exact_too() -> None:
    forms = [form for form in FORMS if "hevc" not in form]
    clips = [VideoClip(bytes=_movie(form)) for form in forms]
    batch = frames_many(clips, indices=[41, 0, 17], size=SCALED, num_threads=3)
    for form, frames in zip(forms, batch.frames, strict=True):
        np.testing.assert_array_equal(frames, _truth(form, SCALED)[[41, 0, 17]])
