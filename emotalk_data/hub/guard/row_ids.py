"""Ids of the rows of a config: each utterance has one row, and not more rows than a corpus has utterances.

Without that a row a sample would be a recording, in columns that are all known.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from emotalk_data.errors import PathError
from emotalk_data.hub.guard.text_scan import Finding
from emotalk_data.schemas.ids import EmotalkUtteranceId, M3edUtteranceId, UtteranceId

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RowIds", "missing_ids"]

_MAX_ROWS: Final = 100_000  # the larger corpus has 24,449 utterances
_MAX_GROUPS: Final = 200  # groups of actors, or series: 15 and 56
_IDS: Final = ("utterance_id", "dialogue_id")


def missing_ids(columns: Collection[str], allowed: Collection[str]) -> Finding | None:
    """Say that a table has no ids, where its rows are of a corpus; None where it has them."""
    if "utterance_id" not in allowed:
        return None
    needed = _IDS if "fold" in allowed else _IDS[:1]
    has_fold = "fold" in columns or "fold" not in allowed
    if has_fold and any(name in columns for name in needed):
        return None
    return Finding("other", "it has no column of ids, so nothing says which utterances its rows are of")


class RowIds:
    """The ids of all rows of a config so far, in all of its shards; of a table of splits, those of one fold."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._groups: set[str] = set()
        self._fold = -1

    def look(self, batch: pa.RecordBatch) -> tuple[str, Finding] | None:
        """Look at the ids of some rows; return the first column where something is wrong, and what.

        Args:
            batch: rows in their order, of a config whose columns are known.
        """
        columns = {name: batch.column(number) for number, name in enumerate(batch.schema.names)}
        if "fold" in columns:
            return self._look_at_folds(columns)
        if "utterance_id" not in columns:
            return None
        ids = columns["utterance_id"].to_pylist()
        return self._look_at_ids("utterance_id", ids) or self._look_beside(columns, ids)

    def _look_at_folds(self, columns: dict[str, pa.Array]) -> tuple[str, Finding] | None:
        place = next((name for name in reversed(_IDS) if name in columns), None)
        if place is None:
            return None
        for fold, one in zip(columns["fold"].to_pylist(), columns[place].to_pylist(), strict=True):
            if not isinstance(fold, int) or fold < self._fold:
                return "fold", Finding("other", "its folds do not follow each other")
            if fold > self._fold:
                self._fold, self._seen = fold, set()
            found = self._look_at_ids(place, [one])
            if found is not None:
                return found
        return None

    def _look_at_ids(self, place: str, ids: list[Any]) -> tuple[str, Finding] | None:
        for one in ids:
            if not isinstance(one, str):
                return place, Finding("other", "a row has no id")
            if one in self._seen:
                return place, Finding("other", f"{one[:60]!r} has several rows; an utterance has one")
            self._seen.add(one)
            self._groups.add(one.split("_")[0] if one[:1] == "G" else one.rstrip("0123456789_"))
        if len(self._seen) > _MAX_ROWS:
            return place, Finding("other", f"it has more than {_MAX_ROWS:,} rows; no corpus has as many")
        if len(self._groups) > _MAX_GROUPS:
            what = f"its ids are of more than {_MAX_GROUPS} groups or series; no corpus has as many"
            return place, Finding("other", what)
        return None

    def _look_beside(self, columns: dict[str, pa.Array], ids: list[Any]) -> tuple[str, Finding] | None:
        """Compare what an id says with the columns that say it too."""
        beside = {name: columns[name].to_pylist() for name in _SAID if name in columns}
        for number, one in enumerate(ids if beside else ()):
            for name, said in _said_by(one):
                if name in beside and beside[name][number] not in (None, said):
                    return name, Finding("other", f"it is not what the id {one[:60]!r} says")
        return None


_SAID: Final = ("dialogue_id", "utterance_number", "group_id", "session_id", "speaker_id", "series")


def _said_by(text: str) -> Iterator[tuple[str, str | int]]:
    try:
        parsed = UtteranceId.parse(text)
    except PathError:
        return  # what is no id is told of by the column itself
    yield "dialogue_id", parsed.dialogue_id
    yield "utterance_number", parsed.number
    if isinstance(parsed, EmotalkUtteranceId):
        yield "group_id", parsed.group
        yield "session_id", parsed.session
        yield "speaker_id", parsed.speaker
    elif isinstance(parsed, M3edUtteranceId):
        yield "series", parsed.series
