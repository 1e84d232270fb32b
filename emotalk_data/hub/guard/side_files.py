"""Files beside the shards: only those that are known by name, and only with what they should say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from emotalk_data.errors import EmotalkError, quote
from emotalk_data.hub.building.choice import BuildRecipe
from emotalk_data.hub.building.manifest import MANIFEST_NAME, BuildManifest
from emotalk_data.hub.guard.schema_scan import find_in_json, find_too_much
from emotalk_data.hub.guard.text_scan import Finding
from emotalk_data.hub.staged import ConfigKind
from emotalk_data.schemas.feature_shard import PLAN_NAME, SUMMARY_NAME, SetPlan
from emotalk_data.schemas.split_file import load_split_file
from emotalk_data.schemas.strict_json import read_json

__all__ = ["SIDE_FILES", "scan_side_file"]

_SPLITS_NAME: Final = "splits.json"

SIDE_FILES: Final[Mapping[ConfigKind, frozenset[str]]] = {
    "features": frozenset({PLAN_NAME, SUMMARY_NAME}),
    "splits": frozenset({_SPLITS_NAME}),
    "built": frozenset({MANIFEST_NAME}),
    "unknown": frozenset(),
}
"""What may lie beside the shards of a config."""

_MAX_BYTES: Final = 256 << 20
_MAX_TEXT: Final = 2_000
# Of the parts of a file that have no form of their own, such as parameters.
_MAX_FREE_TEXT: Final = 10_000
_MAX_FREE_NUMBERS: Final = 300
_SUMMARY_KEYS: Final = {
    "spec", "spec_digest", "levels", "corpus", "is_complete", "num_rows", "counts", "splits",
    "max_batch_seconds", "devices", "libraries", "num_failures", "failures",
}  # fmt: skip


def scan_side_file(path: Path, kind: ConfigKind) -> Finding | None:
    """Return what is wrong with a file beside the shards; None where nothing is."""
    if path.is_symlink() or not path.is_file():
        return Finding("other", "it is no regular file")
    if path.name not in SIDE_FILES[kind]:
        expected = ", ".join(sorted(SIDE_FILES[kind])) or "nothing"
        return Finding("other", f"beside shards of this kind there is {expected}")
    try:
        if path.stat().st_size > _MAX_BYTES:
            return Finding("other", f"it has more than {_MAX_BYTES:,} bytes")
        raw = path.read_bytes()
        found = find_in_json(raw, max_chars=_MAX_TEXT)
        if found is None:
            found = _check_form(path, raw)
    except (EmotalkError, ValidationError, OSError, ValueError, RecursionError) as error:
        return Finding(
            "other", f"it is not what emotalk_data writes: {quote(str(error).splitlines()[0], 100)}"
        )
    return found


def _check_form(path: Path, raw: bytes) -> Finding | None:
    """Make sure that a file says what such a file says, and nothing beside it.

    Raises:
        ValueError, EmotalkError: it says something else.
    """
    values: Any = read_json(raw, file=path.name, max_bytes=_MAX_BYTES)
    free: Any = None
    if path.name == PLAN_NAME:
        SetPlan.model_validate(values)
    elif path.name == MANIFEST_NAME:
        manifest = BuildManifest.model_validate_json(raw)
        BuildRecipe.model_validate_json(json.dumps(manifest.recipe))
        free = [manifest.key, manifest.source, manifest.recipe, manifest.libraries]
    elif path.name == SUMMARY_NAME:
        unknown = sorted(set(values) - _SUMMARY_KEYS) if isinstance(values, dict) else ["no object"]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no part of it")
        free = [values.get(name) for name in ("spec", "corpus", "max_batch_seconds", "devices", "libraries")]
    else:
        load_split_file(path)
        free = values.get("made")
    return find_too_much(free, max_text=_MAX_FREE_TEXT, max_numbers=_MAX_FREE_NUMBERS)
