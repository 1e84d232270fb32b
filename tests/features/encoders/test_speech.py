"""Speech encoders: a batch gives what each utterance gives alone, in any order and company, for every class.

The models are small and random; `SPEECH_TOLERANCE` says what equal means. That the numbers are transformers' own
is held against a plain call without padding.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotalk_data.errors import AudioError, ExtractionError, ModelError, OptionError
from emotalk_data.features.encoders.speech import PreparedSpeech, SpeechEncoder
from emotalk_data.features.encoders.weights import find_weights
from emotalk_data.features.hook import Encoded, FeatureExtractor, SizedExtractor, Utterance
from emotalk_data.media import AudioClip
from emotalk_data.schemas.feature_spec import SpeechSpec

from ..tiny_models import SPEECH_MODELS, save_speech_model
from .sounds import RATE, SPEECH_TOLERANCE, chirp, error_of, noise, utterance_of, worst_error

# Less than a frame apart, exactly one frame, and lengths that differ by a factor of a hundred.
LENGTHS = (8_000, 400, 16_000, 719, 720, 40_000, 12_345)
Folders = Callable[..., Path]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Return a function that saves a model once and gives its folder."""
    root = tmp_path_factory.mktemp("speech")

    def get(kind: str, **options: Any) -> Path:
        folder = root / "-".join([kind, *(f"{key}={value}" for key, value in options.items())])
        return folder if folder.is_dir() else save_speech_model(folder, kind, **options)

    return get


def encoder_of(folder: Path, **values: Any) -> SpeechEncoder:
    spec = SpeechSpec(name="test/tiny", model="nobody/tiny", **values)
    return SpeechEncoder(spec, find_weights("nobody/tiny", model_path=folder))


def prepared(encoder: SpeechEncoder, lengths: Sequence[int] = LENGTHS) -> list[PreparedSpeech]:
    return [encoder.prepare(utterance_of(noise(length), str(length))) for length in lengths]


def alone(encoder: SpeechEncoder, batch: Sequence[PreparedSpeech]) -> list[Encoded]:
    return [encoder.extract([one])[0] for one in batch]


