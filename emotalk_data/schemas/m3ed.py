"""What M3ED's annotation says: series, dialogues, speakers and utterances.

    {series: {"<series>_<N>": {"SpeakerInfo": {"A": {…}, "B": {…}},
                               "Dialog": {"<series>_<N>_<M>": {…, "EmoAnnotation": {…}}}}}}

Source: an excerpt of the released `annotation.json`, and the authors' code. Published totals: 990 dialogues,
24,449 utterances, three annotators each.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from emotalk_data.schemas.labels import (
    M3ED_AGES,
    M3ED_ANNOTATOR_EMOTIONS,
    M3ED_EMOTIONS,
    M3ED_GENDERS,
)
from emotalk_data.schemas.whole_number import WholeNumber

__all__ = [
    "MAX_OTHER_NAMES",
    "NUM_ANNOTATORS",
    "Dialogue",
    "DialoguePlace",
    "EmotionAnnotation",
    "M3edEmotion",
    "Speaker",
    "Utterance",
]

NUM_ANNOTATORS: Final = 3
"""Annotators per utterance (paper, section 3)."""

MAX_OTHER_NAMES: Final = 100
"""Longest list of a speaker's other names that is taken."""

M3edEmotion = Literal["Happy", "Neutral", "Sad", "Disgust", "Anger", "Fear", "Surprise"]
Age = Literal["child", "young", "mid", "old"]
Gender = Literal["female", "male"]
if (
    get_args(M3edEmotion) != M3ED_EMOTIONS.names
    or get_args(Age) != M3ED_AGES.names
    or get_args(Gender) != M3ED_GENDERS.names
):
    raise RuntimeError("the Literals of this module and the label sets list different words")

Text = Annotated[str, StringConstraints(strict=True, max_length=10_000)]
ShortText = Annotated[str, StringConstraints(strict=True, max_length=1_000)]
TimecodeText = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[0-9]{2}:[0-5][0-9]:[0-5][0-9]:[0-9]{2}$")
]


def _blend_pattern(names: tuple[str, ...]) -> str:
    word = "|".join(names)
    return f"^({word})(,({word}))*$"


Blend = Annotated[str, StringConstraints(strict=True, pattern=_blend_pattern(M3ED_EMOTIONS.names))]
AnnotatorBlend = Annotated[
    str, StringConstraints(strict=True, pattern=_blend_pattern(M3ED_ANNOTATOR_EMOTIONS.names))
]

_CONFIG: Final = ConfigDict(frozen=True, extra="ignore")


class Speaker(BaseModel):
    """One of the two speakers of a dialogue: a character of the series."""

    model_config = _CONFIG

    name: ShortText | None = Field(default=None, alias="Name")
    age: Age | None = Field(default=None, alias="Age")
    gender: Gender | None = Field(default=None, alias="Gender")
    other_names: Annotated[tuple[ShortText | None, ...], Field(max_length=MAX_OTHER_NAMES)] | None = Field(
        default=None, alias="OtherName"
    )


class EmotionAnnotation(BaseModel):
    """What three annotators said, and what was made of it.

    A blend is its labels joined by an ASCII comma, `Anger,Disgust`, the most important first. Only an
    annotator may say `Other`.
    """

    model_config = _CONFIG

    annotator_1: AnnotatorBlend | None = Field(default=None, alias="EmoAnnotator1")
    annotator_2: AnnotatorBlend | None = Field(default=None, alias="EmoAnnotator2")
    annotator_3: AnnotatorBlend | None = Field(default=None, alias="EmoAnnotator3")
    emotions: Blend | None = Field(default=None, alias="final_mul_emo")
    emotion: M3edEmotion | None = Field(default=None, alias="final_main_emo")


class Utterance(BaseModel):
    """One utterance. Its times are time codes at 25 frames per second, relative to its dialogue's clip."""

    model_config = _CONFIG

    start_time: TimecodeText | None = Field(default=None, alias="StartTime")
    end_time: TimecodeText | None = Field(default=None, alias="EndTime")
    text: Text | None = Field(default=None, alias="Text")
    speaker: ShortText | None = Field(default=None, alias="Speaker")
    annotation: EmotionAnnotation | None = Field(default=None, alias="EmoAnnotation")


class Dialogue(BaseModel):
    """A conversation of two speakers. The order of utterances is that of their numbers, not of the file."""

    model_config = _CONFIG

    speakers: dict[str, Speaker | None] | None = Field(default=None, alias="SpeakerInfo")
    utterances: dict[str, Utterance | None] | None = Field(default=None, alias="Dialog")


class DialoguePlace(BaseModel):
    """Where a dialogue lies in its episode: an entry of `relation_annotation_release.json`."""

    model_config = _CONFIG

    episode: Annotated[int, WholeNumber(0, 100_000)] | None = None
    start_time: TimecodeText | None = None
    end_time: TimecodeText | None = None
