from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from emotalk_data.schemas.captions import CAPTION_KEYS
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.emotalk import (
    MAX_ANNOTATORS,
    RECORD_MODELS,
    AudioRecord,
    EmotalkRecord,
    FlatRecord,
    MultimodalRecord,
    TextRecord,
    official_split,
)
from emotalk_data.schemas.emotalk_read import modality_of, read_record
from emotalk_data.schemas.json_schema import json_schemas
from emotalk_data.schemas.labels import CONFIDENCES, EMOTALK_EMOTIONS, MODALITIES, Modality
from emotalk_data.schemas.problems import Problem

emotions = st.sampled_from(EMOTALK_EMOTIONS.names)
captions = st.fixed_dictionaries({}, optional={key: st.none() | st.text(max_size=20) for key in CAPTION_KEYS})
times = st.lists(st.integers(0, 10**6) | st.floats(0, 1e6), min_size=2, max_size=2).map(sorted)
paragraphs = st.builds(
    lambda span, duration: {"startTime": span[0], "endTime": span[1], **duration},
    times,
    st.fixed_dictionaries({}, optional={"duration": st.floats(0, 1e6)}),
)


def annotation(modality: Modality) -> st.SearchStrategy[dict[str, Any]]:
    keys: dict[str, Any] = {"emotion": emotions, "Confidence_degree": st.sampled_from(CONFIDENCES)}
    if modality == "multimodal":
        keys["Continuous_label"] = st.integers(-2, 2)
    return st.fixed_dictionaries(keys)


def record(modality: Modality) -> st.SearchStrategy[dict[str, Any]]:
    """Valid records in the release's own form, in which nothing is missing."""
    keys: dict[str, Any] = {
        "data": st.lists(annotation(modality), min_size=5, max_size=5),
        "emotion_result": emotions,
        "speaker_id": st.integers(0, 99).map("{:02d}".format),
    }
    if modality == "multimodal":
        keys["Continuous label_result"] = st.integers(-10, 10).map(lambda n: n / 5)
    if modality in ("text", "audio"):
        keys["content"] = st.text(max_size=40)
    optional: dict[str, Any] = {}
    if modality == "audio":
        keys["paragraphs"] = paragraphs
        optional["sourceAttr"] = captions
    keys["file_path" if modality == "audio" else "file_name"] = st.text(max_size=40)
    return st.fixed_dictionaries(keys, optional=optional)


modalities_and_records = st.sampled_from(MODALITIES).flatmap(
    lambda name: st.tuples(st.just(name), record(name))
)


def read(document: Any, modality: Modality) -> tuple[EmotalkRecord, list[Problem]]:
    raw = json.dumps(document, ensure_ascii=False).encode("utf-8")
    found, problems = read_record(raw, modality, file="x.json", utterance_id="G00008_01_11_002")
    assert found is not None
    return found, problems


def as_json(found: EmotalkRecord) -> dict[str, Any]:
    return found.model_dump(mode="json", by_alias=True, exclude_unset=True)


def codes(problems: list[Problem], severity: str | None = None) -> list[str]:
    return [problem.code for problem in problems if severity in (None, problem.severity)]


@settings(max_examples=50)
@given(modalities_and_records)
def test_a_valid_record_is_read_as_it_is_and_without_a_problem(pair: tuple[Modality, dict[str, Any]]) -> None:
    modality, document = pair
    found, problems = read(document, modality)
    assert type(found) is RECORD_MODELS[modality]
    assert as_json(found) == document
    assert problems == []


@settings(max_examples=50)
@given(
    modalities_and_records,
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from([" ", "-", ""]),
)
def test_keys_in_any_spelling_give_the_same_record(
    pair: tuple[Modality, dict[str, Any]], case: Callable[[str], str], separator: str
) -> None:
    modality, document = pair

    def respell(node: Any) -> Any:
        if isinstance(node, list):
            return [respell(item) for item in node]
        if isinstance(node, dict):
            return {
                case(k.replace("_", separator).replace(" ", separator)): respell(v) for k, v in node.items()
            }
        return node

    found, problems = read(respell(document), modality)
    assert found == read(document, modality)[0]
    assert set(codes(problems)) <= {"ET-KEY-002"}


@settings(max_examples=50)
@given(record("audio"))
def test_captions_as_a_string_give_the_same_record(document: dict[str, Any]) -> None:
    expected = read(document, "audio")[0]
    if "sourceAttr" in document:
        for text in (json.dumps(document["sourceAttr"]), repr(document["sourceAttr"])):
            found, problems = read({**document, "sourceAttr": text}, "audio")
            assert found == expected
            assert codes(problems) == ["ET-CAP-002"]


