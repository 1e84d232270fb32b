"""EmotionTalk's columns: their types, and that what is absent is null in each of them."""

from __future__ import annotations

import datasets
import pyarrow as pa
import pytest

from emotalk_data.builder.arrays import label_ids, list_of, media_array, struct_array
from emotalk_data.builder.emotalk_columns import emotalk_table
from emotalk_data.builder.features import emotalk_features
from emotalk_data.loaders.emotalk import EmotalkUtterance
from emotalk_data.media.features import Audio, Video
from emotalk_data.schemas.emotalk import AudioRecord, MultimodalRecord, TextRecord, VideoRecord
from emotalk_data.schemas.transcript import clean_transcript

_SCHEMA = emotalk_features().arrow_schema
_EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful")
_CAPTIONS = ("spe_cap", "style_cap", "emo_cap", *(f"caption_{number}" for number in range(1, 6)))


def _utterance(
    *,
    utterance_id: str = "G00008_01_11_002",
    text: TextRecord | None = None,
    audio: AudioRecord | None = None,
    video: VideoRecord | None = None,
    multimodal: MultimodalRecord | None = None,
    text_raw: str | None = None,
    audio_path: str | None = None,
    video_path: str | None = None,
) -> EmotalkUtterance:
    transcript = None if text_raw is None else clean_transcript(text_raw)
    return EmotalkUtterance(
        utterance_id, text, audio, video, multimodal, text_raw, transcript, audio_path, video_path
    )


_NOTHING = _utterance()
_FULL = _utterance(
    utterance_id="G00015_09_20_017",
    text=TextRecord.model_validate({"emotion_result": "happy", "data": [{"emotion": "happy"}, {}]}),
    audio=AudioRecord.model_validate(
        {
            "emotion_result": "sad",
            "paragraphs": {"startTime": 1.5, "endTime": 4},
            "sourceAttr": {key: key for key in _CAPTIONS if key != "caption_3"},
        }
    ),
    video=VideoRecord.model_validate({"emotion_result": "fearful", "data": []}),
    multimodal=MultimodalRecord.model_validate(
        {
            "emotion_result": "neutral",
            "Continuous label_result": -0.2,
            "data": [{"emotion": "angry", "Confidence_degree": 0.9, "Continuous_label": -2}],
        }
    ),
    text_raw="[over/]我[/over]明[laughing]天",
    audio_path="/data/x.wav",
    video_path="tar://x.mp4::/data/Multimodal.tar",
)


def _rows(*utterances: EmotalkUtterance) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = emotalk_table(utterances, _SCHEMA).to_pylist()
    return rows


def test_the_columns_and_their_types_are_those_that_the_documentation_names() -> None:
    emotion = datasets.ClassLabel(names=list(_EMOTIONS))
    features = emotalk_features()
    assert {name: str(field.type) for name, field in zip(features, _SCHEMA, strict=True)} == {
        "utterance_id": "string",
        "dialogue_id": "string",
        "group_id": "string",
        "session_id": "string",
        "speaker_id": "string",
        "utterance_number": "int32",
        "modalities": "list<item: string>",
        "text": "string",
        "text_raw": "string",
        "events": "list<item: struct<type: string, start: int32, end: int32>>",
        "emotion": "int64",
        "emotion_text": "int64",
        "emotion_audio": "int64",
        "emotion_video": "int64",
        "sentiment": "double",
        "annotations": "list<item: struct<modality: string, annotator: int32, emotion: int64, "
        "confidence: double, sentiment: int32>>",
        "captions": "struct<speaker: string, style: string, emotion: string, overall: list<item: string>>",
        "start_seconds": "double",
        "end_seconds": "double",
        "audio": "struct<bytes: binary, path: string>",
        "video": "struct<bytes: binary, path: string>",
    }
    for name in ("emotion", "emotion_text", "emotion_audio", "emotion_video"):
        assert features[name] == emotion
    assert isinstance(features["audio"], Audio)
    assert isinstance(features["video"], Video)


