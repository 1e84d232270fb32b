"""One space of seven emotions for both corpora, and what stays different all the same."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS
from emotalk_data.schemas.text_table import text_table
from emotalk_data.views.columns import choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["HARMONISED", "Harmonised"]

_TITLES: Final = {"emotalk": "EmotionTalk", "m3ed": "M3ED"}
_WIDTH: Final = 100


@dataclass(frozen=True)
class Harmonised:
    """Seven classes that both corpora have, in EmotionTalk's words and order.

    Attributes:
        names: the classes; the position is the id.
        mapping: corpus to its own label to the class.
        unmapped: corpus to the labels that are no class: M3ED's annotators may say `Other`.
        not_comparable: what differs although the words are the same, a sentence each.
    """

    names: tuple[str, ...]
    mapping: Mapping[str, Mapping[str, str]]
    unmapped: Mapping[str, tuple[str, ...]]
    not_comparable: tuple[str, ...]

    def ids(self, corpus: str) -> NDArray[np.int64]:
        """Return the class of each of a corpus's own ids, int64; -1 for a label that is no class.

        >>> HARMONISED.ids("m3ed")
        array([ 1,  0,  2,  5,  3,  6,  4, -1])

        Raises:
            OptionError: not one of the two corpora.
        """
        choose("corpus", corpus, list(self.mapping))
        classes = [self.names.index(name) for name in self.mapping[corpus].values()]
        return np.array([*classes, *(-1 for _ in self.unmapped[corpus])], np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists and dicts, ready for JSON."""
        return {
            "names": list(self.names),
            "mapping": {corpus: dict(words) for corpus, words in self.mapping.items()},
            "unmapped": {corpus: list(words) for corpus, words in self.unmapped.items()},
            "not_comparable": list(self.not_comparable),
        }

    def _rows(self) -> list[tuple[str, ...]]:
        """Return a line a class: its id, its name, and each corpus's own id and word."""
        rows = [
            (str(number), name, *(self._own(corpus, name) for corpus in self.mapping))
            for number, name in enumerate(self.names)
        ]
        for place, (corpus, words) in enumerate(self.unmapped.items()):
            for number, word in enumerate(words, len(self.mapping[corpus])):
                own = ["", ""]
                own[place] = f"{number} {word}"
                rows.append(("", "(no class)", *own))
        return rows

    def _own(self, corpus: str, name: str) -> str:
        words = list(self.mapping[corpus].items())
        return next(f"{number} {word}" for number, (word, of) in enumerate(words) if of == name)

    def __str__(self) -> str:
        header = ("id", "class", *(_TITLES[corpus] for corpus in self.mapping))
        table = text_table(header, self._rows(), left=range(len(header)))
        notes = [
            textwrap.fill(one, _WIDTH, initial_indent="- ", subsequent_indent="  ")
            for one in self.not_comparable
        ]
        return "\n".join([table, "", "Not comparable:", *notes])

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{word}</th>" for word in ("id", "class", *map(_TITLES.__getitem__, self.mapping))
        )
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>" for line in self._rows()
        )
        notes = "".join(f"<li>{html.escape(one)}</li>" for one in self.not_comparable)
        return f"<table><tr>{head}</tr>{rows}</table><p>Not comparable:</p><ul>{notes}</ul>"


HARMONISED: Final = Harmonised(
    names=EMOTALK_EMOTIONS.names,
    mapping=MappingProxyType(
        {
            "emotalk": MappingProxyType({name: name for name in EMOTALK_EMOTIONS.names}),
            "m3ed": MappingProxyType(
                {
                    "Happy": "happy",
                    "Neutral": "neutral",
                    "Sad": "sad",
                    "Disgust": "disgusted",
                    "Anger": "angry",
                    "Fear": "fearful",
                    "Surprise": "surprised",
                }
            ),
        }
    ),
    unmapped=MappingProxyType(
        {"emotalk": (), "m3ed": M3ED_ANNOTATOR_EMOTIONS.names[len(M3ED_EMOTIONS.names) :]}
    ),
    # EmotionTalk: arXiv:2505.23018. M3ED: ACL 2022, 2022.acl-long.391.
    not_comparable=(
        "Annotators: EmotionTalk has five for each modality, M3ED three in all.",
        "A judgement: one emotion with a confidence in EmotionTalk; one emotion or a blend in M3ED.",
        "The final label: largest mean confidence, then experts may override (EmotionTalk's paper, section "
        "3.2); the main emotion of the blend that two of three annotators agree on (M3ED's paper).",
        "Other: only M3ED's annotators could say that no emotion of the list fits.",
        "Modalities: EmotionTalk has a label each for text, sound, silent video, and video with sound; M3ED "
        "has one, for video with sound.",
        "Speech: conversations between two actors in EmotionTalk; dialogues of TV series in M3ED.",
    ),
)
"""Both corpora's emotions as EmotionTalk's seven: `print(HARMONISED)`."""
