"""Utterances with made-up sound, and what "equal" means for speech encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.media import AudioClip
from emotalk_data.media.wav_samples import wav_bytes

__all__ = ["SPEECH_TOLERANCE", "chirp", "error_of", "noise", "utterance_of", "worst_error"]

RATE = 16_000
SPEECH_TOLERANCE = 1e-5
"""Largest error of a batch against single utterances, as a share of the largest value.

float32 has 6e-8, and matrix products of another shape add up in another order. Measured on a CPU with torch 2.13,
the sum of four layers, 30 sets of weights for each class: at most 3.2e-6 (data2vec-audio), 2.6e-6 (wav2vec 2.0),
1.8e-6 (WavLM), 1.6e-6 (HuBERT), 0.3e-6 (Whisper); this leaves other processors a factor of three. Padding that
leaks gives 1e-3 and more.
"""


def noise(num_samples: int, seed: int = 0) -> NDArray[np.float32]:
    """Return samples of noise that swells and fades: frames differ, and so do their means."""
    random = np.random.default_rng([seed, num_samples])
    swell = 0.05 + 0.2 * np.abs(np.sin(np.arange(num_samples) / 2_000 + seed))
    return (random.standard_normal(num_samples) * swell).clip(-1, 1).astype(np.float32)


def chirp(seconds: float) -> NDArray[np.float32]:
    """Return a tone that climbs from 100 Hz by 800 Hz a second, as loud as speech."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * (100 + 400 * time) * time)).astype(np.float32)


def utterance_of(samples: NDArray[np.float32], utterance_id: str = "u", *, rate: int = RATE) -> Utterance:
    """Return an utterance with this sound, as 32-bit wav: nothing is rounded."""
    sound = wav_bytes(samples.reshape(1, -1), rate, sample_format="f32")
    return Utterance(utterance_id, None, None, AudioClip(sound), None, {})


def error_of(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the largest difference as a share of the largest value."""
    assert found.shape == wanted.shape
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def worst_error(found: Sequence[Encoded], wanted: Sequence[Encoded]) -> float:
    """Return the largest error of the frames of several utterances."""
    return max(error_of(a.frames, b.frames) for a, b in zip(found, wanted, strict=True))
