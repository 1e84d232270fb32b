"""Encoders of transformers for pictures: what each output is, and that a batch changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray

from emotalk_data.errors import ModelError, OptionError
from emotalk_data.features.encoders.scaling import read_scaling
from emotalk_data.features.encoders.vision import VisionEncoder
from emotalk_data.features.encoders.weights import Weights
from emotalk_data.features.hook import FeatureExtractor, SizedExtractor
from emotalk_data.media import VideoClip
from emotalk_data.schemas.feature_spec import FrameChoice, VisionSpec

from ..tiny_vision import KINDS, SIDE, assert_close, clip_of, encode, make_model, save_model, utterance_of


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weights]:
    return {kind: save_model(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def clips() -> list[VideoClip]:
    return [clip_of(number, first_number=100 * number) for number in (21, 3, 40, 17)]


def spec_of(kind: str, **fields: Any) -> VisionSpec:
    frames = FrameChoice(num=16) if kind == "videomae" else FrameChoice(rate=10)
    tokens = "mean" if kind == "videomae" else "cls"
    return VisionSpec(
        **{"name": "tiny", "model": f"tiny/{kind}", "frames": frames, "tokens": tokens, **fields}
    )


def reference_pixels(kind: str, frames: NDArray[np.uint8]) -> torch.Tensor:
    """What the model's own processor makes of pictures."""
    _, processor = make_model(kind)
    values = processor(list(frames), return_tensors="pt", input_data_format="channels_last")["pixel_values"]
    assert values.shape[-3:] == (3, SIDE, SIDE)
    return values


