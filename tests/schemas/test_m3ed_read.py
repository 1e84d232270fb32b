from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.json_schema import json_schemas
from emotalk_data.schemas.labels import M3ED_AGES, M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS, M3ED_GENDERS
from emotalk_data.schemas.m3ed import MAX_OTHER_NAMES, Dialogue, DialoguePlace, Speaker, Utterance
from emotalk_data.schemas.m3ed_read import read_place, read_speaker, read_utterance
from emotalk_data.schemas.strict_json import read_json
from emotalk_data.schemas.timecode import format_timecode

Found = list[tuple[str, str, str, str]]
READERS: dict[str, Callable[..., BaseModel | None]] = {
    "utterance": read_utterance,
    "speaker": read_speaker,
    "place": read_place,
}


def blend(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(names), min_size=1, max_size=3).map(",".join)


timecodes = st.integers(0, 3600 * 25).map(format_timecode) | st.just("00:00:05:30")
emotion_annotations = st.fixed_dictionaries(
    {f"EmoAnnotator{number}": blend(M3ED_ANNOTATOR_EMOTIONS.names) for number in (1, 2, 3)}
    | {"final_mul_emo": blend(M3ED_EMOTIONS.names), "final_main_emo": st.sampled_from(M3ED_EMOTIONS.names)}
)
DOCUMENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "utterance": st.fixed_dictionaries(
        {
            "StartTime": timecodes,
            "EndTime": timecodes,
            "Text": st.text(max_size=20),
            "Speaker": st.sampled_from("AB"),
            "EmoAnnotation": emotion_annotations,
        }
    ),
    "speaker": st.fixed_dictionaries(
        {
            "Name": st.text(max_size=9),
            "Age": st.sampled_from(M3ED_AGES.names),
            "Gender": st.sampled_from(M3ED_GENDERS.names),
            "OtherName": st.lists(st.text(max_size=9), max_size=3),
        }
    ),
    "place": st.fixed_dictionaries(
        {"episode": st.integers(0, 99), "start_time": timecodes, "end_time": timecodes}
    ),
}
kinds_and_documents = st.sampled_from(sorted(DOCUMENTS)).flatmap(
    lambda kind: st.tuples(st.just(kind), DOCUMENTS[kind])
)

FULL: dict[str, dict[str, Any]] = {
    "utterance": {
        "StartTime": "00:00:00:01",
        "EndTime": "00:00:01:04",
        "Text": "你明天几点出门",
        "Speaker": "A",
        "EmoAnnotation": {
            "EmoAnnotator1": "Anger,Disgust",
            "EmoAnnotator2": "Other",
            "EmoAnnotator3": "Anger",
            "final_mul_emo": "Anger,Disgust",
            "final_main_emo": "Anger",
        },
    },
    "speaker": {"Name": "林小满", "Age": "mid", "Gender": "female", "OtherName": ["满满", "小林"]},
    "place": {"episode": 3, "start_time": "00:01:02:03", "end_time": "00:02:03:24"},
}


def read(kind: str, document: Any) -> tuple[BaseModel | None, Found]:
    found: Found = []
    record = READERS[kind](document, lambda *problem: found.append(problem))
    return record, found


def as_json(record: BaseModel | None) -> dict[str, Any]:
    assert record is not None
    return record.model_dump(mode="json", by_alias=True, exclude_unset=True)


@settings(max_examples=50)
@given(kinds_and_documents)
def test_a_valid_object_is_read_as_it_is_and_without_a_problem(pair: tuple[str, dict[str, Any]]) -> None:
    kind, document = pair
    record, found = read(kind, document)
    assert as_json(record) == document
    assert found == []


@settings(max_examples=50)
@given(kinds_and_documents)
def test_keys_in_another_spelling_give_the_same_record(pair: tuple[str, dict[str, Any]]) -> None:
    kind, document = pair

    def respell(node: Any) -> Any:
        if isinstance(node, dict):
            return {key.upper().replace("_", "-"): respell(value) for key, value in node.items()}
        return node

    record, found = read(kind, respell(document))
    assert record == read(kind, document)[0]
    assert {code for code, *_ in found} == {"M3-KEY-002"}


