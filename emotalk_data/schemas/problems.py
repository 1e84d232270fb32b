"""Problems found in a release: what one says, and the list of all codes.

A code is stable: once published it keeps its meaning. `ET` is EmotionTalk, `M3` is M3ED.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

__all__ = ["CODES", "Code", "Note", "Problem", "Severity", "noter"]

Severity = Literal["error", "warning", "note"]
"""error: a value could not be taken. warning: taken, and probably wrong. note: taken, and worth knowing."""


Note = Callable[[str, str, str, str], None]
"""`note(code, json_path, found, expected)`: takes in a finding about the object that is read. The caller quotes
`found`; the path is relative to the object."""


class Code(NamedTuple):
    """What a code means."""

    severity: Severity
    meaning: str
    remedy: str


class Problem(NamedTuple):
    """One finding.

    Attributes:
        code: a key of `CODES`.
        file: path of the file, relative to the release; `archive.tar::member` inside an archive.
        json_path: place inside the file, such as `data[2].emotion`; empty when it is the file itself.
        found: what is there, quoted and cut.
        expected: what should be there.
        utterance_id: the utterance, when it is known.
        count: how many findings this line stands for.
    """

    code: str
    file: str
    json_path: str
    found: str
    expected: str
    utterance_id: str | None = None
    count: int = 1  # type: ignore[assignment]  # hides tuple.count, which nobody needs of a problem

    @property
    def severity(self) -> Severity:
        """Severity of the problem's code."""
        return CODES[self.code].severity

    def __str__(self) -> str:
        where = f"{self.file}: {self.json_path}" if self.json_path else self.file
        if not where.isprintable():  # a file may be named by what a terminal would obey
            where = repr(where)[1:-1]
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.severity} {self.code} {where} is {self.found}; expected {self.expected}{times}"


def noter(
    add: Callable[[Problem], None], file: str, where: str = "", utterance_id: str | None = None
) -> Note:
    """Return a function that hands findings about one object of a file to `add`, with their full place.

    Args:
        add: takes each problem, such as `Report.add` or the `append` of a list.
        file: name of the file.
        where: JSON path of the object in the file; empty for the whole.
        utterance_id: the utterance it belongs to, when it is known.
    """

    def note(code: str, path: str, found: str, expected: str) -> None:
        full = f"{where}.{path}" if where and path else where or path
        add(Problem(code, file, full, found, expected, utterance_id))

    return note


def _error(meaning: str, remedy: str) -> Code:
    return Code("error", meaning, remedy)


def _warning(meaning: str, remedy: str) -> Code:
    return Code("warning", meaning, remedy)


def _note(meaning: str, remedy: str) -> Code:
    return Code("note", meaning, remedy)


