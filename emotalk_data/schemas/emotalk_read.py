"""From the bytes of one EmotionTalk annotation file to a record and the problems in it."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from emotalk_data.errors import DecodeError, JsonFault, LimitError, quote
from emotalk_data.schemas.emotalk import (
    MAX_ANNOTATORS,
    NUM_ANNOTATORS,
    RECORD_MODELS,
    AudioRecord,
    EmotalkRecord,
)
from emotalk_data.schemas.emotalk_tidy import (
    ANNOTATION_KEYS,
    CAPTION_KEY_MAP,
    PARAGRAPH_KEYS,
    RECORD_KEYS,
    tidy_record,
)
from emotalk_data.schemas.labels import CONFIDENCES, EMOTALK_EMOTIONS, Modality
from emotalk_data.schemas.nulling import json_path, validate_or_null
from emotalk_data.schemas.problems import Note, Problem, noter, was_refused
from emotalk_data.schemas.strict_json import BOM, MAX_RECORD_BYTES, read_json, what_is_wrong

__all__ = ["modality_of", "read_record"]

# field -> (code when the value is out of range or vocabulary, what was expected)
_EXPECTATIONS: Final = {
    "emotion": ("ET-LABEL-001", f"one of {list(EMOTALK_EMOTIONS.names)}"),
    "emotion_result": ("ET-LABEL-001", f"one of {list(EMOTALK_EMOTIONS.names)}"),
    "Confidence_degree": ("ET-CONF-001", f"one of {list(CONFIDENCES)}"),
    "Continuous_label": ("ET-SENT-001", "an integer from -2 to 2"),
    "Continuous label_result": ("ET-SENT-002", "a number from -2 to 2"),
    "startTime": ("ET-TIME-001", "seconds, from 0 to 1,000,000"),
    "endTime": ("ET-TIME-001", "seconds, from 0 to 1,000,000"),
    "duration": ("ET-TIME-001", "seconds, from 0 to 1,000,000"),
    "content": ("ET-TEXT-004", "a string"),
    "data": ("ET-TYPE-002", "a list of annotators' objects"),
    "paragraphs": ("ET-TYPE-002", "an object with startTime and endTime"),
    "sourceAttr": ("ET-TYPE-002", "an object of strings"),
}
# Bound once: `model_validate` looks it up anew for each of 77,000 records.
_VALIDATE: Final = {
    modality: model.__pydantic_validator__.validate_python for modality, model in RECORD_MODELS.items()
}
_FAULTS: Final[dict[JsonFault, str]] = {
    "syntax": "ET-JSON-001",
    "duplicate-key": "ET-JSON-005",
    "encoding": "ET-JSON-006",
    "depth": "ET-JSON-007",
    "not-finite": "ET-JSON-008",
}
# A value that is not even of the right type is reported as that, whatever the vocabulary says of it.
_RIGHT_TYPES: Final[dict[str, Any]] = {
    "emotion": str,
    "emotion_result": str,
    "Confidence_degree": int | float,
}
_WRONG_TYPE: Final = frozenset(
    {
        "int_type",
        "float_type",
        "string_type",
        "model_type",
        "tuple_type",
        "finite_number",
        "model_attributes_type",
    }
)


def read_record(
    raw: bytes, modality: Modality, *, file: str, utterance_id: str | None = None
) -> tuple[EmotalkRecord | None, list[Problem]]:
    """Read one annotation file.

    Args:
        raw: bytes of the file.
        modality: which of the four kinds of record it is; the folder says it.
        file: the file's name for the problems.
        utterance_id: the utterance, for the problems.

    Returns:
        the record, with None for every value that is absent or cannot be taken, or None when the file is no
        JSON object at all; and the problems, in the order in which they were found.
    """
    problems: list[Problem] = []
    if raw.startswith(BOM):
        problems.append(Problem("ET-JSON-002", file, "", "a byte-order mark", "plain UTF-8", utterance_id))
    try:
        document = read_json(raw, file=file)
    except LimitError:
        found = f"more than {MAX_RECORD_BYTES:,} bytes"
        problems.append(Problem("ET-JSON-004", file, "", found, "about 1,100 bytes", utterance_id))
        return None, problems
    except DecodeError as error:
        found, expected = what_is_wrong(error, file), "one strict JSON object"
        problems.append(Problem(_FAULTS[error.fault], file, "", found, expected, utterance_id))
        return None, problems
    if not isinstance(document, dict):
        problems.append(Problem("ET-JSON-003", file, "", quote(document), "one JSON object", utterance_id))
        return None, problems
    record = _read_clean(document, modality)
    if record is None:
        record = _read_closely(document, modality, file, utterance_id, problems)
    return record, problems


def _read_clean(document: dict[str, Any], modality: Modality) -> EmotalkRecord | None:
    """Read a record in which nothing is odd; None when something is. Nearly all take this way, so it is short."""
    if not _is_as_released(document, modality):
        return None
    try:
        record: EmotalkRecord = _VALIDATE[modality](document)
    except ValidationError:
        return None
    if record.emotion_result is None or record.data is None or len(record.data) != NUM_ANNOTATORS:
        return None
    return None if isinstance(record, AudioRecord) and _ends_early(record) else record


def _ends_early(record: AudioRecord) -> bool:
    span = record.span_seconds
    return span is not None and span[1] < span[0]


def _read_closely(
    document: dict[str, Any],
    modality: Modality,
    file: str,
    utterance_id: str | None,
    problems: list[Problem],
) -> EmotalkRecord:
    """Read a record with an oddity, and say of each thing what is odd about it."""
    note = noter(problems.append, file, utterance_id=utterance_id)
    record = _validate_closely(document, modality, note)
    if record.emotion_result is None and not was_refused("emotion_result", problems):
        note("ET-LABEL-003", "emotion_result", "missing", _EXPECTATIONS["emotion_result"][1])
    number = len(record.data or ())
    if number != NUM_ANNOTATORS and not was_refused("data", problems):
        note("ET-DATA-001", "data", f"{number} annotator{'' if number == 1 else 's'}", f"{NUM_ANNOTATORS}")
    if isinstance(record, AudioRecord) and record.span_seconds is not None and _ends_early(record):
        start, end = record.span_seconds
        note("ET-TIME-001", "paragraphs", f"{start} to {end}", "an end after the start")
        record = record.model_copy(update={"paragraphs": None})
    return record


def modality_of(document: dict[str, Any]) -> Modality | None:
    """Tell the modality of a record from its keys alone, for files outside the release's folders."""
    keys = document.keys()
    if "Continuous label_result" in keys:
        return "multimodal"
    if not keys.isdisjoint(("paragraphs", "sourceAttr", "startTime", "endTime")):
        return "audio"
    return "text" if "content" in keys else None