WRONG: list[Any] = [True, 1.5, [], {}, [1]]
LABELS = [
    ("happy!", "M3-LABEL-001"),
    ("Anger，Disgust", "M3-LABEL-001"),
    ("Anger,", "M3-LABEL-001"),
    ("", "M3-LABEL-001"),
]
TIMES = [(value, "M3-TIME-002") for value in ("00:61:99:30", "1.5", "", "00:00:01", "00:00:00:01:02")]
DAMAGES: dict[str, list[tuple[Any, str]]] = {
    "StartTime": TIMES,
    "EndTime": TIMES,
    "start_time": TIMES,
    "end_time": TIMES,
    "EmoAnnotator1": [*LABELS, ("Happy," * 5000 + "Happy!", "M3-LABEL-001")],
    "EmoAnnotator2": LABELS,
    "EmoAnnotator3": LABELS,
    "final_mul_emo": [*LABELS, ("Other", "M3-LABEL-001"), ("Anger,Other", "M3-LABEL-001")],
    "final_main_emo": [*LABELS, ("Other", "M3-LABEL-001"), ("Anger,Disgust", "M3-LABEL-001")],
    "Age": [("ancient", "M3-SPEAKER-003"), ("", "M3-SPEAKER-003")],
    "Gender": [("unknown", "M3-SPEAKER-003")],
    "OtherName": [(value, "M3-TYPE-001") for value in ("x", ["x"] * (MAX_OTHER_NAMES + 1), [0] * 10**5)],
    "EmoAnnotation": [("x", "M3-TYPE-001"), (5, "M3-TYPE-001")],
    "episode": [(-1, "M3-TYPE-001"), ("3", "M3-TYPE-001"), (10**30, "M3-TYPE-001")],
    "Text": [("x" * 10_001, "M3-TYPE-001"), (5, "M3-TYPE-001")],
    "Speaker": [("x" * 1_001, "M3-TYPE-001"), (5, "M3-TYPE-001")],
}  # fmt: skip


def places(node: Any, steps: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [
        *([steps] if steps else []),
        *(place for key, value in items for place in places(value, (*steps, key))),
    ]


EVERY_PLACE = [(kind, steps) for kind in FULL for steps in places(FULL[kind])]


@pytest.mark.parametrize(("kind", "steps"), EVERY_PLACE, ids=str)
def test_one_damaged_value_becomes_none_with_one_error_and_the_rest_is_kept(
    kind: str, steps: tuple[int | str, ...], put: Callable[..., dict[str, Any]]
) -> None:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)[1:]
    containers: dict[str | int, Any] = {"EmoAnnotation": {}, "OtherName": []}
    wrong: list[Any] = [value for value in WRONG if type(value) is not type(containers.get(steps[-1]))]
    wrong += [] if steps[-1] != "OtherName" else [{}]
    damages = [*DAMAGES.get(str(steps[-1]), []), *((value, "M3-TYPE-001") for value in wrong if value != [1])]
    for value, code in damages:
        record, found = read(kind, put(FULL[kind], steps, value))
        assert [problem[:2] for problem in found] == [(code, path)], value
        assert as_json(record) == put(FULL[kind], steps, None)
        assert all(len(text) <= 500 and text.isprintable() for problem in found for text in problem)


@pytest.mark.parametrize(
    ("kind", "change", "expected", "values"),
    [
        ("utterance", {"StartTime": " 00:26:19:30"}, [("M3-TIME-001", "StartTime")],
         {"StartTime": "00:26:20:05"}),
        ("place", {"start_time": "00:31:55:142"}, [("M3-TIME-001", "start_time")], {"start_time": "00:32:00:17"}),
        ("place", {"end_time": "00:40:44:0"}, [("M3-TIME-001", "end_time")], {"end_time": "00:40:44:00"}),
        ("place", {"end_time": "00:00:05:30"}, [], {"end_time": "00:00:05:30"}),
        ("place", {"start_time": "100:00:00:00"}, [("M3-TIME-002", "start_time")], {"start_time": None}),
        ("speaker", {"Age": "Yong", "Gender": "Femal"}, [("M3-SPEAKER-002", "Age"), ("M3-SPEAKER-002", "Gender")],
         {"Age": "young", "Gender": "female"}),
        ("speaker", {"name": "林小满"}, [], {}),
        ("speaker", {"name": "她"}, [("M3-KEY-003", "name")], {"Name": None}),
        ("speaker", {"Nick\x1b": "她"}, [("M3-KEY-001", "Nick\\x1b")], {}),
        ("speaker", {f"k{n}": 1 for n in range(99)}, [("M3-KEY-001", "")], {}),
        ("speaker", {"OtherName": [None, "x"]}, [], {"OtherName": [None, "x"]}),
    ],
)  # fmt: skip
def test_an_oddity_is_brought_to_the_releases_form_and_reported(
    kind: str, change: dict[str, Any], expected: list[tuple[str, str]], values: dict[str, Any]
) -> None:
    record, found = read(kind, {**FULL[kind], **change})
    assert [problem[:2] for problem in found] == expected
    assert as_json(record) == {**FULL[kind], **values}
    assert all(text.isprintable() for problem in found for text in problem)


@pytest.mark.parametrize(
    ("field", "text", "tidy"),
    [
        ("EmoAnnotator1", "Angry,Surperised", "Anger,Surprise"),
        ("EmoAnnotator2", "Othe", "Other"),
        ("EmoAnnotator3", "Happpy ", "Happy"),
        ("final_mul_emo", "Anger, Disgust", "Anger,Disgust"),
        ("final_main_emo", "Neutral ", "Neutral"),
    ],
)
def test_another_spelling_of_an_emotion_is_mapped_and_noted(field: str, text: str, tidy: str) -> None:
    annotation = FULL["utterance"]["EmoAnnotation"]
    record, found = read("utterance", {**FULL["utterance"], "EmoAnnotation": {**annotation, field: text}})
    assert [problem[:2] for problem in found] == [("M3-LABEL-002", f"EmoAnnotation.{field}")]
    assert as_json(record)["EmoAnnotation"] == {**annotation, field: tidy}


