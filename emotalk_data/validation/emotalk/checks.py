"""EmotionTalk: what is seen only when a record is compared with its votes, its neighbours or the corpus.

The loaders report what decides what a row holds. What is here changes no row.

    record     what is missing in it, its final labels against the annotators' votes, its times
    dialogue   numbers, speakers, overlaps in time
    release    speakers of groups and splits, totals against the published ones
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.loaders.emotalk import EmotalkUtterance, read_emotalk
from emotalk_data.loaders.emotalk_index import index_emotalk
from emotalk_data.loaders.emotalk_places import UtteranceFiles
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.report import FATES, Report
from emotalk_data.loaders.walk import Walk
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.emotalk.dialogue import DialogueChecks
from emotalk_data.validation.emotalk.record import RecordChecks
from emotalk_data.validation.emotalk.release import ReleaseChecks

if TYPE_CHECKING:
    from emotalk_data.validation.media.checker import MediaChecker

__all__ = ["Progress", "validate_emotalk"]

Progress = Callable[[int, int], None]
"""`progress(num_done, num_found)`: takes how many records have been read, of how many."""


def validate_emotalk(
    release: Listing | Walk,
    report: Report,
    *,
    media: MediaChecker | None = None,
    progress: Progress | None = None,
) -> None:
    """Read a whole release of EmotionTalk for its problems.

    Args:
        release: its files; a walk keeps memory from growing with them.
        report: takes the problems and the counts.
        media: looks at each sound and video file as well.
        progress: told after each dialogue.

    Raises:
        ReleaseNotFoundError: nothing of EmotionTalk is there.
    """
    checks = _Checks(report, media, progress)
    dialogues = index_emotalk(release, report, on_bad_archive="report")
    deque(read_emotalk(dialogues, report, check=checks.look), maxlen=0)
    checks.finish()
    if not report.counts["records_found"] and not report.num_problems() and not report.passed_over:
        raise ReleaseNotFoundError(
            f"no record of EmotionTalk and no annotation.json of M3ED under {release.root}.",
            path=release.root,
        )


class _Checks:
    """All checks of one reading."""

    def __init__(self, report: Report, media: MediaChecker | None, progress: Progress | None) -> None:
        self._report: Final = report
        self._progress: Final = progress
        self._media: Final = media
        self._records: Final = RecordChecks()
        self._dialogue: DialogueChecks | None = None
        self._release: Final = ReleaseChecks()

    def look(self, utterance: EmotalkUtterance, files: UtteranceFiles, problems: list[Problem]) -> None:
        """Look at one utterance; add what is wrong with its records to `problems`."""
        self._records.look(utterance, files, problems)
        utterance_id = utterance.utterance_id
        if self._dialogue is None or self._dialogue.dialogue_id != utterance_id[:9]:
            self._end_dialogue()
            self._dialogue = DialogueChecks(utterance_id[:9])
        self._dialogue.add(utterance, files)
        if self._media is not None:
            self._look_at_media(utterance, files, self._media)

    def finish(self) -> None:
        """Report what is known only when every utterance has been seen."""
        self._end_dialogue()
        self._records.finish(self._report)
        self._release.finish(self._report)

    def _end_dialogue(self) -> None:
        if self._dialogue is not None:
            self._dialogue.finish(self._report)
            self._release.add(self._dialogue)
            if self._progress is not None:
                counts = self._report.counts
                self._progress(sum(counts[fate] for fate in FATES), counts["records_found"])

    def _look_at_media(self, utterance: EmotalkUtterance, files: UtteranceFiles, media: MediaChecker) -> None:
        span = utterance.audio.span_seconds if utterance.audio is not None else None
        seconds = None if span is None else span[1] - span[0]
        for file, check in ((files.audio, media.audio), (files.video, media.video)):
            if file is not None:
                check(file.path, file.name, utterance_id=utterance.utterance_id, expected_seconds=seconds)
