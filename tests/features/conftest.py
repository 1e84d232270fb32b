"""torchvision on the test machines, which timm imports, and small models that all tests of this room share."""

from __future__ import annotations

import sys
from contextlib import suppress

import torch

_OPERATORS = (
    "nms", "qnms", "roi_align", "_roi_align_backward", "qroi_align", "ps_roi_align", "_ps_roi_align_backward",
    "roi_pool", "_roi_pool_backward", "ps_roi_pool", "_ps_roi_pool_backward", "deform_conv2d",
    "_deform_conv2d_backward",
)  # fmt: skip
_declared: list[torch.library.Library] = []


def _let_torchvision_import() -> None:
    """Declare torchvision's operators where its library cannot be loaded.

    There is no torchvision for the CPU in the registry: beside a CPU build of torch its operators, for finding
    objects, are missing, and it does not import for want of them. No encoder uses them; timm takes its picture
    transforms.
    """
    with suppress(ImportError, RuntimeError):
        import torchvision  # noqa: F401

        return
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for name in _OPERATORS:
        library.define(f"{name}(Tensor x) -> Tensor")
    _declared.append(library)


_let_torchvision_import()
