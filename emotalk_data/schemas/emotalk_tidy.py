"""EmotionTalk records in any of the forms they are met in, brought to the release's own form.

Each step that changes something reports it. What cannot be understood is left as it is: validation then finds
it, reports it and makes it null. Nothing is guessed.
"""

from __future__ import annotations

import re
from typing import Any, Final

from emotalk_data.errors import CaptionError, quote
from emotalk_data.schemas.captions import CAPTION_KEYS, parse_caption_text
from emotalk_data.schemas.emotalk import (
    MAX_ANNOTATORS,
    RECORD_MODELS,
    Annotation,
    FlatRecord,
    MultimodalAnnotation,
    Paragraphs,
)
from emotalk_data.schemas.keys import KeyCodes, KeyMap
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, Modality
from emotalk_data.schemas.problems import Note

__all__ = ["ANNOTATION_KEYS", "CAPTION_KEY_MAP", "PARAGRAPH_KEYS", "RECORD_KEYS", "tidy_record"]


def _aliases(model: type[Any]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


_EVERY_KEY: Final = {key for model in RECORD_MODELS.values() for key in _aliases(model)}
_FLAT_KEYS: Final = frozenset(_aliases(FlatRecord)) - _EVERY_KEY
_ANNOTATOR_KEYS: Final = _aliases(MultimodalAnnotation)

RECORD_KEYS: Final[dict[Modality, KeyMap]] = {
    modality: KeyMap(_aliases(model), silent=_EVERY_KEY) for modality, model in RECORD_MODELS.items()
}
_TIDY_RECORD_KEYS: Final[dict[Modality, KeyMap]] = {
    modality: KeyMap((*_aliases(model), *_FLAT_KEYS), silent=_EVERY_KEY)
    for modality, model in RECORD_MODELS.items()
}
ANNOTATION_KEYS: Final[dict[Modality, KeyMap]] = {
    modality: KeyMap(
        _aliases(MultimodalAnnotation if modality == "multimodal" else Annotation), silent=_ANNOTATOR_KEYS
    )
    for modality in RECORD_MODELS
}
PARAGRAPH_KEYS: Final = KeyMap(_aliases(Paragraphs), synonyms={"start": "startTime", "end": "endTime"})
CAPTION_KEY_MAP: Final = KeyMap(
    CAPTION_KEYS,
    synonyms={"speaker": "spe_cap", "style": "style_cap", "emotion": "emo_cap", "overall": "caption_1"},
)

_KEY_CODES: Final = KeyCodes("ET-KEY-002", "ET-KEY-001", "ET-KEY-003")
_MAX_PARAGRAPHS: Final = 100

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{0,12})?")


def tidy_record(document: dict[str, Any], modality: Modality, note: Note) -> dict[str, Any]:
    """Return the record in the release's own form; `document` is left as it is."""
    record = _TIDY_RECORD_KEYS[modality].tidy(document, "", _KEY_CODES, note)
    record = _fold_flat(record, modality, note)
    _tidy_emotion(record, "emotion_result", "emotion_result", note)
    _tidy_number(record, "Continuous label_result", "Continuous label_result", _DECIMAL, note)
    speaker = record.get("speaker_id")
    if isinstance(speaker, int) and not isinstance(speaker, bool) and 0 <= speaker <= 99:
        note("ET-TYPE-001", "speaker_id", quote(speaker), "a string of two digits")
        record["speaker_id"] = f"{speaker:02d}"
    data = record.get("data")
    if isinstance(data, list) and len(data) > MAX_ANNOTATORS:
        note("ET-TYPE-002", "data", f"{len(data):,} annotators", f"at most {MAX_ANNOTATORS}")
        record["data"] = None
    elif isinstance(data, list):
        record["data"] = [
            _tidy_annotation(item, modality, f"data[{index}]", note) for index, item in enumerate(data)
        ]
    if "paragraphs" in record:
        record["paragraphs"] = _tidy_paragraphs(record["paragraphs"], note)
    if "sourceAttr" in record:
        record["sourceAttr"] = _tidy_captions(record["sourceAttr"], note)
    return record


