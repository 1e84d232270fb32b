"""Encoders of timm, with the weights of a MobileNetV2 that is real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from emotalk_data.errors import ModelError
from emotalk_data.features.encoders.pictures import Pictures
from emotalk_data.features.encoders.scaling import timm_scaling
from emotalk_data.features.encoders.timm_images import TimmEncoder
from emotalk_data.features.encoders.weights import find_weights
from emotalk_data.features.hook import FeatureExtractor, SizedExtractor
from emotalk_data.schemas.feature_spec import FrameChoice, TimmSpec

from ..mobilenet_weights import original_mobilenet, save_mobilenet
from ..timm_here import require_timm
from ..tiny_vision import assert_close, clip_of, encode, utterance_of

timm = require_timm()

TINY = "test_vit"  # timm's own model for tests: 160 x 160, 64 numbers


def spec_of(architecture: str, **fields: Any) -> TimmSpec:
    values = {"name": "tiny", "model": f"timm/{architecture}", "frames": FrameChoice(num=5), **fields}
    return TimmSpec(**values, architecture=architecture)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("timm") / "model.safetensors"
    save_file(timm.create_model(TINY).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> TimmEncoder:
    path = save_mobilenet(tmp_path_factory.mktemp("mobilenet") / "mobilenetv2.safetensors")
    return TimmEncoder(spec_of("mobilenetv2_100"), find_weights("mobilenetv2", model_path=path))


def test_a_batch_gives_what_single_utterances_give_in_any_order(tiny: Path) -> None:
    encoder = TimmEncoder(spec_of(TINY, frames=FrameChoice(rate=10)), find_weights(TINY, model_path=tiny))
    assert isinstance(encoder, FeatureExtractor)
    assert isinstance(encoder, SizedExtractor)
    clips = [clip_of(number, first_number=100 * number) for number in (21, 3, 40)]
    batch = encode(encoder, clips)
    for clip, together, turned in zip(clips, batch, encode(encoder, clips[::-1])[::-1], strict=True):
        (alone,) = encode(encoder, [clip])
        assert_close(together.frames, alone.frames)
        assert_close(turned.frames, alone.frames)


def test_the_vector_is_timms_own_before_the_classifier(tiny: Path) -> None:
    clip = clip_of(30)
    encoder = TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=tiny))
    (encoded,) = encode(encoder, [clip])
    model = timm.create_model(TINY, num_classes=0).eval()
    model.load_state_dict(load_file(tiny), strict=False)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    with torch.inference_mode():
        expected = model(torch.stack([transform(Image.fromarray(frame)) for frame in clip.frames(5)]))
    assert_close(encoded.frames, expected.numpy())
    assert encoded.seconds is not None
    np.testing.assert_array_equal(encoded.seconds, clip.times_seconds[clip.choose(5)])
    assert encoder.spec.num_dims == expected.shape[1] == 64
    assert encoder.spec.revision == "local"
    assert encoder.size_seconds(utterance_of(clip)) == 5


def test_a_classifier_in_the_file_takes_no_part_and_is_named(tiny: Path) -> None:
    encoder = TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=tiny))
    assert encoder.unused_weights == ("head.bias", "head.weight")


@pytest.mark.parametrize("form", ["state_dict", "model", "plain", "module"])
def test_a_checkpoint_of_pytorch_is_taken(form: str, tiny: Path, tmp_path: Path) -> None:
    state: Any = load_file(tiny)
    if form == "module":
        state = {f"module.{name}": value for name, value in state.items()}
    path = tmp_path / "best.pth"
    torch.save({form: state, "epoch": 3} if form in ("state_dict", "model") else state, path)
    clip = clip_of(9)
    one, other = (
        encode(TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=found)), [clip])[0].frames
        for found in (path, tiny.parent)
    )
    np.testing.assert_array_equal(one, other)


def test_random_weights_are_never_used(tiny: Path, tmp_path: Path) -> None:
    state = load_file(tiny)
    del state["blocks.0.attn.qkv.weight"]
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"lacks 1 of the model's .* random: blocks\.0\.attn\.qkv\.weight"):
        TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=tmp_path))


def test_weights_of_another_shape_are_refused(tiny: Path, tmp_path: Path) -> None:
    state = load_file(tiny)
    state["cls_token"] = torch.zeros(1, 1, 65)
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"has in another shape 1 of the model's .* random: cls_token"):
        TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=tmp_path))


def test_an_architecture_that_timm_does_not_have_is_refused(tiny: Path) -> None:
    with pytest.raises(ModelError, match="has no architecture 'emonet_9000'"):
        TimmEncoder(spec_of("emonet_9000"), find_weights(TINY, model_path=tiny))


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run while it was loaded",))


def test_a_checkpoint_that_would_run_code_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"weight": Harmful()}, tmp_path / "model.pt")
    with pytest.raises(ModelError, match="no weights that can be loaded safely: UnpicklingError"):
        TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=tmp_path))
    assert "run while" not in capsys.readouterr().out


def test_files_that_are_no_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(tiny.read_bytes()[:1_000])
    with pytest.raises(ModelError, match="no weights that can be loaded safely"):
        TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=path))
    torch.save([1, 2, 3], tmp_path / "list.pt")
    with pytest.raises(ModelError, match="is no state_dict"):
        TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=tmp_path / "list.pt"))
    for name in ("a.pt", "b.pt"):
        (tmp_path / "several").mkdir(exist_ok=True)
        torch.save({}, tmp_path / "several" / name)
    with pytest.raises(ModelError, match=r"there are 2: a\.pt, b\.pt\. Give the file itself"):
        TimmEncoder(spec_of(TINY), find_weights(TINY, model_path=tmp_path / "several"))


def made_up_pictures() -> Pictures:
    """Three pictures that anyone can make again: a ramp, a chequer board, and rings."""
    rows, columns = np.mgrid[0:224, 0:224]
    ramp = np.stack([rows, columns, 255 - rows], axis=-1)
    board = np.where((rows // 28 + columns // 28)[..., None] % 2, (230, 60, 20), (20, 90, 200))
    rings = np.hypot(rows - 112, columns - 112)[..., None] * (3, 5, 7) % 256
    values = np.stack([ramp, board, rings.astype(np.int64)]).astype(np.uint8)
    return Pictures(values, np.arange(3.0))


def test_a_real_mobilenet_gives_what_its_own_code_gives(mobilenet: TimmEncoder) -> None:
    """torch 2.13 on a CPU; two implementations of the network, the same weights."""
    assert mobilenet.unused_weights == ()
    pictures = made_up_pictures()
    (encoded,) = mobilenet.extract([pictures])
    values = torch.from_numpy(pictures.values).permute(0, 3, 1, 2).float() / 255
    mean, std = (
        torch.tensor(numbers)[:, None, None] for numbers in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.inference_mode():
        expected = original_mobilenet()((values - mean) / std)
    assert_close(encoded.frames, expected.numpy(), rtol=1e-4)
    assert mobilenet.spec.num_dims == 1280


# Of each of the three pictures: mean of its 1,280 numbers, the largest and its place, and numbers 557 and 838.
# Made with `mobilenet.extract([made_up_pictures()])`, timm 1.0.31, torch 2.13 on a CPU. Another machine adds up
# in another order: one part in a thousand is allowed.
GOLDEN_MEANS = [0.256749, 0.367133, 0.683620]
GOLDEN_PLACES = [1122, 746, 575]
GOLDEN_LARGEST = [2.607625, 2.667477, 4.413928]
GOLDEN_557_838 = [[1.508476, 1.214414], [2.230128, 1.266112], [2.640773, 3.802368]]


def test_a_real_mobilenet_gives_the_golden_vectors(mobilenet: TimmEncoder) -> None:
    (encoded,) = mobilenet.extract([made_up_pictures()])
    frames = encoded.frames
    np.testing.assert_allclose(frames.mean(axis=1), GOLDEN_MEANS, rtol=1e-3)
    assert frames.argmax(axis=1).tolist() == GOLDEN_PLACES
    np.testing.assert_allclose(frames.max(axis=1), GOLDEN_LARGEST, rtol=1e-3)
    np.testing.assert_allclose(frames[:, [557, 838]], GOLDEN_557_838, rtol=1e-3)


def test_the_real_scaling_of_a_real_clip_is_timms(mobilenet: TimmEncoder) -> None:
    clip = clip_of(12)
    (encoded,) = encode(mobilenet, [clip])
    model = timm.create_model("mobilenetv2_100", num_classes=0)
    config = timm.data.resolve_model_data_config(model)
    assert timm_scaling(config).size == (224, 224)
    transform = timm.data.create_transform(**config)
    pixels = torch.stack([transform(Image.fromarray(frame)) for frame in clip.frames(5)])
    with torch.inference_mode():
        expected = original_mobilenet()(pixels)
    assert_close(encoded.frames, expected.numpy(), rtol=1e-4)