def flat_form(document: dict[str, Any]) -> dict[str, Any]:
    """The paper's Table 6: every key at the top level."""
    flat = {key: value for key, value in document.items() if key not in ("data", "paragraphs", "sourceAttr")}
    for key in document["data"][0]:
        flat[key] = [item[key] for item in document["data"]]
    return {**flat, **document.get("paragraphs", {}), **document.get("sourceAttr", {})}


@settings(max_examples=50)
@given(modalities_and_records)
def test_the_flat_form_gives_the_same_record(pair: tuple[Modality, dict[str, Any]]) -> None:
    modality, document = pair
    found, problems = read(flat_form(document), modality)
    expected = dict(document)
    if not any(value is not None for value in document.get("sourceAttr", {"": ""}).values()):
        del expected["sourceAttr"]  # captions that are all null are no captions
    assert found.model_dump() == read(expected, modality)[0].model_dump()
    assert problems == []
    FlatRecord.model_validate(flat_form(document))


LABEL, NUMBER = "ET-LABEL-001", "ET-TYPE-002"
WRONG_TYPES: list[Any] = [True, [], {}, [1], {"a": 1}]
WORDS = [
    ("hapy", LABEL),
    ("", LABEL),
    ("neutral\u200b", LABEL),
    ("nеutral", LABEL),
    *[(v, NUMBER) for v in [3, 1.5, *WRONG_TYPES]],
]
SECONDS = [
    (-1, "ET-TIME-001"),
    (1e7, "ET-TIME-001"),
    (10**400, "ET-TYPE-002"),
    *[(v, NUMBER) for v in ["x", "1e3", *WRONG_TYPES]],
]
NOT_OBJECTS: list[tuple[Any, str]] = [
    (5, NUMBER),
    ("x", NUMBER),
    (True, NUMBER),
    ([1], NUMBER),
    (None, NUMBER),
]
STRINGS = [("x" * 10_001, "ET-TYPE-002"), *[(v, "ET-TYPE-002") for v in [1.5, -1, *WRONG_TYPES]]]
DAMAGES: dict[str, list[tuple[Any, str]]] = {
    "emotion": WORDS,
    "emotion_result": WORDS,
    "Confidence_degree": [(v, "ET-CONF-001") for v in [0.2, 3, -0.1, "3", 10**400]]
    + [(v, NUMBER) for v in ["high", *WRONG_TYPES]],
    "Continuous_label": [(v, "ET-SENT-001") for v in [3, -3, 0.5, 2**63, "3"]]
    + [(v, NUMBER) for v in ["x", *WRONG_TYPES]],
    "Continuous label_result": [(2.2, "ET-SENT-002"), (-3, "ET-SENT-002"), ("2.5", "ET-SENT-002"), ("x", NUMBER)]
    + [(v, NUMBER) for v in WRONG_TYPES],
    "startTime": SECONDS,
    "endTime": SECONDS,
    "duration": SECONDS,
    "content": [("x" * 10_001, "ET-TEXT-004"), *[(v, NUMBER) for v in [5, *WRONG_TYPES]]],
    "data": [(v, NUMBER) for v in [5, "x", True, {}, {"0": {}}]] + [([{}] * (MAX_ANNOTATORS + 1), NUMBER)],
    "paragraphs": [(v, NUMBER) for v in [5, "x", True, [5], [{}, 5]]],
    "sourceAttr": [(v, NUMBER) for v in [5, True, [], [{}]]]
    + [(v, "ET-CAP-001") for v in ["", "x", "nan", "{'a': 1}"]],
    "speaker_id": [*STRINGS, (100, "ET-TYPE-002")],
}  # fmt: skip
FULL: dict[Modality, dict[str, Any]] = {}
for _modality in MODALITIES:
    _item: dict[str, Any] = {"emotion": "sad", "Confidence_degree": 0.7}
    _full: dict[str, Any] = {"emotion_result": "sad", "speaker_id": "11", "file_name": "a", "file_path": "b"}
    if _modality == "multimodal":
        _item["Continuous_label"] = -2
        _full["Continuous label_result"] = -0.4
    if _modality in ("text", "audio"):
        _full["content"] = "[over/]我明天再[/over]来。"
    if _modality == "audio":
        _full["paragraphs"] = {"startTime": 1.5, "endTime": 3, "duration": 1.5}
        _full["sourceAttr"] = dict.fromkeys(CAPTION_KEYS, "平静")
    FULL[_modality] = {"data": [dict(_item) for _ in range(5)], **_full}


