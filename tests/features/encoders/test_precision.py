"""float32 means float32 on a GPU too, and only while we calculate."""

from __future__ import annotations

import pytest
import torch

from emotalk_data.features.encoders.precision import inference


def precisions() -> tuple[str, str]:
    return torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision


def test_convolutions_and_products_are_not_rounded_to_tf32() -> None:
    before = precisions()

    with inference():
        assert precisions() == ("ieee", "ieee")
        assert torch.is_inference_mode_enabled()

    assert precisions() == before
    assert not torch.is_inference_mode_enabled()


def test_what_was_set_comes_back_after_an_error_too() -> None:
    before = precisions()

    with pytest.raises(RuntimeError, match="out of memory"), inference():
        raise RuntimeError("out of memory")

    assert precisions() == before
