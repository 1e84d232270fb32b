"""EmotionTalk utterances to Arrow: how each column of the table is filled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from emotalk_data.builder.arrays import label_ids, list_of, media_array, struct_array
from emotalk_data.loaders.emotalk import EmotalkUtterance
from emotalk_data.schemas.emotalk import Annotation, Captions, MultimodalRecord
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, MODALITIES

__all__ = ["emotalk_table"]

_LABEL_IDS: Final = label_ids(EMOTALK_EMOTIONS.names)
_NO_CAPTIONS: Final = Captions()


def emotalk_table(utterances: Iterable[EmotalkUtterance], schema: pa.Schema) -> pa.Table:
    """Build a table from utterances, column by column.

    Args:
        utterances: the rows, in their order.
        schema: Arrow schema of `emotalk_features()`.
    """
    rows = list(utterances)
    ids = [row.utterance_id for row in rows]
    columns: dict[str, pa.Array] = {
        "utterance_id": pa.array(ids, pa.string()),
        "dialogue_id": pa.array([row_id[:9] for row_id in ids], pa.string()),
        "group_id": pa.array([row_id[:6] for row_id in ids], pa.string()),
        "session_id": pa.array([row_id[7:9] for row_id in ids], pa.string()),
        "speaker_id": pa.array([row_id[10:12] for row_id in ids], pa.string()),
        "utterance_number": pa.array([int(row_id[13:]) for row_id in ids], pa.int32()),
        "modalities": _modalities(rows),
        "text": pa.array([row.transcript.text if row.transcript else None for row in rows], pa.string()),
        "text_raw": pa.array([row.text_raw for row in rows], pa.string()),
        "events": _events(rows),
        "annotations": _annotations(rows),
        "captions": _captions(rows),
        "audio": media_array([row.audio_path for row in rows]),
        "video": media_array([row.video_path for row in rows]),
        **_labels(rows),
        **_times(rows),
    }
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _modalities(rows: list[EmotalkUtterance]) -> pa.Array:
    """The modalities that have a record: the presence of each is a fact of the row."""
    names = [
        [modality for modality, record in zip(MODALITIES, row.records, strict=True) if record is not None]
        for row in rows
    ]
    return pa.array(names, pa.list_(pa.string()))


def _labels(rows: list[EmotalkUtterance]) -> dict[str, pa.Array]:
    """The four final labels and the sentiment. A missing one is null: never neutral, never 0."""
    columns: dict[str, pa.Array] = {}
    for name, position in (("emotion_text", 0), ("emotion_audio", 1), ("emotion_video", 2), ("emotion", 3)):
        records = [row.records[position] for row in rows]
        labels = [_LABEL_IDS[record.emotion_result] if record is not None else None for record in records]
        columns[name] = pa.array(labels, pa.int64())
    sentiments = [row.multimodal.sentiment if row.multimodal is not None else None for row in rows]
    columns["sentiment"] = pa.array(sentiments, pa.float64())
    return columns


def _times(rows: list[EmotalkUtterance]) -> dict[str, pa.Array]:
    """Start and end on the session's time line, in seconds."""
    paragraphs = [row.audio.paragraphs if row.audio is not None else None for row in rows]
    starts = [item.start_seconds if item is not None else None for item in paragraphs]
    ends = [item.end_seconds if item is not None else None for item in paragraphs]
    return {"start_seconds": pa.array(starts, pa.float64()), "end_seconds": pa.array(ends, pa.float64())}


def _events(rows: list[EmotalkUtterance]) -> pa.Array:
    """The marks of the transcript; null where there is no transcript, empty where it has none."""
    events = [event for row in rows if row.transcript for event in row.transcript.events]
    values = struct_array(
        {
            "type": pa.array([event.type for event in events], pa.string()),
            "start": pa.array([event.start for event in events], pa.int32()),
            "end": pa.array([event.end for event in events], pa.int32()),
        }
    )
    return list_of([len(row.transcript.events) if row.transcript else None for row in rows], values)


def _annotations(rows: list[EmotalkUtterance]) -> pa.Array:
    """Every annotator's judgement: text's five, then audio's, video's and multimodal's."""
    lengths: list[int] = []
    modalities: list[str] = []
    annotators: list[int] = []
    items: list[Annotation] = []
    sentiments: list[int | None] = []
    for row in rows:
        before = len(items)
        for modality, record in zip(MODALITIES, row.records, strict=True):
            if record is None or not record.data:
                continue
            number = len(record.data)
            items += record.data
            modalities += [modality] * number
            annotators += range(1, number + 1)
            if isinstance(record, MultimodalRecord):
                sentiments += [item.continuous_label for item in record.data]
            else:
                sentiments += [None] * number
        lengths.append(len(items) - before)
    values = struct_array(
        {
            "modality": pa.array(modalities, pa.string()),
            "annotator": pa.array(annotators, pa.int32()),
            "emotion": pa.array([_LABEL_IDS[item.emotion] for item in items], pa.int64()),
            "confidence": pa.array([item.confidence for item in items], pa.float64()),
            "sentiment": pa.array(sentiments, pa.int32()),
        }
    )
    return list_of(lengths, values)


def _captions(rows: list[EmotalkUtterance]) -> pa.Array:
    captions = [row.audio.captions if row.audio is not None else None for row in rows]
    given = [item if item is not None else _NO_CAPTIONS for item in captions]
    overall = [
        text
        for item in given
        for text in (item.caption_1, item.caption_2, item.caption_3, item.caption_4, item.caption_5)
    ]
    fields = {
        "speaker": pa.array([item.spe_cap for item in given], pa.string()),
        "style": pa.array([item.style_cap for item in given], pa.string()),
        "emotion": pa.array([item.emo_cap for item in given], pa.string()),
        "overall": list_of([5] * len(given), pa.array(overall, pa.string())),
    }
    return struct_array(fields, is_null=[item is None for item in captions])
