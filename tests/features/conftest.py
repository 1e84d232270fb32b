"""timm on the test machines.

timm needs torchvision, and the registry has none for a CPU build of torch: the one that it has is broken beside
such a torch, and so is then transformers. `.ci/run` therefore puts both into a folder of their own,
`$EMOTALK_TIMM`, which only these tests look into. Without it the tests of timm are skipped, which pytest lists;
`FAIL_WITHOUT_TIMM=1` turns that into a failure.
"""

from __future__ import annotations

import importlib.util
import os
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

    They find objects in pictures. No encoder uses them; timm takes torchvision's transforms.
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


if importlib.util.find_spec("timm") is None and os.environ.get("EMOTALK_TIMM"):
    sys.path.append(os.environ["EMOTALK_TIMM"])
if importlib.util.find_spec("torchvision") is not None:
    _let_torchvision_import()
if os.environ.get("FAIL_WITHOUT_TIMM") == "1":
    import timm  # noqa: F401
