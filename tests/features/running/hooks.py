"""Encoders for the tests of the run, of a few lines each; they need nothing but numpy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.media import Audio
from emotalk_data.media.wav_samples import wav_bytes
from emotalk_data.schemas.feature_spec import CallableSpec

PATIENCE_SECONDS = 180.0


class Loudness:
    """Mean and peak of each tenth of a second, with sizes."""

    spec = CallableSpec(name="own/loudness", model="loudness", input="audio", num_dims=2)

    def size_seconds(self, utterance: Utterance) -> float:
        assert utterance.audio is not None
        return utterance.audio.duration_seconds

    def prepare(self, utterance: Utterance) -> Any:
        assert utterance.audio is not None
        return utterance.audio.decode(sampling_rate=8_000, mono=True)[0]

    def extract(self, batch: Sequence[Any]) -> list[Encoded]:
        return [self.encode(samples) for samples in batch]

    def encode(self, samples: Any) -> Encoded:
        num_frames = max(len(samples) // 800, 1)
        frames = np.abs(samples[: num_frames * 800].reshape(num_frames, -1))
        values = np.stack([frames.mean(axis=1), frames.max(axis=1)], axis=1)
        return Encoded(values, np.arange(num_frames) * 0.1 + 0.05)


class Numbers:
    """What a test decides: a function of the number of each utterance. Without sizes."""

    def __init__(self, answer: Callable[[int], Encoded], **spec: Any) -> None:
        given = {"name": "own/numbers", "model": "numbers", "input": "text", "num_dims": 3, **spec}
        self.spec = CallableSpec.model_validate(given)
        self.answer = answer
        self.batches: list[int] = []

    def prepare(self, utterance: Utterance) -> int:
        return int(utterance.row["number"])

    def extract(self, batch: Sequence[int]) -> list[Encoded]:
        self.batches.append(len(batch))
        return [self.answer(number) for number in batch]


class SizedNumbers(Numbers):
    """The same, with sizes: 1, 2, 3 … 7, 1, …"""

    def size_seconds(self, utterance: Utterance) -> float:
        return float(utterance.row["number"] % 7 + 1)


def constant(number: int) -> Encoded:
    """Return (number, 2 x number, 0.5), twice."""
    return Encoded(np.array([[number, 2 * number, 0.5]] * 2, np.float32))


def table(num_rows: int = 12, **columns: Any) -> datasets.Dataset:
    """Rows with a text and a number each."""
    values = {
        "utterance_id": [f"u{index:03d}" for index in range(num_rows)],
        "text": [f"utterance {index}" for index in range(num_rows)],
        "number": list(range(num_rows)),
        **columns,
    }
    return datasets.Dataset.from_dict({name: value for name, value in values.items() if value is not None})


def sounds(folder: Path, number: int = 6) -> datasets.Dataset:
    """Rows with a wav of 0.3 to 1.5 s each, at 8 kHz."""
    folder.mkdir(exist_ok=True)
    paths = []
    for index in range(number):
        tone = 0.1 * (index + 1) * np.sin(np.arange(2_400 + 1_700 * (index * 5 % 6)) * (0.1 + index / 50))
        path = folder / f"{index}.wav"
        path.write_bytes(wav_bytes(tone[np.newaxis].astype(np.float32), 8_000, sample_format="i16"))
        paths.append(str(path))
    values = {"utterance_id": [f"u{index:03d}" for index in range(number)], "audio": paths}
    features = datasets.Features({"utterance_id": datasets.Value("string"), "audio": Audio()})
    return datasets.Dataset.from_dict(values, features=features)


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, by name, with a digest of its bytes."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def times(folder: Path) -> dict[str, tuple[int, int]]:
    """Every shard, by name, with its inode and time: others are another file."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (folder / "data").iterdir()}


def patiently(function: Callable[[], Any]) -> Any:
    """Call a function in a thread; what hangs is a failure, and so is a thread that it leaves behind."""
    found: list[Any] = []
    before = set(threading.enumerate())

    def call() -> None:
        try:
            found.append(function())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "it hangs"
    left = [other.name for other in threading.enumerate() if other not in before and other.is_alive()]
    assert [name for name in left if name.startswith("emotalk")] == []
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]
