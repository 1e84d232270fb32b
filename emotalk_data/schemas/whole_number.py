"""Integers as JSON has them: 1 and 1.0 are the same number there, and the JSON Schemas say so too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import CoreSchema, core_schema

__all__ = ["WholeNumber"]


@dataclass(frozen=True)
class WholeNumber:
    """Marks an int field that takes any number without a fraction, as int; no boolean and no string.

    Both steps run in Pydantic's compiled core: a strict float (which takes an int and refuses a boolean), then
    an int of it. The bounds must be exact as floats.

    Attributes:
        least: smallest value that is taken.
        greatest: largest value that is taken.
    """

    least: int
    greatest: int

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        number = core_schema.float_schema(strict=True, ge=self.least, le=self.greatest)
        return core_schema.chain_schema([number, core_schema.int_schema()])

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: object) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.greatest}
