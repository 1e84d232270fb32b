"""An epoch as others do it: each from its own format, written beforehand, in its best reasonable setting.

All give batches `(samples, lengths)`: float32 of shape (clips, longest), padded by the same few lines.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import peer

_BATCH_SIZE = 32
_HEADER_BYTES = 44
_RATE, _TARGET_RATE = 44_100, 16_000
_SCALE = np.float32(1 / 32_768)


class Peer(NamedTuple):
    """One peer in one setting.

    Attributes:
        format: what must have been written before, a name of `formats.FORMATS`.
        modules: imported before the clock starts.
        open: from the folder of the sitting to something that gives one epoch's batches whenever it is
            iterated.
    """

    format: str
    modules: tuple[str, ...]
    open: Callable[[Path], Iterable[Any]]


def pad(samples: Sequence[Any]) -> tuple[Any, Any]:
    """Return float32 tensors (clips, longest), zeros behind each clip's end, and int64 lengths."""
    torch = peer("torch")
    lengths = torch.tensor([len(one) for one in samples])
    padded = torch.zeros(len(samples), int(lengths.max()))
    for row, one in zip(padded, samples, strict=True):
        row[: len(one)] = torch.as_tensor(one)
    return padded, lengths


def pad_int16(samples: Sequence[Any]) -> tuple[Any, Any]:
    """Do the same for int16 samples, converted while they are copied into the batch."""
    torch = peer("torch")
    longest = max(map(len, samples))
    padded = np.zeros((len(samples), longest), np.float32)
    for row, one in zip(padded, samples, strict=True):
        np.multiply(one, _SCALE, out=row[: len(one)], dtype=np.float32)
    return torch.from_numpy(padded), torch.tensor([len(one) for one in samples])


def _stock(rate: int | None, num_workers: int) -> Peer:
    """Make the peer that everybody has: `datasets` with its own `Audio`, over torchcodec's AudioDecoder."""

    def open_(folder: Path) -> Iterable[Any]:
        datasets = peer("datasets")
        rows = datasets.load_from_disk(str(folder / "arrow")).select_columns(["audio"])
        if rate is not None:
            rows = rows.cast_column("audio", datasets.Audio(sampling_rate=rate, num_channels=1))
        return _data_loader(rows, _collate_stock, num_workers)

    return Peer("arrow", ("torchcodec.decoders", "torch.utils.data", "datasets"), open_)


def _collate_stock(rows: Sequence[Any]) -> tuple[Any, Any]:
    return pad([row["audio"].get_all_samples().data[0] for row in rows])


def _raw_stock(num_workers: int) -> Peer:
    """Make the peer for those who know: `datasets` without decoding, and a few lines of numpy."""

    def open_(folder: Path) -> Iterable[Any]:
        datasets = peer("datasets")
        rows = datasets.load_from_disk(str(folder / "arrow")).select_columns(["audio"])
        return _data_loader(
            rows.cast_column("audio", datasets.Audio(decode=False)), _collate_bytes, num_workers
        )

    return Peer("arrow", ("torch.utils.data", "datasets"), open_)


def _collate_bytes(rows: Sequence[Any]) -> tuple[Any, Any]:
    return pad_int16([np.frombuffer(row["audio"]["bytes"], "<i2", offset=_HEADER_BYTES) for row in rows])


def _webdataset(decode: str, num_workers: int) -> Peer:
    def open_(folder: Path) -> Iterable[Any]:
        webdataset = peer("webdataset")
        shards = sorted(map(str, (folder / "webdataset").glob("*.tar")))
        collate = {"numpy": _collate_wav_numpy, "soundfile": _collate_soundfile, "soxr": _collate_soxr}[
            decode
        ]
        rows = webdataset.WebDataset(shards, shardshuffle=False, empty_check=False)
        batches = rows.batched(_BATCH_SIZE, collation_fn=collate)
        loader: Iterable[Any] = webdataset.WebLoader(
            batches, batch_size=None, num_workers=num_workers, persistent_workers=num_workers > 0
        )
        return loader

    return Peer("webdataset", ("webdataset", "torch.utils.data", "soundfile", "soxr"), open_)


def _collate_wav_numpy(rows: Sequence[Any]) -> tuple[Any, Any]:
    return pad_int16([np.frombuffer(row["wav"], "<i2", offset=_HEADER_BYTES) for row in rows])


def _collate_soundfile(rows: Sequence[Any]) -> tuple[Any, Any]:
    read = peer("soundfile").read
    return pad([read(io.BytesIO(row["wav"]), dtype="float32")[0] for row in rows])


def _collate_soxr(rows: Sequence[Any]) -> tuple[Any, Any]:
    read, resample = peer("soundfile").read, peer("soxr").resample
    samples = (read(io.BytesIO(row["wav"]), dtype="float32")[0] for row in rows)
    return pad([resample(one, _RATE, _TARGET_RATE, quality="HQ") for one in samples])


def _litdata(num_workers: int) -> Peer:
    def open_(folder: Path) -> Iterable[Any]:
        litdata = peer("litdata")
        rows = litdata.StreamingDataset(str(folder / "litdata"))
        loader: Iterable[Any] = litdata.StreamingDataLoader(
            rows,
            batch_size=_BATCH_SIZE,
            num_workers=num_workers,
            collate_fn=pad_int16,
            persistent_workers=num_workers > 0,
        )
        return loader

    return Peer("litdata", ("litdata", "torch.utils.data"), open_)


def _mosaicml(num_workers: int) -> Peer:
    def open_(folder: Path) -> Iterable[Any]:
        streaming = peer("streaming")
        rows = streaming.StreamingDataset(local=str(folder / "mosaicml"), batch_size=_BATCH_SIZE)
        return _data_loader(rows, _collate_mosaicml, num_workers)

    return Peer("mosaicml", ("streaming", "torch.utils.data"), open_)


def _collate_mosaicml(rows: Sequence[Any]) -> tuple[Any, Any]:
    return pad_int16([row["samples"] for row in rows])


def _data_loader(rows: Any, collate: Callable[[Sequence[Any]], Any], num_workers: int) -> Iterable[Any]:
    loader: Iterable[Any] = peer("torch.utils.data").DataLoader(
        rows,
        batch_size=_BATCH_SIZE,
        collate_fn=collate,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
    )
    return loader


def _peers() -> dict[str, Peer]:
    """Return all peers, the fast ones first: they meet the same weather as ours, which run just before."""
    fast: dict[str, Callable[[int], Peer]] = {
        "datasets, bytes and numpy": _raw_stock,
        "litdata": _litdata,
        "webdataset and numpy": lambda num_workers: _webdataset("numpy", num_workers),
    }
    slow: dict[str, Callable[[int], Peer]] = {
        "mosaicml-streaming": _mosaicml,
        "webdataset and soundfile": lambda num_workers: _webdataset("soundfile", num_workers),
        "datasets (AudioDecoder)": lambda num_workers: _stock(None, num_workers),
    }
    low: dict[str, Callable[[int], Peer]] = {
        "webdataset, soundfile and soxr": lambda num_workers: _webdataset("soxr", num_workers),
        "datasets (AudioDecoder)": lambda num_workers: _stock(_TARGET_RATE, num_workers),
    }
    return {
        f"{group}/{name}, {num_workers} workers": make(num_workers)
        for group, makers in (("native", fast), ("native", slow), ("16 kHz mono", low))
        for num_workers in (0, 2)
        for name, make in makers.items()
    }


PEERS = _peers()
