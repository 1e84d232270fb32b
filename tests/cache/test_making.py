"""One clip: as exact as 16 bits, the same frames at the same times, and a name that says what it is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotalk_data.cache.making import kept_name, make_audio, make_video
from emotalk_data.cache.recipe import AudioRecipe, VideoRecipe, make_recipe
from emotalk_data.errors import AudioError, VideoError
from emotalk_data.media import AudioClip, VideoClip
from emotalk_data.testing.media import read_frame_number, write_numbered_video

HALF_A_STEP = 2**-16


def audio_recipe(**options: Any) -> AudioRecipe:
    options = {"sampling_rate": 16_000, "mono": True, **options}
    made = make_recipe(num_frames=None, frame_rate=None, frame_size=None, rows_per_shard=10, **options).audio
    assert made is not None
    return made


def video_recipe(**options: Any) -> VideoRecipe:
    options = {"num_frames": None, "frame_rate": None, "frame_size": None, **options}
    made = make_recipe(sampling_rate=None, mono=True, rows_per_shard=10, **options).video
    assert made is not None
    return made


def stored(path: Path | str) -> dict[str, Any]:
    return {"bytes": None, "path": str(path)}


def noise(num_samples: int, channels: int, peak: float = 0.9) -> np.ndarray:
    samples = np.random.default_rng(0).uniform(-1, 1, (num_samples, channels))
    smooth = np.apply_along_axis(lambda plane: np.convolve(plane, np.ones(9) / 9, "same"), 0, samples)
    return np.asarray(smooth / np.abs(smooth).max() * peak)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_the_copy_decodes_to_what_the_source_decodes_to(
    tmp_path: Path, rate: int, channels: int, subtype: str
) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(rate // 3, channels), rate, subtype=subtype)
    made = make_audio(stored(path), audio_recipe())
    copy = AudioClip(made.data, made.name)
    want = AudioClip(path=path).decode(sampling_rate=16_000, mono=True)
    got = copy.decode()
    assert (copy.sampling_rate, copy.num_channels, copy.notes) == (16_000, 1, ())
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= HALF_A_STEP
    assert made.clipped_samples == 0


def test_pcm16_at_its_own_rate_and_channels_is_kept_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(4_000, 2, peak=1.0), 44_100)
    made = make_audio(stored(path), audio_recipe(sampling_rate=44_100, mono=False))
    assert np.array_equal(AudioClip(made.data).decode(), AudioClip(path=path).decode())


def test_samples_beyond_full_scale_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    samples = np.zeros(1_600, dtype=np.float32)
    samples[:6] = [1.5, -1.5, 1.0, -1.0, 32767 / 32768, 0.5]
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    made = make_audio(stored(path), audio_recipe())
    # 1.0 has no value of its own in 16 bits, -1.0 has.
    assert made.clipped_samples == 3
    assert AudioClip(made.data).decode()[0, :6].tolist() == [
        *(32767 / 32768, -1.0, 32767 / 32768, -1.0),
        *(32767 / 32768, 0.5),
    ]


def test_samples_that_are_no_numbers_are_not_made_into_silence(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.array([0.0, np.nan, 0.5] * 800, dtype=np.float32), 16_000, subtype="FLOAT")
    with pytest.raises(AudioError, match="infinite or not a number"):
        make_audio(stored(path), audio_recipe())


def test_a_file_that_is_no_sound_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"<html>no such file</html>")
    with pytest.raises(AudioError, match="not RIFF/WAVE"):
        make_audio(stored(tmp_path / "x.wav"), audio_recipe())


def numbers(frames: np.ndarray) -> list[int]:
    return [read_frame_number(frame) for frame in frames]


def noise_ratio(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal to noise, in dB."""
    return float(10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9)))


