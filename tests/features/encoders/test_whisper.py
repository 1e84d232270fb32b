"""Whisper: frames of real sound only, both kinds of states; and a real model against golden numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray

from emotalk_data.errors import ExtractionError, ModelError
from emotalk_data.features.encoders.weights import find_weights
from emotalk_data.features.encoders.whisper import PreparedWhisper, WhisperEncoder
from emotalk_data.features.hook import Encoded, FeatureExtractor, SizedExtractor, Utterance
from emotalk_data.schemas.feature_spec import WhisperSpec

from ..tiny_models import save_speech_model, save_whisper
from ..whisper_weights import save_real_whisper
from .sounds import RATE, SPEECH_TOLERANCE, chirp, error_of, noise, utterance_of, worst_error

WINDOW = 30 * RATE
LENGTHS = (8_000, 1, 16_001, WINDOW, 320, WINDOW + 1)
STATES = ("encoder", "decoder_start")

GOLDEN_TOLERANCE = 2e-4
"""Of golden numbers, as a share of the largest of their array: another build of FFT and matrix product.

bfloat16 would be off by 1e-2, the weights of another layer by 1.
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_real_whisper(tmp_path_factory.mktemp("whisper") / "tiny.en")


def encoder_of(folder: Path, states: str = "encoder", **values: Any) -> WhisperEncoder:
    spec = WhisperSpec(name="test/whisper", model="openai/whisper-tiny.en", states=states, **values)
    return WhisperEncoder(spec, find_weights("openai/whisper-tiny.en", model_path=folder))


def prepared(encoder: WhisperEncoder, lengths: Sequence[int] = LENGTHS) -> list[PreparedWhisper]:
    return [encoder.prepare(utterance_of(noise(length))) for length in lengths]


@cache
def plain_model(folder: Path) -> tuple[Any, Any]:
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    return extractor, transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)


def plain_call(folder: Path, samples: NDArray[np.float32]) -> Any:
    """Return what transformers gives of one sound and two start tokens, as EmotionTalk's authors call it."""
    extractor, model = plain_model(folder)
    features = extractor(samples, sampling_rate=RATE, return_tensors="pt").input_features
    tokens = torch.tensor([[1, 1]]) * model.config.decoder_start_token_id
    with torch.no_grad():
        return model(features, decoder_input_ids=tokens, output_hidden_states=True)


@pytest.mark.parametrize("states", STATES)
def test_a_batch_gives_what_each_utterance_gives_alone_in_any_order(tiny: Path, states: str) -> None:
    encoder = encoder_of(tiny, states, layers=(-2, -1), combine="sum")
    batch = prepared(encoder)

    found, backwards = encoder.extract(batch), encoder.extract(batch[::-1])[::-1]

    alone = [encoder.extract([one])[0] for one in batch]
    assert worst_error(found, alone) < SPEECH_TOLERANCE
    assert worst_error(backwards, alone) < SPEECH_TOLERANCE


def test_frames_are_those_of_real_sound_and_no_others(tiny: Path) -> None:
    encoder = encoder_of(tiny)

    found = dict(zip(LENGTHS, encoder.extract(prepared(encoder)), strict=True))

    assert {length: len(encoded.frames) for length, encoded in found.items()} == {
        8_000: 25, 1: 1, 16_001: 51, WINDOW: 1_500, 320: 1, WINDOW + 1: 1_501,
    }  # fmt: skip
    seconds = found[WINDOW + 1].seconds
    assert seconds is not None
    np.testing.assert_allclose(seconds, 0.02 * np.arange(1_501), rtol=1e-6)


@pytest.mark.parametrize(
    ("layers", "combine"), [((-1,), "mean"), ((0,), "sum"), ((-2, -1), "sum"), ((0, 1, 2), "mean")]
)
def test_encoder_states_are_those_of_a_plain_call(tiny: Path, layers: tuple[int, ...], combine: str) -> None:
    samples = noise(20_000)
    states = plain_call(tiny, samples).encoder_hidden_states
    total = sum(states[layer] for layer in layers)[0, :63].numpy()
    encoder = encoder_of(tiny, layers=layers, combine=combine)

    (found,) = encoder.extract([encoder.prepare(utterance_of(samples))])

    assert error_of(found.frames, total if combine == "sum" else total / len(layers)) < SPEECH_TOLERANCE