def plain_call(folder: Path, samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Return the states of one utterance as transformers gives them: its extractor, no batch, no mask.

    The last state is behind the model's final normalisation, where it has one, as transformers 4 gave it.
    """
    values = transformers.AutoFeatureExtractor.from_pretrained(folder)(
        samples, sampling_rate=RATE, return_tensors="pt"
    )
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        output = model(values.input_values, output_hidden_states=True)
    return tuple(state[0].numpy() for state in (*output.hidden_states[:-1], output.last_hidden_state))


@pytest.mark.parametrize("kind", SPEECH_MODELS)
def test_a_batch_gives_what_each_utterance_gives_alone(folders: Folders, kind: str) -> None:
    encoder = encoder_of(folders(kind), layers=(-4, -3, -2, -1), combine="sum")
    batch = prepared(encoder)

    assert worst_error(encoder.extract(batch), alone(encoder, batch)) < SPEECH_TOLERANCE


@pytest.mark.parametrize("kind", SPEECH_MODELS)
def test_the_order_of_a_batch_changes_nothing(folders: Folders, kind: str) -> None:
    encoder = encoder_of(folders(kind))
    batch = prepared(encoder)

    forwards, backwards = encoder.extract(batch), encoder.extract(batch[::-1])[::-1]

    assert worst_error(backwards, forwards) < SPEECH_TOLERANCE


@pytest.mark.parametrize("kind", SPEECH_MODELS)
def test_one_utterance_gives_what_a_plain_call_of_transformers_gives(folders: Folders, kind: str) -> None:
    folder, samples = folders(kind), noise(12_345)
    states = plain_call(folder, samples)

    for layers, combine, expected in [
        ((-1,), "mean", states[-1]),
        ((0,), "mean", states[0]),
        ((-4, -3, -2, -1), "sum", np.sum(states[-4:], axis=0)),
        ((1, 3), "mean", (states[1] + states[3]) / 2),
    ]:
        encoder = encoder_of(folder, layers=layers, combine=combine)
        (found,) = encoder.extract([encoder.prepare(utterance_of(samples))])
        assert found.frames.dtype == np.float32
        assert error_of(found.frames, expected) < SPEECH_TOLERANCE


@pytest.mark.parametrize("kind", ["hubert-group", "wavlm-layer", "data2vec-audio"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(400, 30_000), min_size=1, max_size=6))
def test_any_batch_gives_what_each_utterance_gives_alone(
    folders: Folders, kind: str, lengths: list[int]
) -> None:
    encoder = encoder_of(folders(kind), chunk_seconds=0.7)
    batch = prepared(encoder, lengths)

    assert worst_error(encoder.extract(batch), alone(encoder, batch)) < SPEECH_TOLERANCE


@pytest.mark.parametrize("kind", ["hubert-group", "wav2vec2-group", "wavlm-group"])
def test_without_the_real_lengths_padding_would_change_everything(folders: Folders, kind: str) -> None:
    """What the length-aware normalisation is for: transformers' own batch, with a mask, is another thing."""
    model = transformers.AutoModel.from_pretrained(folders(kind))
    samples = np.zeros((2, 16_000), np.float32)
    samples[0], samples[1, :4_000] = noise(16_000), noise(4_000)
    mask = torch.ones(2, 16_000, dtype=torch.long)
    mask[1, 4_000:] = 0
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # WavLM's two masks
        batched = model(torch.from_numpy(samples), attention_mask=mask).last_hidden_state[1, :12]
        single = model(torch.from_numpy(samples[1:, :4_000])).last_hidden_state[0]

    assert error_of(batched.numpy(), single.numpy()) > 0.05


def test_without_equal_lengths_data2vec_would_depend_on_its_padding(folders: Folders) -> None:
    model = transformers.AutoModel.from_pretrained(folders("data2vec-audio"))
    samples = np.zeros((2, 16_000), np.float32)
    samples[0], samples[1, :4_000] = noise(16_000), noise(4_000)
    mask = torch.ones(2, 16_000, dtype=torch.long)
    mask[1, 4_000:] = 0
    with torch.inference_mode():
        batched = model(torch.from_numpy(samples), attention_mask=mask).last_hidden_state[1, :12]
        single = model(torch.from_numpy(samples[1:, :4_000])).last_hidden_state[0]

    assert error_of(batched.numpy(), single.numpy()) > 100 * SPEECH_TOLERANCE


def test_batch_normalisation_before_the_positions_forbids_padding_too(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-layer", conv_pos_batch_norm=True))
    batch = prepared(encoder)

    assert worst_error(encoder.extract(batch), alone(encoder, batch)) < SPEECH_TOLERANCE


def test_only_one_model_is_changed_and_not_its_class(folders: Folders) -> None:
    encoder_of(folders("hubert-group"))
    encoder_of(folders("wavlm-group"))

    hubert = transformers.AutoModel.from_pretrained(folders("hubert-group"))
    assert type(hubert.feature_extractor.conv_layers[0].layer_norm) is torch.nn.GroupNorm
    wavlm = transformers.AutoModel.from_pretrained(folders("wavlm-group"))
    assert "torch_multi_head_self_attention" not in vars(wavlm.encoder.layers[0].attention)


# Pieces, and times


@pytest.mark.parametrize("kind", ["hubert-group", "hubert-layer", "data2vec-audio"])
def test_long_sound_is_encoded_in_pieces_one_after_the_other(folders: Folders, kind: str) -> None:
    folder, samples = folders(kind), noise(2 * 8_000 + 399)
    encoder = encoder_of(folder, chunk_seconds=0.5)
    normal = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    model = transformers.AutoModel.from_pretrained(folder)
    with torch.inference_mode():  # the last 399 samples give no frame of their own, and join the second piece
        pieces = [model(torch.from_numpy(part[None])) for part in (normal[:8_000], normal[8_000:])]
    expected = np.concatenate([piece.last_hidden_state[0].numpy() for piece in pieces])

    (found,) = encoder.extract([encoder.prepare(utterance_of(samples))])

    assert error_of(found.frames, expected) < SPEECH_TOLERANCE
    assert found.seconds is not None
    assert len(found.seconds) == len(expected) == 24 + 25
    np.testing.assert_allclose(found.seconds[[0, 1, 23, 24, 48]], [0.0125, 0.0325, 0.4725, 0.5125, 0.9925])


def test_400_more_samples_are_a_piece_of_their_own(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-layer"), chunk_seconds=0.5)

    assert [len(piece) for piece in encoder.prepare(utterance_of(noise(8_400))).pieces] == [8_000, 400]
    assert [len(piece) for piece in encoder.prepare(utterance_of(noise(8_399))).pieces] == [8_399]


def test_sound_is_whole_when_the_spec_has_no_pieces(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-layer"), chunk_seconds=None)

    assert len(encoder.prepare(utterance_of(noise(40 * RATE))).pieces) == 1


def test_a_long_utterance_goes_through_the_model_a_few_pieces_at_a_time(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-group"), chunk_seconds=0.1)
    long, short = prepared(encoder, [20 * 1_600 + 500, 900])

    together, by_itself = encoder.extract([long, short])[0], encoder.extract([long])[0]

    assert len(long.pieces) == 21
    assert error_of(together.frames, by_itself.frames) < SPEECH_TOLERANCE


# What goes in


@pytest.mark.parametrize("do_normalize", [True, False])
def test_samples_are_those_of_the_models_own_extractor(folders: Folders, do_normalize: bool) -> None:
    folder, samples = folders("hubert-layer", do_normalize=do_normalize), noise(5_000) + 0.1
    own = transformers.AutoFeatureExtractor.from_pretrained(folder)(samples, sampling_rate=RATE)

    (piece,) = encoder_of(folder).prepare(utterance_of(samples)).pieces

    np.testing.assert_array_equal(piece, own.input_values[0])


def test_sound_of_another_rate_is_resampled_and_channels_are_averaged(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-layer"))
    utterance = utterance_of(chirp(1.0), rate=32_000)  # half a second

    ready = encoder.prepare(utterance)

    assert [len(piece) for piece in ready.pieces] == [8_000]


def test_all_sound_is_normalised_before_it_is_cut_into_pieces(folders: Folders) -> None:
    samples = np.concatenate([0.01 * noise(8_000), noise(8_000)])

    quiet, loud = encoder_of(folders("hubert-layer"), chunk_seconds=0.5).prepare(utterance_of(samples)).pieces

    assert quiet.std() < 0.02 * loud.std()


def test_sound_behind_the_limit_is_left_out_and_noted(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-layer"), max_seconds=0.5)
    samples = noise(RATE)

    cut, whole = (encoder.prepare(utterance_of(part)) for part in (samples, samples[:8_000]))

    assert (cut.notes, whole.notes) == (("cut at 0.5 s",), ())
    np.testing.assert_array_equal(cut.pieces[0], whole.pieces[0])


def test_sound_is_filled_up_behind_its_own_normalisation_to_an_exact_length(folders: Folders) -> None:
    folder, samples = folders("hubert-layer"), noise(4_000) + 0.1
    encoder = encoder_of(folder, exact_seconds=0.5)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    own = extractor(
        samples, sampling_rate=RATE, padding="max_length", max_length=8_000, return_attention_mask=True
    )

    short, long = (encoder.prepare(utterance_of(part)) for part in (samples, noise(9_000)))

    np.testing.assert_array_equal(short.pieces[0], own.input_values[0])
    assert short.notes == ("filled up with zeros from 0.250 s to 0.5 s",)
    assert ([len(piece) for piece in long.pieces], long.notes) == ([8_000], ("cut at 0.5 s",))
    first, second = encoder.extract([short, long])
    assert first.frames.shape == second.frames.shape == (24, 32)


def test_too_short_a_sound_says_how_many_samples_a_frame_needs(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-layer"))

    with pytest.raises(ExtractionError, match="has 399 samples at 16000 Hz, and one frame needs 400"):
        encoder.prepare(utterance_of(noise(399)))
    assert len(encoder.extract([encoder.prepare(utterance_of(noise(400)))])[0].frames) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(folders: Folders, value: float) -> None:
    samples = noise(8_000)
    samples[[17, 4_000]] = value

    with pytest.raises(ExtractionError, match="2 of 8000 samples are infinite or not a number"):
        encoder_of(folders("hubert-layer")).prepare(utterance_of(samples))


def test_silence_has_features_and_a_note(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-group"))

    (found,) = encoder.extract([encoder.prepare(utterance_of(np.zeros(8_000, np.float32)))])

    assert found.notes == ("the sound is silent: all samples are zero",)
    assert np.isfinite(found.frames).all()


def test_a_damaged_file_and_a_missing_one_are_told_apart(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-layer"))
    damaged = Utterance("u", None, None, AudioClip(b"RIFF no sound"), None, {})
    silent = Utterance("u", None, None, None, None, {})

    with pytest.raises(AudioError, match=r"WAV|RIFF"):
        encoder.prepare(damaged)
    with pytest.raises(ExtractionError, match="has no sound"):
        encoder.prepare(silent)
    assert encoder.size_seconds(silent) == 0


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({}, 2.5),
        ({"max_seconds": 2.0}, 2.0),
        ({"exact_seconds": 4.0}, 4.0),
        ({"padding": "counted", "chunk_seconds": 1.0}, 3.0),
        ({"padding": "counted", "chunk_seconds": 10.0}, 2.5),
    ],
)
def test_its_size_is_what_goes_through_the_model(
    folders: Folders, values: dict[str, Any], seconds: float
) -> None:
    assert encoder_of(folders("hubert-layer"), **values).size_seconds(utterance_of(noise(40_000))) == seconds


# The model


def test_the_spec_says_what_the_weights_are(folders: Folders) -> None:
    folder = folders("hubert-layer")
    encoder = encoder_of(folder)

    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    assert (encoder.spec.num_dims, encoder.spec.revision) == (32, "local")
    assert encoder.spec.weights_digest == find_weights("x", model_path=folder).digest


def test_a_checkpoint_in_half_precision_is_computed_in_float32(folders: Folders) -> None:
    half = encoder_of(folders("hubert-layer", dtype="float16"))
    full = encoder_of(folders("hubert-layer"))
    samples = noise(8_000)

    one, other = (e.extract([e.prepare(utterance_of(samples))])[0].frames for e in (half, full))

    assert next(half._model.parameters()).dtype == torch.float32
    assert error_of(one, other) < 0.02  # the weights themselves were rounded


def test_bfloat16_is_computed_where_it_is_asked_for(folders: Folders) -> None:
    encoder = encoder_of(folders("hubert-group"), compute="bfloat16")
    exact = encoder_of(folders("hubert-group"))
    batch = prepared(encoder, (8_000, 16_000))

    found, wanted = encoder.extract(batch), exact.extract(batch)

    assert next(encoder._model.parameters()).dtype == torch.bfloat16
    assert found[0].frames.dtype == np.float32
    assert worst_error(found, wanted) > SPEECH_TOLERANCE
    for one, other in zip(found, wanted, strict=True):
        assert error_of(one.frames.mean(axis=0), other.frames.mean(axis=0)) < 0.1


def test_older_checkpoints_name_the_positions_weights_otherwise(folders: Folders, tmp_path: Path) -> None:
    """Such as TencentGameMate's: a pickle of tensors, of a model with a head, with torch's old weight norm."""
    new = folders("hubert-layer")
    folder = Path(shutil.copytree(new, tmp_path / "old"))
    tensors = transformers.AutoModel.from_pretrained(new).state_dict()
    for number, letter in enumerate("gv"):
        prefix = "encoder.pos_conv_embed.conv."
        tensors[f"{prefix}weight_{letter}"] = tensors.pop(f"{prefix}parametrizations.weight.original{number}")
    tensors = {f"hubert.{name}": tensor for name, tensor in tensors.items()}
    torch.save({**tensors, "lm_head.weight": torch.ones(5, 32)}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    samples = noise(8_000)

    old, wanted = (e.extract([e.prepare(utterance_of(samples))])[0] for e in map(encoder_of, (folder, new)))

    np.testing.assert_array_equal(old.frames, wanted.frames)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "bert"}, "is of type 'bert', which takes no samples of sound"),
        ({"add_adapter": True}, "has an adapter"),
    ],
)
def test_encoders_of_another_kind_are_refused(
    folders: Folders, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    folder = Path(shutil.copytree(folders("wav2vec2-layer"), tmp_path / "other"))
    config = json.loads((folder / "config.json").read_text())
    if "model_type" in change:
        config = {}
    (folder / "config.json").write_text(json.dumps({**config, **change}))

    with pytest.raises(ModelError, match=message):
        encoder_of(folder)


@pytest.mark.parametrize(
    "settings",
    [{}, {"sampling_rate": RATE}, {"do_normalize": True, "image_processor_type": "ViTImageProcessor"}],
)
def test_a_file_that_does_not_say_how_sound_is_made_ready_is_refused_and_not_guessed(
    folders: Folders, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """transformers would take its class's own values, in silence."""
    folder = Path(shutil.copytree(folders("hubert-layer"), tmp_path / "other"))
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))

    with pytest.raises(ModelError, match=r"config\.json does not say sampling_rate and do_normalize"):
        encoder_of(folder)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match=r"has no preprocessor_config\.json"):
        encoder_of(folder)


def test_what_does_not_fit_the_model_is_refused_when_it_is_loaded(folders: Folders) -> None:
    folder = folders("hubert-layer")

    with pytest.raises(ModelError, match="asks for layer -6, and the encoder gives 5 states"):
        encoder_of(folder, layers=(-1, -6))
    with pytest.raises(ModelError, match="takes sound of 16000 Hz, and the spec says 8000"):
        encoder_of(folder, sampling_rate=8_000)
    with pytest.raises(OptionError, match=r"chunk_seconds=0\.02 is 320 samples"):
        encoder_of(folder, chunk_seconds=0.02)
