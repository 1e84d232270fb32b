"""timm, or a skip that says how to get it: see conftest.py."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["require_timm"]


def require_timm() -> Any:
    """Return the package; skip what asks for it where it is not there."""
    return pytest.importorskip("timm", reason="timm is not installed; .ci/run puts it into $EMOTALK_TIMM")