CODES: Final[dict[str, Code]] = {
    # The file as bytes.
    "ET-JSON-001": _error(
        "The file is not strict JSON in UTF-8.", "Write it again as UTF-8 JSON, one object."
    ),
    "ET-JSON-002": _note("The file begins with a byte-order mark.", "Save it as UTF-8 without BOM."),
    "ET-JSON-003": _error("The file's top level is not an object.", "Write one JSON object per file."),
    "ET-JSON-004": _error("The file is larger than any annotation can be.", "Check what the file really is."),
    "ET-FILE-001": _error(
        "A file that the system would not let us read.", "Check its permissions and the disk."
    ),
    # The object.
    "ET-KEY-001": _note("A key that the release does not know.", "Nothing to do; its value is not loaded."),
    "ET-KEY-002": _note("A key in another spelling.", "Use the release's spelling."),
    "ET-KEY-003": _error("Two keys that mean the same hold different values; null.", "Keep one of them."),
    "ET-TYPE-001": _note("A number written as a string, or an id as a number.", "Write the right JSON type."),
    "ET-TYPE-002": _error("A value of the wrong type; it is null in the row.", "Write the right JSON type."),
    "ET-DATA-001": _warning("Not five annotators.", "Check the file against the release."),
    # Labels and numbers.
    "ET-LABEL-001": _error(
        "An emotion outside the seven words; it is null in the row.", "Use one of the seven."
    ),
    "ET-LABEL-002": _note("An emotion in another spelling.", "Use the authors' word."),
    "ET-LABEL-003": _warning("A final label is missing; it is null in the row.", "Add emotion_result."),
    "ET-CONF-001": _error(
        "A confidence outside 0.1, 0.3, 0.5, 0.7, 0.9; it is null.", "Use one of the five."
    ),
    "ET-SENT-001": _error(
        "A Continuous_label outside the integers -2…2; it is null.", "Use -2, -1, 0, 1 or 2."
    ),
    "ET-SENT-002": _error(
        "A sentiment outside [-2, 2]; it is null.", "Write the mean of the five annotators."
    ),
    "ET-TIME-001": _error(
        "A time that is negative, or an end before its start; both are null.", "Correct it."
    ),
    # Transcripts and captions.
    "ET-TEXT-001": _note("Overlap marks that do not pair.", "Nothing to do; the text is whole."),
    "ET-TEXT-002": _note("A malformed mark in a transcript.", "Nothing to do; no spoken character is lost."),
    "ET-TEXT-003": _warning("The transcripts of Text and Audio differ; Text's is used.", "Make them equal."),
    "ET-TEXT-004": _error("A transcript longer than 10,000 characters; it is null.", "Check the file."),
    "ET-TEXT-005": _warning("A Text record without its transcript; it is null in the row.", "Add content."),
    "ET-CAP-001": _error("Captions that are neither JSON nor a plain literal; null.", "Write a JSON object."),
    "ET-CAP-002": _note("Captions written as a string.", "Write them as a JSON object."),
    # Names.
    "ET-ID-001": _error("A file that is not named by an utterance id; it makes no row.", "Rename the file."),
    "ET-ID-002": _warning("A file outside the folder its id names; the id counts.", "Move the file."),
    "ET-ID-003": _warning("speaker_id is not the id's speaker; the id counts.", "Correct speaker_id."),
    "ET-PATH-001": _warning("file_path or file_name names another file; the id counts.", "Correct the path."),
    "ET-KIND-001": _error(
        "No telling which modality a record belongs to.", "Keep Text, Audio, … in the path."
    ),
    "ET-DUP-001": _error("A second file for the same utterance; the first is used.", "Remove one."),
    "ET-DUP-002": _note(
        "Archive members that are also there as files; the files are used.", "Nothing to do."
    ),
    # The release.
    "ET-PRES-001": _warning(
        "An utterance without a record in a modality that others have.", "Fetch it again."
    ),
    "ET-PRES-002": _warning("An utterance without its media file, which others have.", "Fetch it again."),
    "ET-PRES-003": _warning("A media file that no record names; it makes no row.", "Add its record."),
    "ET-SPLIT-001": _warning("A group of no official split; it is in train.", "Check the id."),
    "ET-TAR-001": _note("An oddity of an archive that loses nothing.", "Nothing to do."),
    "ET-TAR-002": _error("Media inside a compressed archive; null.", "Decompress it: gzip -d."),
    "ET-TAR-003": _error(
        "An archive that is damaged, cut or unsafe; nothing of it is read.", "Fetch it again."
    ),
    # M3ED.
    "M3-TAR-001": _error(
        "An archive that cannot be read in place: damaged, unsafe or compressed. Its clips are null.",
        "Fetch it again, or decompress it.",
    ),
    "M3-JSON-001": _error("A file that is not strict JSON in UTF-8.", "Write it again as UTF-8 JSON."),
    "M3-KEY-001": _note("A key that the release does not know.", "Nothing to do; its value is not loaded."),
    "M3-KEY-002": _note("A key in another spelling.", "Use the release's spelling."),
    "M3-KEY-003": _error("Two keys that mean the same hold different values; null.", "Keep one of them."),
    "M3-TYPE-001": _error("A value of the wrong type; it is null in the row.", "Write the right JSON type."),
    "M3-ID-001": _error("A name that is not the id its place asks for; it makes no row.", "Correct the id."),
    "M3-LABEL-001": _error("An emotion outside the label set; null.", "Use one of the seven (or Other)."),
    "M3-LABEL-002": _note("An emotion in another spelling.", "Use the authors' word."),
    "M3-LABEL-003": _warning("A final label is missing; it is null in the row.", "Add it."),
    "M3-LABEL-004": _note("The main emotion is not in the blend.", "Nothing to do; both are kept."),
    "M3-SPEAKER-001": _error(
        "An utterance by a speaker its dialogue does not list; null.", "Add the speaker."
    ),
    "M3-SPEAKER-002": _note("An age or gender in another spelling.", "Use the authors' word."),
    "M3-SPEAKER-003": _error("An age or gender outside the known words; null.", "Use a known word."),
    "M3-TIME-001": _warning("A malformed time code that can still be read.", "Write HH:MM:SS:FF."),
    "M3-TIME-002": _error("A time code that cannot be read; null.", "Write HH:MM:SS:FF."),
    "M3-TIME-003": _error(
        "An utterance or dialogue that ends before it starts; times are null.", "Correct it."
    ),
    "M3-TIME-004": _note("A frame field of 25 or more.", "Nothing to do; it is legal."),
    "M3-REL-001": _note("A dialogue of the relation file that is not annotated.", "Nothing to do."),
    "M3-REL-002": _warning("A dialogue without a place in its episode.", "Add it to the relation file."),
    "M3-REL-003": _note(
        "No relation file: where dialogues lie in their episodes is unknown.", "Add the file."
    ),
    "M3-SPLIT-001": _error("A series in no split list; its utterances make no rows.", "Add it to a list."),
    "M3-SPLIT-002": _error("A series in two split lists; the first is used.", "Remove one."),
    "M3-SPLIT-003": _warning("A series of a split list that is not annotated.", "Check the annotation file."),
    "M3-AUD-001": _warning("An utterance without its audio clip, which others have.", "Fetch it again."),
    "M3-AUD-002": _note("An audio clip under the other speaker's letter; it is used.", "Nothing to do."),
    "M3-AUD-003": _note("An audio clip of no annotated utterance; it makes no row.", "Nothing to do."),
    "M3-AUD-004": _error("A second audio clip for the same utterance; the first is used.", "Remove one."),
    "M3-EPI-001": _warning("An episode that the relation file names and the folder lacks.", "Add the file."),
    "M3-EPI-003": _note("A file whose series or episode cannot be told.", "Name it <series>/<episode>.mp4."),
    "M3-EPI-002": _error("Two files for one episode; neither is used.", "Keep one."),
}
