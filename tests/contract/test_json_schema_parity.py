"""The published JSON Schemas and the models give the same verdict on the same document.

A verdict is about one parsed document in the release's own form. Reading comes before it: what is no strict
JSON (a duplicate key, NaN, half a surrogate pair) has no verdict of ours, and other readers let some of it pass.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from pydantic import TypeAdapter, ValidationError

from emotalk_data.errors import EmotalkError
from emotalk_data.schemas import m3ed
from emotalk_data.schemas.emotalk import RECORD_MODELS, FlatRecord, MultimodalRecord
from emotalk_data.schemas.json_schema import json_schemas
from emotalk_data.schemas.strict_json import read_json
from emotalk_data.testing import make_emotalk, make_m3ed

SCHEMAS = json_schemas()
TYPES: dict[str, Any] = {
    **{f"emotalk-{modality}": model for modality, model in RECORD_MODELS.items()},
    "emotalk-flat": FlatRecord,
    "m3ed-utterance": m3ed.Utterance,
    "m3ed-speaker": m3ed.Speaker,
    "m3ed-dialogue": m3ed.Dialogue,
    "m3ed-annotation": dict[str, dict[str, m3ed.Dialogue]],
    "m3ed-relation": dict[str, dict[str, m3ed.DialoguePlace]],
}
MODELS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(type_) for name, type_ in TYPES.items()}
NAMES = sorted(SCHEMAS)
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
COMPILED = {name: jsonschema_rs.validator_for(schema) for name, schema in SCHEMAS.items()}
GOLDEN = Path(__file__).parents[1] / "validation" / "golden"
# name of the file, or of a folder above it -> schema
SCHEMA_OF: dict[str, str] = {
    **{modality: f"emotalk-{modality}" for modality in RECORD_MODELS},
    "annotation.json": "m3ed-annotation",
    "relation_annotation_release.json": "m3ed-relation",
}


def model_takes(name: str, document: Any) -> bool:
    try:
        MODELS[name].validate_python(document)
    except ValidationError:
        return False
    return True


def model_takes_text(name: str, text: str) -> bool:
    try:
        MODELS[name].validate_json(text)
    except ValidationError:
        return False
    return True


# Strings at and beyond the longest of each kind, in characters of one and of four bytes.
LONG = [char * (limit + extra) for char in ("x", "😀") for limit in (1_000, 10_000) for extra in (0, 1)]
STRINGS = [
    "", "x", "1", "0.5", "true", "\n", "sad", "sad\n", "Sad", "sаd", "Anger\n", "Anger,", ",Anger", "Anger, Sad",
    "Anger,Other", "Other", "young\n", "00:00:01:00", "00:00:01:00\n", "\n00:00:01:00", "00:60:01:00",
    "00:00:01:0", "0:00:01:00", "00:00:01:100", "٠٠:00:01:00", "００:00:01:00", "\u2028", "\0", "😀",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 2, -2, 3, 100_000, 100_001, 2**53 + 1, 2**63, 2**64, -(10**30), 10**400, 0.0, -0.0, 1.0, -2.0, 2.0,
    0.1, 0.3, 0.5, 0.7, 0.9, 0.30000000000000004, 1.5, -2.0000000000000004, 1e6, 1000000.0000000001, 1e-320,
    1e308, 1e400, -5e-324, 1.0000000000000002, 100000.0, 100000.5,
]  # fmt: skip
LISTS = [
    [], [None], [[]], [{}], [1], [True], ["x"], ["sad"], [0.5], [2.0], [{}] * 100, [{}] * 101, [None] * 101,
    ["x"] * 100, ["x"] * 101, ["sad"] * 100, ["sad"] * 101, [{}, None], [{"emotion": True}],
]  # fmt: skip
OBJECTS: list[Any] = [{}, {"": None}, {"0": {}}, {"emotion": 1}, {"A": None}, {"A": {}}, {"A": []}]
VALUES = [
    None,
    True,
    False,
    *STRINGS,
    *LONG,
    *(n for n in NUMBERS if abs(n) < float("inf")),
    *LISTS,
    *OBJECTS,
]
KEYS = [
    "",
    "emotion",
    "Emotion",
    "confidence",
    "data",
    "StartTime",
    "startTime",
    "x",
    "😀",
    "A",
    "s_1",
    "pattern",
]


def documents(schema: dict[str, Any], whole: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Documents that a schema takes; of the keywords, those that our schemas use."""
    if "$ref" in schema:
        return documents(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in schema:
        return st.one_of([documents(option, whole) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        parts = {key: documents(part, whole) for key, part in schema.get("properties", {}).items()}
        if not parts:
            keys = st.sampled_from(["A", "B", "x_1", "x_1_1", "😀"])
            return st.dictionaries(keys, documents(schema["additionalProperties"], whole), max_size=2)
        return st.fixed_dictionaries({}, optional=parts)
    if kind == "array":
        return st.lists(documents(schema["items"], whole), max_size=min(schema.get("maxItems", 9), 3))
    if kind == "string" and "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    if kind == "string":
        return st.text(st.characters(codec="utf-8"), max_size=5)
    if kind in ("integer", "number"):
        low, high = schema["minimum"], schema["maximum"]
        whole_numbers = st.integers(low, high)
        return whole_numbers | (whole_numbers.map(float) if kind == "integer" else st.floats(low, high))
    return {"null": st.none()}[kind]


def places(node: Any, steps: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    yield steps
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict | list):
            yield from places(value, (*steps, key))
        else:
            yield (*steps, key)


def put(document: Any, steps: tuple[int | str, ...], value: Any) -> Any:
    if not steps:
        return value
    document = copy.deepcopy(document)
    place = document
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return document


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """Replace up to three values of a document, or add keys."""
    for _ in range(draw(st.integers(1, 3))):
        if not isinstance(document, dict | list):
            break
        steps = draw(st.sampled_from(list(places(document))))
        node: Any = document
        for step in steps:
            node = node[step]
        if isinstance(node, dict) and draw(st.booleans()):
            steps = (*steps, draw(st.sampled_from(KEYS)))
        document = put(document, steps, draw(st.sampled_from(VALUES)))
    return document


def check(name: str, document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False)
    read = read_json(text.encode(), file="x.json")
    verdict = model_takes(name, read)
    assert model_takes_text(name, text) is verdict
    assert VALIDATORS[name].is_valid(json.loads(text)) is verdict, (verdict, text[:500])
    assert COMPILED[name].is_valid(read) is verdict, (verdict, text[:500])


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_schema_and_model_agree_on_a_document_of_the_schema_and_on_a_mutated_one(
    name: str, data: st.DataObject
) -> None:
    document = data.draw(documents(SCHEMAS[name], SCHEMAS[name]))
    assert model_takes(name, document)
    check(name, document)
    check(name, data.draw(damaged(document)))


def full(schema: dict[str, Any], whole: dict[str, Any]) -> Any:
    """Return one document with every key of the schema, each with the first value that is not null."""
    if "$ref" in schema:
        return full(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in schema:
        return full(schema["anyOf"][0], whole)
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        parts = schema.get("properties") or {"A": schema["additionalProperties"]}
        return {key: full(part, whole) for key, part in parts.items()}
    if schema["type"] == "array":
        return [full(schema["items"], whole)]
    if schema["type"] == "string":
        return "00:00:01:00" if ":" in schema.get("pattern", "") else "Anger" if "pattern" in schema else "x"
    return schema["minimum"]


# A dialogue is made of utterances and speakers, and a file of dialogues: each part once will do here.
@pytest.mark.parametrize("name", sorted({*NAMES} - {"m3ed-dialogue", "m3ed-annotation"}))
def test_schema_and_model_agree_on_every_value_in_every_place(name: str) -> None:
    document = full(SCHEMAS[name], SCHEMAS[name])
    assert model_takes(name, document)
    for steps in places(document):
        for value in VALUES:
            check(name, put(document, steps, value))


def test_a_rating_written_as_1_point_0_is_the_integer_1() -> None:
    raw = b'{"data": [{"Continuous_label": 1.0}, {"Continuous_label": -0.0}, {"Continuous_label": -2}]}'
    record = MultimodalRecord.model_validate(read_json(raw, file="x.json"))
    ratings = [annotation.continuous_label for annotation in record.data or ()]
    assert [(type(rating), rating) for rating in ratings] == [(int, 1), (int, 0), (int, -2)]
    place = m3ed.DialoguePlace.model_validate({"episode": 3.0})
    assert (type(place.episode), place.episode) == (int, 3)


def schema_of(path: Path) -> str | None:
    for part in (path.name, *reversed(path.parent.parts)):
        if part.lower() in SCHEMA_OF:
            return SCHEMA_OF[part.lower()]
    return None


def verdicts(root: Path, pattern: str) -> dict[str, dict[Path, bool]]:
    """Return the models' verdicts on every file below `root` that is strict JSON, by schema."""
    found: dict[str, dict[Path, bool]] = defaultdict(dict)
    for path in sorted(root.glob(pattern)):
        name = schema_of(path)
        if name is None or not path.is_file():
            continue
        try:
            document = read_json(path.read_bytes(), file=path.name)
        except EmotalkError:
            continue  # no document: see above
        found[name][path] = model_takes(name, document)
    return found


def refused_by_check_jsonschema(name: str, paths: list[Path], folder: Path) -> set[Path]:
    schema = folder / f"{name}.schema.json"
    schema.write_text(json.dumps(SCHEMAS[name]), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), "-o", "json"]
    done = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode in (0, 1), done.stderr
    said = json.loads(done.stdout)
    assert not said.get("parse_errors"), said
    return {Path(error["filename"]) for error in said["errors"]}


def check_command_line(found: dict[str, dict[Path, bool]], folder: Path) -> None:
    for name, by_path in found.items():
        refused = refused_by_check_jsonschema(name, list(by_path), folder)
        assert refused == {path for path, is_taken in by_path.items() if not is_taken}, name


@pytest.mark.slow
def test_check_jsonschema_gives_our_verdict_on_every_golden_file(tmp_path: Path) -> None:
    found = verdicts(GOLDEN, "*/release/**/*.json")
    taken = [is_taken for by_path in found.values() for is_taken in by_path.values()]
    assert True in taken
    assert False in taken
    check_command_line(found, tmp_path)


@pytest.mark.slow
def test_check_jsonschema_gives_our_verdict_on_made_releases_with_oddities(tmp_path: Path) -> None:
    make_emotalk(tmp_path / "emotalk", num_utterances=40, media=False)
    make_m3ed(tmp_path / "m3ed", audio=False, episodes=False)
    found = verdicts(tmp_path, "**/*.json")
    assert sorted(found) == [
        *(f"emotalk-{name}" for name in sorted(RECORD_MODELS)), "m3ed-annotation", "m3ed-relation"
    ]  # fmt: skip
    check_command_line(found, tmp_path)
