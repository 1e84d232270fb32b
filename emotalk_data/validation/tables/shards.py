"""The files of a built dataset or feature set: which belong together, to which split, and which is missing.

data/train-00000-of-00002.parquet      the Hub's layout
train/data-00000-of-00001.arrow        `save_to_disk`, with state.json beside it
emotalk-train.arrow                    the cache, with dataset_info.json beside it
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from emotalk_data.archives.ranges import open_regular, regular_size
from emotalk_data.errors import EmotalkError, ReleaseNotFoundError, quote
from emotalk_data.schemas.strict_json import read_json

__all__ = ["Shard", "TableSet", "find_tables", "missing_shards", "read_description"]

_SUFFIXES: Final = (".parquet", ".arrow")
_CACHED: Final = ("cache-", "tmp", "indices-")
"""What `map`, `filter` and a build that goes on leave in a cache beside the rows."""

_SPLITS: Final = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
}
_WORDS: Final = re.compile(r"[-._ ]")
_NUMBERED: Final = re.compile(r"(.*?)-?([0-9]{5})-of-([0-9]{5})(\..*)")
_MAX_DESCRIPTION_BYTES: Final = 4 << 20


class Shard(NamedTuple):
    """One file of rows.

    Attributes:
        name: how problems name it.
        path: where it is.
        split: train, validation or test, when its name or folder says so.
    """

    name: str
    path: str
    split: str | None


class TableSet(NamedTuple):
    """Shards that are one dataset.

    Attributes:
        folder: where they lie, or the only file itself.
        prefix: what its files' names begin with in problems.
        shards: in the order of their names.
        is_cache: the builder's own folder: a description, and no state of `save_to_disk`.
    """

    folder: Path
    prefix: str
    shards: tuple[Shard, ...]
    is_cache: bool


def find_tables(path: str) -> list[TableSet]:
    """Return the datasets at `path`: a single file, or all files below a folder.

    Raises:
        ReleaseNotFoundError: there is no Parquet or Arrow file.
        PathError: a fifo, socket or device.
        ReleaseError: the operating system refuses.
    """
    if not Path(path).is_dir():
        regular_size(path)
        shard = Shard(path, path, _split_of((Path(path).name,)))
        return [TableSet(Path(path), "", (shard,), False)]
    root, by_folder = Path(path), dict[Path, list[Shard]]()
    for file in _files_below(path):
        relative = file.relative_to(root)
        folder = _folder_of_set(file.parent, root)
        # The folder that was asked for says nothing: it may be called `test` for any reason.
        shard = Shard(relative.as_posix(), str(file), _split_of(relative.parts))
        by_folder.setdefault(folder, []).append(shard)
    if not by_folder:
        raise ReleaseNotFoundError(f"no Parquet or Arrow file of rows under {path}.", path=path)
    sets: list[TableSet] = []
    for folder, shards in sorted(by_folder.items()):
        prefix = f"{folder.relative_to(root).as_posix()}/" if folder != root else ""
        is_cache = (folder / "dataset_info.json").exists() and not (folder / "state.json").exists()
        sets.append(TableSet(folder, prefix, tuple(shards), is_cache))
    return sets


def missing_shards(shards: tuple[Shard, ...]) -> Iterator[tuple[str, int, int]]:
    """Yield (a shard that is there, how many of its series are, how many its name says), where they differ."""
    series: dict[tuple[str, str, str], list[str]] = {}
    for shard in shards:
        folder, _, base = shard.name.rpartition("/")
        match = _NUMBERED.fullmatch(base)
        if match is not None:
            series.setdefault((folder, match[1], match[3]), []).append(shard.name)
    for (_, _, total), names in series.items():
        if len(names) != int(total):
            yield names[0], len(names), int(total)


def read_description(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file beside the shards says; None when there is none.

    Raises:
        EmotalkError: it cannot be read, or is no JSON object.
    """
    try:
        with open_regular(str(path)) as (descriptor, _status):
            raw = os.pread(descriptor, _MAX_DESCRIPTION_BYTES + 1, 0)
    except ReleaseNotFoundError:
        return None
    document = read_json(raw, file=path.name, max_bytes=_MAX_DESCRIPTION_BYTES)
    if not isinstance(document, dict):
        raise EmotalkError(f"{path.name} is {quote(document)}")
    return document


def _files_below(path: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(_SUFFIXES) and not name.startswith((".", *_CACHED)):
                yield Path(folder, name)


def _folder_of_set(folder: Path, root: Path) -> Path:
    """Return the folder that describes a shard's dataset: a DatasetDict's above a Dataset's; else the root."""
    above = [parent for parent in (folder, *folder.parents) if parent == root or root in parent.parents]
    for name in ("dataset_dict.json", "dataset_info.json", "state.json"):
        for parent in above:
            if (parent / name).exists():
                return parent
    return root


def _split_of(parts: tuple[str, ...]) -> str | None:
    """Return the split that a file's name says, or the nearest folder's."""
    *folders, base = parts
    found = {_SPLITS[word] for word in _WORDS.split(base.lower()) if word in _SPLITS}
    if len(found) == 1:
        return found.pop()
    return next((_SPLITS[name.lower()] for name in reversed(folders) if name.lower() in _SPLITS), None)
