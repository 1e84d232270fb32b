"""Scaling for timm's models: that of timm's own transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from emotalk_data.errors import ModelError
from emotalk_data.features.encoders.scaling import timm_scaling

from ..timm_here import require_timm
from .some_pictures import SIZES, picture_of, scaled

timm = require_timm()


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 300), st.integers(2, 300))
def test_scaling_for_timm_is_that_of_its_transform_for_pictures_of_any_size(height: int, width: int) -> None:
    picture = picture_of(height, width)
    config = timm.data.resolve_data_config(pretrained_cfg={"input_size": (3, 32, 32), "crop_pct": 0.87})
    transformed = timm.data.create_transform(**config)(Image.fromarray(picture)).numpy()
    np.testing.assert_allclose(scaled(timm_scaling(config), picture), transformed, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "architecture", ["mobilenetv2_100", "eva02_base_patch14_224.mim_in22k", "vit_tiny_patch16_224"]
)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_scaling_for_timm_is_that_of_its_transform(architecture: str, height: int, width: int) -> None:
    config = timm.data.resolve_data_config(
        pretrained_cfg=timm.models.get_pretrained_cfg(architecture).to_dict()
    )
    picture = picture_of(height, width)
    expected = timm.data.create_transform(**config)(Image.fromarray(picture)).numpy()
    got = scaled(timm_scaling(config), picture)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "change", [{"crop_mode": "border"}, {"interpolation": "random"}, {"input_size": (3, 64, 96)}]
)
def test_a_timm_model_that_is_scaled_otherwise_is_refused(change: dict[str, Any]) -> None:
    config = timm.data.resolve_data_config(pretrained_cfg={"crop_pct": 0.9})
    with pytest.raises(ModelError, match="as this timm model expects"):
        timm_scaling({**config, **change})


def test_timm_pictures_can_be_squashed() -> None:
    config = timm.data.resolve_data_config(
        pretrained_cfg={"crop_mode": "squash", "crop_pct": 0.9, "input_size": (3, 64, 96)}
    )
    expected = timm.data.create_transform(**config)(Image.fromarray(picture_of(80, 70))).numpy()
    np.testing.assert_allclose(
        scaled(timm_scaling(config), picture_of(80, 70)), expected, rtol=1e-6, atol=1e-6
    )