def places(node: Any, steps: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    found = [steps] if steps else []
    for key, value in items:
        if not isinstance(node, list) or key in (0, 4):  # the first and the last annotator stand for all
            found += places(value, (*steps, key))
    return found


EVERY_PLACE = [(modality, steps) for modality in MODALITIES for steps in places(FULL[modality])]


@pytest.mark.parametrize(("modality", "steps"), EVERY_PLACE, ids=str)
def test_one_damaged_value_becomes_none_with_one_error_and_the_rest_is_kept(
    modality: Modality, steps: tuple[int | str, ...], put: Callable[..., dict[str, Any]]
) -> None:
    last = steps[-1]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)[1:]
    damages = NOT_OBJECTS if last in (0, 4) else DAMAGES.get(str(last), STRINGS)
    for value, code in damages:
        found, problems = read(put(FULL[modality], steps, value), modality)
        errors = [problem for problem in problems if problem.severity == "error"]
        assert [(problem.code, problem.json_path) for problem in errors] == [(code, path)], (value, problems)
        assert as_json(found) == put(FULL[modality], steps, {} if last in (0, 4) else None)
        for problem in problems:
            assert str(problem).isprintable()
            assert len(problem.found) <= 500
            assert problem.utterance_id == "G00008_01_11_002"


@pytest.mark.parametrize(("modality", "steps"), EVERY_PLACE, ids=str)
def test_a_null_is_a_missing_value_and_no_error(
    modality: Modality, steps: tuple[int | str, ...], put: Callable[..., dict[str, Any]]
) -> None:
    if not isinstance(steps[-1], int):
        document = put(FULL[modality], steps, None)
        found, problems = read(document, modality)
        assert as_json(found) == document
        assert codes(problems) == {"emotion_result": ["ET-LABEL-003"], "data": ["ET-DATA-001"]}.get(
            str(steps[-1]), []
        )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | emotions | st.sampled_from(["0.5", "1", "Happiness", "[over/]", "{'spe_cap': 'a'}"]),
    lambda child: st.lists(child, max_size=6) | st.dictionaries(
        st.sampled_from(["emotion", "Emotion", "Confidence_degree", "Continuous_label", "end", "x\x1b"]),
        child, max_size=4),
    max_leaves=8,
)  # fmt: skip
ALL_KEYS = sorted(
    {*FULL["audio"], *FULL["multimodal"], "emotion", "startTime", "SPEAKER ID", "spe_cap", "new\u202e"}
)
wild_documents = st.dictionaries(st.sampled_from(ALL_KEYS), json_values, max_size=8)


@settings(max_examples=50)
@given(wild_documents, st.sampled_from(MODALITIES))
def test_any_object_gives_a_record_and_no_label_that_is_not_in_it(
    document: dict[str, Any], modality: Modality
) -> None:
    found, problems = read(document, modality)
    if document.get("emotion_result") is None:
        assert found.emotion_result is None
        assert "ET-LABEL-003" in codes(problems)
    elif found.emotion_result is None:
        assert "emotion_result" in [problem.json_path for problem in problems]
    data = document.get("data")
    if isinstance(data, list):
        for item, annotated in zip(data, found.data or (), strict=True):
            if not isinstance(item, dict) or (item.get("emotion") is None and item.get("Emotion") is None):
                assert annotated.emotion is None
    assert all(problem.code in CODES and str(problem).isprintable() for problem in problems)
    assert all(len(problem.found) <= 500 for problem in problems)


@given(st.binary(), st.sampled_from(MODALITIES))
def test_no_bytes_make_reading_raise(raw: bytes, modality: Modality) -> None:
    found, problems = read_record(raw, modality, file="x.json")
    assert problems
    assert found is None or found.emotion_result is None