def test_the_decoders_states_are_those_of_the_authors_script(tiny: Path) -> None:
    samples = noise(20_000)
    output = plain_call(tiny, samples)
    last = encoder_of(tiny, "decoder_start")
    several = encoder_of(tiny, "decoder_start", layers=(-3, -2, -1), combine="sum")

    (one,), (three,) = (e.extract([e.prepare(utterance_of(samples))]) for e in (last, several))

    assert one.frames.shape == (2, 32)
    assert one.seconds is None
    assert error_of(one.frames, output.last_hidden_state[0].numpy()) < SPEECH_TOLERANCE
    assert error_of(three.frames, sum(output.decoder_hidden_states[-3:])[0].numpy()) < SPEECH_TOLERANCE


def test_longer_sound_is_encoded_in_windows_of_30_seconds(tiny: Path) -> None:
    samples = noise(WINDOW + 5_000)
    parts = [
        plain_call(tiny, part).encoder_last_hidden_state[0].numpy() for part in np.split(samples, [WINDOW])
    ]
    encoder = encoder_of(tiny)

    (found,) = encoder.extract([encoder.prepare(utterance_of(samples))])

    assert error_of(found.frames, np.concatenate([parts[0], parts[1][:16]])) < SPEECH_TOLERANCE
    assert found.notes == ()


def test_the_decoder_hears_30_seconds_and_says_so(tiny: Path) -> None:
    encoder = encoder_of(tiny, "decoder_start")
    samples = noise(WINDOW + 5_000)

    long, short = (encoder.prepare(utterance_of(part)) for part in (samples, samples[:WINDOW]))

    assert (long.notes, short.notes) == (("cut at 30 s",), ())
    np.testing.assert_array_equal(long.mels, short.mels)


def test_its_size_is_whole_windows(tiny: Path) -> None:
    encoder, decoder = (encoder_of(tiny, states) for states in STATES)

    assert [encoder.size_seconds(utterance_of(noise(n))) for n in (1, WINDOW, WINDOW + 1)] == [30, 30, 60]
    assert decoder.size_seconds(utterance_of(noise(WINDOW + 1))) == 30
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)


def test_what_is_no_sound_is_refused(tiny: Path) -> None:
    encoder = encoder_of(tiny)
    samples = noise(8_000)
    samples[100] = np.nan

    with pytest.raises(ExtractionError, match="1 of 8000 samples are infinite or not a number"):
        encoder.prepare(utterance_of(samples))
    with pytest.raises(ExtractionError, match="has no sound"):
        encoder.prepare(Utterance("u", None, None, None, None, {}))


def test_silence_has_features_and_a_note(tiny: Path) -> None:
    encoder = encoder_of(tiny)

    (found,) = encoder.extract([encoder.prepare(utterance_of(np.zeros(8_000, np.float32)))])

    assert found.notes == ("the sound is silent: all samples are zero",)
    assert np.isfinite(found.frames).all()


@pytest.mark.parametrize(("name", "value"), [("feature_size", 20), ("chunk_length", 15)])
def test_a_spectrum_that_the_model_does_not_take_is_refused(
    tiny: Path, tmp_path: Path, name: str, value: int
) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "other"))
    file = folder / "preprocessor_config.json"
    settings = json.loads(file.read_text())
    for derived in ("nb_max_frames", "n_samples"):
        settings.pop(derived, None)
    file.write_text(json.dumps({**settings, name: value}))

    with pytest.raises(ModelError, match=r"preprocessor_config\.json in .* has .* and the model takes"):
        encoder_of(folder)


def test_another_model_than_whisper_is_refused(tmp_path: Path) -> None:
    folder = save_speech_model(tmp_path / "hubert", "hubert-layer")

    with pytest.raises(ModelError, match="is of type 'hubert'; expected Whisper"):
        encoder_of(folder)


