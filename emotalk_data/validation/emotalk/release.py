"""EmotionTalk: the release as a whole: speakers of groups and of splits, totals against the published ones."""

from __future__ import annotations

from itertools import combinations
from typing import Final

from emotalk_data.loaders.report import Report
from emotalk_data.schemas.emotalk import official_split
from emotalk_data.schemas.problems import WHOLE_RELEASE
from emotalk_data.validation.emotalk.dialogue import DialogueChecks

__all__ = ["ReleaseChecks"]

_NUM_UTTERANCES: Final = 19_250
_NUM_DIALOGUES: Final = 744
"""As published: both counts are the paper's; the released files have 742 dialogues."""

_SPLITS: Final = ("train", "validation", "test")


class ReleaseChecks:
    """Takes the dialogues of a release one by one, then looks at the whole."""

    def __init__(self) -> None:
        self._speakers_by_group: Final[dict[str, dict[str, str]]] = {}  # each with a file of theirs
        self._num_dialogues = 0
        self._num_utterances = 0

    def add(self, dialogue: DialogueChecks) -> None:
        """Take one dialogue."""
        self._num_dialogues += 1
        self._num_utterances += dialogue.num_utterances
        known = self._speakers_by_group.setdefault(dialogue.dialogue_id[:6], {})
        for speaker, file in dialogue.speakers.items():
            known.setdefault(speaker, file)

    def finish(self, report: Report) -> None:
        """Report what is wrong with, or worth knowing of, the release as a whole."""
        for speakers in self._speakers_by_group.values():
            if len(speakers) > 2:
                found = f"of a group with {len(speakers)} speakers, {', '.join(sorted(speakers))}"
                file = list(speakers.values())[-1]
                report.problem("ET-SPEAKER-002", file, "", found, "the two actors of a group")
        self._compare_splits(report)
        # A part of the release has its own counts; only one that is nearly whole can be compared.
        if abs(self._num_utterances - _NUM_UTTERANCES) * 100 < _NUM_UTTERANCES:
            for number, published, what in (
                (self._num_utterances, _NUM_UTTERANCES, "utterances"),
                (self._num_dialogues, _NUM_DIALOGUES, "dialogues"),
            ):
                if number != published:
                    found, expected = f"{number:,} {what}", f"{published:,}, as the paper says"
                    report.problem("ET-COUNT-001", WHOLE_RELEASE, "", found, expected)

    def _compare_splits(self, report: Report) -> None:
        by_split: dict[str, set[str]] = {split: set() for split in _SPLITS}
        for group, speakers in self._speakers_by_group.items():
            by_split[official_split(group)] |= speakers.keys()
        for one, other in combinations(_SPLITS, 2):
            shared = sorted(by_split[one] & by_split[other])
            if shared:
                found = f"{one} and {other} with speakers {', '.join(shared)} in both"
                report.problem("ET-SPLIT-002", WHOLE_RELEASE, "", found, "no speaker in two splits")
