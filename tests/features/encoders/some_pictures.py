"""Pictures of noise, and how an encoder would see them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from emotalk_data.features.encoders.picture_blocks import look_up
from emotalk_data.features.encoders.scaling import Scaling

__all__ = ["SIZES", "Picture", "picture_of", "scaled"]

Picture = NDArray[np.uint8]


def picture_of(height: int, width: int) -> Picture:
    return np.random.default_rng(height * 1_000 + width).integers(0, 256, (height, width, 3), np.uint8)


def scaled(scaling: Scaling, picture: Picture) -> NDArray[np.float32]:
    pixels = torch.from_numpy(scaling.scale(picture))
    values: NDArray[np.float32] = look_up(pixels, torch.from_numpy(scaling.table)).numpy()
    return values


SIZES = [(120, 160), (160, 120), (37, 301), (224, 224), (225, 224), (17, 19), (480, 853)]
