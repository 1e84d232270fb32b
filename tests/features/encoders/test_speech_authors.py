"""EmotionTalk's features as its authors made them: written here as their script does it, one file at a time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray

from emotalk_data.features.encoders.speech import SpeechEncoder
from emotalk_data.features.encoders.weights import find_weights
from emotalk_data.schemas.feature_spec import SpeechSpec

from ..tiny_models import save_speech_model
from .sounds import RATE, SPEECH_TOLERANCE, error_of, noise, utterance_of, worst_error

PIECE = RATE  # theirs is 10 s; a tenth of it makes the test ten times faster
KINDS = ("hubert-group", "hubert-layer", "wav2vec2-layer", "wavlm-layer")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("authors")
    return {kind: save_speech_model(root / kind, kind) for kind in KINDS}


def authors_frames(folder: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (frames, D): normalise, fill up with zeros, forward as a batch, sum four layers, flatten."""
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    values = extractor(samples, sampling_rate=RATE, return_tensors="pt").input_values
    if values.shape[1] > PIECE:
        batch = torch.zeros(1, math.ceil(values.shape[1] / PIECE) * PIECE)
        batch[:, : values.shape[1]] = values
        values = batch.view(-1, PIECE)
    with torch.no_grad():
        output = model(values, output_hidden_states=True)
    states = (*output.hidden_states[:-1], output.last_hidden_state)  # as transformers 4 returned them
    total = torch.stack(states)[[-4, -3, -2, -1]].sum(dim=0)
    frames: NDArray[np.float32] = total.reshape(-1, total.shape[-1]).numpy()
    return frames


def encoder_of(folder: Path, **values: Any) -> SpeechEncoder:
    spec = SpeechSpec(
        name="emotiontalk/tiny",
        model="nobody/tiny",
        layers=(-4, -3, -2, -1),
        combine="sum",
        chunk_seconds=PIECE / RATE,
        **values,
    )
    return SpeechEncoder(spec, find_weights("nobody/tiny", model_path=folder))


@pytest.mark.parametrize("kind", KINDS)
def test_counted_padding_is_what_the_authors_script_gives(folders: dict[str, Path], kind: str) -> None:
    encoder = encoder_of(folders[kind], padding="counted")
    sounds = [noise(length) for length in (PIECE + 1, PIECE, 2 * PIECE, 2 * PIECE + 5_000, 3_000)]

    found = encoder.extract([encoder.prepare(utterance_of(samples)) for samples in sounds])

    for encoded, samples in zip(found, sounds, strict=True):
        assert error_of(encoded.frames, authors_frames(folders[kind], samples)) < SPEECH_TOLERANCE


def test_frames_of_padding_are_counted_in_a_note(folders: dict[str, Path]) -> None:
    encoder = encoder_of(folders["hubert-layer"], padding="counted")

    notes = {length: encoder.prepare(utterance_of(noise(length))).notes for length in (8_000, 16_000, 32_000)}
    one_more = encoder.prepare(utterance_of(noise(PIECE + 1)))

    assert notes == {8_000: (), 16_000: (), 32_000: ()}
    # Of the second piece only the first frame sees a sample.
    assert one_more.notes == ("48 of 98 frames are of padding alone, and counted",)
    assert len(one_more.seconds) == 98
    np.testing.assert_allclose(one_more.seconds[[48, 49, 97]], [0.9725, 1.0125, 1.9725])


def test_their_mean_over_padding_is_not_that_of_the_sound(folders: dict[str, Path]) -> None:
    counted, masked = (
        encoder_of(folders["hubert-layer"], padding=padding) for padding in ("counted", "masked")
    )
    samples = noise(PIECE + 5_000)

    with_padding, without = (
        e.extract([e.prepare(utterance_of(samples))])[0].frames for e in (counted, masked)
    )

    assert (len(with_padding), len(without)) == (2 * 49, 49 + 15)
    assert error_of(with_padding.mean(axis=0), without.mean(axis=0)) > 0.01


def test_masked_padding_is_in_no_frame_and_no_mean(folders: dict[str, Path]) -> None:
    """A short utterance beside long ones gives the frames of its sound, and no more of them."""
    for kind in KINDS:
        encoder = encoder_of(folders[kind])
        batch = [encoder.prepare(utterance_of(noise(length))) for length in (2_000, PIECE, 900)]

        together, single = encoder.extract(batch), [encoder.extract([one])[0] for one in batch]

        assert [len(encoded.frames) for encoded in together] == [6, 49, 2]
        assert worst_error(together, single) < SPEECH_TOLERANCE
        means, alone = (np.stack([e.frames.mean(axis=0) for e in many]) for many in (together, single))
        assert error_of(means, alone) < SPEECH_TOLERANCE


@pytest.mark.parametrize("kind", ["hubert-layer", "wav2vec2-layer", "wavlm-layer"])
def test_the_last_state_is_behind_the_final_normalisation(folders: dict[str, Path], kind: str) -> None:
    """transformers 5 gives it before; the authors' release, and M3ED's `last_hidden_state`, have it behind."""
    spec = SpeechSpec(name="test/tiny", model="nobody/tiny", layers=(-1,))
    encoder = SpeechEncoder(spec, find_weights("x", model_path=folders[kind]))
    ready = encoder.prepare(utterance_of(noise(8_000)))
    norm = encoder._model.encoder.layer_norm
    last = encoder.extract([ready])[0].frames

    scaled = (last - norm.bias.numpy()) / norm.weight.numpy()

    np.testing.assert_allclose(scaled.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=1), 1, atol=1e-3)