def test_two_emotions_under_two_spellings_of_a_key_are_an_error_and_null() -> None:
    annotation = {**FULL["utterance"]["EmoAnnotation"], "Final main emo": "Sad"}
    record, found = read("utterance", {**FULL["utterance"], "EmoAnnotation": annotation})
    assert [problem[:2] for problem in found] == [("M3-KEY-003", "EmoAnnotation.Final main emo")]
    assert as_json(record)["EmoAnnotation"]["final_main_emo"] is None


@pytest.mark.parametrize("document", [None, 5, "x", [], [{}], True])
@pytest.mark.parametrize("kind", READERS)
def test_what_is_no_object_is_none_and_reported(kind: str, document: Any) -> None:
    record, found = read(kind, document)
    assert record is None
    assert [problem[:2] for problem in found] == [("M3-TYPE-001", "")]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 99) | st.text(max_size=5) | timecodes | st.just("Happy"),
    lambda child: (
        st.lists(child, max_size=3)
        | st.dictionaries(st.sampled_from(["final_main_emo", "EmoAnnotator1", "x"]), child, max_size=3)
    ),
    max_leaves=6,
)
ANY_KEYS = st.sampled_from([*FULL["utterance"], *FULL["speaker"], *FULL["place"], "text", "odd\u202e"])


@given(st.sampled_from(sorted(READERS)), st.dictionaries(ANY_KEYS, values, max_size=6))
def test_any_object_gives_a_record_and_no_label_that_is_not_in_it(
    kind: str, document: dict[str, Any]
) -> None:
    record, found = read(kind, document)
    assert record is not None
    assert all(code in CODES for code, *_ in found)
    assert all(text.isprintable() and len(text) <= 500 for problem in found for text in problem)
    if isinstance(record, Utterance) and record.annotation is not None:
        annotation = document["EmoAnnotation"]
        if annotation.get("final_main_emo") is None:
            assert record.annotation.emotion is None


SCHEMAS: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "utterance": (Utterance, json_schemas()["m3ed-utterance"]),
    "speaker": (Speaker, json_schemas()["m3ed-speaker"]),
    "place": (DialoguePlace, DialoguePlace.model_json_schema()),
}
# No newline: `$` of Python's `re`, which jsonschema uses, also matches before a final one; that of the standard
# (and of Pydantic) does not.
other_values: st.SearchStrategy[Any] = (
    values
    | st.floats(-9, 9).filter(lambda number: not number.is_integer())
    | st.sampled_from(["Other", "Anger,Disgust", "Anger,", "00:00:60:00", "00:00:00:100", "young", "male"])
).filter(lambda value: "\n" not in str(value))


@settings(max_examples=50)
@given(kinds_and_documents, st.data())
def test_the_json_schema_and_the_model_give_the_same_verdict(
    pair: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    kind, document = pair
    model, schema = SCHEMAS[kind]
    assert jsonschema.Draft202012Validator(schema).is_valid(document)
    node: Any = document
    for step in data.draw(st.sampled_from(places(document)))[:-1]:
        node = node[step]
    key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
    node[key] = data.draw(other_values)
    try:
        model.model_validate(document)
        is_valid = True
    except ValidationError:
        is_valid = False
    assert jsonschema.Draft202012Validator(schema).is_valid(document) is is_valid


@pytest.mark.parametrize("model", [Utterance, Speaker, DialoguePlace, Dialogue])
def test_every_model_writes_a_json_schema_that_is_one(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({})


def test_the_schema_of_the_whole_file_takes_the_releases_form() -> None:
    dialogue = {"SpeakerInfo": {"A": FULL["speaker"]}, "Dialog": {"anjia_1_1": FULL["utterance"]}}
    validator = jsonschema.Draft202012Validator(json_schemas()["m3ed-annotation"])
    assert validator.is_valid({"anjia": {"anjia_1": dialogue}})
    assert not validator.is_valid({"anjia": {"anjia_1": {**dialogue, "Dialog": []}}})
    relation = jsonschema.Draft202012Validator(json_schemas()["m3ed-relation"])
    assert relation.is_valid({"anjia": {"anjia_1": FULL["place"]}})
    assert not relation.is_valid({"anjia": {"anjia_1": {**FULL["place"], "episode": "3"}}})


def test_the_released_relation_file_has_seven_malformed_times_and_nothing_worse() -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / "m3ed" / "m3ed_relation_annotation_release.json"
    if not path.is_file():
        pytest.skip("the released relation file is not here")
    document = read_json(path.read_bytes(), file=path.name)
    places = [place for series in document.values() for place in series.values()]
    found = [problem for place in places for problem in read("place", place)[1]]
    assert len(places) == 1_016
    assert [code for code, *_ in found] == ["M3-TIME-001"] * 7
