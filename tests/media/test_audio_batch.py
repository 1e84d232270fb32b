from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import AudioError, LimitError, OptionError, ReleaseNotFoundError
from emotalk_data.media import AudioClip, VideoClip
from emotalk_data.media.audio_batch import decode_many
from emotalk_data.media.wav_samples import wav_bytes

RATE = 16_000


def _samples(
    num_samples: int, *, channels: int = 1, seed: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    noise = np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, num_samples))
    return noise.astype(np.float32)


def _clip(num_samples: int, *, channels: int = 1, rate: int = RATE, seed: int = 0) -> AudioClip:
    samples = _samples(num_samples, channels=channels, seed=seed)
    return AudioClip(bytes=wav_bytes(samples, rate, sample_format="i16"))


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.one_of(st.none(), st.integers(400, 3000)), max_size=6),
    channels=st.sampled_from([1, 2]),
    mono=st.booleans(),
    num_threads=st.sampled_from([1, 3]),
    rate=st.sampled_from([None, 8_000]),
)
def test_each_row_holds_what_the_clip_decodes_to_and_then_zeros(
    lengths: list[int | None], channels: int, mono: bool, num_threads: int, rate: int | None
) -> None:
    clips = [None if n is None else _clip(n, channels=channels, seed=k) for k, n in enumerate(lengths)]
    samples, got_lengths, got_rate = decode_many(
        clips, sampling_rate=rate, mono=mono, num_threads=num_threads
    )
    is_there = any(clip is not None for clip in clips)
    assert got_rate == ((rate or RATE) if is_there else None)
    assert samples.shape == (len(clips), channels if is_there and not mono else 1, got_lengths.max(initial=0))
    assert samples.dtype == np.float32
    assert got_lengths.dtype == np.int64
    for row, length, clip in zip(samples, got_lengths, clips, strict=True):
        assert not row[:, length:].any()
        if clip is None:
            assert length == 0
        else:
            np.testing.assert_array_equal(row[:, :length], clip.decode(sampling_rate=rate, mono=mono))


def test_memory_is_used_again_when_it_is_large_enough() -> None:
    clips = [_clip(500), None, _clip(400, seed=1)]
    memory = np.full(2000, np.nan, np.float32)
    batch = decode_many(clips, out=memory)
    assert np.shares_memory(batch.samples, memory)
    np.testing.assert_array_equal(batch.samples, decode_many(clips).samples)
    small = np.empty(1000, np.float32)
    assert not np.shares_memory(decode_many(clips, out=small).samples, small)


def test_memory_of_another_kind_is_refused() -> None:
    for memory in (
        np.empty(2000, np.float64),
        np.empty(9, np.float64),
        np.empty((500, 8), np.float32)[:, ::2],
    ):
        with pytest.raises(OptionError, match="C-contiguous array of float32"):
            decode_many([_clip(500)], out=memory)  # type: ignore[arg-type]  # that is the point


def test_clips_that_do_not_fit_into_one_array_say_what_to_choose() -> None:
    with pytest.raises(OptionError, match=r"rates of 8000 and 16000 Hz; choose one with sampling_rate="):
        decode_many([_clip(500), _clip(500, rate=8_000)])
    with pytest.raises(OptionError, match=r"1 and 2 channels; mono=True gives the mean"):
        decode_many([_clip(500), _clip(500, channels=2)])
    assert decode_many([_clip(500), _clip(500, channels=2)], mono=True).samples.shape == (2, 1, 500)
    assert decode_many([_clip(500), _clip(500, rate=8_000)], sampling_rate=8_000).lengths.tolist() == [
        250,
        500,
    ]


@pytest.mark.parametrize("num_threads", [0, 65, True, 1.5])
def test_a_number_of_threads_that_cannot_be_is_refused(num_threads: int) -> None:
    with pytest.raises(OptionError, match="num_threads must be from 1 to 64; got"):
        decode_many([], num_threads=num_threads)


@pytest.mark.parametrize("clips", [[VideoClip(path="x.mp4")], ["x.wav"], [{"path": "x.wav"}], "x.wav", 7])
def test_what_is_no_clip_is_refused_in_words(clips: Any) -> None:
    with pytest.raises(OptionError, match=r"expected a (list of )?AudioClip"):
        decode_many(clips)
    assert decode_many(iter([None])).lengths.tolist() == [0]  # type: ignore[arg-type]  # works too


@pytest.mark.parametrize("num_threads", [1, 4])
def test_the_first_clip_that_fails_is_named_and_no_file_stays_open(
    tmp_path: Path, open_files: Callable[[], list[str]], num_threads: int
) -> None:
    good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
    soundfile.write(good, _samples(800)[0], RATE, subtype="PCM_16")
    bad.write_bytes(good.read_bytes()[:-7])
    clips = [AudioClip(path=path) for path in (good, bad, good, tmp_path / "absent.wav")]
    with pytest.raises(AudioError, match=r"bad\.wav"):
        decode_many(clips, num_threads=num_threads)
    with pytest.raises(ReleaseNotFoundError, match=r"absent\.wav"):
        decode_many(clips[2:], num_threads=num_threads)
    assert open_files() == []


def test_a_large_batch_takes_no_more_files_than_a_process_may_open(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(400)]
    for number, path in enumerate(paths):
        soundfile.write(path, _samples(400, seed=number)[0], RATE, subtype="PCM_16")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 300, hard))
    try:
        samples, lengths, _ = decode_many([AudioClip(path=path) for path in paths], num_threads=2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(lengths.tolist()) == {400}
    for row, path in zip(samples, paths, strict=True):
        np.testing.assert_array_equal(row, AudioClip(path=path).decode())


def test_a_file_that_is_cut_between_its_header_and_its_samples_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, _samples(800)[0], RATE, subtype="PCM_16")
    clip = AudioClip(path=path)
    assert clip.num_samples == 800
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(AudioError, match="changed since its header was read"):
        decode_many([clip])


def test_a_batch_that_would_fill_the_memory_is_refused_before_it_does(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    header = wav_bytes(_samples(500), 8_000, sample_format="i16")[:44]
    size = 600 << 20
    with open(path, "wb") as file:
        file.write(header[:4] + (size + 36).to_bytes(4, "little") + header[8:40] + size.to_bytes(4, "little"))
        file.truncate(44 + size)
    with pytest.raises(LimitError, match="4 clips padded to 314,572,800 samples are more than 4 GiB"):
        decode_many([AudioClip(path=path), _clip(500, rate=8_000), None, None])
