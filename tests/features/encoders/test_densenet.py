"""The face network of M3ED: its shape, its input, and that only a checkpoint that fits is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch.nn import functional

from emotalk_data.errors import ModelError
from emotalk_data.features.encoders.densenet import DenseNetEncoder
from emotalk_data.features.encoders.densenet_network import DenseNet
from emotalk_data.features.encoders.weights import find_weights
from emotalk_data.features.hook import FeatureExtractor, SizedExtractor
from emotalk_data.schemas.feature_spec import DenseNetSpec, FrameChoice

from ..tiny_vision import assert_close, clip_of, encode, utterance_of

SPEC = DenseNetSpec(name="m3ed/face", model="m3ed/denseface", frames=FrameChoice(num=2))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as a user has it: with statistics that were learnt, and a classifier."""
    torch.manual_seed(5)
    state = DenseNet().state_dict()
    for name, value in state.items():
        if name.endswith(("running_mean", "bias")):
            value.normal_(std=0.1)
        if name.endswith(("running_var", "norm.weight")):
            value.uniform_(0.5, 2)
    state["classifier.weight"], state["classifier.bias"] = torch.zeros(8, 342), torch.zeros(8)
    path = tmp_path_factory.mktemp("densenet") / "denseface.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def encoder(checkpoint: Path) -> DenseNetEncoder:
    return DenseNetEncoder(SPEC, find_weights("denseface", model_path=checkpoint))


def by_hand(state: dict[str, torch.Tensor], pictures: torch.Tensor) -> torch.Tensor:
    """DenseNet-BC from its paper, in functions, without a module."""

    def norm(states: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        normed: torch.Tensor = functional.batch_norm(
            states, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"]
        ).relu()
        return normed

    states = functional.conv2d(pictures, state["features.conv0.weight"], padding=1)
    for block in (1, 2, 3):
        for layer in range(1, 17):
            name = f"features.denseblock{block}.denselayer{layer}"
            new = functional.conv2d(norm(states, f"{name}.norm1"), state[f"{name}.conv1.weight"])
            new = functional.conv2d(norm(new, f"{name}.norm2"), state[f"{name}.conv2.weight"], padding=1)
            states = torch.cat([states, new], dim=1)
        if block < 3:
            name = f"features.transition{block}"
            states = functional.conv2d(norm(states, f"{name}.norm"), state[f"{name}.conv.weight"])
            states = functional.avg_pool2d(states, 2)
    return norm(states, "features.norm_final").mean(dim=(2, 3))


def grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(frame).convert("L").resize((64, 64), Image.Resampling.BILINEAR))


def test_the_vectors_are_those_of_the_network_of_the_paper(
    encoder: DenseNetEncoder, checkpoint: Path
) -> None:
    clip = clip_of(30)
    (encoded,) = encode(encoder, [clip])
    pixels = torch.from_numpy(np.stack([grey(frame) for frame in clip.frames(2)])).float()
    with torch.inference_mode():
        expected = by_hand(load_file(checkpoint), ((pixels - 89.936) / 45.955)[:, None])
    assert encoded.frames.shape == (2, 342)
    assert_close(encoded.frames, expected.numpy(), rtol=1e-4)  # a hundred layers deep
    np.testing.assert_array_equal(encoded.seconds, clip.times_seconds[clip.choose(2)])


def test_a_batch_gives_what_single_utterances_give_in_any_order(encoder: DenseNetEncoder) -> None:
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    clips = [clip_of(number, first_number=100 * number) for number in (9, 1)]
    batch = encode(encoder, clips)
    for clip, together, turned in zip(clips, batch, encode(encoder, clips[::-1])[::-1], strict=True):
        (alone,) = encode(encoder, [clip])
        assert_close(together.frames, alone.frames)
        assert_close(turned.frames, alone.frames)


def test_the_spec_says_what_was_carried_out(checkpoint: Path) -> None:
    spec = DenseNetSpec(name="m3ed/face", model="m3ed/denseface", frames=FrameChoice(num=3, faces=True))
    weights = find_weights("denseface", model_path=checkpoint)
    encoder = DenseNetEncoder(spec, weights)
    assert encoder.spec.frames == FrameChoice(num=3)
    assert (encoder.spec.num_dims, encoder.spec.revision) == (342, "local")
    assert encoder.spec.weights_digest == weights.digest
    assert encoder.size_seconds(utterance_of(None)) == 3
    assert encoder.unused_weights == ("classifier.bias", "classifier.weight")


def test_mean_and_deviation_are_those_of_the_spec(encoder: DenseNetEncoder, checkpoint: Path) -> None:
    spec = SPEC.model_copy(update={"mean": 0.0, "std": 255.0})
    other = DenseNetEncoder(spec, find_weights("denseface", model_path=checkpoint))
    clip = clip_of(5)
    one, two = (encode(which, [clip])[0].frames for which in (encoder, other))
    assert not np.allclose(one, two, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"features.conv0.weight": None},
            r"lacks 1 of the model's .* features\.conv0\.weight.*features\.norm_final",
        ),
        ({"features.conv0.weight": torch.zeros(24, 3, 3, 3)}, r"has in another shape 1 of .*features\.conv0"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    change: dict[str, Any], expected: str, checkpoint: Path, tmp_path: Path
) -> None:
    state = {**load_file(checkpoint), **change}
    torch.save({name: value for name, value in state.items() if value is not None}, tmp_path / "model.pt")
    with pytest.raises(ModelError, match=expected):
        DenseNetEncoder(SPEC, find_weights("denseface", model_path=tmp_path))


@pytest.mark.parametrize("values", [{"mean": float("nan")}, {"std": float("inf")}, {"std": 0.0}])
def test_a_scaling_that_gives_no_numbers_cannot_be_in_a_spec(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=r"finite|greater than 0"):
        DenseNetSpec(name="m3ed/face", model="m3ed/denseface", **values)


def test_a_recipe_of_another_length_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match=r"vectors of 768 numbers, and the encoder in .* gives 342"):
        DenseNetEncoder(
            SPEC.model_copy(update={"num_dims": 768}), find_weights("denseface", model_path=checkpoint)
        )
