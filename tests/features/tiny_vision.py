"""Small random image encoders in the form that `save_pretrained` writes, and clips whose pictures all differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers.models.beit.image_processing_pil_beit import BeitImageProcessorPil
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from emotalk_data.features.encoders.weights import Weights, find_weights
from emotalk_data.features.hook import Encoded, FeatureExtractor, Utterance
from emotalk_data.media import VideoClip
from emotalk_data.testing.media import numbered_video_bytes

__all__ = [
    "KINDS",
    "PROCESSORS",
    "SIDE",
    "assert_close",
    "clip_of",
    "encode",
    "make_model",
    "save_model",
    "utterance_of",
]

SIDE = 32
KINDS = ("clip", "dinov2", "data2vec-vision", "beit", "vit", "videomae")
PROCESSORS: dict[str, Any] = {
    "CLIP": CLIPImageProcessorPil,
    "Bit": BitImageProcessorPil,
    "Beit": BeitImageProcessorPil,
    "ViT": ViTImageProcessorPil,
    "VideoMAE": VideoMAEImageProcessorPil,
}
_LAYERS: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}


def make_model(kind: str) -> Any:
    """Return a model of random weights for pictures of 32 x 32, and its image processor."""
    torch.manual_seed(1)
    crop = {"height": SIDE, "width": SIDE}
    exact: dict[str, Any] = {"size": crop, "do_center_crop": False}
    cut: dict[str, Any] = {"size": {"shortest_edge": 36}, "crop_size": crop}
    if kind == "clip":
        text = {
            **_LAYERS,
            "vocab_size": 50,
            "max_position_embeddings": 8,
            "bos_token_id": 0,
            "eos_token_id": 1,
        }
        vision = {**_LAYERS, "image_size": SIDE, "patch_size": 8, "projection_dim": 24}
        config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
        return transformers.CLIPModel(config), CLIPImageProcessorPil(**cut)
    if kind == "dinov2":
        config = transformers.Dinov2Config(**_LAYERS, image_size=48, patch_size=8)
        return transformers.Dinov2Model(config), BitImageProcessorPil(**cut)
    if kind == "data2vec-vision":
        config = transformers.Data2VecVisionConfig(**_LAYERS, image_size=SIDE, patch_size=8)
        return transformers.Data2VecVisionModel(config), BeitImageProcessorPil(**exact)
    if kind == "beit":
        config = transformers.BeitConfig(**_LAYERS, image_size=SIDE, patch_size=8)
        return transformers.BeitModel(config), BeitImageProcessorPil(**exact)
    if kind == "vit":
        config = transformers.ViTConfig(**_LAYERS, image_size=SIDE, patch_size=8)
        return transformers.ViTModel(config), ViTImageProcessorPil(size=crop)
    config = transformers.VideoMAEConfig(**_LAYERS, image_size=SIDE, patch_size=16, num_frames=16)
    return transformers.VideoMAEModel(config), VideoMAEImageProcessorPil(**cut)


def save_model(kind: str, folder: Path) -> Weights:
    """Write a model and its image processor."""
    model, processor = make_model(kind)
    # Fresh weights are so small that states would hardly depend on the picture.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(5.0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return find_weights(kind, model_path=folder)


def clip_of(num_frames: int, **options: Any) -> VideoClip:
    """Return a clip at 25 frames a second, 160 x 120; frame i shows the number i."""
    data = numbered_video_bytes(num_frames=num_frames, audio=False, **options)
    return VideoClip(bytes=data, path=f"{num_frames}-frames.mp4")


def utterance_of(video: VideoClip | None, utterance_id: str = "G00001_01_01_001") -> Utterance:
    """Return an utterance that has nothing but pictures."""
    return Utterance(utterance_id, None, None, None, video, {})


def encode(encoder: FeatureExtractor[Any], clips: Sequence[VideoClip]) -> list[Encoded]:
    """Encode clips in one batch."""
    return list(encoder.extract([encoder.prepare(utterance_of(clip)) for clip in clips]))


def assert_close(one: NDArray[Any], other: NDArray[Any], *, rtol: float = 1e-5) -> None:
    """Compare float32 of two ways to calculate; zero is as exact as the largest value allows."""
    np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * float(np.abs(other).max()))
