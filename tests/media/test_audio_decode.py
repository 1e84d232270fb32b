from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import AudioError
from emotalk_data.media.audio import AudioClip

CODED = [
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("MP3", "MPEG_LAYER_III"),
    ("AIFF", "PCM_16"),
    ("WAV", "ULAW"),
    ("WAV", "ALAW"),
    ("WAV", "IMA_ADPCM"),
    ("WAV", "MS_ADPCM"),
]
CONTAINERS = [
    ("mp4", "aac", 44_100),
    ("mov", "alac", 44_100),
    ("mov", "pcm_s16le", 44_100),
    ("mov", "pcm_u8", 16_000),
    ("matroska", "flac", 44_100),
    ("matroska", "aac", 48_000),
    ("webm", "libopus", 48_000),
    ("mpegts", "aac", 44_100),
    ("flv", "aac", 44_100),
    ("avi", "pcm_s16le", 44_100),
]


def coded(
    form: Any, subtype: Any, *, num_samples: Any = 30_000, channels: Any = 2, rate: Any = 16_000
) -> Any:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (num_samples, channels))
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=form, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(("form", "subtype"), CODED)
def test_what_soundfile_reads_equals_soundfile(form: Any, subtype: Any) -> None:
    data = coded(form, subtype)
    expected = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)[0].T
    clip = AudioClip(data)
    got = clip.decode()
    assert got.shape == (clip.num_channels, clip.num_samples)
    assert got.dtype == np.float32
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, expected)
    # MP3 and Vorbis overlap their frames: after a seek rounding differs in the last bits.
    np.testing.assert_allclose(clip.decode(0.3, 0.7), expected[:, 4800:11_200], rtol=0, atol=1e-6)


def test_a_coded_file_longer_than_a_block_is_whole() -> None:
    clip = AudioClip(coded("FLAC", "PCM_16", num_samples=200_001, channels=1))
    assert clip.decode().shape == (1, 200_001)


@pytest.mark.parametrize(("form", "suffix", "message"), [
    ("FLAC", "wav", "the content is FLAC, the extension says WAV"),
    ("WAV", "flac", "the content is WAV, the extension says FLAC"),
    ("AIFF", "mp3", "the content is AIFF, the extension says MP3"),
])  # fmt: skip
def test_an_extension_that_lies_is_refused(tmp_path: Path, form: Any, suffix: Any, message: Any) -> None:
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(coded(form, "PCM_16"))
    with pytest.raises(AudioError, match=message):
        AudioClip(path=str(path)).decode()
    with pytest.raises(AudioError, match=message):
        AudioClip(path.read_bytes(), f"tar://a/x.{suffix.upper()}::/b.tar#t=0.1").decode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-LFS pointer"),
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b"ffconcat version 1.0\nfile other.wav\n", "an FFmpeg script"),
        (b"#EXTM3U\n", "a playlist"),
        (b'{"error": "login"}', "JSON"),
        (b"PK\x03\x04" + b"\0" * 50, "a zip archive"),
        (bytes(range(100, 200)), "unknown and begins with b'defghijklmno'"),
        (b"RIFF\0\0\0\0CDXA", "RIFF of kind b'CDXA'"),
    ],
)
def test_what_is_no_sound_is_named(data: Any, message: Any) -> None:
    with pytest.raises(AudioError, match=message) as caught:
        AudioClip(data, "x.wav").decode()
    assert "not RIFF/WAVE" in str(caught.value)


def test_a_length_that_the_file_cannot_hold_is_refused_unread() -> None:
    data = bytearray(coded("FLAC", "PCM_16", channels=1))
    data[21] |= 0x0F
    data[22:26] = b"\xff\xff\xff\xff"
    with pytest.raises(AudioError, match=f"declares {2**36 - 1} frames"):
        AudioClip(bytes(data)).decode()


