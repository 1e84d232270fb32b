"""What an EmotionTalk record is: one JSON object per utterance and modality.

The models say what the release's own form is, exactly. Other spellings that are known to mean the same are
brought into this form first (`schemas/emotalk_tidy.py`), and each such step is reported.

Sources: keys of the records and their types from the paper's Table 6 and from code that was run on the
release; value ranges from the paper; ids, words and splits counted on the released label files.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints, field_validator
from pydantic_core import core_schema

from emotalk_data.schemas.captions import CAPTION_KEYS
from emotalk_data.schemas.labels import CONFIDENCES, EMOTALK_EMOTIONS, Modality
from emotalk_data.schemas.whole_number import WholeNumber

__all__ = [
    "MAX_ANNOTATORS",
    "MAX_CONTENT_CHARS",
    "NUM_ANNOTATORS",
    "RECORD_MODELS",
    "TEST_GROUPS",
    "VALIDATION_GROUPS",
    "Annotation",
    "AudioRecord",
    "Captions",
    "EmotalkRecord",
    "Emotion",
    "FlatRecord",
    "MultimodalAnnotation",
    "MultimodalRecord",
    "Paragraphs",
    "TextRecord",
    "VideoRecord",
    "official_split",
]

NUM_ANNOTATORS: Final = 5
"""Annotators per utterance and modality (paper, section 3.2)."""

MAX_ANNOTATORS: Final = 100
"""Longest list of annotators that is taken: a megabyte of bad ones would cost minutes and gigabytes."""

MAX_CONTENT_CHARS: Final = 10_000
"""Longest transcript that is taken, in characters. The longest released one has some 200."""

VALIDATION_GROUPS: Final = frozenset({"G00001", "G00012"})
TEST_GROUPS: Final = frozenset({"G00003", "G00015"})
"""The official splits, read from the authors' label files; the other eleven groups are train."""

Emotion = Literal["neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful"]
if get_args(Emotion) != EMOTALK_EMOTIONS.names:  # a Literal cannot be written from a tuple
    raise RuntimeError("Emotion and EMOTALK_EMOTIONS list different words")


def official_split(group: str) -> Literal["train", "validation", "test"]:
    """Return the official split of a group, such as `G00008`. A group of no list belongs to train."""
    if group in VALIDATION_GROUPS:
        return "validation"
    return "test" if group in TEST_GROUPS else "train"


class _OneOfTheFive:
    """Makes Pydantic compare with the five values in its compiled core; `Literal` does not take floats."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> core_schema.CoreSchema:
        return core_schema.literal_schema(list(CONFIDENCES))


Confidence = Annotated[float, _OneOfTheFive]
Rating = Annotated[int, WholeNumber(-2, 2)]
MeanRating = Annotated[float, Strict(), Field(ge=-2, le=2)]
Seconds = Annotated[float, Strict(), Field(ge=0, le=1e6, allow_inf_nan=False)]
Transcript = Annotated[str, StringConstraints(strict=True, max_length=MAX_CONTENT_CHARS)]
Caption = Annotated[str, StringConstraints(strict=True, max_length=MAX_CONTENT_CHARS)]
ShortText = Annotated[str, StringConstraints(strict=True, max_length=1_000)]

_CONFIG: Final = ConfigDict(frozen=True, extra="ignore")


class Annotation(BaseModel):
    """One annotator's judgement of one modality. What is absent is None."""

    model_config = _CONFIG

    emotion: Emotion | None = None
    confidence: Confidence | None = Field(default=None, alias="Confidence_degree")


class MultimodalAnnotation(Annotation):
    """One annotator's judgement of video with sound: also a sentiment, from -2 (negative) to 2 (positive)."""

    continuous_label: Rating | None = Field(default=None, alias="Continuous_label")


class Paragraphs(BaseModel):
    """Where the utterance lies on its session's time line, in seconds; not inside its own wav."""

    model_config = _CONFIG

    start_seconds: Seconds | None = Field(default=None, alias="startTime")
    end_seconds: Seconds | None = Field(default=None, alias="endTime")
    duration_seconds: Seconds | None = Field(default=None, alias="duration")


class Captions(BaseModel):
    """How the utterance sounds, in words: the speaker, the style, the emotion, and five of the whole."""

    model_config = _CONFIG

    spe_cap: Caption | None = None
    style_cap: Caption | None = None
    emo_cap: Caption | None = None
    caption_1: Caption | None = None
    caption_2: Caption | None = None
    caption_3: Caption | None = None
    caption_4: Caption | None = None
    caption_5: Caption | None = None


if tuple(Captions.model_fields) != CAPTION_KEYS:
    raise RuntimeError("Captions and CAPTION_KEYS list different keys")


class EmotalkRecord(BaseModel):
    """What the records of all four modalities share.

    Attributes:
        emotion_result: the final label *of this modality*: the four labels of an utterance differ often.
        speaker_id: two digits; the id's third field.
    """

    model_config = _CONFIG

    data: Annotated[tuple[Annotation, ...], Field(max_length=MAX_ANNOTATORS)] | None = None
    emotion_result: Emotion | None = None
    speaker_id: ShortText | None = None
    file_path: ShortText | None = None
    file_name: ShortText | None = None


class TextRecord(EmotalkRecord):
    """`Text/json/…`: annotators read the transcript."""

    content: Transcript | None = None


class AudioRecord(EmotalkRecord):
    """`Audio/json/…`: annotators heard the voice. Holds the transcript, times and captions as well."""

    content: Transcript | None = None
    paragraphs: Paragraphs | None = None
    captions: Captions | None = Field(default=None, alias="sourceAttr")

    @property
    def span_seconds(self) -> tuple[float, float] | None:
        """Start and end on the session's time line, in seconds; None unless both are known."""
        if self.paragraphs is None:
            return None
        start, end = self.paragraphs.start_seconds, self.paragraphs.end_seconds
        return None if start is None or end is None else (start, end)


class VideoRecord(EmotalkRecord):
    """`Video/json/…`: annotators saw the silent video."""


class MultimodalRecord(EmotalkRecord):
    """`Multimodal/json/…`: annotators saw the video with its sound, and judged the sentiment as well."""

    data: Annotated[tuple[MultimodalAnnotation, ...], Field(max_length=MAX_ANNOTATORS)] | None = None
    sentiment: MeanRating | None = Field(default=None, alias="Continuous label_result")


class FlatRecord(Captions, Paragraphs):
    """The paper's Table 6: every key at the top level, times and captions too; one record for everything.

    Annotators' keys hold a list with one value per annotator. A single value stands for a list of one.
    """

    emotion: Annotated[tuple[Emotion | None, ...], Field(max_length=MAX_ANNOTATORS)] | None = None
    confidence: Annotated[tuple[Confidence | None, ...], Field(max_length=MAX_ANNOTATORS)] | None = Field(
        default=None, alias="Confidence_degree"
    )
    continuous_label: Annotated[tuple[Rating | None, ...], Field(max_length=MAX_ANNOTATORS)] | None = Field(
        default=None, alias="Continuous_label"
    )
    emotion_result: Emotion | None = None
    sentiment: MeanRating | None = Field(default=None, alias="Continuous label_result")
    speaker_id: ShortText | None = None
    content: Transcript | None = None
    file_path: ShortText | None = None
    file_name: ShortText | None = None

    @field_validator("emotion", "confidence", "continuous_label", mode="before")
    @classmethod
    def _list_of_one(cls, value: Any) -> Any:
        return value if value is None or isinstance(value, list | tuple) else (value,)


RECORD_MODELS: Final[dict[Modality, type[EmotalkRecord]]] = {
    "text": TextRecord,
    "audio": AudioRecord,
    "video": VideoRecord,
    "multimodal": MultimodalRecord,
}
