"""A wav to float32 samples, all ways in one process and on the same files: ours, and the limits.

Groups: `whole`, `stereo`, `slice` (second 1 to 2), `16 kHz mono`, `stored at 16 kHz`, and `row`: all columns of
one row of a release, and its sound decoded.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.data import SAMPLING_RATE
from benchmarks.measure import NotInstalledError, Task, peer, run_interleaved
from emotalk_data import AudioClip

if TYPE_CHECKING:
    from numpy.typing import NDArray

Call = Callable[[int], object]

_HEADER_BYTES = 44
_SCALE = np.float32(1 / 32_768)
_MAX_SECONDS_OF_A_TURN = 0.4


class Inputs:
    """The data of one sitting, opened where they are first used.

    Attributes:
        wavs: paths of the files.
        members: the same as members of a tar.
        stereo: other files, of two channels.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wavs = [str(path) for path in sorted((folder / "wavs").iterdir())]
        self.members = [f"tar://wav/{Path(path).name}::{folder / 'wavs.tar'}" for path in self.wavs]
        self.stereo = [str(path) for path in sorted((folder / "stereo").iterdir())]

    @cached_property
    def ranges(self) -> list[tuple[str, int, int]]:
        """Tar, size and offset of each member: where a reader that knows it all would look."""
        path = str(self.folder / "wavs.tar")
        with tarfile.open(path) as tar:
            return [
                (
                    path,
                    tar.getmember(f"wav/{Path(wav).name}").size,
                    tar.getmember(f"wav/{Path(wav).name}").offset_data,
                )
                for wav in self.wavs
            ]

    @cached_property
    def views(self) -> list[memoryview]:
        """Each wav in the buffer of an Arrow table that maps a file, without a copy."""
        import datasets

        table = datasets.load_from_disk(str(self.folder / "arrow")).data
        chunks = table.column("audio").chunks
        return [memoryview(row.as_buffer()) for chunk in chunks for row in chunk.field("bytes")]

    @cached_property
    def release(self) -> Any:
        """All rows of a release whose wavs these are."""
        from benchmarks.tasks.formats import open_release

        return open_release(self.folder)

    @cached_property
    def stored(self) -> Any:
        """The same rows, as `emotalk cache` keeps them at 16 kHz mono."""
        from benchmarks.tasks.formats import open_stored

        return open_stored(self.folder)


def measure(folder: str, rounds: str, num_items: str) -> dict[str, Any]:
    """Run all tasks interleaved and return results and facts as plain values."""
    from benchmarks.tasks.audio_peers import peer_tasks

    inputs = Inputs(Path(folder))
    tasks = [*_ours(inputs), *peer_tasks(inputs), *_limits(inputs)]
    results = run_interleaved(
        tasks, rounds=int(rounds), num_items=int(num_items), seconds_per_round=_MAX_SECONDS_OF_A_TURN
    )
    return {"results": {name: asdict(result) for name, result in results.items()}, "facts": _facts(inputs)}


def _ours(inputs: Inputs) -> list[Task]:
    wavs, members, stereo = inputs.wavs, inputs.members, inputs.stereo

    def of(group: str, source: str, make: Callable[[], Callable[[int], AudioClip]], **how: Any) -> Task:
        span = (1.0, 2.0) if group == "slice" else ()

        def prepare() -> Call:
            clip = make()
            return lambda item: clip(item).decode(*span, **how)

        return Task(f"{group}/ours, {source}", "ours", prepare)

    def from_file() -> Callable[[int], AudioClip]:
        return lambda item: AudioClip(path=wavs[item])

    def from_tar() -> Callable[[int], AudioClip]:
        return lambda item: AudioClip(path=members[item])

    def from_arrow() -> Callable[[int], AudioClip]:
        views = inputs.views
        return lambda item: AudioClip(bytes=views[item])

    def from_stored() -> Callable[[int], AudioClip]:
        views = _column_views(inputs.stored)
        return lambda item: AudioClip(bytes=views[item])

    def from_row() -> Callable[[int], AudioClip]:
        rows = inputs.release
        return lambda item: rows[item]["audio"]

    sources = {"file": from_file, "tar": from_tar, "Arrow": from_arrow}
    return [
        *(of("whole", source, make) for source, make in sources.items()),
        of("stereo", "file", lambda: lambda item: AudioClip(path=stereo[item % len(stereo)])),
        *(of("slice", source, make) for source, make in sources.items()),
        *(of("16 kHz mono", s, make, sampling_rate=16_000, mono=True) for s, make in sources.items()),
        of("stored at 16 kHz", "emotalk cache", from_stored),
        of("row", "full row", from_row),
    ]


