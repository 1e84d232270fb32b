"""The ids of a built dataset: their form, the columns that repeat their parts, doubles, and splits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyarrow as pa

from emotalk_data.errors import quote
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.emotalk import official_split
from emotalk_data.schemas.ids import EMOTALK_ID_PATTERN, M3ED_ID_PATTERN
from emotalk_data.validation.seen_ids import SeenIds
from emotalk_data.validation.tables.dataset_columns import Corpus
from emotalk_data.validation.tables.row_problems import RowProblems

__all__ = ["IdChecks", "valid_ids"]

_PATTERNS: Final = {"emotalk": re.compile(EMOTALK_ID_PATTERN), "m3ed": re.compile(M3ED_ID_PATTERN)}
_EXPECTED: Final = {"emotalk": "an id such as G00008_01_11_002", "m3ed": "an id such as anjia_1_2"}
_SPLITS: Final = ("train", "validation", "test")
_NO_SPLIT: Final = len(_SPLITS)
_MAX_SERIES: Final = 10_000

# Column -> the part of the id that it repeats, from the groups of the pattern.
_PARTS: Final[dict[Corpus, dict[str, Callable[[re.Match[str]], str | int]]]] = {
    "emotalk": {
        "dialogue_id": lambda match: f"{match[1]}_{match[2]}",
        "group_id": lambda match: match[1],
        "session_id": lambda match: match[2],
        "speaker_id": lambda match: match[3],
        "utterance_number": lambda match: int(match[4]),
    },
    "m3ed": {
        "dialogue_id": lambda match: f"{match[1]}_{match[2]}",
        "series": lambda match: match[1],
        "utterance_number": lambda match: int(match[3]),
    },
}


def valid_ids(column: pa.Array, corpus: Corpus) -> tuple[list[str | None], list[re.Match[str] | None]]:
    """Return the ids of a column and how each matches its corpus's form; None where it does not."""
    match = _PATTERNS[corpus].fullmatch
    matches = [match(text) if text is not None else None for text in column.to_pylist()]
    return [found[0] if found is not None else None for found in matches], matches


class IdChecks:
    """Checks the ids of one dataset, shard after shard. Keeps some 20 bytes of each id.

    Args:
        corpus: whose ids they are.
        problems: takes the findings about rows.
        report: takes the findings about whole series.
    """

    def __init__(self, corpus: Corpus, problems: RowProblems, report: Report) -> None:
        self._corpus: Corpus = corpus
        self._problems = problems
        self._report = report
        self._seen = SeenIds()
        self._split_of_series: dict[str, str] = {}
        self._mixed_series: set[str] = set()

    def check(
        self,
        columns: Mapping[str, pa.Array],
        matches: list[re.Match[str] | None],
        file: str,
        split: str | None,
    ) -> None:
        """Check one batch.

        Args:
            columns: columns of the batch, `utterance_id` among them.
            matches: what `valid_ids` returned.
            file: the shard's name.
            split: the shard's split, when it is known.
        """
        texts = columns["utterance_id"]
        rows = [row for row, match in enumerate(matches) if match is None]
        expected = _EXPECTED[self._corpus]
        self._problems.add(
            "DS-ID-001", rows, "utterance_id", lambda number: quote(texts[rows[number]].as_py()), expected
        )
        self._check_parts(columns, matches)
        crossing = self._check_doubles(matches, split)
        if split is not None:
            # An utterance of two splits is one finding: the other one is where it belongs, or was found there.
            alone = [None if row in crossing else match for row, match in enumerate(matches)]
            self._check_split(alone, file, split)

    def _check_parts(self, columns: Mapping[str, pa.Array], matches: list[re.Match[str] | None]) -> None:
        for column, part in _PARTS[self._corpus].items():
            if column not in columns:
                continue
            wanted = [part(match) if match is not None else None for match in matches]
            self._add_parts(column, columns[column].to_pylist(), wanted)

    def _add_parts(
        self, column: str, values: Sequence[str | int | None], wanted: Sequence[str | int | None]
    ) -> None:
        rows = [row for row, value in enumerate(wanted) if value is not None and values[row] != value]
        self._problems.add(
            "DS-ID-002",
            rows,
            column,
            lambda number: quote(values[rows[number]]),
            lambda number: f"{wanted[rows[number]]!r}, as its id says",
        )

    def _check_doubles(self, matches: list[re.Match[str] | None], split: str | None) -> set[int]:
        """Report second rows; return those whose first row is in another split."""
        tag = _SPLITS.index(split) if split in _SPLITS else _NO_SPLIT
        doubles: list[int] = []
        crossing: list[int] = []
        splits: list[str] = []
        for row, match in enumerate(matches):
            first = self._seen.add(match[0], tag) if match is not None else None
            if first is None:
                continue
            if _NO_SPLIT in (first, tag) or first == tag:
                doubles.append(row)
            else:
                crossing.append(row)
                splits.append(_SPLITS[first])
        expected = "one row for each utterance"
        self._problems.add("DS-DUP-001", doubles, "utterance_id", "a second row", expected)
        self._problems.add(
            "DS-SPLIT-002",
            crossing,
            "utterance_id",
            f"in {split}",
            lambda number: f"only in {splits[number]}, where it is too",
        )
        return set(crossing)

    def _check_split(self, matches: list[re.Match[str] | None], file: str, split: str) -> None:
        if self._corpus == "m3ed":
            for series in dict.fromkeys(match[1] for match in matches if match is not None):
                self._check_series(series, file, split)
            return
        rows = [row for row, match in enumerate(matches) if match and official_split(match[1]) != split]

        def official(number: int) -> str:
            match = matches[rows[number]]
            return f"in {official_split(match[1])}, where its group is" if match is not None else ""

        self._problems.add("DS-SPLIT-001", rows, "utterance_id", f"in {split}", official)

    def _check_series(self, series: str, file: str, split: str) -> None:
        """M3ED's splits are by series, so that no voice or face is in two of them."""
        first = self._split_of_series.get(series)
        if first is None and len(self._split_of_series) < _MAX_SERIES:
            self._split_of_series[series] = split
        elif first not in (None, split) and series not in self._mixed_series:
            self._mixed_series.add(series)
            found, expected = f"{series}, which is in {first} too", "each series in one split"
            self._report.problem("DS-SPLIT-003", file, "", f"with rows of {found}", expected)
