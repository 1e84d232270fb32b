"""Corpora of a few hand-written rows, with the columns that loading a release gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import datasets
import pyarrow as pa

from emotalk_data.builder.features import emotalk_features, m3ed_features

__all__ = ["emotalk_rows", "m3ed_rows", "splits_of"]

Rows = Sequence[Mapping[str, Any]]


def splits_of(features: datasets.Features, rows_of: Mapping[str, Rows]) -> datasets.DatasetDict:
    """Return a dict of splits; what a row does not say is null, its number is its place."""
    splits = {}
    for split, rows in rows_of.items():
        filled = [
            {"utterance_id": f"{split}_{number:03d}", "utterance_number": number, **row}
            for number, row in enumerate(rows)
        ]
        arrays = [pa.array([row.get(f.name) for row in filled], f.type) for f in features.arrow_schema]
        table = pa.Table.from_arrays(arrays, schema=features.arrow_schema)
        splits[split] = datasets.Dataset(
            table, info=datasets.DatasetInfo(features=features), split=datasets.NamedSplit(split)
        )
    return datasets.DatasetDict(splits)


def emotalk_rows(**rows_of: Rows) -> datasets.DatasetDict:
    """Return EmotionTalk; a row is of dialogue `G00001_01` and speaker `01` unless it says otherwise."""
    usual = {"dialogue_id": "G00001_01", "group_id": "G00001", "session_id": "01", "speaker_id": "01"}
    return splits_of(
        emotalk_features(), {split: [{**usual, **row} for row in rows] for split, rows in rows_of.items()}
    )


def m3ed_rows(**rows_of: Rows) -> datasets.DatasetDict:
    """Return M3ED; a row is of dialogue `series_1` and speaker A, Lin, unless it says otherwise."""
    usual = {"dialogue_id": "series_1", "series": "series", "speaker_id": "A", "speaker_name": "Lin"}
    return splits_of(
        m3ed_features(), {split: [{**usual, **row} for row in rows] for split, rows in rows_of.items()}
    )
