"""Whether a text names a place on a machine: what is shared tells nobody how its maker's disk is laid out."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["find_local_path"]

# `https://host/~me/x` names no place on a machine.
_PAGES: Final = re.compile(r"\bhttps?://[^\s'\"<>]*", re.IGNORECASE)
_ROOTS: Final = (
    "Users|Volumes|cluster|content|data|dev|etc|gpfs|home|kaggle|lustre|media|mnt|nfs|opt|private|proc|root|run"
    "|scratch|srv|ssd|storage|tmp|usr|var|work|workspace"
)
_PATHS: Final = re.compile(
    rf"""
      (?i:file):/\S+                             # file:///home/me
    | (?<![\w.~])/(?:{_ROOTS})\b            # /tmp
    | (?<![\w./~])/(?:[^\s/'"]+/)+[^\s/'"]* # /anything/else
    | (?<!\w)~\w*/\S                        # ~/x, ~me/x
    | (?<![A-Za-z])[A-Za-z]:[\\/]+\w        # C:\x
    | \\\\[\w.-]+\\                         # \\server\share
    """,
    re.VERBOSE,
)


def find_local_path(text: str) -> str | None:
    """Return the beginning of the first path of a machine that a text names; None where it names none.

    Addresses of the web are none, and neither are relative paths, such as `data/train.parquet` and `and/or`.
    """
    match = _PATHS.search(_PAGES.sub(" ", text))
    return None if match is None else match[0][:80]