def test_a_layer_that_is_not_there_is_refused_when_the_model_is_loaded(tiny: Path) -> None:
    with pytest.raises(ModelError, match="asks for layer 3, and the encoder gives 3 states"):
        encoder_of(tiny, layers=(3,))


# The real tiny.en. Its golden numbers were printed by a plain call of transformers 5.23 with torch 2.13 on a CPU.


def test_the_real_model_hears_what_there_is_to_hear(real: Path) -> None:
    """Wrong weights, or weights in the wrong place, do not say this: a climbing tone is whistling."""
    encoder = encoder_of(real)
    _, model = plain_model(real)
    start, no_times, end = 50_257, 50_362, 50_256
    tokens = [start, no_times]
    mel = torch.from_numpy(encoder.prepare(utterance_of(chirp(2.0))).mels)
    with torch.no_grad():
        heard = encoder._model(mel).last_hidden_state
        while tokens[-1] != end and len(tokens) < 10:
            state = model.decoder(torch.tensor([tokens]), encoder_hidden_states=heard).last_hidden_state[
                0, -1
            ]
            tokens.append(int((model.decoder.embed_tokens.weight @ state).argmax()))

    assert tokens[2:] == [357, 1929, 396, 1359, 8, end]  # " (", "wh", "ist", "ling", ")"


@pytest.mark.parametrize("states", STATES)
def test_the_real_model_gives_what_a_plain_call_gives(real: Path, states: str) -> None:
    samples = [chirp(2.0), noise(50_000)]
    encoder = encoder_of(real, states)

    found = encoder.extract([encoder.prepare(utterance_of(part)) for part in samples])

    for encoded, part in zip(found, samples, strict=True):
        output = plain_call(real, part)
        wanted = output.encoder_last_hidden_state if states == "encoder" else output.last_hidden_state
        assert error_of(encoded.frames, wanted[0, : len(encoded.frames)].numpy()) < SPEECH_TOLERANCE


GOLDEN: dict[str, Any] = {
    "encoder": {
        "largest": 9.12636,
        "mean": [0.29593, 0.61249, -0.59291, 0.13932, 0.28988, 0.16685],
        "last": [-0.63142, 0.42226, -0.75132, -0.45697],
    },
    "decoder_start": {
        "largest": 112.59448,
        "mean": [31.03652, -0.29175, 6.61231, 1.53629, -0.08375, 12.69174],
        "last": [45.04104, 0.39013, -1.73224, 17.8565],
    },
}


@pytest.mark.parametrize("states", STATES)
def test_the_real_model_gives_its_golden_numbers(real: Path, states: str) -> None:
    encoder = encoder_of(real, states)

    (found,) = encoder.extract([encoder.prepare(utterance_of(chirp(2.0)))])

    golden = GOLDEN[states]
    largest = np.abs(found.frames).max()
    np.testing.assert_allclose(largest, golden["largest"], rtol=GOLDEN_TOLERANCE)
    np.testing.assert_allclose(found.frames.mean(axis=0)[:6], golden["mean"], atol=GOLDEN_TOLERANCE * largest)
    np.testing.assert_allclose(found.frames[-1, :4], golden["last"], atol=GOLDEN_TOLERANCE * largest)


def test_bfloat16_costs_this_much(real: Path) -> None:
    """Means keep their direction; single frames lose it here and there."""
    exact, rough = (encoder_of(real, compute=compute) for compute in ("float32", "bfloat16"))
    sounds: list[NDArray[np.float32]] = [chirp(2.0), noise(50_000)]

    found: list[list[Encoded]] = [
        e.extract([e.prepare(utterance_of(s)) for s in sounds]) for e in (exact, rough)
    ]

    for one, other in zip(*found, strict=True):
        assert _distance(one.frames.mean(axis=0), other.frames.mean(axis=0)) < 2e-4
        assert float(_distance(one.frames, other.frames).max()) < 0.05


def _distance(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return 1 - cosine along the last axis."""
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    distance: NDArray[Any] = 1 - (a * b).sum(axis=-1) / lengths
    return distance
