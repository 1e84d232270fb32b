"""What is written before an epoch is timed, each by its own library; and how fast ours are built."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Role, peer
from benchmarks.tasks import clock

FORMATS = ("arrow", "stored", "webdataset", "litdata", "mosaicml")
"""Names of the functions below that begin with `write_`; each writes a folder of that name."""

BUILDS: dict[str, tuple[str, Role]] = {
    "build/ours: save_to_disk, bytes in the table": ("save_to_disk", "ours"),
    "build/ours: emotalk cache, 16 kHz mono, 1 process": ("materialise", "ours"),
    "build/cat of the wavs to one file": ("cat", "limit"),
}
"""Builds that are timed: name, function below, role."""

_HEADER_BYTES = 44
_ROWS_PER_SHARD = 250
_SPLITS = "train+validation+test"


def open_release(folder: Path) -> Any:
    """Return all rows of the release."""
    from emotalk_data import load_dataset

    return load_dataset("emotalk", data_dir=folder / "release", cache_dir=folder / "cache", split=_SPLITS)


def open_stored(folder: Path) -> Any:
    """Return all rows of the copy that `emotalk cache` wrote."""
    from emotalk_data import load_dataset

    return load_dataset("emotalk", data_dir=folder / "stored", cache_dir=folder / "cache", split=_SPLITS)


def write_arrow(folder: str) -> int:
    """Save our table with the bytes of the wavs in it, as anybody would by `save_to_disk`."""
    return _save_to_disk(Path(folder), Path(folder) / "arrow")


def write_stored(folder: str) -> int:
    """Write the copy of `emotalk cache`: 16 kHz, mono."""
    return _materialise(Path(folder), Path(folder) / "stored")


def write_webdataset(folder: str) -> int:
    """Write tars of webdataset with the wavs as they are."""
    webdataset = peer("webdataset")
    target = _empty(Path(folder) / "webdataset")
    wavs = _wavs(folder)
    for first in range(0, len(wavs), _ROWS_PER_SHARD):
        with webdataset.TarWriter(str(target / f"{first:06d}.tar")) as writer:
            for path in wavs[first : first + _ROWS_PER_SHARD]:
                writer.write({"__key__": path.stem, "wav": path.read_bytes()})
    return len(wavs)


def write_litdata(folder: str) -> int:
    """Write chunks of litdata with the samples as int16 arrays, which it reads without a header."""
    litdata = peer("litdata")
    wavs = [str(path) for path in _wavs(folder)]
    target = _empty(Path(folder) / "litdata")
    litdata.optimize(
        fn=_int16, inputs=wavs, output_dir=str(target), chunk_bytes="64MB", num_workers=1, verbose=False
    )
    return len(wavs)


def write_mosaicml(folder: str) -> int:
    """Write shards of mosaicml-streaming with the samples as int16 arrays."""
    streaming = peer("streaming")
    wavs = _wavs(folder)
    target = Path(folder) / "mosaicml"
    with streaming.MDSWriter(out=str(target), columns={"samples": "ndarray:int16"}) as writer:
        for path in wavs:
            writer.write({"samples": _int16(str(path))})
    return len(wavs)


def cat(folder: str, _: str) -> int:
    """The limit of a build that holds the bytes: to copy them all into one file."""
    wavs, target = _wavs(folder), Path(folder) / "cat"
    with target.open("wb") as out:
        clock.start()
        subprocess.run(["cat", *wavs], stdout=out, check=True)  # noqa: S603, S607  # its own arguments
    clock.set_seconds(clock.seconds())
    target.unlink()
    return len(wavs)


def save_to_disk(folder: str, number: str) -> int:
    """Our table, saved with the bytes in it."""
    return _removed(_save_to_disk, Path(folder), f"saved-{number}")


def materialise(folder: str, number: str) -> int:
    """What `emotalk cache` does with one process: resample all to 16 kHz mono."""
    return _removed(_materialise, Path(folder), f"stored-{number}")


def _removed(write: Callable[[Path, Path], int], folder: Path, name: str) -> int:
    """Write and remove; only the writing is timed."""
    count = write(folder, folder / name)
    clock.set_seconds(clock.seconds())
    shutil.rmtree(folder / name)
    return count


def _save_to_disk(folder: Path, target: Path) -> int:
    import datasets

    datasets.disable_progress_bars()
    rows = open_release(folder)
    clock.start()
    rows.save_to_disk(str(target))
    return len(rows)


def _materialise(folder: Path, target: Path) -> int:
    import datasets

    from emotalk_data import load_dataset
    from emotalk_data.cache import materialise as write

    datasets.disable_progress_bars()
    rows = load_dataset("emotalk", data_dir=folder / "release", cache_dir=folder / "cache")
    clock.start()
    write(rows, target, sampling_rate=16_000, mono=True)
    return sum(rows.num_rows.values())


def _wavs(folder: str) -> list[Path]:
    return sorted((Path(folder) / "wavs").iterdir())


def _int16(path: str) -> Any:
    return np.frombuffer(Path(path).read_bytes(), "<i2", offset=_HEADER_BYTES)


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder
