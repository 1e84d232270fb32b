"""The records as JSON Schema, for people and tools without Python.

Each schema describes the release's own form, and gives the same verdict on a document as its model does
(tests/contract/test_json_schema_parity.py). A file in another known spelling fails both and still loads:
`emotalk validate` names each such spelling.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from emotalk_data.schemas import m3ed
from emotalk_data.schemas.emotalk import (
    AudioRecord,
    FlatRecord,
    MultimodalRecord,
    TextRecord,
    VideoRecord,
)

__all__ = ["DIALECT", "json_schemas"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""The dialect that every schema declares."""

# name -> (type, title). Whole files of M3ED are two levels of names above their records.
_SCHEMAS: Final[dict[str, tuple[Any, str]]] = {
    "emotalk-text": (TextRecord, "EmotionTalk: a text record"),
    "emotalk-audio": (AudioRecord, "EmotionTalk: an audio record"),
    "emotalk-video": (VideoRecord, "EmotionTalk: a video record"),
    "emotalk-multimodal": (MultimodalRecord, "EmotionTalk: a multimodal record"),
    "emotalk-flat": (FlatRecord, "EmotionTalk: a record in the flat form of the paper's Table 6"),
    "m3ed-utterance": (m3ed.Utterance, "M3ED: an utterance"),
    "m3ed-speaker": (m3ed.Speaker, "M3ED: a speaker"),
    "m3ed-dialogue": (m3ed.Dialogue, "M3ED: a dialogue"),
    "m3ed-annotation": (dict[str, dict[str, m3ed.Dialogue]], "M3ED: annotation.json"),
    "m3ed-relation": (dict[str, dict[str, m3ed.DialoguePlace]], "M3ED: relation_annotation_release.json"),
}

_FILE_DESCRIPTIONS: Final = {
    "m3ed-annotation": "The whole file: series, then dialogues named <series>_<N>, each with its speakers "
    "and its utterances, which are named <series>_<N>_<M>.",
    "m3ed-relation": "The whole file: series, then dialogues named <series>_<N>, each with its place in an "
    "episode. It places 26 dialogues that the annotation does not have.",
}

_PROPERTY_DESCRIPTIONS: Final = {
    # EmotionTalk
    "data": "One object per annotator; five in the release.",
    "emotion_result": "The final label of this record's modality; the four labels of an utterance differ "
    "often.",
    "speaker_id": "Two digits, zero padded: the third field of the utterance's id.",
    "file_path": "Where the media file lies in the release. A hint: the name of the JSON file is the id.",
    "file_name": "The same as file_path, in the records of other modalities.",
    "content": "Transcript with marks such as [over/] and [laughing].",
    "paragraphs": "Where the utterance lies on its session's time line.",
    "sourceAttr": "Captions of the voice.",
    "Continuous label_result": "Sentiment: the mean of the annotators' values, -2 (negative) to 2 (positive).",
    "emotion": "What an annotator perceived in this modality.",
    "Confidence_degree": "How sure the annotator was.",
    "Continuous_label": "The annotator's sentiment, -2 (negative) to 2 (positive).",
    "startTime": "Start in seconds on the session's time line; not inside the utterance's own wav.",
    "endTime": "End in seconds on the session's time line, excluded.",
    "duration": "Length in seconds.",
    "spe_cap": "Caption of the speaker.",
    "style_cap": "Caption of the speaking style.",
    "emo_cap": "Caption of the emotion.",
    **{f"caption_{number}": f"Caption of the whole, number {number} of 5." for number in range(1, 6)},
    # M3ED
    "Name": "The character's name.",
    "Age": "The character's age group.",
    "Gender": "The character's gender.",
    "OtherName": "Other names of the character.",
    **{
        f"EmoAnnotator{number}": f"Annotator {number}: one label or several, joined by ASCII commas, the "
        "most important first. Other is legal here only."
        for number in range(1, 4)
    },
    "final_mul_emo": "The final labels, joined by ASCII commas.",
    "final_main_emo": "The final main label. It need not be the first of final_mul_emo, nor in it.",
    "StartTime": "Start in the dialogue's clip: HH:MM:SS:FF, FF in frames at 25 per second; 25 and more is "
    "legal.",
    "EndTime": "End in the dialogue's clip, excluded: HH:MM:SS:FF, as StartTime.",
    "Text": "What is said. Blanks were turned into full-width commas before the release.",
    "Speaker": "Who speaks: a key of the dialogue's SpeakerInfo, A or B.",
    "EmoAnnotation": "The annotators' labels and the final ones.",
    "SpeakerInfo": "The speakers, by letter.",
    "Dialog": "The utterances, by id. Their order is that of the ids' last number; gaps are normal.",
    "episode": "Number of the episode in its series.",
    "start_time": "Start of the dialogue in its episode: HH:MM:SS:FF, FF in frames at 25 per second.",
    "end_time": "End of the dialogue in its episode, excluded: HH:MM:SS:FF.",
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return a JSON Schema per record, by name, such as `emotalk-text` or `m3ed-annotation`."""
    return {name: _schema(name, type_, title) for name, (type_, title) in _SCHEMAS.items()}


def _schema(name: str, type_: Any, title: str) -> dict[str, Any]:
    schema: dict[str, Any] = _portable(TypeAdapter(type_).json_schema(by_alias=True, mode="validation"))
    for part in (schema, *schema.get("$defs", {}).values()):
        if "description" in part:
            part["description"] = " ".join(part["description"].split())
        for key, value in part.get("properties", {}).items():
            # pydantic's titles of properties ("Othername") and their defaults say nothing that is not known.
            value.pop("title", None)
            value.pop("default", None)
            value["description"] = _PROPERTY_DESCRIPTIONS[key]
    if type_ is FlatRecord:
        _admit_single_values(schema["properties"])
    schema.setdefault("description", _FILE_DESCRIPTIONS.get(name, ""))
    return {**schema, "$schema": DIALECT, "$id": f"urn:emotalk-data:schema:{name}", "title": title}


def _portable(value: Any) -> Any:
    r"""Write what pydantic's versions and the dialects of regular expressions differ in so that all agree.

    2.0 is written as 2, wherever it stands. The end of a pattern is the very end of the string: Python's `$`,
    which many validators use, would take a newline after it, and `(?!\n)$` means the same everywhere.
    """
    if isinstance(value, list):
        return [_portable(part) for part in value]
    if not isinstance(value, dict):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    portable = {key: _portable(part) for key, part in value.items()}
    if isinstance(pattern := portable.get("pattern"), str) and pattern.endswith("$"):
        portable["pattern"] = pattern.removesuffix("$") + r"(?!\n)$"
    return portable


def _admit_single_values(properties: dict[str, Any]) -> None:
    """Say of the flat form's lists that a single value stands for a list of one, as reading takes it."""
    for value in properties.values():
        lists = [option for option in value.get("anyOf", []) if option.get("type") == "array"]
        for option in lists:
            # The list's items are nullable already, which also covers a value of null.
            value["anyOf"] = [option, *option["items"]["anyOf"]]
