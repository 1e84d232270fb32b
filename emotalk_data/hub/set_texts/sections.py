"""Sections of the card about one config each: they stay when another set is published to the same repository."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

__all__ = ["OTHERS", "config_section", "with_kept_sections"]

OTHERS: Final = "<!-- emotalk-data: configs that were published before -->"
"""Where the sections of other configs go."""

_SECTION: Final = re.compile(
    r"<!-- emotalk-data: config ([\w.-]+) -->\n.*?\n<!-- emotalk-data: end of config \1 -->", re.DOTALL
)


def config_section(name: str, text: str) -> str:
    """Return the section of a config between its marks."""
    return f"<!-- emotalk-data: config {name} -->\n\n{text}\n\n<!-- emotalk-data: end of config {name} -->"


def with_kept_sections(block: str, before: str, configs: Collection[str]) -> str:
    """Return our text with the sections of configs that it says nothing of, and that are still there.

    Args:
        block: our text.
        before: our text as it was until now.
        configs: names of all configs of the repository.
    """
    told = {match[1] for match in _SECTION.finditer(block)}
    kept = {match[1]: match[0] for match in _SECTION.finditer(before)}
    sections = [section for name, section in kept.items() if name in configs and name not in told]
    return block.replace(OTHERS, "\n\n".join([OTHERS, *sections]))
