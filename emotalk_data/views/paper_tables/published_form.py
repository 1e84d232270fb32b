"""The form in which published numbers are written down here: as printed, so that their precision is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["SPLITS", "TOTAL", "WITH_TOTAL", "Difference", "PublishedCorpus", "PublishedRow", "PublishedTable"]

SPLITS: Final = ("train", "validation", "test")
TOTAL: Final = "total"
WITH_TOTAL: Final = (*SPLITS, TOTAL)


class PublishedRow(NamedTuple):
    """One row of a published table.

    Attributes:
        name: what is counted.
        printed: for each column a count, a decimal number as it was printed, or None where none is known.
        unit: of what the numbers are.
        decimals: of a number that was not published.
    """

    name: str
    printed: Sequence[int | str | None]
    unit: str = "utterances"
    decimals: int = 0


class Difference(NamedTuple):
    """A difference between a paper and its data that is understood.

    Attributes:
        found: what the data says then; None when any number is explained by the reason.
        reason: why it is not what was published.
        equal_row: the reason fits only where the number of this row is the published one.
    """

    found: float | None
    reason: str
    equal_row: str | None = None


class PublishedTable(NamedTuple):
    """One published table.

    Attributes:
        title: which table, or what it holds.
        source: where the numbers were published, and what they count.
        columns: names of the columns.
        rows: as many numbers each as there are columns.
        differences: the understood ones, by (row, column).
        of_others: what was published of rows that are not in the table: 0 where it lists everything.
    """

    title: str
    source: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    differences: Mapping[tuple[str, str], Difference] = MappingProxyType({})
    of_others: int | None = None


class PublishedCorpus(NamedTuple):
    """What was published of a corpus.

    Attributes:
        title: its name in print.
        split_sizes: utterances of each split.
        tables: in the order in which they are shown.
    """

    title: str
    split_sizes: Mapping[str, int]
    tables: Mapping[str, PublishedTable]
