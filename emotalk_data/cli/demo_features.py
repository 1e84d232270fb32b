"""The part of `emotalk demo` that makes features: an encoder of ten lines, run, opened and joined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from emotalk_data.cli.output import echo
from emotalk_data.features import CallableSpec, Encoded, Utterance, extract_features
from emotalk_data.load import load_dataset

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

__all__ = ["show_features"]

_SHOWN: Final = """\
class Loudness:
    spec = CallableSpec(name="loudness", model="rms", input="audio", num_dims=1)
    def prepare(self, utterance):
        return utterance.audio.decode(mono=True)
    def extract(self, batch):
        return [Encoded(np.sqrt(np.mean(samples**2, keepdims=True))) for samples in batch]

extract_features(ds, Loudness(), out=DIR, level="utterance")"""


class Loudness:
    """The root of the mean square of an utterance's sound: one number, which needs no weights."""

    spec = CallableSpec(name="loudness", model="rms", input="audio", num_dims=1)

    def prepare(self, utterance: Utterance) -> NDArray[np.float32]:
        """Decode: float32, shape (1, samples)."""
        if utterance.audio is None:
            raise TypeError("prepare is called where there is sound")
        return utterance.audio.decode(mono=True)

    def extract(self, batch: Sequence[NDArray[np.float32]]) -> list[Encoded]:
        """Give each utterance one frame of one number."""
        return [Encoded(np.sqrt(np.mean(samples**2, keepdims=True))) for samples in batch]


def show_features(loaded: datasets.DatasetDict, release: Path, cache: Path, out: Path) -> None:
    """Print what to type, what the run says, and a row with the feature beside it."""
    for line in _SHOWN.splitlines():
        echo(f"  {'> ' if line else ''}{line}".rstrip(), fg="cyan")
    features = extract_features(loaded, Loudness(), out, level="utterance")
    for line in str(features).splitlines():
        if "folder" not in line:
            echo(f"  {line}".rstrip())
    echo()
    echo('  > load_dataset("emotalk", data_dir=DIR, split="train", feature_sets=[SET])', fg="cyan")
    rows = load_dataset("emotalk", data_dir=release, cache_dir=cache, split="train", feature_sets=[out])
    echo(f'  rows[0]["loudness"]  {[round(value, 4) for value in rows[0]["loudness"]]}')
