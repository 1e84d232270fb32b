"""Codes of built datasets and feature sets."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code

__all__ = ["TABLES_CODES"]

TABLES_CODES: Final[dict[str, Code]] = {}
