"""Utterance ids: the one name of an utterance, and what it says about itself.

EmotionTalk    G00008_01_11_002     <group>_<session>_<speaker>_<utt>, counted on all 19,250 of release v1
M3ED           anjia_1_2            <series>_<dialogue>_<utterance>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from emotalk_data.errors import PathError, quote

__all__ = [
    "EMOTALK_ID_PATTERN",
    "M3ED_ID_PATTERN",
    "EmotalkUtteranceId",
    "M3edUtteranceId",
    "UtteranceId",
    "emotalk_folder",
    "match_emotalk_folder",
    "match_emotalk_id",
]

# ASCII digits only: `\d` would also take full-width digits. Used with fullmatch: `$` takes a final newline.
EMOTALK_ID_PATTERN: Final = r"(G[0-9]{5})_([0-9]{2})_([0-9]{2})_([0-9]{3})"
M3ED_ID_PATTERN: Final = (
    r"([A-Za-z0-9]+(?:[_-][A-Za-z][A-Za-z0-9]*)*)_(0|[1-9][0-9]{0,5})_(0|[1-9][0-9]{0,5})"
)

_EMOTALK: Final = re.compile(EMOTALK_ID_PATTERN)
match_emotalk_id: Final = _EMOTALK.fullmatch
"""Says, for callers with no time for an object, whether a text is an EmotionTalk id and nothing but that."""

match_emotalk_folder: Final = re.compile(r"G[0-9]{5}(_[0-9]{2}){0,2}").fullmatch
"""Likewise the name of a folder of a release: a group, a session, or a speaker's part of one."""
_M3ED: Final = re.compile(M3ED_ID_PATTERN)


def emotalk_folder(utterance_id: str) -> str:
    """Return where the release keeps an utterance's files; the text is an EmotionTalk id."""
    return f"{utterance_id[:6]}/{utterance_id[:9]}/{utterance_id[:12]}"


@dataclass(frozen=True, slots=True)
class UtteranceId:
    """The id of one utterance of either corpus; `parse` returns the subclass that fits.

    Attributes:
        number: position of the utterance in its dialogue. Gaps are normal in both corpora.
    """

    number: int

    @staticmethod
    def parse(text: str) -> EmotalkUtteranceId | M3edUtteranceId:
        """Read an id, and nothing but an id: no folder, no suffix, no blanks.

        Raises:
            PathError: the text is neither EmotionTalk's form nor M3ED's.
        """
        match = _EMOTALK.fullmatch(text)
        if match:
            group, session, speaker, number = match.groups()
            return EmotalkUtteranceId(group=group, session=session, speaker=speaker, number=int(number))
        match = _M3ED.fullmatch(text)
        if match:
            series, dialogue, number = match.groups()
            return M3edUtteranceId(series=series, dialogue_number=int(dialogue), number=int(number))
        raise PathError(
            f"{quote(text)} is not an utterance id; expected EmotionTalk's G00008_01_11_002 "
            f"(<group>_<session>_<speaker>_<utt>) or M3ED's anjia_1_2 (<series>_<dialogue>_<utterance>)."
        )

    @property
    def dialogue_id(self) -> str:
        """Id of the dialogue the utterance belongs to."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotalkUtteranceId(UtteranceId):
    """`G00008_01_11_002`: group `G00008`, session `01`, speaker `11`, number 2.

    A group is a pair of actors; a session is one of their conversations. Utterance numbers are shared by both
    speakers and unique inside a session.
    """

    group: str
    session: str
    speaker: str

    def __post_init__(self) -> None:
        if not _EMOTALK.fullmatch(str(self)):
            raise PathError(f"{quote(str(self))} is not an EmotionTalk id; expected G00008_01_11_002's form.")

    @property
    def dialogue_id(self) -> str:
        """`<group>_<session>`: 742 of them in release v1."""
        return f"{self.group}_{self.session}"

    @property
    def folder(self) -> str:
        """Where the release keeps the utterance's files, below `json/`, `wav/` or `mp4/`."""
        return emotalk_folder(str(self))

    def __str__(self) -> str:
        return f"{self.group}_{self.session}_{self.speaker}_{self.number:03d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class M3edUtteranceId(UtteranceId):
    """`anjia_1_2`: series `anjia`, its dialogue 1, utterance 2."""

    series: str
    dialogue_number: int

    def __post_init__(self) -> None:
        if not _M3ED.fullmatch(str(self)):
            raise PathError(f"{quote(str(self))} is not an M3ED id; expected anjia_1_2's form.")

    @property
    def dialogue_id(self) -> str:
        """`<series>_<dialogue>`: 990 of them in the release."""
        return f"{self.series}_{self.dialogue_number}"

    def __str__(self) -> str:
        return f"{self.series}_{self.dialogue_number}_{self.number}"
