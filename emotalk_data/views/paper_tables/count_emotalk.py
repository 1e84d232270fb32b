"""The numbers of EmotionTalk's paper, counted on a dataset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.compute as pc

from emotalk_data.schemas.labels import EMOTALK_EMOTIONS
from emotalk_data.views.columns import NO_LABEL, column, label_ids
from emotalk_data.views.labelling.labels import label_view
from emotalk_data.views.paper_tables.counted import (
    NO_LABEL_ROW,
    Counted,
    CountedRows,
    CountedTable,
    Parts,
    by_part,
    count_kappa,
    count_labels,
    of_total,
    unknown,
)
from emotalk_data.views.paper_tables.published_emotalk import EMOTALK_PUBLISHED, MODALITY_COLUMNS, PERCEIVED

if TYPE_CHECKING:
    import datasets

__all__ = ["EMOTALK_COLUMNS", "count_emotalk"]

EMOTALK_COLUMNS: Final = (
    *("utterance_id", "dialogue_id", "speaker_id", "text", "text_raw", "sentiment", "annotations"),
    *("start_seconds", "end_seconds", *MODALITY_COLUMNS.values()),
)
"""The columns that are read."""


def count_emotalk(parts: Parts) -> dict[str, CountedTable]:
    """Count what the tables of the paper count, by name of the table."""
    tables = EMOTALK_PUBLISHED.tables
    return {
        "emotions": by_part(parts, tables["emotions"], lambda part: count_labels(part, "emotion")),
        "numbers": by_part(parts, tables["numbers"], _numbers),
        "sentiment": by_part(parts, tables["sentiment"], _sentiment),
        "agreement": by_part(parts, tables["agreement"], _agreement),
        "shares": of_total(parts, tables["shares"], _shares),
        "other_label": by_part(parts, tables["other_label"], _other_label),
    }


def _numbers(part: datasets.Dataset) -> CountedRows:
    rows = {
        "speakers": Counted(pc.count_distinct(column(part, "speaker_id")).as_py()),
        "utterances": Counted(part.num_rows),
        "dialogues": Counted(pc.count_distinct(column(part, "dialogue_id")).as_py()),
    }
    seconds = pc.subtract(column(part, "end_seconds"), column(part, "start_seconds"))
    timed = len(seconds) - seconds.null_count
    if timed:
        # In numpy's double precision over the whole: chunks of a table make no difference.
        total = float(pc.fill_null(seconds, 0.0).to_numpy().sum())
        rows["hours"] = Counted(total / 3600)
        rows["seconds an utterance"] = Counted(total / timed)
        rows |= _absent("no times", seconds)
    else:
        rows |= unknown(("hours", "seconds an utterance"), "no row has a start and an end")
    for row, name in (("characters, marks taken out", "text"), ("characters, marks left in", "text_raw")):
        lengths = pc.utf8_length(column(part, name))
        if lengths.null_count == len(lengths):
            rows[row] = Counted(None, "no row has a transcript")
        else:
            rows[row] = Counted(pc.sum(lengths).as_py())
            rows |= _absent("no transcript", lengths)
    return rows


def _absent(row: str, values: Any) -> dict[str, Counted]:
    """Return a row that counts the nulls of a column; none when there are none."""
    return {row: Counted(int(values.null_count))} if values.null_count else {}


def _sentiment(part: datasets.Dataset) -> CountedRows:
    view = label_view(part, "sentiment5", keep_unlabelled=True)
    return _in_percent(label_ids(view, "label"), view.features["label"].names, "no row has a sentiment")


def _shares(part: datasets.Dataset) -> CountedTable:
    return {
        modality: _in_percent(label_ids(part, name), EMOTALK_EMOTIONS.names, f"{name} is null in every row")
        for modality, name in MODALITY_COLUMNS.items()
    }


def _in_percent(ids: Any, names: Iterable[str], reason: str) -> CountedRows:
    """Return the share of each label among the rows that have one, and how many have none."""
    labels = tuple(names)
    given = ids[ids != NO_LABEL]
    if not len(given):
        return unknown(labels, reason)
    counts = np.bincount(given, minlength=len(labels))
    rows = {
        label: Counted(100 * int(count) / len(given)) for label, count in zip(labels, counts, strict=True)
    }
    if len(given) < len(ids):
        rows[NO_LABEL_ROW] = Counted(len(ids) - len(given))
    return rows


def _agreement(part: datasets.Dataset) -> CountedRows:
    return {row: count_kappa(part, modality) for row, modality in PERCEIVED.items()}


def _other_label(part: datasets.Dataset) -> CountedRows:
    """Return the share of rows whose label differs from the multimodal one, among those with both."""
    rows: dict[str, Counted] = {}
    multimodal = label_ids(part, "emotion")
    for row, name in MODALITY_COLUMNS.items():
        ids = label_ids(part, name)
        both = (ids != NO_LABEL) & (multimodal != NO_LABEL)
        if name == "emotion":
            continue
        if both.any():
            rows[row] = Counted(100 * int((ids != multimodal)[both].sum()) / int(both.sum()))
        else:
            rows[row] = Counted(None, f"no row has both {name} and emotion")
    return rows
