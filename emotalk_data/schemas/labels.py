"""Closed label sets: the words, the authors' integer ids, and the spellings that mean the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

__all__ = [
    "CONFIDENCES",
    "EMOTALK_EMOTIONS",
    "M3ED_AGES",
    "M3ED_ANNOTATOR_EMOTIONS",
    "M3ED_EMOTIONS",
    "M3ED_GENDERS",
    "MODALITIES",
    "LabelSet",
    "Modality",
]

Modality = Literal["text", "audio", "video", "multimodal"]

MODALITIES: Final[tuple[Modality, ...]] = ("text", "audio", "video", "multimodal")
"""What an annotator perceived. `video` is silent video; `multimodal` is video with its sound."""

CONFIDENCES: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
"""The five values of EmotionTalk's `Confidence_degree` (paper, Table 6)."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labels whose position is the authors' integer id.

    Attributes:
        names: the labels, in the order of their ids.
        aliases: other spellings, in lower case, and the label each stands for.
    """

    names: tuple[str, ...]
    aliases: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def resolve(self, text: str) -> str | None:
        """Return the label that `text` means, or None.

        Blanks around the word and its case do not matter; anything else must be a listed alias. A word with a
        zero-width character or a look-alike letter is not a label.
        """
        if text in self.names:
            return text
        folded = text.strip().lower()
        for name in self.names:
            if folded == name.lower():
                return name
        return self.aliases.get(folded)

    def id(self, name: str) -> int:
        """Return the authors' integer id of a label."""
        return self.names.index(name)


def _label_set(names: tuple[str, ...], **aliases: str) -> LabelSet:
    return LabelSet(names, MappingProxyType(aliases))


EMOTALK_EMOTIONS: Final = _label_set(
    # The authors' ids, read from their label files: 0 neutral … 6 fearful.
    ("neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful"),
    # The paper's words.
    happiness="happy",
    sadness="sad",
    anger="angry",
    surprise="surprised",
    disgust="disgusted",
    fear="fearful",
)

_M3ED_TYPOS: Final = {
    # Spellings met in the released annotation, mapped as the authors' own code maps them.
    "angry": "Anger",
    "surprised": "Surprise",
    "surperised": "Surprise",
    "happpy": "Happy",
}

M3ED_EMOTIONS: Final = _label_set(
    ("Happy", "Neutral", "Sad", "Disgust", "Anger", "Fear", "Surprise"), **_M3ED_TYPOS
)

M3ED_ANNOTATOR_EMOTIONS: Final = _label_set((*M3ED_EMOTIONS.names, "Other"), **_M3ED_TYPOS, othe="Other")
"""What one annotator may say. `Other` never appears in a final label."""

M3ED_AGES: Final = _label_set(("child", "young", "mid", "old"), yong="young", yound="young")
M3ED_GENDERS: Final = _label_set(("female", "male"), femal="female")
