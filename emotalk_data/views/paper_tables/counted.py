"""What is counted on a dataset, with the reason where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from emotalk_data.schemas.labels import Modality
from emotalk_data.views.annotators.reliability import fleiss_kappa
from emotalk_data.views.annotators.votes import votes
from emotalk_data.views.columns import NO_LABEL, label_ids
from emotalk_data.views.paper_tables.published_form import SPLITS, TOTAL, PublishedTable

if TYPE_CHECKING:
    import datasets

__all__ = [
    "NO_LABEL_ROW",
    "Counted",
    "CountedRows",
    "CountedTable",
    "Parts",
    "by_part",
    "count_kappa",
    "count_labels",
    "of_total",
    "unknown",
]

NO_LABEL_ROW: Final = "no label"
"""The row of utterances whose label is null. It is there when there are some."""


class Counted(NamedTuple):
    """One counted number.

    Attributes:
        value: the number; None when the data cannot say it.
        reason: why it cannot.
    """

    value: float | None
    reason: str | None = None


CountedRows = Mapping[str, Counted]
"""Numbers of one column, by row."""

CountedTable = Mapping[str, CountedRows]
"""Numbers by column, then by row."""

Parts = Mapping[str, "datasets.Dataset | None"]
"""`train`, `validation`, `test` and `total`; None for what is not there."""


def unknown(rows: Iterable[str], reason: str) -> CountedRows:
    """Return rows of which none can be counted, for one reason."""
    return dict.fromkeys(rows, Counted(None, reason))


def by_part(
    parts: Parts, table: PublishedTable, count: Callable[[datasets.Dataset], CountedRows]
) -> CountedTable:
    """Count each column of a table on its part of the corpus; of what is not there nothing is known."""
    counted: dict[str, CountedRows] = {}
    for name in table.columns:
        part = parts[name]
        counted[name] = _not_loaded(parts, table, [name]) if part is None else count(part)
    return counted


def of_total(
    parts: Parts, table: PublishedTable, count: Callable[[datasets.Dataset], CountedTable]
) -> CountedTable:
    """Count all columns of a table on the whole corpus; without one of its splits nothing is known."""
    whole = parts[TOTAL]
    if whole is None:
        return dict.fromkeys(table.columns, _not_loaded(parts, table, [TOTAL]))
    return count(whole)


def _not_loaded(parts: Parts, table: PublishedTable, names: list[str]) -> CountedRows:
    missing = [name for name in SPLITS if parts[name] is None] if names == [TOTAL] else names
    return unknown((row.name for row in table.rows), f"{' and '.join(missing)} not loaded")


def count_labels(part: datasets.Dataset, name: str) -> CountedRows:
    """Count the rows of each label of a column, those without one, and all of them.

    Where rows are, and none has a label, it is not known how many there are of each.
    """
    labels: list[str] = part.features[name].names
    ids = label_ids(part, name)
    absent = int((ids == NO_LABEL).sum())
    if absent and absent == len(ids):
        rows = dict(unknown(labels, f"{name} is null in every row"))
    else:
        counts = np.bincount(ids[ids != NO_LABEL], minlength=len(labels))
        rows = {label: Counted(int(count)) for label, count in zip(labels, counts, strict=True)}
    if absent:
        rows[NO_LABEL_ROW] = Counted(absent)
    return {**rows, "total": Counted(len(ids))}


def count_kappa(part: datasets.Dataset, modality: Modality) -> Counted:
    """Return Fleiss' kappa of the annotators' first labels."""
    judged = votes(part, modality)
    if not len(judged.rows):
        return Counted(None, "no row has a vote")
    kappa = fleiss_kappa(judged.table(), len(judged.names))
    return Counted(None, "not defined for these votes") if np.isnan(kappa) else Counted(float(kappa))
