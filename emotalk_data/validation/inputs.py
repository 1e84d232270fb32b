"""What kind of thing a path leads to, told from its first bytes and its neighbours, before anything is read.

    release     a folder or an archive of annotations and media
    record      one EmotionTalk annotation
    lines       records, one a line (`-` is the standard input)
    m3ed        M3ED's annotation.json, or its relation file
    dataset     Parquet or Arrow files that were built: rows
    features    Parquet or Arrow files of a feature set: vectors

Content decides over the name where it can. PyArrow is imported for the last two only, to tell them apart.
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Final, Literal, TypeAlias

from emotalk_data.archives.ranges import open_regular
from emotalk_data.archives.sniff import sniff_bytes
from emotalk_data.errors import EmotalkError
from emotalk_data.schemas.ids import match_emotalk_folder, match_emotalk_id
from emotalk_data.schemas.strict_json import BOM

__all__ = ["InputKind", "kind_of", "looks_like_m3ed"]

InputKind: TypeAlias = Literal["release", "record", "lines", "m3ed", "dataset", "features"]

_HEAD_BYTES: Final = 65_536
_TABLES: Final = (".parquet", ".arrow")
_LINES: Final = (".jsonl", ".ndjson")
_DESCRIPTIONS: Final = frozenset({"dataset_dict.json", "dataset_info.json", "state.json"})
_M3ED_NAMES: Final = frozenset({"annotation.json", "relation_annotation_release.json"})
_ARCHIVES: Final = (".tar", ".tar.gz", ".tgz")
_MAX_ENTRIES: Final = 2_000
"""Files and folders that are looked at in a folder that says nothing of itself: then it is a release."""

_MAX_TABLES: Final = 8
"""Tables of a folder that are tried: the first may be damaged."""

# Series, dialogue, and what only M3ED says of one.
_KEY: Final = rb'\s*"(?:[^"\\]|\\.){0,1000}"\s*:\s*'
_M3ED: Final = re.compile(
    rb"\s*\{"
    + _KEY
    + rb"\{"
    + _KEY
    + rb'\{\s*"(?:speaker[ _-]?info|dialog|episode|start[ _-]?time|end[ _-]?time)"',
    re.IGNORECASE,
)


def kind_of(path: str | os.PathLike[str]) -> InputKind:
    """Return the kind of input that `path` is; `-` is lines.

    Of a file at most 64 KB are read, of a folder at most 2,000 names.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        PathError: a fifo, socket or device.
        ReleaseError: the operating system refuses.
    """
    text = os.fspath(path)
    if text == "-":
        return "lines"
    if Path(text).is_dir():
        tables = _tables_below(Path(text))
        return _kind_of_tables(tables) if tables else "release"
    with open_regular(text) as (descriptor, _status):
        head = os.pread(descriptor, _HEAD_BYTES, 0)
    name = Path(text).name.lower()
    if head.startswith((b"PAR1", b"ARROW1\0\0")) or _is_arrow_stream(head):
        return _kind_of_tables([Path(text)])
    if head.removeprefix(BOM).lstrip()[:1] == b"{":
        return _kind_of_json(name, head)
    if name.endswith(_TABLES):
        return "dataset"  # damaged from its first byte on: reading it says so
    if name.endswith((".json", *_LINES)) and sniff_bytes(head) in ("unknown", "empty", "json", "html"):
        return "lines" if _is_lines_by_name(name) else "record"
    return "release"


def looks_like_m3ed(head: bytes) -> bool:
    """Say whether a JSON document that begins with `head` is M3ED's: series, dialogues, and their keys."""
    return _M3ED.match(head.removeprefix(BOM)) is not None


def _kind_of_json(name: str, head: bytes) -> InputKind:
    if name in _M3ED_NAMES or looks_like_m3ed(head):
        return "m3ed"
    if name.endswith(".json"):
        return "record"
    if name.endswith(_LINES):
        return "lines" if _is_lines_by_name(name) else "record"
    first, separator, rest = head.removeprefix(BOM).lstrip().partition(b"\n")
    is_several = bool(separator) and first.rstrip().endswith(b"}") and rest.lstrip()[:1] == b"{"
    return "lines" if is_several else "record"


def _is_lines_by_name(name: str) -> bool:
    """The paper calls released records `.jsonl`: such a file is named by an id, and holds one object."""
    stem, _, suffix = name.rpartition(".")
    return f".{suffix}" in _LINES and not match_emotalk_id(stem.upper())


def _is_arrow_stream(head: bytes) -> bool:
    """An Arrow stream begins with a continuation mark and the length of its schema."""
    return head.startswith(b"\xff\xff\xff\xff") and 0 < int.from_bytes(head[4:8], "little") < 1 << 24


def _tables_below(root: Path) -> list[Path]:
    """Return a few tables below a folder, or nothing when it is a release, which may have tables beside it.

    Level by level: what tells is near the top, in a release as in a dataset.
    """
    tables: list[Path] = []
    descriptions: list[Path] = []
    level, num_seen = [root], 0
    while level:
        below: list[Path] = []
        for folder in level:
            names = _visible_names(folder, _MAX_ENTRIES - num_seen)
            num_seen += len(names)
            if any(_is_of_release(name) for name in names):
                return []
            if len(tables) < _MAX_TABLES:
                tables += [folder / name for name in names if name.lower().endswith(_TABLES)]
            descriptions += [folder / name for name in names if name in _DESCRIPTIONS]
            below += [folder / name for name in names if (folder / name).is_dir()]
        level = below
    return tables[:_MAX_TABLES] or descriptions[:1]


def _visible_names(folder: Path, limit: int) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, limit)]
    except OSError:
        return []  # reading it says so
    return sorted(name for name in names if not name.startswith("."))


def _is_of_release(name: str) -> bool:
    lower = name.lower()
    return (
        lower in _M3ED_NAMES
        or lower.endswith(_ARCHIVES)
        or match_emotalk_folder(name) is not None
        or match_emotalk_id(name.partition(".")[0]) is not None
    )


def _kind_of_tables(paths: list[Path]) -> Literal["dataset", "features"]:
    from emotalk_data.validation.tables.feature_columns import is_feature_schema
    from emotalk_data.validation.tables.shard_reading import read_schema

    for path in paths:
        try:
            return "features" if is_feature_schema(read_schema(str(path))) else "dataset"
        except EmotalkError:
            continue  # damaged: reading it says so
    return "dataset"
