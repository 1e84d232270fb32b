"""openSMILE: the numbers that SMILExtract gives, of sound long enough, whatever else runs beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import opensmile
import pytest
from numpy.typing import NDArray

from emotalk_data.errors import AudioError, ExtractionError, ModelError, OptionError
from emotalk_data.features.encoders.opensmile_functionals import OpensmileEncoder
from emotalk_data.features.hook import FeatureExtractor, SizedExtractor, Utterance
from emotalk_data.media import AudioClip
from emotalk_data.media.wav_samples import wav_bytes
from emotalk_data.schemas.feature_spec import OpensmileSpec

RATE = 16_000
# A few of the 1,582 numbers of `voice(1.5)` in 16 bits. Made by opensmile 2.6.0 on x86-64, without this package:
# opensmile.Smile(FeatureSet.IS10, FeatureLevel.Functionals).process_signal(samples, 16000).
GOLDEN = {
    "pcm_loudness_sma_maxPos": 42.0,
    "pcm_loudness_sma_linregerrA": 0.5610893368721008,
    "mfcc_sma[3]_percentile1.0": -8.890207290649414,
    "mfcc_sma[13]_linregerrQ": 5.242267608642578,
    "voicingFinalUnclipped_sma_stddev": 0.0520482063293457,
    "mfcc_sma_de[12]_iqr1-2": 0.29688072204589844,
    "F0finEnv_sma_de_iqr2-3": 0.0060367584228515625,
    "shimmerLocal_sma_iqr1-3": 0.04403296113014221,
    "F0final__Turn_numOnsets": 1.0,
    "F0final__Turn_duration": 1.4399999380111694,
}


def voice(seconds: float, pitch: float = 180.0) -> NDArray[np.float32]:
    """Return a tone with overtones that rises and swells: shape (1, samples)."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * (pitch * time + 20 * time**2)
    tone = np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase)
    return (0.3 * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)) * tone)[np.newaxis].astype(np.float32)


def clip(
    samples: NDArray[np.float32], sample_format: Literal["i16", "f32"] = "i16", rate: int = RATE
) -> AudioClip:
    return AudioClip(bytes=wav_bytes(samples, rate, sample_format=sample_format))


def utterance(audio: AudioClip | None) -> Utterance:
    return Utterance("G00001_01_01_001", None, None, audio, None, {})


def spec(**options: object) -> OpensmileSpec:
    return OpensmileSpec.model_validate({"name": "m3ed/is10", "model": "IS10_paraling_compat", **options})


@pytest.fixture(scope="module")
def encoder() -> OpensmileEncoder:
    return OpensmileEncoder(spec())


def test_the_numbers_are_those_of_openSMILE_itself(encoder: OpensmileEncoder) -> None:  # noqa: N802
    audio = clip(voice(1.5))
    found = encoder.extract([encoder.prepare(utterance(audio))])[0]
    assert found.frames.shape == (1, 1582)
    assert found.frames.dtype == np.float32
    assert (found.pooled, found.notes) == (None, ())
    assert found.seconds is not None
    np.testing.assert_allclose(found.seconds, [0.75])
    named = dict(zip(encoder.names, found.frames[0], strict=True))
    # Another processor may round otherwise in its last digits.
    np.testing.assert_allclose([named[name] for name in GOLDEN], list(GOLDEN.values()), rtol=1e-4, atol=1e-6)
    smile = opensmile.Smile(opensmile.FeatureSet.IS10, opensmile.FeatureLevel.Functionals)
    theirs = smile.process_signal(audio.decode(mono=True)[0], RATE)
    assert tuple(theirs.columns) == encoder.names
    np.testing.assert_array_equal(found.frames, theirs.to_numpy())


def test_the_spec_records_version_and_configuration(encoder: OpensmileEncoder) -> None:
    found = encoder.spec
    assert (found.num_dims, found.revision) == (1582, f"opensmile {opensmile.__version__}")
    assert found.weights_digest == OpensmileEncoder(spec(sampling_rate=8_000)).spec.weights_digest
    assert found.weights_digest != OpensmileEncoder(spec(model="IS09_emotion")).spec.weights_digest
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    assert encoder.size_seconds(utterance(clip(voice(1.5)))) == 1.5
    assert encoder.size_seconds(utterance(None)) == 0.0


def test_a_batch_gives_what_its_utterances_give_alone_in_any_order(encoder: OpensmileEncoder) -> None:
    sounds = [utterance(clip(voice(0.4 + 0.3 * k, pitch=110 + 30 * k))) for k in range(4)]
    together = encoder.extract([encoder.prepare(sound) for sound in sounds])
    backwards = encoder.extract([encoder.prepare(sound) for sound in sounds[::-1]])[::-1]
    for sound, one, other in zip(sounds, together, backwards, strict=True):
        alone = encoder.extract([encoder.prepare(sound)])[0]
        np.testing.assert_array_equal(one.frames, alone.frames)
        np.testing.assert_array_equal(other.frames, alone.frames)


