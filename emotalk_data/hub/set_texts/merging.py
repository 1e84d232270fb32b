"""Our part of a card, put into what its owner wrote: everything of theirs stays as it is.

The YAML at the head gets our keys anew, and keeps all others. Below it, what stands between two marks is ours and
is written anew each time, but for sections of configs that are not published now: these stay as they were. What
is before and behind the marks is the owner's.

The licence that we name is recorded in our part, that of each config in its section: so a licence that is not the
recorded one is the owner's, and a config that stays keeps its terms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import yaml  # type: ignore[import-untyped]  # ships no types
from huggingface_hub import DatasetCard
from huggingface_hub.repocard import REGEX_YAML_BLOCK

from emotalk_data.errors import PublishRefusedError, quote
from emotalk_data.hub.set_texts.configs import config_names, merge_configs
from emotalk_data.hub.set_texts.licence_marks import (
    NamedLicence,
    check_kept,
    find_mark,
    licence_mark,
    named_in,
)
from emotalk_data.hub.set_texts.sections import inner_text, kept_sections, with_kept_sections
from emotalk_data.hub.staged import CARD_BEGIN, CARD_END

__all__ = ["merge_card"]

_MAX_CHARS: Final = 2 << 20
_OPENED: Final = re.compile(r"\s*---[ \t]*\r?\n")
_BEGIN_OF_ANY: Final = "<!-- emotalk-data: what stands"
_OURS: Final = ("license", "license_name", "license_link", "size_categories")
_GATE: Final = "extra_gated_"
_OF_BOTH: Final = ("language", "task_categories", "source_datasets", "tags")
_BLOCKS: Final = ("configs", "dataset_info")


class _Parts(NamedTuple):
    data: dict[str, Any]
    before: str
    inside: str | None  # None where there is nothing of ours yet
    after: str


def merge_card(
    existing: str | None,
    data: Mapping[str, Any],
    block: str,
    *,
    check_licence: Callable[[object], None],
) -> str:
    """Return the card: what its owner wrote, with our keys and text in it. Merging twice changes nothing.

    Ours are the licence, the form of the gate, the sizes, and the configs that lie in our folders. Tags and other
    lists are those of both. Of anything else, `pretty_name` among them, the owner's value stays.

    Args:
        existing: the card that is there; None where there is none.
        data: our YAML.
        block: our text, without the two marks.
        check_licence: called with the owner's `license`, where there is one that we did not write; raises if it
            is laxer than ours.

    Raises:
        PublishRefusedError: YAML or marks of the card that is there are damaged, its licence is laxer, or ours
            is laxer than that of a config that stays.
    """
    parts = _parts(existing if existing is not None and existing.strip() else "")
    inside, there, now = parts.inside or "", named_in(parts.data), named_in(data)
    is_ours = there is not None and there == find_mark(inside.partition("-->")[2])
    if parts.data.get("license") is not None and not is_ours:
        check_licence(parts.data["license"])
    merged = _merge(data, parts.data)
    kept = kept_sections(block, inside, config_names(merged))
    check_kept(_licences(kept, there), now, data)
    mark = "" if now is None else f"{licence_mark(now)}\n\n"
    ours = f"{CARD_BEGIN}\n\n{mark}{with_kept_sections(block.strip(), kept)}\n\n{CARD_END}"
    before, after = parts.before, parts.after
    if parts.inside is None:
        line_end = "" if not before or before.endswith("\n") else "\n"
        before, after = f"{before}{line_end}\n", "\n"
    return _checked(f"{_yaml(merged)}{before}{ours}{after}")


def _licences(sections: Mapping[str, str], otherwise: NamedLicence | None) -> dict[str, NamedLicence | None]:
    """Return config -> its licence; that of the whole card where its section does not record one."""
    return {name: find_mark(inner_text(section)) or otherwise for name, section in sections.items()}


def _parts(existing: str) -> _Parts:
    if len(existing) > _MAX_CHARS:
        raise _damaged(f"it has {len(existing):,} characters, and at most {_MAX_CHARS:,} are read")
    existing = existing.removeprefix("\ufeff")
    match = REGEX_YAML_BLOCK.search(existing)
    # The newline before the closing --- is of the value: a text of several lines may end with it.
    data = {} if match is None else _read_yaml(f"{match[2]}\n")
    text = existing if match is None else existing[match.end() :]
    if match is None and _OPENED.match(existing):
        raise _damaged("its YAML begins with --- and has no end")
    begins, ends = text.count(_BEGIN_OF_ANY), text.count(CARD_END)
    if begins == ends == 0:
        return _Parts(data, text, None, "")
    before, _, rest = text.partition(_BEGIN_OF_ANY)
    inside, _, after = rest.partition(CARD_END)
    if begins != 1 or ends != 1 or CARD_END in before or "-->" not in inside:
        raise _damaged(
            f"it has {begins} marks where our part begins and {ends} where it ends; expected one of each, in "
            f"this order"
        )
    return _Parts(data, before, inside, after)


def _read_yaml(text: str) -> dict[str, Any]:
    try:
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 2}" if mark is not None else ""
        raise _damaged(f"its YAML cannot be read{where}: {quote(problem, 120)}") from error
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise _damaged("its YAML is no list of keys and values")
    return data


class _StrictLoader(yaml.SafeLoader):  # type: ignore[misc]  # it is Any, without types
    """Refuses a key that is there twice: PyYAML would let the first value vanish."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is there twice", key.start_mark
                    )
                seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _merge(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return all keys: theirs in their order, then those that only we have."""
    merged: dict[str, Any] = {}
    blocks = merge_configs(ours, theirs)
    for key in [*theirs, *(key for key in ours if key not in theirs)]:
        if key in _BLOCKS:
            value = blocks[key]
        elif key in _OF_BOTH:
            value = _union(theirs.get(key), ours.get(key))
        elif _is_ours(key, ours):
            value = ours.get(key)
        else:
            value = theirs.get(key, ours.get(key))
        if value is not None or (key in theirs and not _is_ours(key, ours)):
            merged[key] = value
    return merged


def _is_ours(key: str, ours: Mapping[str, Any]) -> bool:
    return key in _OURS or (key.startswith(_GATE) and key in ours)


def _union(theirs: Any, ours: Any) -> list[Any] | None:
    """Return what either lists, theirs first."""
    listed = [*_listed(theirs), *(one for one in _listed(ours) if one not in _listed(theirs))]
    return listed or None


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _yaml(data: Mapping[str, Any]) -> str:
    return f"---\n{yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True).strip()}\n---\n"


def _checked(text: str) -> str:
    """Return a card that the Hub's client can read.

    Raises:
        PublishRefusedError: it cannot, because of what the owner wrote.
    """
    try:
        DatasetCard(text)
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise _damaged(
            f"the Hub's client cannot read it: {quote(' '.join(str(error).split()), 160)}"
        ) from error
    return text


def _damaged(problem: str) -> PublishRefusedError:
    return PublishRefusedError(
        f"the README.md of the repository is not written over: {problem}. Correct it there, and publish again."
    )
