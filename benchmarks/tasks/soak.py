"""One long process: after many decodes of all kinds nothing is open that was not, and memory is where it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.tasks import clock
from emotalk_data import AudioClip, VideoClip
from emotalk_data.errors import EmotalkError

_PAGE_BYTES = os.sysconf("SC_PAGESIZE")
_EVERY_TENTH = 10


def mixed_decodes(folder: str, count: str) -> int:
    """Decode sound and pictures in turn, from files and from memory, good ones and cut ones.

    The first tenth warms up. From then on descriptors and resident memory are counted.
    """
    calls = _calls(Path(folder))
    number, warm = int(count), int(count) // _EVERY_TENTH
    descriptors = resident = 0
    growth = 0.0
    for index in range(number):
        if index == warm:
            descriptors, resident = _num_descriptors(), _resident_bytes()
        calls[index % len(calls)](index)
        if index > warm and index % 100 == 0:
            growth = max(growth, (_resident_bytes() - resident) / 2**20)
    clock.extras["leaked_descriptors"] = float(_num_descriptors() - descriptors)
    clock.extras["growth_mib"] = max(growth, (_resident_bytes() - resident) / 2**20)
    return number


def _calls(folder: Path) -> list[Callable[[int], object]]:
    wavs = sorted(map(str, (folder / "wavs").iterdir()))[:64]
    video = str(next((folder / "clips").iterdir()))
    blobs = [Path(path).read_bytes() for path in wavs]

    def path(index: int) -> str:
        return wavs[index % len(wavs)]

    def cut(index: int) -> None:
        try:
            AudioClip(bytes=blobs[index % len(blobs)][:1_000]).decode()
        except EmotalkError:
            return
        raise RuntimeError("a wav that ends after 1,000 bytes was decoded")

    sounds: list[Callable[[int], object]] = [
        lambda index: AudioClip(path=path(index)).decode(),
        lambda index: AudioClip(path=path(index)).decode(0.5, 1.0),
        lambda index: AudioClip(bytes=blobs[index % len(blobs)]).decode(),
        lambda index: AudioClip(path=path(index)).decode(0.0, 1.0, sampling_rate=16_000),
        lambda index: np.asarray(AudioClip(path=path(index))),
        cut,
    ]
    pictures: list[Callable[[int], object]] = [
        lambda _: VideoClip(path=video).frames(2, size=64),
        lambda _: VideoClip(path=video).frames(indices=[3], size=64, num_threads=2),
    ]
    return [*sounds * 3, *pictures]


def _num_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
