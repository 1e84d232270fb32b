"""The `audio` and `video` columns of a built dataset: whether anything is behind a value. Nothing is opened."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.archives.location import Location
from emotalk_data.errors import EmotalkError, quote
from emotalk_data.validation.tables.row_problems import RowProblems, rows_of

__all__ = ["MediaChecks"]

_NUM_KNOWN: Final = 1_024


class MediaChecks:
    """Checks the media columns of one dataset.

    Args:
        folder: where relative paths begin.
        problems: takes the findings.
        is_cache: rows of the builder's own cache: they name the release's files, which is no news.
    """

    def __init__(self, folder: Path, problems: RowProblems, *, is_cache: bool) -> None:
        self._folder = folder
        self._problems = problems
        self._is_cache = is_cache
        # Many rows name members of one archive, or windows of one episode.
        self._exists = lru_cache(_NUM_KNOWN)(_exists)

    def check(self, column: str, values: pa.Array) -> None:
        """Check one column of a batch.

        Args:
            column: `audio` or `video`.
            values: struct<bytes, path>.
        """
        has_bytes = pc.is_valid(pc.struct_field(values, "bytes"))
        paths = pc.struct_field(values, "path")
        nothing = pc.and_(pc.is_valid(values), pc.and_(pc.invert(has_bytes), pc.is_null(paths)))
        expected = "bytes, a path, or null"
        self._problems.add("DS-MEDIA-003", rows_of(nothing), column, "neither bytes nor a path", expected)
        rows = rows_of(pc.and_(pc.invert(has_bytes), pc.is_valid(paths)))
        found: dict[str, list[int]] = {"DS-MEDIA-001": [], "DS-MEDIA-002": [], "DS-MEDIA-003": []}
        for row in rows:
            code = self._judge(paths[row].as_py())
            if code is not None:
                found[code].append(row)
        for code, of_code in found.items():
            self._report(code, of_code, column, paths)

    def _judge(self, path: str) -> str | None:
        try:
            file = Location.parse(path).file
        except EmotalkError:
            return "DS-MEDIA-003"
        if not os.path.isabs(file):  # noqa: PTH117  a str, and pathlib is slower
            if ".." in file.replace("\\", "/").split("/"):
                return "DS-MEDIA-003"
            file = str(self._folder / file)
        elif self._is_cache:
            return None if self._exists(file) else "DS-MEDIA-001"
        elif self._exists(file):
            return "DS-MEDIA-002"
        return None if self._exists(file) else "DS-MEDIA-001"

    def _report(self, code: str, rows: list[int], column: str, paths: pa.Array) -> None:
        if code == "DS-MEDIA-002":  # alike in every row: one line in the report
            self._problems.add(code, rows, f"{column}.path", "an absolute path, without bytes", "bytes too")
            return
        what = "missing" if code == "DS-MEDIA-001" else "no path that can be read"
        expected = "a file that is there" if code == "DS-MEDIA-001" else "a file, or a member of an archive"

        def found(number: int) -> str:
            return f"{quote(paths[rows[number]].as_py())}, {what}"

        self._problems.add(code, rows, f"{column}.path", found, expected)


def _exists(file: str) -> bool:
    try:
        return Path(file).exists()
    except (OSError, ValueError):
        return False