def test_a_full_utterance_fills_every_column() -> None:
    assert _rows(_FULL) == [
        {
            "utterance_id": "G00015_09_20_017",
            "dialogue_id": "G00015_09",
            "group_id": "G00015",
            "session_id": "09",
            "speaker_id": "20",
            "utterance_number": 17,
            "modalities": ["text", "audio", "video", "multimodal"],
            "text": "我明天",
            "text_raw": "[over/]我[/over]明[laughing]天",
            "events": [
                {"type": "overlap", "start": 0, "end": 1},
                {"type": "laughing", "start": 2, "end": 2},
            ],
            "emotion": 0,
            "emotion_text": 1,
            "emotion_audio": 2,
            "emotion_video": 6,
            "sentiment": -0.2,
            "annotations": [
                {"modality": "text", "annotator": 1, "emotion": 1, "confidence": None, "sentiment": None},
                {"modality": "text", "annotator": 2, "emotion": None, "confidence": None, "sentiment": None},
                {"modality": "multimodal", "annotator": 1, "emotion": 3, "confidence": 0.9, "sentiment": -2},
            ],
            "captions": {
                "speaker": "spe_cap",
                "style": "style_cap",
                "emotion": "emo_cap",
                "overall": ["caption_1", "caption_2", None, "caption_4", "caption_5"],
            },
            "start_seconds": 1.5,
            "end_seconds": 4.0,
            "audio": {"bytes": None, "path": "/data/x.wav"},
            "video": {"bytes": None, "path": "tar://x.mp4::/data/Multimodal.tar"},
        }
    ]


def test_what_is_absent_is_null_and_never_neutral_or_zero() -> None:
    (row,) = _rows(_NOTHING)
    given = {name: value for name, value in row.items() if value is not None}
    assert given == {
        "utterance_id": "G00008_01_11_002",
        "dialogue_id": "G00008_01",
        "group_id": "G00008",
        "session_id": "01",
        "speaker_id": "11",
        "utterance_number": 2,
        "modalities": [],
        "annotations": [],
    }


def test_a_label_that_is_null_in_its_record_is_null_in_the_row() -> None:
    (row,) = _rows(_utterance(text=TextRecord(), multimodal=MultimodalRecord(), audio=AudioRecord()))
    assert (row["emotion_text"], row["emotion"], row["sentiment"], row["captions"]) == (None,) * 4
    assert row["modalities"] == ["text", "audio", "multimodal"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0, 1, 0), (1, 1, 0, 1), ()])
def test_rows_do_not_depend_on_their_neighbours(order: tuple[int, ...]) -> None:
    alone = [_rows(_NOTHING)[0], _rows(_FULL)[0]]
    assert _rows(*((_NOTHING, _FULL)[place] for place in order)) == [alone[place] for place in order]


def test_a_table_is_valid_arrow_of_the_schema() -> None:
    table = emotalk_table([_NOTHING, _FULL, _NOTHING], _SCHEMA)
    table.validate(full=True)
    assert table.schema == _SCHEMA


def test_a_transcript_without_marks_has_no_events_and_one_that_is_missing_has_none() -> None:
    rows = _rows(_utterance(text_raw="我明天"), _utterance(text_raw=""), _NOTHING)
    assert [row["events"] for row in rows] == [[], [], None]
    assert [row["text"] for row in rows] == ["我明天", "", None]


def test_an_overlap_that_is_never_closed_has_no_end() -> None:
    (row,) = _rows(_utterance(text_raw="a[over/]b"))
    assert row["events"] == [{"type": "overlap", "start": 1, "end": None}]
    (row,) = _rows(_utterance(text_raw="a[/over]b"))
    assert row["events"] == [{"type": "overlap", "start": None, "end": 1}]


def test_label_ids_are_positions_and_none_stays_none() -> None:
    assert label_ids(["a", "b"]) == {"a": 0, "b": 1, None: None}


def test_lists_are_cut_by_length_and_none_is_null() -> None:
    values = pa.array(range(5))
    assert list_of([2, None, 0, 3, None], values).to_pylist() == [[0, 1], None, [], [2, 3, 4], None]
    assert list_of([None], pa.array([], pa.int64())).to_pylist() == [None]
    assert list_of([], pa.array([], pa.int64())).to_pylist() == []


def test_a_struct_is_null_where_it_is_said_to_be() -> None:
    fields = {"a": pa.array([1, 2]), "b": pa.array(["x", None])}
    assert struct_array(fields).to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert struct_array(fields, is_null=[True, False]).to_pylist() == [None, {"a": 2, "b": None}]


def test_media_are_paths_without_bytes() -> None:
    assert media_array(["/x.wav", None]).to_pylist() == [{"bytes": None, "path": "/x.wav"}, None]
    assert media_array([]).type == pa.struct({"bytes": pa.binary(), "path": pa.string()})
