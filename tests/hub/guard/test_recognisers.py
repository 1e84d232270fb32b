"""Encoders that tell people apart are known by their names; others are left alone."""

from __future__ import annotations

import pytest

from emotalk_data.features import CallableSpec, FrameChoice, Recipe, TimmSpec, VisionSpec, list_recipes
from emotalk_data.hub.guard.recognisers import recogniser_in
from tests.feature_shards import SPEC

SPEAKERS = [
    "speechbrain/spkrec-ecapa-voxceleb",
    "speechbrain/spkrec-xvect-voxceleb",
    "microsoft/wavlm-base-plus-sv",
    "superb/wav2vec2-base-superb-sid",
    "nvidia/speakerverification_en_titanet_large",
    "pyannote/embedding",
    "pyannote/wespeaker-voxceleb-resnet34-LM",
    "Resemblyzer",
    "iic/speech_campplus_sv_zh-cn_16k-common",
    "x-vector",
    "iic/speech_eres2net_sv_zh-cn_16k-common",
    "3D-Speaker/3dspeaker",
    "GE2E",
    "d_vector",
    "cam++",
    "RawNet3",
    "i-vector",
    "nvidia/speakerrecognition_speakernet",
    "SpeakerNet",
    "IDRnD/ReDimNet",
]
FACES = [
    "deepinsight/insightface",
    "buffalo_l",
    "minchul/cvlface_adaface_ir101_webface12m",
    "ArcFace",
    "MagFace",
    "CosFace_r50",
    "timesler/facenet-pytorch",
    "facenet512",
    "VGGFace2",
    "vgg_face",
    "opencv/face_recognition_sface",
    "DeepFace",
    "py-feat/face-identity",
    "antelopev2",
    "iresnet100",
    "GhostFaceNet",
]


@pytest.mark.parametrize("model", SPEAKERS)
def test_models_that_recognise_speakers_are_known(model: str) -> None:
    said = recogniser_in(SPEC.model_copy(update={"model": model}))
    assert said is not None
    assert "recognises speakers" in said


@pytest.mark.parametrize("model", FACES)
def test_models_that_recognise_faces_are_known(model: str) -> None:
    said = recogniser_in(VisionSpec(name="faces", model=model))
    assert said is not None
    assert "recognises" in said


def test_the_name_of_a_set_its_architecture_and_its_parameters_tell_too() -> None:
    spec = {"model": "mine", "input": "audio", "num_dims": 192}
    assert recogniser_in(CallableSpec(name="ecapa-tdnn", **spec))
    assert recogniser_in(CallableSpec(name="mine", params={"checkpoint": "voxceleb2"}, **spec))
    assert recogniser_in(TimmSpec(name="mine", model="mine", architecture="iresnet50"))


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda one: str(one.name))
def test_no_recipe_is_taken_for_one(recipe: Recipe) -> None:
    assert recogniser_in(recipe.spec) is None


@pytest.mark.parametrize(
    "model",
    [
        "facebook/hubert-large-ll60k",
        "openai/whisper-base",
        "mobilefacemesh",
        "microsoft/svtr",
        "sidekick/model",
        "trpakov/vit-face-expression",
        "emotion2vec/emotion2vec_plus_base",
        "microsoft/wavlm-base-plus",
        "asvspoof-free",
    ],
)
def test_other_models_are_left_alone(model: str) -> None:
    assert recogniser_in(SPEC.model_copy(update={"model": model})) is None


def test_a_face_detector_is_no_face_recogniser() -> None:
    frames = FrameChoice(num=8, faces=True, detector="facenet-pytorch MTCNN")
    assert recogniser_in(VisionSpec(name="clip", model="openai/clip-vit-base-patch32", frames=frames)) is None