@settings(max_examples=50)
@given(modalities_and_records, st.data())
def test_a_mutated_record_is_read_or_refused_with_a_problem(
    pair: tuple[Modality, dict[str, Any]], data: st.DataObject
) -> None:
    modality, document = pair
    raw = bytearray(json.dumps(document, ensure_ascii=False).encode("utf-8"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    found, problems = read_record(bytes(raw), modality, file="x.json")
    if found is None:
        assert codes(problems, "error")
    if b"emotion_result" not in raw and found is not None and found.emotion_result is not None:
        assert "ET-KEY-002" in codes(problems)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", ["ET-JSON-001"]),
        (b"null", ["ET-JSON-003"]),
        (b"[]", ["ET-JSON-003"]),
        (b'"x"', ["ET-JSON-003"]),
        (b"{}", ["ET-LABEL-003", "ET-DATA-001"]),
        (b"\xef\xbb\xbf{}", ["ET-JSON-002", "ET-LABEL-003", "ET-DATA-001"]),
        (b"\xef\xbb\xbf", ["ET-JSON-002", "ET-JSON-001"]),
        (b'{"emotion_result":"sad","emotion_result":"happy"}', ["ET-JSON-005"]),
        (b" " * (1 << 20) + b"{}", ["ET-JSON-004"]),
        (b"[" * 100_000, ["ET-JSON-007"]),
    ],
)
def test_a_file_that_is_no_object_says_so(raw: bytes, expected: list[str]) -> None:
    found, problems = read_record(raw, "text", file="x.json")
    assert codes(problems) == expected
    assert (found is None) == expected[-1].startswith("ET-JSON")


def test_a_refusal_of_bytes_says_why_once() -> None:
    _, [problem] = read_record(b'{"a": 1,}', "text", file="x.json")
    assert str(problem) == (
        "error ET-JSON-001 x.json is not strict JSON: trailing comma at line 1 column 9; "
        "expected one strict JSON object"
    )


@pytest.mark.parametrize(
    ("change", "expected", "values"),
    [
        ({"emotion_result": "Sadness "}, ["ET-LABEL-002"], {"emotion_result": "sad"}),
        ({"speaker_id": 7}, ["ET-TYPE-001"], {"speaker_id": "07"}),
        ({"Emotion Result": "sad"}, [], {"emotion_result": "sad"}),
        ({"Emotion Result": "happy"}, ["ET-KEY-003"], {"emotion_result": None}),
        ({"__class__": {"a": 1}}, ["ET-KEY-001"], {}),
        ({"zz": [None, 1, 2]}, ["ET-KEY-001"], {}),
        ({"cоntent": "x"}, ["ET-KEY-001"], {}),  # Cyrillic о
        ({f"k{n}": n for n in range(1000)}, ["ET-KEY-001"], {}),
        ({"start_time": 5, "emotion": "sad"}, ["ET-KEY-002", "ET-KEY-001", "ET-KEY-001"], {}),
        ({"paragraphs": [{"start": "0.5", "end": 1}, {"startTime": 2, "endTime": 3}]},
         ["ET-KEY-002", "ET-KEY-002", "ET-TYPE-001"], {"paragraphs": {"startTime": 0.5, "endTime": 3}}),
        ({"paragraphs": [{"startTime": 1, "endTime": 2}, {"startTime": True, "endTime": 3}]},
         ["ET-TYPE-002"], {"paragraphs": {"startTime": None, "endTime": 3}}),
        ({"paragraphs": []}, [], {"paragraphs": None}),
        ({"paragraphs": {"startTime": 2.5, "endTime": 1}}, ["ET-TIME-001"], {"paragraphs": None}),
        ({"paragraphs": None, "startTime": 1, "endTime": "2"}, ["ET-TYPE-001"],
         {"paragraphs": {"startTime": 1, "endTime": 2}}),
        ({"content": "\x1b[2J\u202e"}, [], {"content": "\x1b[2J\u202e"}),
        ({"sourceAttr": {"speaker": "a", "STYLE": "b", "emotion": "c", "overall": "d"}}, ["ET-KEY-002"] * 4,
         {"sourceAttr": {"spe_cap": "a", "style_cap": "b", "emo_cap": "c", "caption_1": "d"}}),
        ({"sourceAttr": "{'spe_cap': '\\ud800'}"}, ["ET-CAP-001"], {"sourceAttr": None}),
        ({"data": FULL["audio"]["data"][:3]}, ["ET-DATA-001"], {"data": FULL["audio"]["data"][:3]}),
        ({"data": []}, ["ET-DATA-001"], {"data": []}),
    ],
)  # fmt: skip
def test_an_oddity_is_brought_to_the_releases_form_and_reported(
    change: dict[str, Any], expected: list[str], values: dict[str, Any]
) -> None:
    found, problems = read({**FULL["audio"], **change}, "audio")
    assert codes(problems) == expected
    assert as_json(found) == {**FULL["audio"], **values}
    assert all(str(problem).isprintable() for problem in problems)


