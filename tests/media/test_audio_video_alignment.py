"""Sound and pictures of one path count their seconds from the same moment."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from emotalk_data.media import AudioClip, VideoClip

_RATE = 16_000


def _write_click_and_flash(path: Path, *, video_starts_at: float, container_format: str) -> None:
    """Write 3 s of sound with one click, and pictures with one white one, both at the same clock time.

    The picture stream begins `video_starts_at` seconds after the sound; click and flash are 1 s after that.
    """
    with av.open(str(path), "w", format=container_format) as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        video.codec_context.time_base = Fraction(1, 25)
        audio = container.add_stream("pcm_s16le" if container_format == "matroska" else "aac", rate=_RATE)
        samples = np.zeros((1, 3 * _RATE), dtype=np.int16)
        at = round((video_starts_at + 1.0) * _RATE)
        samples[0, at : at + 400] = 20_000
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = _RATE, 0, Fraction(1, _RATE)
        for packet in audio.encode(sound) + audio.encode(None):
            container.mux(packet)
        for number in range(45):
            value = 255 if number == 25 else 0
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), value, dtype=np.uint8), format="rgb24")
            picture.pts, picture.time_base = number + round(video_starts_at * 25), Fraction(1, 25)
            for packet in video.encode(picture):
                container.mux(packet)
        for packet in video.encode(None):
            container.mux(packet)


@pytest.mark.parametrize("video_starts_at", [0.0, 0.4])
@pytest.mark.parametrize("container_format", ["matroska", "mpegts"])
def test_a_click_and_a_flash_of_one_moment_have_one_time(
    tmp_path: Path, video_starts_at: float, container_format: str
) -> None:
    path = tmp_path / "clip.bin"
    _write_click_and_flash(path, video_starts_at=video_starts_at, container_format=container_format)
    frames = VideoClip(path=str(path)).frames(indices=list(range(VideoClip(path=str(path)).num_frames)))
    flash = float(VideoClip(path=str(path)).times_seconds[int(frames.mean(axis=(1, 2, 3)).argmax())])
    loud = np.abs(AudioClip(path=str(path)).decode()[0]) > 0.3
    click = float(loud.argmax()) / _RATE
    assert flash == pytest.approx(1.0, abs=0.001)
    assert click == pytest.approx(flash, abs=0.04)  # AAC smears a click over a frame of 1,024 samples
