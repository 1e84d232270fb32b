"""What became of the rows of an export: how many were written, and which were left out for what reason."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

__all__ = ["FAILURES_NAME", "ExportFormat", "Exported", "LeftOut", "LeftOutRow"]

ExportFormat: TypeAlias = Literal["npy", "mertools", "dialoguernn", "mmsa"]

FAILURES_NAME: Final = "failures.csv"
_COLUMNS: Final = ("features", "utterance_id", "split", "reason")


@dataclass(frozen=True)
class Exported:
    """A set in another form, written.

    Attributes:
        path: the folder or file.
        format: which form.
        num_rows: utterances that are in it with all that was asked for.
        left_out: for each reason how many utterances are not in it.
        notes: what is there and not as it was in the set, such as `3 audio features cut at 400 frames`.
    """

    path: Path
    format: ExportFormat
    num_rows: int
    left_out: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()

    @property
    def num_left_out(self) -> int:
        """Utterances that are not in it."""
        return sum(self.left_out.values())

    def __str__(self) -> str:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.left_out.items())
        without = f"; {self.num_left_out:,} left out ({reasons})" if self.left_out else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.num_rows:,} utterances written as {self.format} to {self.path}{without}{notes}"


class LeftOutRow(NamedTuple):
    """An utterance that is not written.

    Attributes:
        features: of which set it has none; empty where something else is missing.
        utterance_id: its id.
        split: its split; empty where it is in no set.
        reason: of the null row; or what else is missing.
    """

    features: str
    utterance_id: str
    split: str
    reason: str

    @property
    def code(self) -> str:
        """The reason without its details."""
        return self.reason.partition(":")[0]


class LeftOut:
    """The utterances that an export leaves out, in their order."""

    def __init__(self) -> None:
        self._rows: list[LeftOutRow] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: LeftOutRow) -> None:
        """Remember one."""
        self._rows.append(row)

    @property
    def first(self) -> LeftOutRow:
        """The first of them."""
        return self._rows[0]

    def counts(self) -> Mapping[str, int]:
        """Return for each reason how many utterances it keeps out; the first reason of each counts."""
        first = {row.utterance_id: row.code for row in reversed(self._rows)}
        return MappingProxyType(dict(sorted(Counter(first.values()).items())))

    def csv(self) -> bytes:
        """Return them as a table: features, utterance_id, split, reason."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(self._rows)
        return text.getvalue().encode()
