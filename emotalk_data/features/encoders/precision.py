"""What a GPU calculates in, when it is told to calculate in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["inference"]


@contextmanager
def inference() -> Iterator[None]:
    """Run encoders without gradients, and in float32 where they are in float32.

    By default cuDNN rounds the inputs of float32 convolutions to TF32, ten bits of mantissa, which is an error of
    about 1e-3; and a program may have asked for the same in matrix products. Both are put back afterwards.
    """
    settings = [_setting(torch.backends.cudnn, "conv"), _setting(torch.backends.cuda, "matmul")]
    before = [getattr(owner, name) for owner, name, _ in settings]
    for owner, name, exact in settings:
        setattr(owner, name, exact)
    try:
        with torch.inference_mode():
            yield
    finally:
        for (owner, name, _), value in zip(settings, before, strict=True):
            setattr(owner, name, value)


def _setting(backend: Any, operation: str) -> tuple[Any, str, str | bool]:
    """Return where a setting is kept, its name, and the value that means float32.

    torch 2.9 gave each operation its `fp32_precision`; mixing it with the older switches is an error there.
    """
    owner = getattr(backend, operation, backend)
    if hasattr(owner, "fp32_precision"):
        return owner, "fp32_precision", "ieee"
    return owner, "allow_tf32", False