def test_threads_get_the_same_numbers_as_one(encoder: OpensmileEncoder) -> None:
    sounds = [utterance(clip(voice(0.3 + 0.02 * k, pitch=90 + 11 * k))) for k in range(16)]
    expected = [encoder.prepare(sound).values for sound in sounds]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda sound: encoder.prepare(sound).values, sounds * 3))
    np.testing.assert_array_equal(found, expected * 3)


@pytest.mark.parametrize("seconds", [0.001, 0.06])
def test_a_sound_that_is_too_short_is_refused_in_silence(
    seconds: float, encoder: OpensmileEncoder, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        ExtractionError, match=r"of sound are too short for IS10_paraling_compat, which needs 0\.070 s"
    ):
        encoder.prepare(utterance(clip(voice(seconds))))
    encoder.prepare(utterance(clip(voice(0.07))))
    assert capfd.readouterr() == ("", "")


def test_silence_has_numbers_too(encoder: OpensmileEncoder) -> None:
    values = encoder.prepare(utterance(clip(np.zeros((1, RATE), np.float32)))).values
    assert np.isfinite(values).all()


def test_samples_beyond_full_scale_are_set_to_it_and_noted(encoder: OpensmileEncoder) -> None:
    loud = voice(0.5) * 4
    found = encoder.prepare(utterance(clip(loud, "f32")))
    num_beyond = int((np.abs(loud) > 1).sum())
    assert found.notes == (f"{num_beyond} samples beyond full scale were set to it",)
    limited = encoder.prepare(utterance(clip(np.clip(loud, -1, 32_767 / 32_768), "f32")))
    np.testing.assert_array_equal(found.values, limited.values)


def test_samples_that_are_not_numbers_are_refused(encoder: OpensmileEncoder) -> None:
    samples = voice(0.5)
    samples[0, 100] = np.nan
    with pytest.raises(ExtractionError, match="infinite or not a number"):
        encoder.prepare(utterance(clip(samples, "f32")))


def test_other_rates_and_channels_are_brought_to_the_one_of_the_spec(encoder: OpensmileEncoder) -> None:
    stereo = np.repeat(voice(1.0), 2, axis=0)
    assert encoder.prepare(utterance(clip(stereo))).middle_seconds == 0.5
    slow = encoder.prepare(utterance(clip(voice(1.0), rate=8_000)))
    assert slow.middle_seconds == 1.0


def test_a_damaged_file_is_an_error_of_the_file(encoder: OpensmileEncoder) -> None:
    with pytest.raises(AudioError, match=r"\S"):
        encoder.prepare(utterance(AudioClip(bytes=b"RIFF no sound at all")))
    with pytest.raises(ExtractionError, match="sound is missing"):
        encoder.prepare(utterance(None))


def test_a_configuration_of_your_own_is_taken_by_its_path(tmp_path: Path, encoder: OpensmileEncoder) -> None:
    shipped = Path(opensmile.__file__).parent / "core/config/is09-13/IS10_paraling_compat.conf"
    own = tmp_path / "own.conf"
    own.write_text(shipped.read_text() + "\n")
    sound = utterance(clip(voice(0.5)))
    found = OpensmileEncoder(spec(model="own"), config_path=own)
    np.testing.assert_array_equal(found.prepare(sound).values, encoder.prepare(sound).values)
    assert found.spec.weights_digest != encoder.spec.weights_digest


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "IS10"}, ModelError, "no configuration 'IS10'; expected one of .*IS10_paraling_compat"),
        ({"num_dims": 384}, ModelError, r"num_dims of m3ed/is10 is 384, and .*compat\.conf .* gives 1582"),
        ({"revision": "opensmile 2.4.2"}, ModelError, "revision of m3ed/is10 is 'opensmile 2.4.2'"),
        ({"weights_digest": "0" * 32}, ModelError, "weights_digest of m3ed/is10 is '000"),
        ({"compute": "float16"}, OptionError, "openSMILE calculates in 'float32' alone"),
        ({"pooling": "given"}, OptionError, "pooling is 'given'"),
    ],
)  # fmt: skip
def test_a_spec_that_cannot_be_is_refused(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        OpensmileEncoder(spec(**options))


def test_a_configuration_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no configuration of openSMILE at"):
        OpensmileEncoder(spec(), config_path=tmp_path / "absent.conf")
    (tmp_path / "bad.conf").write_text("[componentInstances:cComponentManager]\ninstance[x].type=cNothing\n")
    with pytest.raises(ModelError, match="openSMILE cannot load"):
        OpensmileEncoder(spec(), config_path=tmp_path / "bad.conf")
