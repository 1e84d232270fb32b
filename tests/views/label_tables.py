"""Small tables of both corpora's columns, made by hand or by hypothesis: what is not given is null."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import datasets
import pyarrow as pa
from hypothesis import strategies as st

from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.schemas.labels import CONFIDENCES, Modality

__all__ = ["emotalk_table", "emotalk_tables", "emotalk_votes", "m3ed_table", "m3ed_tables", "m3ed_votes"]

_NUMBERS = itertools.count()


def _table(features: datasets.Features, columns: dict[str, Sequence[Any]]) -> datasets.Dataset:
    (length,) = {len(values) for values in columns.values()}
    columns = {"utterance_id": [f"u{number}" for number in range(length)], **columns}
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(length, field.type)
        for field in features.arrow_schema
    ]
    table = pa.Table.from_arrays(arrays, schema=features.arrow_schema)
    # A fingerprint of its own: making one of the content takes longer than everything else here.
    info = datasets.DatasetInfo(features=features)
    return datasets.Dataset(table, info=info, fingerprint=f"made-up-{next(_NUMBERS)}")


def emotalk_table(**columns: Sequence[Any]) -> datasets.Dataset:
    return _table(emotalk_features(), columns)


def m3ed_table(**columns: Sequence[Any]) -> datasets.Dataset:
    return _table(m3ed_features(), columns)


def emotalk_votes(
    *votes: tuple[int | None, float | None],
    modality: str = "multimodal",
    sentiments: Sequence[int | None] = (),
) -> list[dict[str, Any]]:
    """Return the annotations of one row: an emotion's id and a confidence for each annotator."""
    return [
        {
            "modality": modality,
            "annotator": number + 1,
            "emotion": emotion,
            "confidence": confidence,
            "sentiment": sentiments[number] if sentiments else None,
        }
        for number, (emotion, confidence) in enumerate(votes)
    ]


def m3ed_votes(*lists: Sequence[int | None]) -> list[dict[str, Any]]:
    """Return the annotations of one row: a list of ids for each annotator."""
    return [
        {"modality": "multimodal", "annotator": number, "emotions": list(labels)}
        for number, labels in enumerate(lists, 1)
    ]


_ids = st.none() | st.integers(0, 6)
_emotalk_vote = st.sampled_from(
    [(emotion, sure) for emotion in (None, 0, 1, 3, 5) for sure in (None, *CONFIDENCES)]
)
_ratings = st.none() | st.integers(-2, 2)
_sentiments = st.none() | st.integers(-10, 10).map(lambda steps: steps * 0.2)
_VOTED: tuple[Modality, ...] = ("audio", "multimodal")  # of four; the others have no votes


@st.composite
def _emotalk_row(draw: st.DrawFn) -> dict[str, Any]:
    annotations: list[dict[str, Any]] | None = None
    if draw(st.booleans()):
        annotations = []
        for modality in _VOTED:
            votes = draw(st.lists(_emotalk_vote, max_size=5))
            ratings = draw(st.lists(_ratings, min_size=len(votes), max_size=len(votes)))
            annotations += emotalk_votes(*votes, modality=modality, sentiments=ratings)
    names = ("emotion", "emotion_text", "emotion_audio", "emotion_video")
    return {
        "annotations": annotations,
        "sentiment": draw(_sentiments),
        **{name: draw(_ids) for name in names},
    }


@st.composite
def _m3ed_row(draw: st.DrawFn) -> dict[str, Any]:
    lists = st.lists(st.lists(st.integers(0, 7), max_size=4), max_size=3)
    blend = st.none() | st.lists(st.integers(0, 6), max_size=3)
    annotations = draw(st.none() | lists.map(lambda found: m3ed_votes(*found)))
    return {"annotations": annotations, "emotion": draw(_ids), "emotions": draw(blend)}


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


emotalk_tables = st.lists(_emotalk_row(), min_size=1, max_size=6).map(
    lambda rows: emotalk_table(**_columns(rows))
)
m3ed_tables = st.lists(_m3ed_row(), min_size=1, max_size=8).map(lambda rows: m3ed_table(**_columns(rows)))
