"""Small real sound files, made by soundfile and PyAV."""

from __future__ import annotations

import functools
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import datasets
import numpy as np
import pytest
import soundfile

MakeWav = Callable[..., Path]
MakeContainer = Callable[..., bytes]


def noise(num_samples: int, num_channels: int = 1, *, seed: int = 0) -> Any:
    """Float64 in (-1, 1), shape (samples, channels)."""
    return np.random.default_rng(seed).uniform(-0.999, 0.999, (num_samples, num_channels))


@pytest.fixture
def quiet_and_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No progress bars, and a cache of `datasets` of the test's own."""
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def make_wav(tmp_path: Path) -> MakeWav:
    """Write noise as a wav: `make_wav("x.wav", 16000, num_samples=…, num_channels=…, subtype=…)`."""

    def make(
        name: str = "x.wav",
        sampling_rate: int = 16_000,
        *,
        num_samples: int = 8_000,
        num_channels: int = 1,
        subtype: str = "PCM_16",
        file_format: str | None = None,
        endian: str = "FILE",
    ) -> Path:
        path = tmp_path / name
        samples = noise(num_samples, num_channels)
        soundfile.write(path, samples, sampling_rate, subtype=subtype, format=file_format, endian=endian)
        return path

    return make


@pytest.fixture(scope="session")
def make_container(tmp_path_factory: pytest.TempPathFactory) -> MakeContainer:
    """Encode a rising tone: `make_container("mp4", "aac", 44100, seconds=3.0, video=False)` gives bytes."""

    def make(
        container_format: str,
        codec: str,
        sampling_rate: int,
        *,
        seconds: float = 3.0,
        audio: bool = True,
        video: bool = False,
        delay_samples: int = 0,
        movflags: str | None = None,
    ) -> bytes:
        moments = np.arange(int(sampling_rate * seconds)) / sampling_rate
        tone = (0.4 * np.sin(2 * np.pi * (200 + 150 * moments) * moments)).astype(np.float32)
        file = tmp_path_factory.mktemp("container") / "x"  # a real file: `faststart` opens it a second time
        with av.open(
            file, "w", format=container_format, container_options={"movflags": movflags} if movflags else {}
        ) as out:
            picture = out.add_stream("libx264", rate=25) if video else None
            # Noise substitution has a state of its own, so decoded spans would depend on what came before.
            options = {"aac_pns": "0"} if codec == "aac" else {}
            sound: Any = (
                out.add_stream(codec, rate=sampling_rate, layout="mono", options=options) if audio else None
            )
            if picture is not None:
                picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
                for shade in range(int(seconds * 25)):
                    image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8), "rgb24")
                    out.mux(picture.encode(image))
                out.mux(picture.encode(None))
            if sound is not None:
                frame = av.AudioFrame.from_ndarray(tone[None], "fltp", "mono")
                frame.sample_rate, frame.pts = sampling_rate, delay_samples
                sample_format = sound.codec_context.format.name if sound.codec_context.format else "fltp"
                for part in av.AudioResampler(sample_format, "mono", sampling_rate).resample(frame):
                    out.mux(sound.encode(part))
                out.mux(sound.encode(None))
        return file.read_bytes()

    return functools.cache(make)


@pytest.fixture
def put_in_tar(tmp_path: Path) -> Callable[..., str]:
    """Put files into `release.tar` and give the archive's path."""

    def put(*files: Path, folder: str = "Audio/wav") -> str:
        archive = tmp_path / "release.tar"
        with tarfile.open(archive, "w") as tar:
            for file in files:
                tar.add(file, f"{folder}/{file.name}")
        return str(archive)

    return put