def _validate_closely(document: dict[str, Any], modality: Modality, note: Note) -> EmotalkRecord:
    """Bring the record into the release's own form, and put null where a value cannot be taken."""

    def on_error(steps: tuple[int | str, ...], detail: ErrorDetails) -> None:
        field = next((step for step in reversed(steps) if isinstance(step, str)), "")
        code, expected = _EXPECTATIONS.get(field, ("ET-TYPE-002", "a string"))
        found = detail["input"]
        is_right = isinstance(found, _RIGHT_TYPES.get(field, object)) and not isinstance(found, bool)
        if detail["type"] in _WRONG_TYPE or not is_right:
            code = "ET-TYPE-002"
        said = quote(found)
        if detail["type"] == "string_too_long":
            said, expected = (
                f"a string of {len(found):,} characters",
                f"at most {detail['ctx']['max_length']:,}",
            )
        note(code, json_path(steps), said, expected)

    return validate_or_null(RECORD_MODELS[modality], tidy_record(document, modality, note), on_error)


def _is_as_released(document: dict[str, Any], modality: Modality) -> bool:
    """Say whether every object has only the release's own keys: then validation alone will do."""
    data = document.get("data")
    try:
        if not RECORD_KEYS[modality].is_as_released((document,)):
            return False
        if isinstance(data, list) and (
            len(data) > MAX_ANNOTATORS or not ANNOTATION_KEYS[modality].is_as_released(data)
        ):
            return False
    except TypeError:
        return False  # an annotator's entry that is no object
    if modality == "audio":
        for key, keys in (("paragraphs", PARAGRAPH_KEYS), ("sourceAttr", CAPTION_KEY_MAP)):
            value = document.get(key)
            if isinstance(value, dict) and not keys.is_as_released((value,)):
                return False
    return True
