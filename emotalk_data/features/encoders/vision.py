"""Image and video encoders of transformers: CLIP, DINOv2, data2vec-vision, BEiT, ViT, VideoMAE."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emotalk_data._optional import require
from emotalk_data.errors import EmotalkError, ModelError, OptionError, quote
from emotalk_data.features.encoders.layers import check_layers, combine
from emotalk_data.features.encoders.loading import load_model, read_beside
from emotalk_data.features.encoders.picture_blocks import block_size, encode_blocks, look_up
from emotalk_data.features.encoders.picture_encoder import PictureEncoder
from emotalk_data.features.encoders.pictures import PictureReader, Pictures
from emotalk_data.features.encoders.scaling import read_scaling
from emotalk_data.features.hook import Encoded
from emotalk_data.schemas.feature_spec import VisionSpec

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.encoders.weights import Weights
    from emotalk_data.features.hook import Utterance

__all__ = ["VisionEncoder"]

_CLIP: Final = ("clip", "clip_vision_model")
_VIDEO: Final = "videomae"
_IMAGE: Final = ("beit", "data2vec-vision", "dinov2", "dinov2_with_registers", "vit")
# No state that is given depends on the pooler, and not every checkpoint has one.
_POOLER: Final = (
    "pooler.dense.weight",
    "pooler.dense.bias",
    "pooler.layernorm.weight",
    "pooler.layernorm.bias",
)


class VisionEncoder(PictureEncoder[VisionSpec]):
    """A vector a picture; for VideoMAE a vector for each two of its 16 pictures.

    One blank picture is encoded at the start, so that what cannot work is said before the first utterance.

    Args:
        spec: what to compute.
        weights: a folder with the model and its image processor.
        device: of torch.
        detector: finds faces, where `spec.frames.faces`; without one whole pictures are taken, and the spec
            says so.

    Raises:
        ModelError: it is none of these models, its weights are incomplete, or its pictures are scaled in a way
            that is not known here.
        OptionError: the choice of pictures contradicts itself, the model or the detector.
        MissingDependencyError: transformers, torch or pillow is not installed; or torchvision is, and is broken.
    """

    def __init__(
        self, spec: VisionSpec, weights: Weights, *, device: str = "cpu", detector: Detector | None = None
    ) -> None:
        self._torch = torch = require("torch", extra="features", purpose="encode pictures")
        if importlib.util.find_spec("torchvision") is not None:
            # transformers does without it, but where it is installed and broken none of these models is imported.
            require("torchvision", extra="features", purpose="encode pictures, where it is installed")
        from emotalk_data.features.encoders.precision import inference

        self._inference = inference
        config = read_beside("AutoConfig", weights)
        spec = _settle_output(spec, config, weights)
        scaling = read_scaling(weights.folder)
        self._reader = PictureReader(spec.frames, scaling.scale, detector=detector)
        self._spec = spec
        self._group = config.num_frames if config.model_type == _VIDEO else 1
        self._moment = config.tubelet_size if config.model_type == _VIDEO else 1
        self._dtype, self._device = getattr(torch, spec.compute), device
        self._model = _load(spec, config, weights, device)
        self._table = torch.from_numpy(scaling.table).to(device)
        self._spec = self._described(weights, self._try_out(scaling.size, weights))

    def prepare(self, utterance: Utterance) -> Pictures:
        """Return its pictures, scaled, uint8, (T, h, w, 3); for VideoMAE always its number of them.

        Raises:
            EmotalkError: as `read_pictures`.
        """
        pictures = super().prepare(utterance)
        lacking = self._group - len(pictures.values)
        if lacking <= 0:
            return pictures
        # Only where pictures without a face were left out: the model cannot take fewer.
        return Pictures(
            np.concatenate([pictures.values, np.repeat(pictures.values[-1:], lacking, axis=0)]),
            np.pad(pictures.seconds, (0, lacking), mode="edge"),
            (*pictures.notes, f"the last picture is repeated to make {self._group}"),
        )

    def extract(self, batch: Sequence[Pictures]) -> list[Encoded]:
        """Return (T, D) for each utterance; T is the number of its pictures, for VideoMAE half of it."""
        clips = [self._grouped(pictures.values) for pictures in batch]
        frames = encode_blocks(clips, self._encode, size=max(block_size(self.device) // self._group, 1))
        return [
            Encoded(
                values.reshape(-1, values.shape[-1]), self._moments(pictures.seconds), notes=pictures.notes
            )
            for values, pictures in zip(frames, batch, strict=True)
        ]

    def _grouped(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (T, h, w, 3) for pictures, (1, T, h, w, 3) for a video."""
        return values if self._group == 1 else values[None]

    def _moments(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the middle of the pictures that a vector was made from."""
        middle: NDArray[np.float64] = seconds.reshape(-1, self._moment).mean(axis=1)
        return middle

    def _encode(self, block: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, D) for pictures, (n, moments, D) for videos."""
        with self._inference():
            pixels = look_up(self._torch.from_numpy(block).to(self._device), self._table).to(self._dtype)
            outputs = self._model(pixels, output_hidden_states=self._spec.output == "hidden_states")
            encoded: NDArray[np.float32] = self._chosen(outputs).float().cpu().numpy()
        return encoded

    def _chosen(self, outputs: Any) -> torch.Tensor:
        spec = self._spec
        if spec.output == "image_embeds":
            embeds: torch.Tensor = outputs.image_embeds
            return embeds
        if spec.output == "hidden_states":
            states = combine(outputs.hidden_states, spec.layers, spec.combine)
        else:
            states = outputs.last_hidden_state.float()  # a sum in bfloat16 would lose another three digits
        if self._group > 1:
            # The patches of one moment lie together.
            return states.unflatten(1, (self._group // self._moment, -1)).mean(dim=2)
        if spec.tokens == "cls":
            return states[:, 0]
        return states.sum(dim=1) if spec.tokens == "sum" else states.mean(dim=1)

    def _try_out(self, size: tuple[int, int], weights: Weights) -> int:
        """Return the length of a vector."""
        blank = self._grouped(np.zeros((self._group, *size, 3), np.uint8))
        try:
            return int(self._encode(blank).shape[-1])
        except EmotalkError:
            raise
        except Exception as error:  # the model's own, such as pictures of a size that it does not take
            raise ModelError(
                f"the model in {quote(str(weights.folder))} cannot encode a picture of {size[1]}x{size[0]} "
                f"pixels: {type(error).__name__}: {error}",
                path=str(weights.folder),
            ) from error


def _settle_output(spec: VisionSpec, config: Any, weights: Weights) -> VisionSpec:
    """Return the spec as it will be carried out.

    Raises:
        ModelError: the model is none of those that are known here, or has no such layer.
        OptionError: the spec asks for something that the model does not give.
    """
    kind = config.model_type
    if kind not in (*_CLIP, *_IMAGE, _VIDEO):
        raise ModelError(
            f"{quote(str(weights.folder))} holds a model of type {quote(kind)}; expected one of "
            f"{', '.join((*_CLIP, *_IMAGE, _VIDEO))}.",
            path=str(weights.folder),
        )
    if spec.output == "image_embeds" and kind not in _CLIP:
        raise OptionError(f'output="image_embeds" is what CLIP gives; {spec.model} is of type {kind}.')
    if spec.output == "hidden_states":
        check_layers(spec.layers, getattr(config, "vision_config", config).num_hidden_layers + 1)
    if kind != _VIDEO:
        return spec
    if spec.frames.num != config.num_frames:
        raise OptionError(
            f"{spec.model} takes exactly {config.num_frames} pictures; frames.num is {spec.frames.num}."
        )
    if spec.tokens == "sum":
        raise OptionError('tokens="sum" is for pictures: of a video the patches of a moment are averaged.')
    return spec.model_copy(update={"tokens": "mean"})


def _load(spec: VisionSpec, config: Any, weights: Weights, device: str) -> Any:
    if config.model_type not in _CLIP:
        return load_model(weights, compute=spec.compute, device=device, may_be_missing=_POOLER)
    # Only the half that looks at pictures; the texts' half stays on the disk.
    if spec.output != "image_embeds":
        return load_model(weights, compute=spec.compute, device=device, loader="CLIPVisionModel")
    vision = getattr(config, "vision_config", config)
    if vision is not config:
        # Old files say the length of the projected vector once, for both halves.
        vision.projection_dim = config.projection_dim
    return load_model(
        weights, compute=spec.compute, device=device, loader="CLIPVisionModelWithProjection", config=vision
    )
