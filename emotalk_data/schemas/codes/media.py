"""Codes of sound and picture files, of either corpus."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code

__all__ = ["MEDIA_CODES"]

MEDIA_CODES: Final[dict[str, Code]] = {}
