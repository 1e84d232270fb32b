"""A wav to float32 samples, as others do it. Each is given its best reasonable form."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.data import SAMPLING_RATE
from benchmarks.measure import Task, peer
from benchmarks.tasks.audio import pread

if TYPE_CHECKING:
    from benchmarks.tasks.audio import Inputs

Call = Callable[[int], object]

_TARGET_RATE = 16_000


def peer_tasks(inputs: Inputs) -> list[Task]:
    """Return the peers' tasks, group by group."""
    whole, part, resampled = ("whole", "slice", "16 kHz mono")
    return [
        *(_stock(inputs, group, from_bytes=False) for group in (whole, "stereo", part, resampled)),
        *(_stock(inputs, group, from_bytes=True) for group in (whole, part, resampled)),
        *(_torchcodec(inputs, group) for group in (whole, part, resampled)),
        *(_wav_decoder(inputs, group, from_arrow=False) for group in (whole, "stereo", part)),
        *(_wav_decoder(inputs, group, from_arrow=True) for group in (whole, part)),
        _wav_decoder_of_member(inputs, whole),
        *(_soundfile(inputs, group) for group in (whole, "stereo", part)),
        Task(f"{whole}/soundfile, BytesIO", "peer", lambda: _soundfile_bytes(inputs)),
        Task(f"{resampled}/soundfile and soxr HQ", "peer", lambda: _soundfile_soxr(inputs)),
        Task(f"{whole}/PyAV", "peer", lambda: _pyav(inputs, {})),
        Task(f"{whole}/PyAV, probesize 4096", "peer", lambda: _pyav(inputs, {"probesize": "4096"})),
        Task(f"{resampled}/PyAV, probesize 4096", "peer", lambda: _pyav_resampled(inputs)),
        Task(f"{whole}/torchaudio", "peer", lambda: _torchaudio(inputs)),
        Task(f"{resampled}/torchaudio", "peer", lambda: _torchaudio_resampled(inputs)),
        Task("row/datasets (AudioDecoder), full row", "peer", lambda: _stock_row(inputs)),
    ]


def _paths(inputs: Inputs, group: str) -> list[str]:
    return inputs.stereo if group == "stereo" else inputs.wavs


def _stock(inputs: Inputs, group: str, *, from_bytes: bool) -> Task:
    """Make the task for `datasets.Audio`, whose `decode_example` gives torchcodec's AudioDecoder."""

    def prepare() -> Call:
        peer("torchcodec.decoders")
        datasets = peer("datasets")
        options = {"sampling_rate": _TARGET_RATE, "num_channels": 1} if group == "16 kHz mono" else {}
        feature = datasets.Audio(**options)
        paths = _paths(inputs, group)
        values: list[dict[str, Any]]
        if from_bytes:
            values = [{"bytes": bytes(view), "path": None} for view in inputs.views]
        else:
            values = [{"bytes": None, "path": path} for path in paths]

        def decode(item: int) -> object:
            return feature.decode_example(values[item % len(values)]).get_all_samples().data

        def decode_slice(item: int) -> object:
            return feature.decode_example(values[item]).get_samples_played_in_range(1.0, 2.0).data

        return decode_slice if group == "slice" else decode

    source = "bytes" if from_bytes else "file"
    return Task(f"{group}/datasets (AudioDecoder), {source}", "peer", prepare)


def _torchcodec(inputs: Inputs, group: str) -> Task:
    def prepare() -> Call:
        decoder = peer("torchcodec.decoders").AudioDecoder
        paths = inputs.wavs
        if group == "slice":
            return lambda item: decoder(paths[item]).get_samples_played_in_range(1.0, 2.0).data
        if group == "whole":
            return lambda item: decoder(paths[item]).get_all_samples().data
        return lambda item: (
            decoder(paths[item], sample_rate=_TARGET_RATE, num_channels=1).get_all_samples().data
        )

    return Task(f"{group}/torchcodec AudioDecoder", "peer", prepare)


def _wav_decoder(inputs: Inputs, group: str, *, from_arrow: bool) -> Task:
    def prepare() -> Call:
        decoder = _wav_decoder_class()
        sources: list[Any] = list(_paths(inputs, group))
        if from_arrow:
            torch = peer("torch")
            # A view that cannot be written to would bring a warning; torch does not write here either way.
            sources = [torch.from_numpy(_writable(view)) for view in inputs.views]
        if group == "slice":
            return lambda item: decoder(sources[item]).get_samples_played_in_range(1.0, 2.0).data
        return lambda item: decoder(sources[item % len(sources)]).get_all_samples().data

    source = "tensor over the Arrow buffer" if from_arrow else "file"
    return Task(f"{group}/torchcodec WavDecoder, {source}", "peer", prepare)


