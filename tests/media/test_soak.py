"""Twenty thousand decodes of every kind, good and bad: nothing stays open, and memory does not grow."""

from __future__ import annotations

import gc
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotalk_data.errors import EmotalkError
from emotalk_data.media import AudioClip, VideoClip
from emotalk_data.media.audio_batch import decode_many
from emotalk_data.testing.media import write_numbered_video

NUM_DECODES = 20_000
WARM_UP = 2_000
MAX_GROWTH_MIB = 20
RATE = 44_100


@pytest.fixture
def decodes(tmp_path: Path) -> list[Callable[[], Any]]:
    """One function for each kind; eleven of twelve audio, since a video takes as long as ten of them."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE // 2, 2)).astype(np.float32)
    wav, flac, cut = tmp_path / "x.wav", tmp_path / "x.flac", tmp_path / "cut.wav"
    soundfile.write(wav, samples, RATE, subtype="PCM_16")
    soundfile.write(flac, samples, RATE)
    data = wav.read_bytes()
    cut.write_bytes(data[:-100])
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(wav, "wav/x.wav")
    video = tmp_path / "x.mp4"
    write_numbered_video(video, num_frames=12)
    member = f"tar://wav/x.wav::{archive}"
    memory = np.empty(4 * samples.size, np.float32)
    return [
        lambda: AudioClip(path=wav).decode(),
        lambda: AudioClip(path=wav).decode(0.1, 0.3),
        lambda: AudioClip(path=member).decode(),
        lambda: AudioClip(path=f"{member}#t=0.1,0.4").decode(0.1, 0.2),
        lambda: AudioClip(bytes=memoryview(data)).decode(mono=True),
        lambda: AudioClip(path=wav).decode(0.0, 0.05, sampling_rate=16_000, mono=True),
        lambda: AudioClip(path=flac).decode(0.0, 0.05),
        lambda: AudioClip(path=cut).decode(),
        lambda: AudioClip(path=tmp_path / "absent.wav").decode(),
        lambda: decode_many([AudioClip(path=wav), None, AudioClip(bytes=data)], out=memory),
        lambda: AudioClip(path=f"tar://wav/absent.wav::{archive}").decode(),
        lambda: VideoClip(path=f"{video}#t=0.1,0.3").frames(2),
    ]


def _resident_mib() -> float:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"VmRSS:\s+([0-9]+) kB", status)
    assert match is not None
    return int(match[1]) / 1024


@pytest.mark.slow
def test_nothing_stays_open_and_memory_stays_flat(
    decodes: list[Callable[[], Any]], open_files: Callable[[], list[str]]
) -> None:
    num_failed = 0
    gc.disable()
    try:
        for number in range(NUM_DECODES):
            if number == WARM_UP:
                resident = _resident_mib()
            try:
                decodes[number % len(decodes)]()
            except EmotalkError:
                num_failed += 1
        assert num_failed == sum(number % len(decodes) in (7, 8, 10) for number in range(NUM_DECODES))
        assert open_files() == []
        assert _resident_mib() - resident < MAX_GROWTH_MIB
    finally:
        gc.enable()