@pytest.mark.parametrize(
    ("form", "subtype"), [("FLAC", "PCM_16"), ("AIFF", "PCM_16"), ("MP3", "MPEG_LAYER_III")]
)
def test_a_coded_file_that_was_cut_is_an_error_or_shorter_and_says_so(form: Any, subtype: Any) -> None:
    data = coded(form, subtype)
    clip = AudioClip(data[: len(data) // 2])
    try:
        got = clip.decode()
    except AudioError:
        return
    assert got.shape[1] == clip.num_samples


@pytest.mark.parametrize(("container", "codec", "rate"), CONTAINERS)
def test_spans_of_sound_in_a_container_equal_the_slice_of_the_whole(
    make_container: Callable[..., bytes], container: Any, codec: Any, rate: Any
) -> None:
    clip = AudioClip(make_container(container, codec, rate))
    whole = clip.decode()
    assert whole.shape == (1, clip.num_samples)
    assert abs(clip.duration_seconds - 3) < 0.12
    assert np.abs(whole).max() > 0.35
    for start, end in [(0, 0.01), (0.4999, 0.77), (1.5, 2.9), (2.5, None), (0, None)]:
        first, last = round(start * rate), None if end is None else round(end * rate)
        np.testing.assert_array_equal(clip.decode(start, end), whole[:, first:last])


def test_the_samples_are_those_that_were_encoded(make_container: Callable[..., bytes]) -> None:
    moments = np.arange(44_100 * 3) / 44_100
    tone = (0.4 * np.sin(2 * np.pi * (200 + 150 * moments) * moments)).astype(np.float32)
    lossless = AudioClip(make_container("mov", "pcm_s16le", 44_100)).decode()[0]
    np.testing.assert_allclose(lossless, tone, atol=2e-4)
    lossy = AudioClip(make_container("mp4", "aac", 44_100)).decode()[0]
    assert len(lossy) == len(tone)
    middle = slice(2000, -2000)
    matches = [float(np.corrcoef(np.roll(lossy, lag)[middle], tone[middle])[0, 1]) for lag in range(-3, 4)]
    assert int(np.argmax(matches)) == 3  # no lag: the encoder's priming was taken off
    assert matches[3] > 0.98


@given(edges=st.tuples(st.floats(0, 2.9), st.floats(0, 2.9)))
@settings(max_examples=25, deadline=None)
def test_any_span_of_aac_in_mp4_equals_the_slice_of_the_whole(
    make_container: Callable[..., bytes], edges: Any
) -> None:
    clip = AudioClip(make_container("mp4", "aac", 44_100, video=True))
    first, last = sorted(round(edge * 44_100) for edge in edges)
    if first < last:
        got = clip.decode(first / 44_100, last / 44_100)
        np.testing.assert_array_equal(got, clip.decode()[:, first:last])


def test_a_window_of_an_episode_is_cut_from_its_sound(
    make_container: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "episode.mp4"
    path.write_bytes(make_container("mp4", "aac", 44_100, video=True))
    whole = AudioClip(path=str(path)).decode()
    clip = AudioClip(path=f"{path}#t=1.2,2.4", sampling_rate=16_000)
    assert clip.num_samples == 19_200
    np.testing.assert_array_equal(clip.decode(sampling_rate=44_100), whole[:, 52_920:105_840])


def test_sound_that_begins_late_is_preceded_by_silence(make_container: Callable[..., bytes]) -> None:
    data = make_container("mp4", "alac", 44_100, video=True, delay_samples=22_050)
    whole = AudioClip(data).decode()[0]
    assert not whole[:22_000].any()
    assert whole[22_060:].any()
    np.testing.assert_array_equal(AudioClip(data).decode(0.4, 0.9)[0], whole[17_640:39_690])


def test_a_fragmented_mp4_is_read_whole(make_container: Callable[..., bytes]) -> None:
    movflags = "frag_keyframe+empty_moov+default_base_moof"
    clip = AudioClip(make_container("mp4", "aac", 44_100, movflags=movflags))
    whole = clip.decode()
    assert whole.shape == (1, clip.num_samples)
    assert abs(clip.duration_seconds - 3) < 0.12
    np.testing.assert_array_equal(clip.decode(1, 2), whole[:, 44_100:88_200])


def test_raw_aac_without_a_container_is_counted(make_container: Callable[..., bytes]) -> None:
    clip = AudioClip(make_container("adts", "aac", 44_100))
    whole = clip.decode()
    assert whole.shape == (1, clip.num_samples)
    np.testing.assert_array_equal(clip.decode(1, 2), whole[:, 44_100:88_200])


def test_a_container_without_sound_is_refused(make_container: Callable[..., bytes]) -> None:
    with pytest.raises(AudioError, match="no audio stream"):
        AudioClip(make_container("mp4", "aac", 44_100, audio=False, video=True)).decode()


@pytest.mark.parametrize(
    ("container", "codec", "rate"), [("mp4", "aac", 44_100), ("matroska", "aac", 48_000)]
)
def test_a_container_cut_anywhere_is_an_error(
    make_container: Callable[..., bytes], container: Any, codec: Any, rate: Any
) -> None:
    data = make_container(container, codec, rate, movflags="faststart" if container == "mp4" else None)
    for part in (0.02, 0.1, 0.5, 0.9):
        with pytest.raises(AudioError, match="cannot be read as sound"):
            AudioClip(data[: int(len(data) * part)]).decode()


def test_a_damaged_file_prints_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(2)
    for _ in range(60):
        data = bytearray(coded("AIFF", "PCM_16", num_samples=8_000, channels=1))
        for offset in random.integers(0, 400, 4):
            data[offset] = random.integers(256)
        with contextlib.suppress(AudioError):
            AudioClip(bytes(data[: random.integers(60, len(data))])).decode()
    assert "Traceback" not in capfd.readouterr().err


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_flipped_bytes_give_samples_or_an_audio_error(
    make_container: Callable[..., bytes], seed: Any
) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(make_container("mp4", "aac", 44_100))
    for offset in random.integers(0, len(data), 20):
        data[offset] = random.integers(256)
    try:
        samples = AudioClip(bytes(data)).decode()
    except AudioError:
        return
    assert samples.dtype == np.float32