def _fold_flat(record: dict[str, Any], modality: Modality, note: Note) -> dict[str, Any]:
    """Bring keys that Table 6 shows at the top level to where the release has them."""
    flat = {key: record.pop(key) for key in _FLAT_KEYS & record.keys()}
    if not flat:
        return record
    places = [("data", _ANNOTATOR_KEYS)]
    if modality == "audio":
        places += [("paragraphs", _aliases(Paragraphs)), ("sourceAttr", CAPTION_KEYS)]
    for target, keys in places:
        values = {key: flat[key] for key in keys if flat.get(key) is not None}
        if values and record.get(target) is None:
            record[target] = _zip_annotators(values, note) if target == "data" else values
        else:
            for key in values:
                note("ET-KEY-001", key, f"a key beside {target}", f"its value inside {target}, which is used")
    return record


def _zip_annotators(columns: dict[str, Any], note: Note) -> list[dict[str, Any]] | None:
    """Turn `{"emotion": [a, b], "Confidence_degree": [c, d]}` into one object per annotator."""
    lists = {key: value if isinstance(value, list) else [value] for key, value in columns.items()}
    longest = max(len(values) for values in lists.values())
    if longest > MAX_ANNOTATORS:
        note("ET-TYPE-002", next(iter(lists)), f"{longest:,} values", f"at most {MAX_ANNOTATORS}")
        return None
    for key, values in lists.items():
        if len(values) != longest:
            note(
                "ET-TYPE-002", key, f"{len(values)} values", f"{longest}, as the other annotators' keys have"
            )
    return [
        {key: values[index] for key, values in lists.items() if index < len(values)}
        for index in range(longest)
    ]


def _tidy_annotation(item: Any, modality: Modality, path: str, note: Note) -> Any:
    if not isinstance(item, dict):
        return item
    tidy = ANNOTATION_KEYS[modality].tidy(item, path, _KEY_CODES, note)
    _tidy_emotion(tidy, "emotion", f"{path}.emotion", note)
    _tidy_number(tidy, "Confidence_degree", f"{path}.Confidence_degree", _DECIMAL, note)
    _tidy_number(tidy, "Continuous_label", f"{path}.Continuous_label", _INTEGER, note)
    return tidy


def _tidy_emotion(record: dict[str, Any], key: str, path: str, note: Note) -> None:
    word = record.get(key)
    if isinstance(word, str) and word not in EMOTALK_EMOTIONS.names:
        name = EMOTALK_EMOTIONS.resolve(word)
        if name is not None:
            note("ET-LABEL-002", path, quote(word), quote(name))
            record[key] = name


def _tidy_number(record: dict[str, Any], key: str, path: str, form: re.Pattern[str], note: Note) -> None:
    value = record.get(key)
    if isinstance(value, str) and form.fullmatch(value.strip()):
        note("ET-TYPE-001", path, quote(value), "a number")
        record[key] = int(value) if form is _INTEGER else float(value)


def _tidy_paragraphs(value: Any, note: Note) -> Any:
    """A list of paragraphs spans from the earliest start to the latest end."""
    items = value if isinstance(value, list) else [value]
    if len(items) > _MAX_PARAGRAPHS:
        note("ET-TYPE-002", "paragraphs", f"{len(items):,} paragraphs", f"at most {_MAX_PARAGRAPHS}")
        return None
    if not items or not all(isinstance(item, dict) for item in items):
        return None if value == [] else value
    tidy: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        path = f"paragraphs[{index}]" if isinstance(value, list) else "paragraphs"
        paragraph = PARAGRAPH_KEYS.tidy(item, path, _KEY_CODES, note)
        for key in _aliases(Paragraphs):
            _tidy_number(paragraph, key, f"{path}.{key}", _DECIMAL, note)
        tidy.append(paragraph)
    if len(tidy) == 1:
        return tidy[0]
    merged: dict[str, Any] = {}
    for key, pick in (("startTime", min), ("endTime", max)):
        numbers: list[Any] = [item.get(key) for item in tidy]
        # One value that is no number spoils the span: validation then finds that value.
        others = [number for number in numbers if type(number) not in (int, float)]
        bad = next((other for other in others if other is not None), None)
        merged[key] = bad if others else pick(numbers)
    return merged


def _tidy_captions(value: Any, note: Note) -> Any:
    if isinstance(value, str):
        try:
            captions = dict(parse_caption_text(value))
        except CaptionError as error:
            found, _, expected = str(error).removesuffix(".").partition("; expected ")
            note("ET-CAP-001", "sourceAttr", f"unreadable: {found}", expected or "an object of strings")
            return None
        note("ET-CAP-002", "sourceAttr", "a string", "an object")
        value = captions
    return CAPTION_KEY_MAP.tidy(value, "sourceAttr", _KEY_CODES, note) if isinstance(value, dict) else value
