from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from emotalk_data.errors import OptionError, VideoError
from emotalk_data.testing import read_frame_number, tone_frequency, write_numbered_video, write_wav
from emotalk_data.testing.media import numbered_video_bytes, tone_samples


def _frames(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data), "r") as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "wmv3", "no codec at all"])
def test_every_frame_shows_its_number(codec: str) -> None:
    data = numbered_video_bytes(num_frames=40, codec=codec, first_number=65_520)
    assert [read_frame_number(frame) for frame in _frames(data)] == [(65_520 + i) % 65_536 for i in range(40)]


def test_numbers_survive_scaling_and_grey() -> None:
    data = numbered_video_bytes(num_frames=3, width=96, height=64, first_number=40_000)
    with av.open(io.BytesIO(data), "r") as file:
        frames = list(file.decode(video=0))
    assert [read_frame_number(f.to_ndarray(format="gray", width=33, height=51)) for f in frames] == [
        40_000,
        40_001,
        40_002,
    ]


@pytest.mark.parametrize(("suffix", "container"), [(".mp4", "mov"), (".mov", "mov"), (".mkv", "matroska")])
def test_the_container_follows_the_suffix(tmp_path: Path, suffix: str, container: str) -> None:
    path = tmp_path / f"clip{suffix}"
    write_numbered_video(path, num_frames=10, frame_rate=30, audio=False)
    with path.open("rb") as raw, av.open(raw, "r") as file:
        assert container in file.format.name
        assert file.streams.video[0].average_rate == 30
        assert not file.streams.audio


def test_the_video_has_b_frames_and_sound_of_the_same_length() -> None:
    data = numbered_video_bytes(num_frames=50, gop=12, bframes=2)
    with av.open(io.BytesIO(data), "r") as file:
        types = [PictureType(frame.pict_type).name for frame in file.decode(video=0)]
        sound = file.streams.audio[0]
        assert sound.duration is not None
        assert sound.time_base is not None
        assert float(sound.duration * sound.time_base) == pytest.approx(2.0, abs=1 / 16_000)
    assert {"I", "P", "B"} == set(types)
    assert types.count("I") >= 4
    without = numbered_video_bytes(num_frames=50, bframes=0, audio=False)
    with av.open(io.BytesIO(without), "r") as file:
        assert "B" not in {PictureType(frame.pict_type).name for frame in file.decode(video=0)}


def test_the_tone_tells_the_time() -> None:
    rate = 16_000
    whole = tone_samples(0, 10 * rate, rate)
    window = tone_samples(7 * rate, rate, rate)
    np.testing.assert_array_equal(window, whole[7 * rate : 8 * rate])
    spectrum = np.abs(np.fft.rfft(window[: rate // 10]))
    # A tenth of a second resolves 10 Hz.
    assert spectrum.argmax() * 10 == pytest.approx(tone_frequency(7.05), abs=10)


def test_a_blend_of_two_frames_has_no_number() -> None:
    first, second = (frame.astype(np.uint16) for frame in _frames(numbered_video_bytes(num_frames=2)))
    with pytest.raises(VideoError, match="expected black or white"):
        read_frame_number(((first + second) // 2).astype(np.uint8))


def test_an_array_of_another_kind_is_refused() -> None:
    with pytest.raises(OptionError, match="expected uint8"):
        read_frame_number(np.zeros((120, 160, 3), np.float32))
    with pytest.raises(OptionError, match="expected uint8"):
        read_frame_number(np.zeros((3,), np.uint8))


def test_a_wav_has_the_length_and_channels_that_were_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, seconds=0.5, sampling_rate=44_100, num_channels=2, seed=3)
    with wave.open(str(path)) as file:
        assert (file.getnframes(), file.getnchannels(), file.getsampwidth()) == (22_050, 2, 2)
        assert file.getframerate() == 44_100
    again, other = tmp_path / "b.wav", tmp_path / "c.wav"
    write_wav(again, seconds=0.5, sampling_rate=44_100, num_channels=2, seed=3)
    write_wav(other, seconds=0.5, sampling_rate=44_100, num_channels=2, seed=4)
    assert again.read_bytes() == path.read_bytes() != other.read_bytes()


def test_impossible_arguments_are_option_errors(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="must be positive"):
        write_wav(tmp_path / "a.wav", seconds=0, sampling_rate=16_000)
    with pytest.raises(OptionError, match="seconds=inf"):
        write_wav(tmp_path / "a.wav", seconds=float("inf"), sampling_rate=16_000)
    with pytest.raises(OptionError, match="even and at least 16"):
        write_numbered_video(tmp_path / "a.mp4", num_frames=1, width=97)
    with pytest.raises(OptionError, match="num_frames=0"):
        write_numbered_video(tmp_path / "a.mp4", num_frames=0)
    with pytest.raises(OptionError, match="suffix of"):
        write_numbered_video(tmp_path / "a.xyz", num_frames=1)
    with pytest.raises(VideoError, match="FFmpeg could not write"):
        write_numbered_video(tmp_path / "a.mp4", num_frames=1, sampling_rate=12_345)
    with pytest.raises(OptionError, match="codec='flac' is for audio"):
        write_numbered_video(tmp_path / "a.mp4", num_frames=1, codec="flac")
    assert list(tmp_path.iterdir()) == []
