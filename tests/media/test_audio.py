from __future__ import annotations

import gc
import html
import io
import pickle
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import AudioError, OptionError, PathError, ReleaseNotFoundError, SpanError
from emotalk_data.media.audio import AudioClip


def reference(path: Any) -> Any:
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


def tone(rate: Any = 44_100, seconds: Any = 2.0, channels: Any = 1, seed: Any = 0) -> Any:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, int(rate * seconds)))
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, rate, format="WAV")
    return buffer.getvalue()


def test_facts_come_from_the_header_and_describe_what_decode_returns(make_wav: Callable[..., Path]) -> None:
    clip = AudioClip(path=str(make_wav(sampling_rate=44_100, num_samples=44_100 * 2, num_channels=2)))
    assert (clip.sampling_rate, clip.num_channels, clip.num_samples, clip.duration_seconds) == (
        44_100,
        2,
        88_200,
        2,
    )
    assert clip.decode().shape == (2, 88_200)


def test_facts_of_a_clip_with_targets_are_those_of_the_targets(make_wav: Callable[..., Path]) -> None:
    path = str(make_wav(sampling_rate=44_100, num_samples=10_001, num_channels=2))
    clip = AudioClip(path=path, sampling_rate=16_000, mono=True)
    assert (clip.sampling_rate, clip.num_channels, clip.num_samples) == (16_000, 1, 3628)
    assert clip.duration_seconds == 10_001 / 44_100
    assert clip.decode().shape == (1, 3628)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"), [(0, None, 0, 8000), (0.1, 0.2, 1600, 3200), (0.25, None, 4000, 8000)]
)
def test_a_span_is_half_open_and_counted_in_rounded_samples(
    make_wav: Callable[..., Path], start: Any, end: Any, first: Any, last: Any
) -> None:
    path = make_wav(num_channels=2)
    got = AudioClip(path=str(path)).decode(start, end)
    np.testing.assert_array_equal(got, reference(path)[:, first:last])


def test_the_result_is_an_array_of_its_own(make_wav: Callable[..., Path]) -> None:
    data = make_wav(subtype="FLOAT").read_bytes()
    clip = AudioClip(data)
    clip.decode()[:] = 0
    assert clip.decode().any()
    assert clip["bytes"] is data


def test_a_member_of_a_tar_and_bytes_decode_like_the_file(
    make_wav: Callable[..., Path], put_in_tar: Callable[..., str]
) -> None:
    paths = [make_wav(f"{name}.wav", num_channels=2) for name in ("a", "b")]
    archive = put_in_tar(*paths)
    member = AudioClip(path=f"tar://Audio/wav/b.wav::{archive}")
    for clip in (member, AudioClip(paths[1].read_bytes()), AudioClip(memoryview(paths[1].read_bytes()))):
        np.testing.assert_array_equal(clip.decode(0.1, 0.3), reference(paths[1])[:, 1600:4800])


def test_a_window_behaves_like_a_file_of_its_own(
    make_wav: Callable[..., Path], put_in_tar: Callable[..., str], tmp_path: Path
) -> None:
    path = make_wav(sampling_rate=44_100, num_samples=44_100)
    cut = tmp_path / "cut.wav"
    soundfile.write(cut, reference(path)[:, 4410:22_050].T, 44_100, subtype="FLOAT")
    alone = AudioClip(path=str(cut))
    for prefix in (str(path), f"tar://Audio/wav/{path.name}::{put_in_tar(path)}"):
        clip = AudioClip(path=f"{prefix}#t=0.1,0.5")
        assert (clip.num_samples, clip.duration_seconds) == (17_640, 0.4)
        np.testing.assert_array_equal(clip.decode(), alone.decode())
        np.testing.assert_array_equal(clip.decode(0.2, 0.3), alone.decode(0.2, 0.3))
        np.testing.assert_array_equal(clip.decode(sampling_rate=16_000), alone.decode(sampling_rate=16_000))


def test_bytes_may_have_a_window_too(make_wav: Callable[..., Path]) -> None:
    clip = AudioClip(make_wav().read_bytes(), "x.wav#t=0.25")
    assert clip.num_samples == 4000


@pytest.mark.parametrize(
    ("start", "end"), [(0.3, 0.3), (0.3, 0.2), (-0.1, 0.2), (0.5, None), (0, 0.6), (0.4, 1e12)]
)
def test_a_span_that_is_empty_or_leaves_the_clip_is_refused(
    make_wav: Callable[..., Path], start: Any, end: Any
) -> None:
    clip = AudioClip(path=str(make_wav()))
    with pytest.raises(SpanError, match=r"x\.wav"):
        clip.decode(start, end)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_span_that_is_no_number_is_refused(make_wav: Callable[..., Path], value: Any) -> None:
    with pytest.raises(SpanError, match="no time range"):
        AudioClip(path=str(make_wav())).decode(0, value)


