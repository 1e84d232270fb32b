"""Sections of the card about one config each: they stay when another set is published to the same repository."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

__all__ = ["OTHERS", "config_section", "inner_text", "kept_sections", "with_kept_sections"]

OTHERS: Final = "<!-- emotalk-data: configs that were published before -->"
"""Where the sections of other configs go."""

_SECTION: Final = re.compile(
    r"<!-- emotalk-data: config ([\w.-]+) -->\r?\n(.*?)\n<!-- emotalk-data: end of config \1 -->", re.DOTALL
)
_OF_BEFORE: Final = (
    "The sections from here to “Known limits” are of configs that were published here before: each stays as it "
    "was written then. The rest of this text is about those that were published last."
)


def config_section(name: str, text: str) -> str:
    """Return the section of a config between its marks."""
    return f"<!-- emotalk-data: config {name} -->\n\n{text}\n\n<!-- emotalk-data: end of config {name} -->"


def kept_sections(block: str, before: str, configs: Collection[str]) -> dict[str, str]:
    """Return config -> its section, of configs that our text says nothing of, and that are still there.

    Args:
        block: our text.
        before: our text as it was until now.
        configs: names of all configs of the repository.
    """
    told = {match[1] for match in _SECTION.finditer(block)}
    there = {match[1]: match[0] for match in _SECTION.finditer(before)}
    return {name: section for name, section in there.items() if name in configs and name not in told}


def inner_text(section: str) -> str:
    """Return what stands between the marks of a section."""
    found = _SECTION.fullmatch(section)
    return section if found is None else found[2]


def with_kept_sections(block: str, kept: Mapping[str, str]) -> str:
    """Return our text with the sections of other configs in their place."""
    return block.replace(OTHERS, "\n\n".join([OTHERS, _OF_BEFORE, *kept.values()]) if kept else OTHERS)
