"""M3ED utterances to Arrow: how each column of the table is filled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from emotalk_data.builder.arrays import label_ids, list_of, media_array, struct_array
from emotalk_data.loaders.m3ed import M3edUtterance
from emotalk_data.schemas.labels import M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS

__all__ = ["m3ed_table"]

_LABEL_IDS: Final = label_ids(M3ED_EMOTIONS.names)
_ANNOTATOR_LABEL_IDS: Final = label_ids(M3ED_ANNOTATOR_EMOTIONS.names)


def m3ed_table(utterances: Iterable[M3edUtterance], schema: pa.Schema) -> pa.Table:
    """Build a table from utterances, column by column.

    Args:
        utterances: the rows, in their order.
        schema: Arrow schema of `m3ed_features()`.
    """
    rows = list(utterances)
    speakers = [row.speaker for row in rows]
    texts = pa.array([row.utterance.text for row in rows], pa.string())
    columns: dict[str, pa.Array] = {
        "utterance_id": pa.array([row.utterance_id for row in rows], pa.string()),
        "dialogue_id": pa.array([row.dialogue_id for row in rows], pa.string()),
        "series": pa.array([row.series for row in rows], pa.string()),
        "speaker_id": pa.array([row.utterance.speaker for row in rows], pa.string()),
        "speaker_name": pa.array([item.name if item else None for item in speakers], pa.string()),
        "age": pa.array([item.age if item else None for item in speakers], pa.string()),
        "gender": pa.array([item.gender if item else None for item in speakers], pa.string()),
        "utterance_number": pa.array([row.number for row in rows], pa.int32()),
        "text": texts,
        "text_raw": texts,  # M3ED's transcripts have no markup
        "events": _no_events(rows),
        "emotion": pa.array([_LABEL_IDS[row.annotation.emotion] for row in rows], pa.int64()),
        "emotions": _blends([row.annotation.emotions for row in rows], _LABEL_IDS),
        "annotations": _annotations(rows),
        "start_seconds": pa.array([row.start_seconds for row in rows], pa.float64()),
        "end_seconds": pa.array([row.end_seconds for row in rows], pa.float64()),
        "episode": pa.array([row.episode for row in rows], pa.int32()),
        "episode_start_seconds": pa.array([row.episode_start_seconds for row in rows], pa.float64()),
        "episode_end_seconds": pa.array([row.episode_end_seconds for row in rows], pa.float64()),
        "audio": media_array([row.audio_path for row in rows]),
        "video": media_array([row.video_path for row in rows]),
    }
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _no_events(rows: list[M3edUtterance]) -> pa.Array:
    nothing = struct_array(
        {
            "type": pa.array([], pa.string()),
            "start": pa.array([], pa.int32()),
            "end": pa.array([], pa.int32()),
        }
    )
    return list_of([None if row.utterance.text is None else 0 for row in rows], nothing)


def _blends(blends: list[str | None], ids: dict[str | None, int | None]) -> pa.Array:
    """Turn `Anger,Disgust` into a list of label ids, in order; None stays null."""
    split = [None if blend is None else blend.split(",") for blend in blends]
    labels = [ids[name] for names in split if names is not None for name in names]
    return list_of([None if names is None else len(names) for names in split], pa.array(labels, pa.int64()))


def _annotations(rows: list[M3edUtterance]) -> pa.Array:
    """The three annotators' blends, in their order. They watched the video with its sound."""
    lengths: list[int] = []
    annotators: list[int] = []
    blends: list[str | None] = []
    for row in rows:
        given = (row.annotation.annotator_1, row.annotation.annotator_2, row.annotation.annotator_3)
        present = [(number, blend) for number, blend in enumerate(given, 1) if blend is not None]
        annotators.extend(number for number, _ in present)
        blends.extend(blend for _, blend in present)
        lengths.append(len(present))
    values = struct_array(
        {
            "modality": pa.array(["multimodal"] * len(annotators), pa.string()),
            "annotator": pa.array(annotators, pa.int32()),
            "emotions": _blends(blends, _ANNOTATOR_LABEL_IDS),
        }
    )
    return list_of(lengths, values)