def test_an_end_within_one_video_frame_behind_the_audio_is_its_end(make_wav: Callable[..., Path]) -> None:
    path = make_wav()
    assert AudioClip(path=f"{path}#t=0.1,0.54").num_samples == 6400
    assert AudioClip(path=str(path)).decode(0.1, 0.54).shape == (1, 6400)
    with pytest.raises(SpanError, match=r"leaves the audio, which has 0\.5 s"):
        AudioClip(path=f"{path}#t=0.1,0.5401").decode()


@pytest.mark.parametrize(
    ("old", "new"), [(44_100, 16_000), (48_000, 16_000), (16_000, 44_100), (44_099, 16_000)]
)
def test_resampling_is_that_of_soxr(old: Any, new: Any) -> None:
    data = tone(old, 1.37, channels=2)
    got = AudioClip(data).decode(sampling_rate=new)
    samples = reference(io.BytesIO(data))
    assert got.shape == (2, round(samples.shape[1] * new / old))
    for plane, channel in zip(got, samples, strict=True):
        expected = soxr.resample(channel, old, new, quality="HQ")
        np.testing.assert_array_equal(plane[: len(expected)], expected[: len(plane)])


@given(
    rates=st.sampled_from(
        [(44_100, 16_000), (48_000, 16_000), (16_000, 44_100), (44_099, 16_000), (192_000, 8_000)]
    ),
    edges=st.tuples(st.floats(0, 2), st.floats(0, 2)),
)
@settings(max_examples=40, deadline=None)
def test_a_resampled_span_equals_the_span_of_the_resampled_whole(rates: Any, edges: Any) -> None:
    old, new = rates
    clip = AudioClip(tone(old))
    whole = clip.decode(sampling_rate=new)
    start, end = sorted(edges)
    first, last = round(start * new), round(end * new)
    if first < last:
        got = clip.decode(start, end, sampling_rate=new)
        assert got.shape == (1, last - first)
        np.testing.assert_allclose(got, whole[:, first:last], rtol=0, atol=1e-6)


def test_mono_is_the_mean_of_the_channels(make_wav: Callable[..., Path]) -> None:
    path = make_wav(num_channels=3)
    mean = reference(path).mean(axis=0, keepdims=True)
    np.testing.assert_array_equal(AudioClip(path=str(path)).decode(mono=True), mean)
    np.testing.assert_array_equal(AudioClip(path=str(path), mono=True).decode(), mean)


