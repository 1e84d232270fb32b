"""Text from footers and files in the Markdown of a card: it cannot leave its place, and looks the same there."""

from __future__ import annotations

import re
from typing import Final

from emotalk_data.errors import printable

__all__ = ["in_code", "in_prose"]

_ACTIVE: Final = re.compile(r"([\\`*_\[\]|#~])")
_MAX_CHARS: Final = 4_000


def in_code(text: str) -> str:
    """Return text as a span of code, for a line of a list or a cell of a table."""
    line = printable(text[:_MAX_CHARS]).replace("`", "'").replace("|", "/")
    # A comment would be none inside of code; but the card is also searched for our own markers.
    return f"`{line.replace('<!--', '< !--')}`"


def in_prose(text: str) -> str:
    """Return text as one paragraph in which nothing is a link, a tag or a heading."""
    line = printable(" ".join(text[:_MAX_CHARS].split()))
    return _ACTIVE.sub(r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;"))
