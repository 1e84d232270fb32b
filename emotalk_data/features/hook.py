"""The hook: how an encoder is plugged in. Two functions and a spec.

class Loudness:
    spec = CallableSpec(name="loudness", model="loudness", input="audio", num_dims=1)

    def prepare(self, utterance):               # on CPU threads, some utterances ahead
        return utterance.audio.decode(mono=True)[0]

    def extract(self, batch):                   # on the device, in one thread
        return [Encoded(np.array([[np.sqrt(np.mean(x**2))]])) for x in batch]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emotalk_data.media import AudioClip, VideoClip
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["Encoded", "FeatureExtractor", "SizedExtractor", "Utterance", "WeighedExtractor"]

Prepared = TypeVar("Prepared")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One row, as an encoder sees it.

    Attributes:
        utterance_id: its id.
        text: without markup; None where the row has none.
        text_raw: as it is in the release.
        audio: its sound, not decoded yet; None where the row has none.
        video: its pictures, likewise.
        row: all columns.
    """

    utterance_id: str
    text: str | None
    text_raw: str | None
    audio: AudioClip | None
    video: VideoClip | None
    row: Mapping[str, Any]


class Encoded(NamedTuple):
    """What an encoder makes of one utterance.

    The arrays are pooled and copied later, by other threads: nothing may be written to them afterwards.

    Attributes:
        frames: shape (T, D), T at least 1, any floating type: a vector a frame, token or moment.
        seconds: shape (T,): the middle of what each vector was made from, in seconds from the utterance's start;
            None where time means nothing, as for text.
        pooled: shape (D,): the utterance's vector, for specs whose pooling is `given`; or where the encoder has
            pooled on its device, as the spec says. None leaves the pooling to the runner.
        notes: what was left out or odd, and harmless: `cut at 10 s`, `3 of 64 frames without a face`.
    """

    frames: NDArray[np.floating[Any]]
    seconds: NDArray[np.floating[Any]] | None = None
    pooled: NDArray[np.floating[Any]] | None = None
    notes: tuple[str, ...] = ()


@runtime_checkable
class FeatureExtractor(Protocol[Prepared]):
    """An encoder.

    `prepare` runs on several threads at once, ahead of the device; `extract` on one thread, never twice at a
    time. An utterance of which `prepare` raises becomes a null row with the error as its reason. When `extract`
    raises, the batch is tried again one utterance at a time.

    An encoder that calculates on a GPU says so by an attribute `device`, such as `cuda:0`: a run then looks at
    that GPU's memory, and writes down its name. Without it a run takes it for one of the CPU.

    Attributes:
        spec: what decides its numbers. Every shard carries it.
    """

    @property
    def spec(self) -> FeatureSpec:
        """What decides its numbers."""
        ...

    def prepare(self, utterance: Utterance) -> Prepared:
        """Return what `extract` takes: decode, tokenise, scale. Never called where the modality is missing.

        Raises:
            MediaError: sound or pictures are damaged: the row becomes null, `unreadable`.
            ExtractionError: there is nothing to encode: the row becomes null, `refused`.
        """
        ...

    def extract(self, batch: Sequence[Prepared]) -> Sequence[Encoded]:
        """Return what the encoder makes of each utterance, in the order of the batch."""
        ...


@runtime_checkable
class SizedExtractor(Protocol):
    """What an extractor may also have: batches are then filled up to `max_batch_seconds`, sorted by length."""

    def size_seconds(self, utterance: Utterance) -> float:
        """Return how long an utterance is for the encoder, without decoding it: from a header, or the text.

        Only proportions matter: a batch costs its number of utterances times the largest size in it.
        """
        ...


@runtime_checkable
class WeighedExtractor(Protocol):
    """What an extractor may have, too.

    On a CPU a large model is fastest with few utterances at once, a small one, which is all overhead, with many.
    """

    @property
    def num_parameters(self) -> int:
        """Numbers that its model has learnt."""
        ...
