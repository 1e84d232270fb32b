from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import soundfile

from emotalk_data.media import AudioClip
from emotalk_data.media.scratch import scratch


def test_memory_is_used_again_and_never_by_two_at_once() -> None:
    with scratch((2, 5)) as first:
        assert first.shape == (2, 5)
        assert first.dtype == np.float32
        with scratch((1, 10)) as second:
            assert not np.may_share_memory(first, second)
    with scratch((1, 2_000)) as again:
        assert np.may_share_memory(first, again)


def test_memory_is_given_back_after_an_error() -> None:
    def fail() -> None:
        with scratch((1, 10)):
            raise KeyError

    with scratch((1, 10)) as before:
        pass
    with pytest.raises(KeyError):
        fail()
    with scratch((1, 10)) as after:
        assert np.may_share_memory(before, after)


def test_much_memory_is_not_kept() -> None:
    with scratch((1, 10)) as kept:
        pass
    with scratch((2, 1 << 20)) as large:
        assert large.shape == (2, 1 << 20)
        assert not np.may_share_memory(kept, large)


def test_each_thread_has_its_own() -> None:
    both_there = Barrier(2)

    def share(_: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        with scratch((1, 10)) as memory:
            both_there.wait(30)
            return memory

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(share, range(2))
    assert not np.may_share_memory(first, second)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("mono", [True, False])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_what_was_decoded_stays_when_the_memory_is_used_again(
    tmp_path: Path, channels: int, mono: bool, rate: int
) -> None:
    clips = []
    for number, num_samples in enumerate((30_000, 9_000, 1_200_000)):  # the last is more than a thread keeps
        noise = np.random.default_rng(number).uniform(-0.9, 0.9, (num_samples, channels))
        soundfile.write(tmp_path / f"{number}.wav", noise, 16_000, subtype="PCM_16")
        clips.append(AudioClip(path=tmp_path / f"{number}.wav"))
    decoded = [clip.decode(sampling_rate=rate, mono=mono) for clip in clips]
    before = [samples.copy() for samples in decoded]
    for clip in reversed(clips):
        clip.decode(sampling_rate=rate, mono=mono)
    for samples, kept, clip in zip(decoded, before, clips, strict=True):
        np.testing.assert_array_equal(samples, kept)
        np.testing.assert_array_equal(samples, clip.decode(sampling_rate=rate, mono=mono))