def _wav_decoder_of_member(inputs: Inputs, group: str) -> Task:
    """It does not know tars: the caller finds the member and reads its bytes."""

    def prepare() -> Call:
        decode = _wav_decoder_class()
        ranges = inputs.ranges
        return lambda item: decode(bytes(pread(*ranges[item]))).get_all_samples().data

    return Task(f"{group}/torchcodec WavDecoder, bytes read from the tar", "peer", prepare)


def _wav_decoder_class() -> Any:
    decoder = getattr(peer("torchcodec.decoders"), "WavDecoder", None)
    if decoder is None:
        from benchmarks.measure import NOT_INSTALLED, NotInstalledError

        raise NotInstalledError(f"{NOT_INSTALLED}: a torchcodec with WavDecoder")
    return decoder


def _writable(view: memoryview) -> Any:
    import ctypes

    array = np.frombuffer(view, np.uint8)
    memory: Any = (ctypes.c_uint8 * array.size).from_address(array.ctypes.data)
    return np.frombuffer(memory, np.uint8)


def _soundfile(inputs: Inputs, group: str) -> Task:
    def prepare() -> Call:
        soundfile = peer("soundfile")
        paths = _paths(inputs, group)
        span = {"start": SAMPLING_RATE, "frames": SAMPLING_RATE} if group == "slice" else {}
        return lambda item: soundfile.read(paths[item % len(paths)], dtype="float32", **span)[0].T

    return Task(f"{group}/soundfile", "peer", prepare)


def _soundfile_bytes(inputs: Inputs) -> Call:
    soundfile = peer("soundfile")
    blobs = [bytes(view) for view in inputs.views]
    return lambda item: soundfile.read(io.BytesIO(blobs[item]), dtype="float32")[0]


def _soundfile_soxr(inputs: Inputs) -> Call:
    soundfile, soxr = peer("soundfile"), peer("soxr")

    def call(item: int) -> object:
        samples, rate = soundfile.read(inputs.wavs[item], dtype="float32")
        return soxr.resample(samples, rate, _TARGET_RATE, quality="HQ")

    return call


def _pyav(inputs: Inputs, options: dict[str, str]) -> Call:
    av = peer("av")

    def call(item: int) -> object:
        with av.open(inputs.wavs[item], options=options) as file:
            parts = [frame.to_ndarray() for frame in file.decode(audio=0)]
        samples = np.concatenate(parts, axis=1).astype(np.float32)
        samples *= np.float32(1 / 32_768)
        return samples

    return call


def _pyav_resampled(inputs: Inputs) -> Call:
    av = peer("av")

    def call(item: int) -> object:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=_TARGET_RATE)
        with av.open(inputs.wavs[item], options={"probesize": "4096"}) as file:
            frames = [
                part.to_ndarray()
                for frame in (*file.decode(audio=0), None)
                for part in resampler.resample(frame)
            ]
        return np.concatenate(frames, axis=1)

    return call


def _torchaudio(inputs: Inputs) -> Call:
    torchaudio = peer("torchaudio")
    return lambda item: torchaudio.load(inputs.wavs[item])[0]


def _torchaudio_resampled(inputs: Inputs) -> Call:
    torchaudio = peer("torchaudio")
    resample = peer("torchaudio.transforms").Resample(SAMPLING_RATE, _TARGET_RATE)
    return lambda item: resample(torchaudio.load(inputs.wavs[item])[0])


def _stock_row(inputs: Inputs) -> Call:
    """Open the table of our release as stock `datasets` does; its video column stays undecoded, to be fair."""
    peer("torchcodec.decoders")
    datasets = peer("datasets")
    path = Path(inputs.folder) / "stock.parquet"
    inputs.release.to_parquet(path)
    rows = datasets.load_dataset(
        "parquet", data_files=str(path), split="train", cache_dir=str(path.parent / "stock-cache")
    )
    rows = rows.cast_column("video", datasets.Video(decode=False))
    return lambda item: rows[item]["audio"].get_all_samples().data