def test_keys_of_other_kinds_of_record_are_neither_used_nor_reported() -> None:
    everything = {**FULL["multimodal"], **FULL["audio"], "data": FULL["multimodal"]["data"]}
    for modality in MODALITIES:
        found, problems = read(everything, modality)
        assert problems == []
        assert found.emotion_result == "sad"


@pytest.mark.parametrize("item", ["0", "{}"])
@pytest.mark.parametrize("key", ["data", "emotion", "paragraphs", "sourceAttr", "Confidence_degree"])
def test_a_megabyte_of_bad_items_is_one_problem(key: str, item: str) -> None:
    # A megabyte of zeros as `data` once took a minute and a half and 4 GB.
    raw = f'{{"emotion_result":"sad","{key}":[{",".join([item] * (1_000_000 // (len(item) + 1)))}]}}'.encode()
    found, problems = read_record(raw, "audio", file="x.json")
    assert found is not None
    assert len(codes(problems, "error")) == 1
    assert len(problems) <= 3


def test_a_key_spelled_in_a_thousand_ways_is_one_problem() -> None:
    spellings = {"-" * number + "emotion_result": "happy" for number in range(1, 1_000)}
    found, problems = read({**FULL["text"], **spellings}, "text")
    assert codes(problems, "error") == ["ET-KEY-003"]
    assert found.emotion_result is None


def test_models_accept_field_names_of_the_release_only() -> None:
    document = {"emotion_result": "sad", "sentiment": 1.0, "captions": {}, "data": [{"confidence": 0.5}] * 5}
    found, problems = read(document, "multimodal")
    assert isinstance(found, MultimodalRecord)
    assert found.sentiment is None
    assert [item.confidence for item in found.data or ()] == [None] * 5
    assert codes(problems).count("ET-KEY-001") == 7


@pytest.mark.parametrize(
    ("document", "modality"),
    [
        (FULL["multimodal"], "multimodal"),
        (FULL["audio"], "audio"),
        ({"startTime": 1, "content": ""}, "audio"),
        (FULL["text"], "text"),
        (FULL["video"], None),
        ({}, None),
    ],
)
def test_the_modality_of_a_stray_record_is_told_by_its_keys(
    document: dict[str, Any], modality: Modality | None
) -> None:
    assert modality_of(document) == modality


def test_groups_belong_to_the_official_splits() -> None:
    splits = [official_split(f"G{number:05d}") for number in range(1, 16)]
    assert [splits.count(name) for name in ("train", "validation", "test")] == [11, 2, 2]
    assert (splits[0], splits[11], splits[2], splits[14]) == ("validation", "validation", "test", "test")
    assert official_split("G99999") == "train"


SCHEMAS = json_schemas()
some_values = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9).filter(lambda f: not f.is_integer())
)
# 1.0 is left out: JSON Schema counts it as an integer, and a Continuous_label must be written as one.
other_values: st.SearchStrategy[Any] = (
    some_values | st.text(max_size=3) | emotions | st.lists(some_values, max_size=3) | st.just({})
)


@settings(max_examples=50)
@given(modalities_and_records, st.data())
def test_the_json_schema_and_the_model_give_the_same_verdict(
    pair: tuple[Modality, dict[str, Any]], data: st.DataObject
) -> None:
    modality, document = pair
    schema = SCHEMAS[f"emotalk-{modality}"]
    assert jsonschema.Draft202012Validator(schema).is_valid(document)
    node: Any = document
    for step in data.draw(st.sampled_from(places(document)))[:-1]:
        node = node[step]
    key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
    node[key] = data.draw(other_values)
    try:
        RECORD_MODELS[modality].model_validate(document)
        is_valid = True
    except ValidationError:
        is_valid = False
    assert jsonschema.Draft202012Validator(schema).is_valid(document) is is_valid


@pytest.mark.parametrize("model", [*RECORD_MODELS.values(), FlatRecord])
def test_every_model_writes_a_json_schema_that_is_one(
    model: type[TextRecord | AudioRecord | FlatRecord],
) -> None:
    schema = model.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({})
    assert not jsonschema.Draft202012Validator(schema).is_valid({"emotion_result": "hapy"})


@settings(max_examples=50)
@given(record("audio") | record("multimodal"))
def test_the_flat_form_has_a_json_schema_of_its_own(document: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMAS["emotalk-flat"])
    assert validator.is_valid(flat_form(document))
    assert not validator.is_valid({**flat_form(document), "emotion": ["sad", "hapy"]})
