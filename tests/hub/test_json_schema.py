from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from pydantic import TypeAdapter, ValidationError

from emotalk_data.schemas import m3ed
from emotalk_data.schemas.emotalk import (
    AudioRecord,
    FlatRecord,
    MultimodalRecord,
    TextRecord,
    VideoRecord,
)
from emotalk_data.schemas.json_schema import json_schemas
from emotalk_data.testing import make_emotalk

SCHEMAS = json_schemas()
NAMES = sorted(SCHEMAS)

DIALOGUE: dict[str, Any] = {
    "SpeakerInfo": {"A": {"Name": "甲", "Age": "young", "Gender": "female", "OtherName": []}},
    "Dialog": {
        "anjia_1_1": {
            "StartTime": "00:00:01:00",
            "EndTime": "00:00:02:30",
            "Text": "你好，走吧",
            "Speaker": "A",
            "EmoAnnotation": {
                "EmoAnnotator1": "Anger,Disgust",
                "EmoAnnotator2": "Other",
                "EmoAnnotator3": None,
                "final_mul_emo": "Anger,Disgust",
                "final_main_emo": "Anger",
            },
        }
    },
}
PLACE = {"episode": 3, "start_time": "00:31:55:14", "end_time": "00:32:55:30"}
EMOTALK: dict[str, Any] = {
    "data": [{"emotion": "happy", "Confidence_degree": 0.7}],
    "emotion_result": "happy",
    "speaker_id": "11",
}
# name -> (record in the release's form, model that takes it)
RECORDS: dict[str, tuple[Any, Any]] = {
    "emotalk-text": ({**EMOTALK, "content": "[over/]你好"}, TextRecord),
    "emotalk-audio": (
        {**EMOTALK, "paragraphs": {"startTime": 0.5, "endTime": 2}, "sourceAttr": {"spe_cap": "一位女性"}},
        AudioRecord,
    ),
    "emotalk-video": (EMOTALK, VideoRecord),
    "emotalk-multimodal": (
        {**EMOTALK, "data": [{"emotion": "sad", "Continuous_label": -2}], "Continuous label_result": -1.4},
        MultimodalRecord,
    ),
    "emotalk-flat": ({"emotion": ["sad", None], "emotion_result": "sad", "startTime": 1.5}, FlatRecord),
    "m3ed-utterance": (DIALOGUE["Dialog"]["anjia_1_1"], m3ed.Utterance),
    "m3ed-speaker": (DIALOGUE["SpeakerInfo"]["A"], m3ed.Speaker),
    "m3ed-dialogue": (DIALOGUE, m3ed.Dialogue),
    "m3ed-annotation": ({"anjia": {"anjia_1": DIALOGUE}}, dict[str, dict[str, m3ed.Dialogue]]),
    "m3ed-relation": ({"anjia": {"anjia_1": PLACE}}, dict[str, dict[str, m3ed.DialoguePlace]]),
}


def accepted_by_schema(name: str, record: Any) -> bool:
    return bool(Draft202012Validator(SCHEMAS[name]).is_valid(record))


def accepted_by_model(model: Any, record: Any) -> bool:
    try:
        TypeAdapter(model).validate_json(json.dumps(record))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_a_valid_document_of_its_dialect(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMAS[name]["$id"] == f"urn:emotalk-data:schema:{name}"


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_says_what_it_and_each_of_its_properties_is(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema["title"]
    for part in (schema, *schema.get("$defs", {}).values()):
        assert part["description"] or part["type"] != "object"
        for key, value in part.get("properties", {}).items():
            assert value["description"], key
    assert schema["description"]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_in_the_release_form_is_accepted_by_schema_and_model(name: str) -> None:
    record, model = RECORDS[name]
    assert accepted_by_schema(name, record)
    assert accepted_by_model(model, record)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("emotalk-text", ("emotion_result",), "hapy"),
        ("emotalk-text", ("data", 0, "Confidence_degree"), 0.4),
        ("emotalk-text", ("data",), {}),
        ("emotalk-audio", ("paragraphs", "startTime"), "0.5"),
        ("emotalk-audio", ("paragraphs", "endTime"), -1),
        ("emotalk-audio", ("sourceAttr", "spe_cap"), ["x"]),
        ("emotalk-video", ("speaker_id",), 11),
        ("emotalk-multimodal", ("data", 0, "Continuous_label"), 3),
        ("emotalk-multimodal", ("Continuous label_result",), -2.2),
        ("emotalk-flat", ("emotion", 0), "joy"),
        ("m3ed-utterance", ("StartTime",), "00:61:00:00"),
        ("m3ed-utterance", ("EmoAnnotation", "final_mul_emo"), "Anger, Disgust"),
        ("m3ed-utterance", ("EmoAnnotation", "final_main_emo"), "Other"),
        ("m3ed-speaker", ("Age",), "yound"),
        ("m3ed-dialogue", ("Dialog", "anjia_1_1", "Text"), 5),
        ("m3ed-annotation", ("anjia", "anjia_1"), "a note"),
        ("m3ed-relation", ("anjia", "anjia_1", "episode"), "3"),
    ],
)
def test_a_wrong_value_is_refused_by_schema_and_model(
    name: str, path: tuple[str | int, ...], value: Any
) -> None:
    original, model = RECORDS[name]
    record = copy.deepcopy(original)
    place = record
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not accepted_by_schema(name, record)
    assert not accepted_by_model(model, record)


def test_the_flat_form_takes_a_single_value_for_a_list_of_one() -> None:
    assert accepted_by_schema(
        "emotalk-flat", {"emotion": "sad", "Confidence_degree": 0.5, "Continuous_label": -1}
    )
    assert not accepted_by_schema("emotalk-flat", {"emotion": "joy"})


def test_every_record_of_a_made_release_fits_its_schema(tmp_path: Path) -> None:
    make_emotalk(tmp_path, num_utterances=6, media=False, oddities=False)
    for modality in ("Text", "Audio", "Video", "Multimodal"):
        validator = Draft202012Validator(SCHEMAS[f"emotalk-{modality.lower()}"])
        files = list((tmp_path / modality / "json").rglob("*.json"))
        assert len(files) == 6
        for file in files:
            validator.validate(json.loads(file.read_text(encoding="utf-8")))


def test_the_callers_changes_do_not_reach_the_next_caller() -> None:
    json_schemas()["emotalk-text"]["properties"].clear()
    assert "content" in json_schemas()["emotalk-text"]["properties"]