def test_array_and_sampling_rate_are_what_users_of_datasets_expect(make_wav: Callable[..., Path]) -> None:
    path = make_wav(num_channels=2)
    clip = AudioClip(path=str(path))
    mean = reference(path).mean(axis=0)
    np.testing.assert_array_equal(clip["array"], mean)
    assert clip["sampling_rate"] == 16_000
    assert np.asarray(clip).dtype == np.float32
    np.testing.assert_array_equal(np.asarray(clip), mean)
    assert np.asarray(clip, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy=False"):
        np.asarray(clip, copy=False)


@pytest.mark.parametrize("rate", [0, -1, 999, 10**6, 16_000.0, "16000", True])
def test_a_sampling_rate_that_cannot_be_is_refused(make_wav: Callable[..., Path], rate: Any) -> None:
    with pytest.raises(OptionError, match="sampling_rate is"):
        AudioClip(path="x", sampling_rate=rate)
    with pytest.raises(OptionError, match="sampling_rate is"):
        AudioClip(path=str(make_wav())).decode(sampling_rate=rate)


def test_what_cannot_be_opened_is_one_of_our_errors(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="neither bytes nor a path"):
        AudioClip().decode()
    with pytest.raises(ReleaseNotFoundError, match="absent"):
        AudioClip(path=str(tmp_path / "absent.wav")).decode()
    with pytest.raises(PathError, match="URL"):
        AudioClip(path="https://example.org/x.wav").decode()
    with pytest.raises(PathError, match="directory"):
        AudioClip(path=str(tmp_path)).decode()


def test_a_clip_pickles_with_its_targets_and_facts(make_wav: Callable[..., Path]) -> None:
    path = make_wav(num_channels=2)
    for data, name in ((None, str(path)), (memoryview(path.read_bytes()), None)):
        clip = AudioClip(data, name, sampling_rate=8_000, mono=True)
        fresh = pickle.loads(pickle.dumps(clip))  # noqa: S301
        expected = clip.decode()
        used = pickle.loads(pickle.dumps(clip))  # noqa: S301
        for copy in (fresh, used):
            assert (copy.sampling_rate, copy.num_channels, copy.num_samples) == (8_000, 1, 4_000)
            np.testing.assert_array_equal(copy.decode(), expected)


def test_eight_threads_on_one_clip_get_equal_samples(
    make_wav: Callable[..., Path], make_container: Callable[..., bytes], tmp_path: Path
) -> None:
    sound = tmp_path / "x.m4a"
    sound.write_bytes(make_container("mp4", "aac", 44_100))
    flac = make_wav("x.flac", file_format="FLAC")
    for path in (make_wav(), flac, sound):
        clip = AudioClip(path=str(path))
        with ThreadPoolExecutor(8) as pool:
            results = [task.result() for task in [pool.submit(clip.decode, 0.1, 0.4) for _ in range(32)]]
        expected = AudioClip(path=str(path)).decode(0.1, 0.4)
        assert all(np.array_equal(result, expected) for result in results)


def test_no_file_stays_open_with_the_garbage_collector_off(
    make_wav: Callable[..., Path],
    make_container: Callable[..., bytes],
    tmp_path: Path,
    open_files: Callable[[], list[str]],
) -> None:
    good = [make_wav(), make_wav("x.flac", file_format="FLAC"), tmp_path / "x.mp4"]
    good[2].write_bytes(make_container("mp4", "aac", 44_100))
    bad = [tmp_path / f"bad{path.suffix}" for path in good]
    for path, source in zip(bad, good, strict=True):
        path.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    gc.disable()
    try:
        for _ in range(20):
            for path in good:
                AudioClip(path=str(path)).decode(0.1, 0.2)
            for path in bad:
                with pytest.raises(AudioError, match="bad"):
                    AudioClip(path=str(path)).decode()
        assert open_files() == []
    finally:
        gc.enable()


def test_to_wav_bytes_gives_16_bit_pcm_of_the_span(make_wav: Callable[..., Path]) -> None:
    path = make_wav(num_channels=2)
    data = AudioClip(path=str(path)).to_wav_bytes(0.1, 0.2)
    np.testing.assert_array_equal(reference(io.BytesIO(data)), reference(path)[:, 1600:3200])
    assert (
        soundfile.info(io.BytesIO(AudioClip(path=str(path)).to_wav_bytes(sampling_rate=8_000))).samplerate
        == 8_000
    )


def test_the_notebook_player_holds_the_sound_and_escapes_the_name(make_wav: Callable[..., Path]) -> None:
    path = make_wav("<img onerror=x>.wav")
    shown = AudioClip(path=str(path))._repr_html_()
    data = shown.partition("base64,")[2].partition('"')[0]
    np.testing.assert_array_equal(reference(io.BytesIO(b64decode(data))), reference(path))
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_the_notebook_shows_text_for_what_is_long_or_broken(
    make_wav: Callable[..., Path], tmp_path: Path
) -> None:
    long = AudioClip(path=str(make_wav("long.wav", 8_000, num_samples=8_000 * 61)))
    assert "61.0 s, too long" in long._repr_html_()
    broken = AudioClip(path=str(tmp_path / "<b>.wav"))._repr_html_()
    assert "<b>" not in broken
    assert "no such file" in html.unescape(broken).lower() or "&lt;b&gt;" in broken


def codes(samples: Any, subtype: Any = "FLOAT") -> Any:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16_000, subtype=subtype, format="WAV")
    return [note.partition(":")[0] for note in AudioClip(buffer.getvalue()).inspect()]


def test_inspect_finds_what_is_odd_about_the_samples() -> None:
    wave = np.sin(np.arange(16_000) / 10) * 0.5
    assert codes(wave) == []
    assert codes(wave * 3) == ["peak"]
    assert codes(wave * 0) == ["silent"]
    assert codes(np.stack([wave, -wave], axis=1), "PCM_16") == ["opposite_phase"]
    assert codes(np.where(np.arange(16_000) == 5, np.nan, wave)) == ["not_finite"]


def test_importing_the_room_imports_no_heavy_package() -> None:
    script = (
        "import sys, emotalk_data.media as media; media.MediaClip; from emotalk_data.media import AudioClip; "
        "assert not {'datasets', 'av', 'soundfile', 'soxr', 'torch', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