def reference(kind: str, weights: Weights, frames: NDArray[np.uint8], **options: Any) -> Any:
    model = transformers.AutoModel.from_pretrained(weights.folder).eval()
    if kind == "clip":
        model = model.vision_model
    with torch.inference_mode():
        return model(reference_pixels(kind, frames), **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_gives_what_single_utterances_give_in_any_order(
    kind: str, weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    encoder = VisionEncoder(spec_of(kind), weights[kind])
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    batch = encode(encoder, clips)
    for clip, together, turned in zip(clips, batch, encode(encoder, clips[::-1])[::-1], strict=True):
        (alone,) = encode(encoder, [clip])
        assert alone.frames.dtype == np.float32
        assert_close(together.frames, alone.frames)
        assert_close(turned.frames, alone.frames)
        assert alone.seconds is not None
        np.testing.assert_array_equal(together.seconds, alone.seconds)
    assert not np.allclose(
        batch[0].frames[0], batch[2].frames[0], rtol=1e-3
    )  # a constant would pass all that


def test_pictures_beyond_one_block_are_encoded_alike(weights: dict[str, Weights]) -> None:
    long = clip_of(75)
    encoder = VisionEncoder(spec_of("dinov2", frames=FrameChoice()), weights["dinov2"])
    (encoded,) = encode(encoder, [long])
    expected = reference("dinov2", weights["dinov2"], long.frames(indices=range(75))).last_hidden_state[:, 0]
    assert_close(encoded.frames, expected.numpy())
    assert encode(encoder, []) == []


@pytest.mark.parametrize("tokens", ["sum", "mean", "cls"])
@pytest.mark.parametrize("kind", ["dinov2", "data2vec-vision", "beit", "vit", "clip"])
def test_the_last_state_is_the_models_own(
    kind: str, tokens: str, weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    (encoded,) = encode(VisionEncoder(spec_of(kind, tokens=tokens), weights[kind]), clips[:1])
    frames = clips[0].frames(frame_rate=10)
    states = reference(kind, weights[kind], frames).last_hidden_state
    expected = {"sum": states.sum(1), "mean": states.mean(1), "cls": states[:, 0]}[tokens]
    assert_close(encoded.frames, expected.numpy())
    np.testing.assert_array_equal(encoded.seconds, clips[0].times_seconds[clips[0].choose(frame_rate=10)])


def test_clip_gives_the_projected_vector_of_each_picture(
    weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    encoder = VisionEncoder(spec_of("clip", output="image_embeds"), weights["clip"])
    (encoded,) = encode(encoder, clips[2:3])
    model = transformers.CLIPModel.from_pretrained(weights["clip"].folder).eval()
    with torch.inference_mode():
        features = model.get_image_features(reference_pixels("clip", clips[2].frames(frame_rate=10)))
    assert_close(encoded.frames, features.pooler_output.numpy())
    assert encoder.spec.num_dims == 24


@pytest.mark.parametrize(("layers", "combine"), [((-1,), "mean"), ((-2, -1), "sum"), ((0, 2, 3), "mean")])
def test_hidden_states_are_those_before_the_final_norm(
    layers: tuple[int, ...], combine: str, weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    spec = spec_of("dinov2", output="hidden_states", layers=layers, combine=combine, tokens="sum")
    (encoded,) = encode(VisionEncoder(spec, weights["dinov2"]), clips[:1])
    frames = clips[0].frames(frame_rate=10)
    outputs = reference("dinov2", weights["dinov2"], frames, output_hidden_states=True)
    chosen = torch.stack([outputs.hidden_states[layer] for layer in layers])
    expected = (chosen.sum(0) if combine == "sum" else chosen.mean(0)).sum(1)
    assert_close(encoded.frames, expected.numpy())
    if layers == (-1,):
        assert not np.allclose(encoded.frames, outputs.last_hidden_state.sum(1).numpy(), rtol=1e-2)


@pytest.mark.parametrize("output", ["last_hidden_state", "hidden_states"])
def test_videomae_gives_a_vector_for_each_two_pictures(
    output: str, weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    encoder = VisionEncoder(spec_of("videomae", output=output), weights["videomae"])
    (encoded,) = encode(encoder, clips[2:3])
    outputs = reference("videomae", weights["videomae"], clips[2].frames(16), output_hidden_states=True)
    states = outputs.last_hidden_state if output == "last_hidden_state" else outputs.hidden_states[-1]
    assert states.shape == (1, 8 * 4, 32)
    assert_close(encoded.frames, states[0].reshape(8, 4, 32).mean(1).numpy())
    seconds = clips[2].times_seconds[clips[2].choose(16)]
    assert encoded.seconds is not None
    np.testing.assert_allclose(encoded.seconds, (seconds[0::2] + seconds[1::2]) / 2)


def test_a_video_of_fewer_pictures_is_filled_up_and_says_so(
    weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    encoder = VisionEncoder(spec_of("videomae"), weights["videomae"])
    (encoded,) = encode(encoder, clips[1:2])
    assert encoded.frames.shape == (8, 32)
    assert encoded.notes == ("3 frames; the last is repeated to make 16",)


def test_pictures_without_a_face_are_made_up_for_where_the_model_needs_its_number(
    weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    calls: list[int] = []

    def sees_every_second(picture: NDArray[np.uint8]) -> tuple[float, float, float, float] | None:
        calls.append(1)
        return (0.0, 0.0, 100.0, 100.0) if len(calls) % 2 else None

    spec = spec_of("videomae", frames=FrameChoice(num=16, faces=True))
    (encoded,) = encode(VisionEncoder(spec, weights["videomae"], detector=sees_every_second), clips[2:3])
    assert encoded.frames.shape == (8, 32)
    assert encoded.notes == ("8 of 16 frames without a face", "the last picture is repeated to make 16")
    assert encoded.seconds is not None
    assert (np.diff(encoded.seconds) >= 0).all()


def test_the_spec_says_what_was_carried_out(weights: dict[str, Weights]) -> None:
    spec = spec_of("dinov2", frames=FrameChoice(num=4, faces=True, face_size=112))
    encoder = VisionEncoder(spec, weights["dinov2"])
    assert encoder.spec == spec.model_copy(
        update={
            "frames": FrameChoice(num=4),
            "num_dims": 32,
            "revision": "local",
            "weights_digest": weights["dinov2"].digest,
        }
    )
    assert encoder.size_seconds(utterance_of(clip_of(2))) == 4


def test_half_precision_is_close_and_comes_back_as_float32(
    weights: dict[str, Weights], clips: list[VideoClip]
) -> None:
    exact, half = (
        encode(VisionEncoder(spec_of("dinov2", compute=compute), weights["dinov2"]), clips[:1])[0].frames
        for compute in ("float32", "bfloat16")
    )
    assert half.dtype == np.float32
    assert not np.array_equal(exact, half)
    cosine = (exact * half).sum(1) / (np.linalg.norm(exact, axis=1) * np.linalg.norm(half, axis=1))
    assert cosine.min() > 0.99


def test_float32_is_calculated_whatever_the_checkpoint_was_saved_in(tmp_path: Path) -> None:
    model, processor = make_model("vit")
    model.half().save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    encoder = VisionEncoder(spec_of("vit"), Weights(tmp_path, "local", "0" * 32))
    assert {parameter.dtype for parameter in encoder._model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("kind", "fields", "error", "expected"),
    [
        (
            "dinov2",
            {"output": "image_embeds"},
            OptionError,
            "is what CLIP gives; tiny/dinov2 is of type dinov2",
        ),
        ("videomae", {"frames": FrameChoice(num=8)}, OptionError, "exactly 16 pictures; frames.num is 8"),
        ("videomae", {"tokens": "sum"}, OptionError, "patches of a moment are averaged"),
        ("vit", {"output": "hidden_states", "layers": (4,)}, ModelError, "asks for layer 4"),
        ("vit", {"num_dims": 768}, ModelError, "vectors of 768 numbers, and the encoder in .* gives 32"),
    ],
)
def test_a_spec_that_the_model_cannot_serve_is_refused_at_the_start(
    kind: str,
    fields: dict[str, Any],
    error: type[Exception],
    expected: str,
    weights: dict[str, Weights],
) -> None:
    with pytest.raises(error, match=expected):
        VisionEncoder(spec_of(kind, **fields), weights[kind])


def test_pictures_of_another_size_than_the_model_takes_are_refused_at_the_start(
    weights: dict[str, Weights], tmp_path: Path
) -> None:
    folder = tmp_path / "clip"
    shutil.copytree(weights["clip"].folder, folder)
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "crop_size": 36}))
    assert read_scaling(folder).size == (36, 36)
    with pytest.raises(ModelError, match="cannot encode a picture of 36x36 pixels"):
        VisionEncoder(spec_of("clip"), Weights(folder, "local", "0" * 32))


def test_a_model_for_something_else_is_refused(tmp_path: Path) -> None:
    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=20
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="holds a model of type 'bert'; expected one of clip"):
        VisionEncoder(spec_of("vit"), Weights(tmp_path, "local", "0" * 32))


def test_a_checkpoint_that_lacks_parameters_is_refused(weights: dict[str, Weights], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "dinov2"
    shutil.copytree(weights["dinov2"].folder, folder)
    state = load_file(folder / "model.safetensors")
    del state["layernorm.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack 1 of the model's parameters.*layernorm\.weight"):
        VisionEncoder(spec_of("dinov2"), Weights(folder, "local", "0" * 32))


def test_a_checkpoint_of_pretraining_is_taken_without_its_decoder(
    clips: list[VideoClip], tmp_path: Path
) -> None:
    """MCG-NJU's VideoMAE is published as `VideoMAEForPreTraining`."""
    model, processor = make_model("videomae")
    whole = transformers.VideoMAEForPreTraining(
        transformers.VideoMAEConfig(
            **{**model.config.to_dict(), "decoder_hidden_size": 16, "decoder_intermediate_size": 16,
               "decoder_num_attention_heads": 2, "decoder_num_hidden_layers": 1}
        )
    )  # fmt: skip
    whole.videomae.load_state_dict(model.state_dict())
    whole.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    (encoded,) = encode(VisionEncoder(spec_of("videomae"), Weights(tmp_path, "local", "0" * 32)), clips[:1])
    pixels = reference_pixels("videomae", clips[0].frames(16))
    with torch.inference_mode():
        expected = model.eval()(pixels).last_hidden_state
    assert_close(encoded.frames, expected[0].reshape(8, 4, 32).mean(1).numpy())


def test_clip_with_only_its_half_for_pictures_is_taken(
    weights: dict[str, Weights], clips: list[VideoClip], tmp_path: Path
) -> None:
    half = transformers.CLIPVisionModelWithProjection.from_pretrained(weights["clip"].folder)
    half.save_pretrained(tmp_path)
    make_model("clip")[1].save_pretrained(tmp_path)
    spec = spec_of("clip", output="image_embeds")
    encoders = [
        VisionEncoder(spec, found) for found in (weights["clip"], Weights(tmp_path, "local", "0" * 32))
    ]
    whole, alone = (encode(encoder, clips[:1])[0].frames for encoder in encoders)
    assert_close(alone, whole)


_ENCODE_WITHOUT_HIDDEN = """
import sys
from pathlib import Path


class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *args):
        return None if name.partition(".")[0] == sys.argv[1] else self.finder.find_spec(name, *args)


sys.meta_path = [Hiding(finder) for finder in sys.meta_path]

import numpy as np
from emotalk_data.errors import MissingDependencyError
from emotalk_data.features.encoders.pictures import Pictures
from emotalk_data.features.encoders.vision import VisionEncoder
from emotalk_data.features.encoders.weights import Weights
from emotalk_data.schemas.feature_spec import FrameChoice, VisionSpec

for folder, num in zip(sys.argv[2:], (1, 16), strict=True):
    spec = VisionSpec(name="x", model="x", frames=FrameChoice(num=num))
    try:
        encoder = VisionEncoder(spec, Weights(Path(folder), "local", "0" * 32))
    except MissingDependencyError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    (encoded,) = encoder.extract([Pictures(np.ones((num, 32, 32, 3), np.uint8), np.arange(num) / 4)])
    print(encoded.frames.shape)
"""


def run_hiding(hidden: str, weights: dict[str, Weights], extra_path: Path) -> tuple[str, str]:
    """Encode with CLIP and VideoMAE in a process that finds no such package; return what it prints."""
    folders = [str(weights[kind].folder) for kind in ("clip", "videomae")]
    path = os.pathsep.join([str(extra_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", _ENCODE_WITHOUT_HIDDEN, hidden, *folders],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stdout, done.stderr[-2_000:]


@pytest.mark.slow
def test_torchvision_is_not_needed(weights: dict[str, Weights], tmp_path: Path) -> None:
    printed, errors = run_hiding("torchvision", weights, tmp_path)
    assert printed == "(1, 32)\n(8, 32)\n", errors


@pytest.mark.slow
def test_a_torchvision_that_is_broken_is_named(weights: dict[str, Weights], tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text('raise RuntimeError("operator nms does not exist")')
    printed, errors = run_hiding("-", weights, tmp_path)
    assert not printed
    assert "MissingDependencyError: torchvision is needed to encode pictures, where it is installed" in errors
    assert "it is installed but fails to import: operator nms does not exist" in errors
