"""M3ED's parsed JSON to records: other spellings brought to the release's own, each step reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from emotalk_data.errors import SchemaError, quote
from emotalk_data.schemas.keys import KeyCodes, KeyMap
from emotalk_data.schemas.labels import (
    M3ED_AGES,
    M3ED_ANNOTATOR_EMOTIONS,
    M3ED_EMOTIONS,
    M3ED_GENDERS,
    LabelSet,
)
from emotalk_data.schemas.m3ed import (
    MAX_OTHER_NAMES,
    Dialogue,
    DialoguePlace,
    EmotionAnnotation,
    Speaker,
    Utterance,
)
from emotalk_data.schemas.nulling import json_path, validate_or_null
from emotalk_data.schemas.problems import Note
from emotalk_data.schemas.timecode import format_timecode, parse_timecode

__all__ = ["note_frame_overflow", "read_place", "read_speaker", "read_utterance", "tidy_dialogue"]

Model = TypeVar("Model", bound=BaseModel)


def _keys(model: type[BaseModel]) -> KeyMap:
    return KeyMap(field.alias or name for name, field in model.model_fields.items())


_SPEAKER_KEYS: Final = _keys(Speaker)
_UTTERANCE_KEYS: Final = _keys(Utterance)
_ANNOTATION_KEYS: Final = _keys(EmotionAnnotation)
_PLACE_KEYS: Final = _keys(DialoguePlace)
_DIALOGUE_KEYS: Final = _keys(Dialogue)

_ANNOTATOR_FIELDS: Final = ("EmoAnnotator1", "EmoAnnotator2", "EmoAnnotator3")
_LABEL_FIELDS: Final = frozenset({*_ANNOTATOR_FIELDS, "final_mul_emo", "final_main_emo"})
_TIME_FIELDS: Final = frozenset({"StartTime", "EndTime", "start_time", "end_time"})
_KEY_CODES: Final = KeyCodes("M3-KEY-002", "M3-KEY-001", "M3-KEY-003")

# field -> what was expected, when the value has the wrong type
_TYPES: Final = {
    "EmoAnnotation": "an object of emotions",
    "OtherName": f"a list of at most {MAX_OTHER_NAMES} strings",
    "episode": "the number of the episode",
    "Text": "a string of at most 10,000 characters",
    "Name": "a string of at most 1,000 characters",
    "Speaker": "the letter of a speaker",
}

# model -> (field, code, what was expected) of the values that every record of the release has
_Expected = tuple[tuple[str, str, str], ...]
_EXPECTED: Final[dict[type[BaseModel], _Expected]] = {
    Utterance: (
        ("StartTime", "M3-TIME-005", "HH:MM:SS:FF"),
        ("EndTime", "M3-TIME-005", "HH:MM:SS:FF"),
        ("Text", "M3-TEXT-001", "the text"),
        ("Speaker", "M3-SPEAKER-004", "the letter of a speaker"),
        ("EmoAnnotation", "M3-LABEL-003", "an object of emotions"),
    ),
    EmotionAnnotation: (
        *((field, "M3-DATA-001", "the emotions of an annotator") for field in _ANNOTATOR_FIELDS),
        ("final_mul_emo", "M3-LABEL-003", "the final blend"),
        ("final_main_emo", "M3-LABEL-003", "the final emotion"),
    ),
    Speaker: (
        ("Name", "M3-SPEAKER-005", "the speaker's name"),
        ("Age", "M3-SPEAKER-005", f"one of {list(M3ED_AGES.names)}"),
        ("Gender", "M3-SPEAKER-005", f"one of {list(M3ED_GENDERS.names)}"),
        ("OtherName", "M3-SPEAKER-006", "a list of names, or []"),
    ),
    DialoguePlace: (
        ("episode", "M3-REL-005", "the number of the episode"),
        ("start_time", "M3-TIME-005", "HH:MM:SS:FF"),
        ("end_time", "M3-TIME-005", "HH:MM:SS:FF"),
    ),
}


def read_utterance(document: Any, note: Note) -> Utterance | None:
    """Read one entry of `Dialog`; None when it is not an object."""
    return _read(Utterance, _UTTERANCE_KEYS, document, _tidy_utterance, note)


def read_speaker(document: Any, note: Note) -> Speaker | None:
    """Read one entry of `SpeakerInfo`; None when it is not an object."""
    return _read(Speaker, _SPEAKER_KEYS, document, _tidy_speaker, note)


def read_place(document: Any, note: Note) -> DialoguePlace | None:
    """Read one entry of the relation file; None when it is not an object."""
    return _read(DialoguePlace, _PLACE_KEYS, document, _tidy_place, note)


def tidy_dialogue(document: dict[str, Any], note: Note) -> dict[str, Any]:
    """Return a dialogue's object with the release's own keys; what they hold is not looked at."""
    return _DIALOGUE_KEYS.tidy(document, "", _KEY_CODES, note)


def _read(
    model: type[Model],
    keys: KeyMap,
    document: Any,
    tidy: Callable[[dict[str, Any], Note], None],
    note: Note,
) -> Model | None:
    if not isinstance(document, dict):
        note("M3-TYPE-001", "", quote(document), "an object")
        return None
    _note_missing(model, keys, document, "", note)
    if _is_as_released(keys, document):
        try:
            return model.model_validate(document)
        except ValidationError:
            pass  # at least one value needs a closer look, below
    record = keys.tidy(document, "", _KEY_CODES, note)
    tidy(record, note)
    return validate_or_null(model, record, _reporter(note))


def _note_missing(
    model: type[BaseModel], keys: KeyMap, document: dict[str, Any], prefix: str, note: Note
) -> None:
    """Note the values that are absent or null; what is there and cannot be taken is noted elsewhere."""
    respelling = keys.respelling(document)
    plain = document if respelling is None else keys.apply(document, respelling)
    for field, code, expected in _EXPECTED[model]:
        value = plain.get(field)
        if value is None:
            note(code, prefix + field, "null" if field in plain else "missing", expected)
        elif field == "EmoAnnotation" and isinstance(value, dict):
            _note_missing(EmotionAnnotation, _ANNOTATION_KEYS, value, "EmoAnnotation.", note)


def _is_as_released(keys: KeyMap, document: dict[str, Any]) -> bool:
    if keys.respelling(document) is not None:
        return False
    annotation = document.get("EmoAnnotation")
    if isinstance(annotation, dict) and _ANNOTATION_KEYS.respelling(annotation) is not None:
        return False
    names = document.get("OtherName")
    return not (isinstance(names, list) and len(names) > MAX_OTHER_NAMES)


def _reporter(note: Note) -> Callable[[tuple[int | str, ...], ErrorDetails], None]:
    def on_error(steps: tuple[int | str, ...], detail: ErrorDetails) -> None:
        field = str(steps[-1])
        is_text = isinstance(detail["input"], str)
        code, expected = "M3-TYPE-001", _TYPES.get(field, "a string")
        if field in _LABEL_FIELDS and is_text:
            labels = M3ED_ANNOTATOR_EMOTIONS if field in _ANNOTATOR_FIELDS else M3ED_EMOTIONS
            many = "" if field == "final_main_emo" else ", or several joined by commas"
            code, expected = "M3-LABEL-001", f"one of {list(labels.names)}{many}"
        elif field in ("Age", "Gender") and is_text:
            labels = M3ED_AGES if field == "Age" else M3ED_GENDERS
            code, expected = "M3-SPEAKER-003", f"one of {list(labels.names)}"
        elif field in _TIME_FIELDS and is_text:
            code, expected = "M3-TIME-002", "HH:MM:SS:FF"
        note(code, json_path(steps), quote(detail["input"]), expected)

    return on_error


def _tidy_utterance(record: dict[str, Any], note: Note) -> None:
    _tidy_times(record, ("StartTime", "EndTime"), note)
    annotation = record.get("EmoAnnotation")
    if isinstance(annotation, dict):
        annotation = _ANNOTATION_KEYS.tidy(annotation, "EmoAnnotation", _KEY_CODES, note)
        for field in _ANNOTATOR_FIELDS:
            _tidy_labels(annotation, field, M3ED_ANNOTATOR_EMOTIONS, "M3-LABEL-002", "EmoAnnotation.", note)
        for field in ("final_mul_emo", "final_main_emo"):
            _tidy_labels(annotation, field, M3ED_EMOTIONS, "M3-LABEL-002", "EmoAnnotation.", note)
        record["EmoAnnotation"] = annotation


def _tidy_speaker(record: dict[str, Any], note: Note) -> None:
    _tidy_labels(record, "Age", M3ED_AGES, "M3-SPEAKER-002", "", note)
    _tidy_labels(record, "Gender", M3ED_GENDERS, "M3-SPEAKER-002", "", note)
    names = record.get("OtherName")
    if isinstance(names, list) and len(names) > MAX_OTHER_NAMES:
        note("M3-TYPE-001", "OtherName", f"{len(names):,} names", _TYPES["OtherName"])
        record["OtherName"] = None


def _tidy_place(record: dict[str, Any], note: Note) -> None:
    _tidy_times(record, ("start_time", "end_time"), note)


def _tidy_labels(
    record: dict[str, Any], field: str, labels: LabelSet, code: str, prefix: str, note: Note
) -> None:
    """Map other spellings in a label or a comma-joined blend; leave what is not understood."""
    text = record.get(field)
    if not isinstance(text, str) or len(text) > 200:
        return
    names = [labels.resolve(word) for word in text.split(",")]
    tidy = ",".join(name or "" for name in names)
    if all(names) and tidy != text:
        note(code, prefix + field, quote(text), quote(tidy))
        record[field] = tidy


def _tidy_times(record: dict[str, Any], fields: tuple[str, ...], note: Note) -> None:
    """Write malformed times that have one reading as `HH:MM:SS:FF`; leave the others."""
    for field in fields:
        text = record.get(field)
        if not isinstance(text, str):
            continue
        try:
            timecode = parse_timecode(text)
        except SchemaError:
            continue
        if not timecode.is_well_formed:
            tidy = format_timecode(timecode.frame_number)
            note("M3-TIME-001", field, quote(text), f"HH:MM:SS:FF; read as {tidy}")
            record[field] = tidy


def note_frame_overflow(text: str | None, path: str, note: Note) -> None:
    """Note a time code whose frame field is 25 or more; it is legal, and read as arithmetic has it."""
    if text is not None and parse_timecode(text).has_frame_overflow:
        note("M3-TIME-004", path, quote(text), "a frame field below 25")