def _limits(inputs: Inputs) -> list[Task]:
    """What nobody can beat: no names, no headers, no checks, only the reading and the conversion."""
    wavs = inputs.wavs

    def pread_whole() -> Call:
        sizes = [os.path.getsize(path) for path in wavs]
        return lambda item: _convert(pread(wavs[item], sizes[item], 0)[_HEADER_BYTES:])

    def pread_member() -> Call:
        ranges = inputs.ranges
        return lambda item: _convert(pread(*ranges[item])[_HEADER_BYTES:])

    def pread_stereo() -> Call:
        paths = inputs.stereo
        sizes = [os.path.getsize(path) for path in paths]

        def call(item: int) -> object:
            item %= len(paths)
            data = pread(paths[item], sizes[item], 0)[_HEADER_BYTES:]
            planes = np.frombuffer(data, "<i2").reshape(-1, 2).T.astype(np.float32, order="C")
            planes *= _SCALE
            return planes

        return call

    def pread_slice() -> Call:
        first, size = _HEADER_BYTES + SAMPLING_RATE * 2, SAMPLING_RATE * 2
        return lambda item: _convert(pread(wavs[item], size, first))

    def convert_arrow() -> Call:
        views = inputs.views
        return lambda item: _convert(views[item][_HEADER_BYTES:])

    def copy() -> Call:
        views = [np.frombuffer(view, np.uint8) for view in inputs.views]
        target = np.empty(max(map(len, views)), np.uint8)
        return lambda item: np.copyto(target[: len(views[item])], views[item])

    def soxr_alone() -> Call:
        import soxr

        samples = [_convert(Path(path).read_bytes()[_HEADER_BYTES:]) for path in wavs]
        return lambda item: soxr.resample(samples[item], SAMPLING_RATE, 16_000, quality="HQ")

    def copy_stored() -> Call:
        views = [np.frombuffer(view, np.uint8) for view in _column_views(inputs.stored)]
        target = np.empty(max(map(len, views)), np.uint8)
        return lambda item: np.copyto(target[: len(views[item])], views[item])

    return [
        Task("whole/bare pread and numpy", "limit", pread_whole),
        Task("whole/bare pread from the tar and numpy", "limit", pread_member),
        Task("whole/bare numpy over the Arrow buffer", "limit", convert_arrow),
        Task("whole/memcpy of the int16", "limit", copy),
        Task("stereo/bare pread and numpy", "limit", pread_stereo),
        Task("slice/bare pread and numpy", "limit", pread_slice),
        Task("16 kHz mono/soxr alone, from float32 in memory", "limit", soxr_alone),
        Task("stored at 16 kHz/memcpy of the int16", "limit", copy_stored),
    ]


def pread(path: str, size: int, offset: int) -> memoryview:
    """Open, read, close."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return memoryview(os.pread(descriptor, size, offset))
    finally:
        os.close(descriptor)


def _convert(data: bytes | memoryview) -> NDArray[np.float32]:
    samples = np.frombuffer(data, "<i2").astype(np.float32)
    samples *= _SCALE
    return samples


def _column_views(rows: Any) -> list[memoryview]:
    """Return the bytes of the audio column, each a view of the Arrow table."""
    chunks = rows.data.column("audio").chunks
    return [memoryview(row.as_buffer()) for chunk in chunks for row in chunk.field("bytes")]


def _facts(inputs: Inputs) -> dict[str, float]:
    """Count the samples that differ from soundfile's, from all sources, whole and in part."""
    import soundfile

    differing = 0
    for item, (path, member, view) in enumerate(zip(inputs.wavs, inputs.members, inputs.views, strict=True)):
        want = soundfile.read(path, dtype="float32", always_2d=True)[0].T
        clips = AudioClip(path=path), AudioClip(path=member), AudioClip(bytes=view)
        differing += sum(int((clip.decode() != want).sum()) for clip in clips)
        part = want[:, SAMPLING_RATE : 2 * SAMPLING_RATE]
        differing += sum(int((clip.decode(1.0, 2.0) != part).sum()) for clip in clips)
        if item >= 20:
            break
    for path in inputs.stereo:
        want = soundfile.read(path, dtype="float32", always_2d=True)[0].T
        differing += int((AudioClip(path=path).decode() != want).sum())
    return {"samples_that_differ_from_soundfile": differing, **_resampling_noise(inputs.wavs[0])}


def _resampling_noise(path: str) -> dict[str, float]:
    """Return the signal-to-noise ratio in dB of resampling, ours and AudioDecoder's, against soxr's best."""
    import soxr

    samples = _convert(Path(path).read_bytes()[_HEADER_BYTES:])
    want = soxr.resample(samples, SAMPLING_RATE, 16_000, quality="VHQ")
    got = {"ours": AudioClip(path=path).decode(sampling_rate=16_000)[0]}
    try:
        decoder = peer("torchcodec.decoders").AudioDecoder(path, sample_rate=16_000)
        got["AudioDecoder"] = decoder.get_all_samples().data[0].numpy()
    except NotInstalledError:
        pass
    ratios = {}
    for name, result in got.items():
        # The first and last hundredth of a second depend on what is taken to lie beyond them.
        inner = slice(160, min(len(want), len(result)) - 160)
        noise = np.square(want[inner] - result[inner]).mean()
        ratios[f"snr_at_16_khz_{name}"] = float(10 * np.log10(np.square(want[inner]).mean() / noise))
    return ratios
