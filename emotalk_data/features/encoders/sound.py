"""An utterance's sound, as encoders take it: one channel at their rate, cut and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emotalk_data.errors import ExtractionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.features.hook import Utterance

__all__ = ["decode_sound", "sound_seconds"]


def decode_sound(
    utterance: Utterance, *, sampling_rate: int, max_seconds: float | None = None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Decode an utterance's sound.

    Args:
        utterance: with `audio`.
        sampling_rate: in Hz.
        max_seconds: sound behind it is left out; None for all.

    Returns:
        float32, shape (samples,), the mean of the channels; and notes on what was left out or is odd.

    Raises:
        MediaError: the sound is damaged.
        ExtractionError: there is none, or some samples are not numbers.
    """
    if utterance.audio is None:
        raise ExtractionError("the utterance has no sound", utterance_id=utterance.utterance_id)
    samples = utterance.audio.decode(sampling_rate=sampling_rate, mono=True)[0]
    if not len(samples):
        raise ExtractionError("the sound has no samples", utterance_id=utterance.utterance_id)
    # A sum of finite samples in [-1, 1] is finite, and NaN or infinity stay: no array of booleans is needed.
    if not np.isfinite(samples.sum(dtype=np.float64)):
        count = int(np.count_nonzero(~np.isfinite(samples)))
        raise ExtractionError(
            f"{count} of {len(samples)} samples are infinite or not a number",
            utterance_id=utterance.utterance_id,
        )
    notes = () if samples.any() else ("the sound is silent: all samples are zero",)
    if max_seconds is not None and len(samples) > (limit := round(max_seconds * sampling_rate)):
        return samples[:limit], (*notes, f"cut at {max_seconds:g} s")
    return samples, notes


def sound_seconds(utterance: Utterance) -> float:
    """Return how long an utterance's sound is, from its header; 0 without sound.

    Raises:
        MediaError: it is damaged.
    """
    return 0.0 if utterance.audio is None else utterance.audio.duration_seconds