@pytest.mark.parametrize("frame_rate", ["25", "30", "30000/1001", "24000/1001", "12.5"])
def test_the_chosen_frames_are_kept_with_their_times(tmp_path: Path, frame_rate: str) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=50, frame_rate=Fraction(frame_rate), width=160, height=120)
    source = VideoClip(path=path)
    made = make_video(stored(path), video_recipe(num_frames=8, frame_size=64))
    copy = VideoClip(made.data, made.name)
    chosen = np.arange(0, 50, 50 / 8).astype(int)
    assert (copy.num_frames, copy.height, copy.width) == (8, 64, 85)
    assert np.abs(copy.times_seconds - source.times_seconds[chosen]).max() <= 1e-6
    assert copy.duration_seconds == pytest.approx(source.duration_seconds, abs=1e-6)
    want = source.frames(8, size=64)
    assert numbers(copy.frames(indices=range(8))) == chosen.tolist() == numbers(want)
    assert noise_ratio(copy.frames(indices=range(8)), want) > 35
    assert np.array_equal(copy.frames(8), copy.frames(indices=range(8)))
    assert copy.audio is None


@pytest.mark.parametrize("rate", [1, 2, 7.5, 25])
def test_frames_at_a_rate_are_asked_of_the_copy_as_of_the_source(tmp_path: Path, rate: float) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=40, frame_rate=25, width=160, height=120)
    made = make_video(stored(path), video_recipe(frame_rate=rate))
    got, want = VideoClip(made.data).frames(frame_rate=rate), VideoClip(path=path).frames(frame_rate=rate)
    assert got.shape == want.shape
    assert numbers(got) == numbers(want)


def test_a_window_keeps_its_frames_and_its_length(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=75, frame_rate=25, width=160, height=120)
    window = f"{path}#t=0.51,1.9"  # between two frames
    source = VideoClip(path=window)
    for options in ({"num_frames": 5}, {"frame_rate": 25}, {"frame_rate": 3}):
        made = make_video(stored(window), video_recipe(**options))
        copy = VideoClip(made.data, made.name)
        assert made.name == "x_0.51-1.9.mp4"
        assert copy.duration_seconds == pytest.approx(source.duration_seconds, abs=1e-6)
        ask: dict[str, Any] = {"num" if key == "num_frames" else key: value for key, value in options.items()}
        got, want = copy.frames(**ask), source.frames(**ask)
        assert got.shape == want.shape
        assert numbers(got) == numbers(want)


def test_a_clip_with_fewer_frames_keeps_each_once(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=3, frame_rate=25, width=160, height=120)
    copy = VideoClip(make_video(stored(path), video_recipe(num_frames=8)).data)
    assert copy.num_frames == 3
    assert copy.frames(8).shape == VideoClip(path=path).frames(8).shape == (8, 120, 160, 3)


def test_the_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=10, frame_rate=25, width=160, height=120)
    recipe = video_recipe(num_frames=4, frame_size=(33, 47))
    assert make_video(stored(path), recipe).data == make_video(stored(path), recipe).data
    assert VideoClip(make_video(stored(path), recipe).data).frames(4).shape == (4, 33, 47, 3)


def test_a_damaged_video_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    write_numbered_video(path, num_frames=10, frame_rate=25, width=160, height=120)
    path.write_bytes(path.read_bytes()[:2_000])
    with pytest.raises(VideoError, match=r"cut or damaged|no index"):
        make_video(stored(path), video_recipe(num_frames=4))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (None, None),
        ("/data/Audio/wav/x.wav", "x.wav"),
        ("tar://Audio/wav/x.flac::/data/Audio.tar", "x.wav"),
        ("zip://mp4/x.mp4::tar://Multimodal/mp4.zip::/data/Multimodal.tar", "x.wav"),
        ("/data/tv/anjia_02.mp4#t=12.48,15.2", "anjia_02_12.48-15.2.wav"),
        ("mediafragment:///data/tv/anjia_02.mp4#t=1234.567891,1236", "anjia_02_1234.567891-1236.wav"),
        ("/data/tv/anjia_02.mp4#t=12.48", "anjia_02_12.48-.wav"),
        ("noise", "noise.wav"),
        ("/data/.wav", ".wav.wav"),
    ],
)
def test_the_name_is_the_file_s_without_its_place(path: str | None, name: str | None) -> None:
    assert kept_name(path, ".wav") == name
