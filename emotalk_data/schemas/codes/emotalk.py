"""EmotionTalk's codes."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["EMOTALK_CODES"]

EMOTALK_CODES: Final[dict[str, Code]] = {
    # The file as bytes.
    "ET-JSON-001": error(
        "The file is not strict JSON in UTF-8.", "Write it again as UTF-8 JSON, one object."
    ),
    "ET-JSON-002": note("The file begins with a byte-order mark.", "Save it as UTF-8 without BOM."),
    "ET-JSON-003": error("The file's top level is not an object.", "Write one JSON object per file."),
    "ET-JSON-004": error("The file is larger than any annotation can be.", "Check what the file really is."),
    "ET-FILE-001": error(
        "A file that the system would not let us read.", "Check its permissions and the disk."
    ),
    # The object.
    "ET-KEY-001": note("A key that the release does not know.", "Nothing to do; its value is not loaded."),
    "ET-KEY-002": note("A key in another spelling.", "Use the release's spelling."),
    "ET-KEY-003": error("Two keys that mean the same hold different values; null.", "Keep one of them."),
    "ET-TYPE-001": note("A number written as a string, or an id as a number.", "Write the right JSON type."),
    "ET-TYPE-002": error("A value of the wrong type; it is null in the row.", "Write the right JSON type."),
    "ET-DATA-001": warning("Not five annotators.", "Check the file against the release."),
    # Labels and numbers.
    "ET-LABEL-001": error(
        "An emotion outside the seven words; it is null in the row.", "Use one of the seven."
    ),
    "ET-LABEL-002": note("An emotion in another spelling.", "Use the authors' word."),
    "ET-LABEL-003": warning("A final label is missing; it is null in the row.", "Add emotion_result."),
    "ET-CONF-001": error("A confidence outside 0.1, 0.3, 0.5, 0.7, 0.9; it is null.", "Use one of the five."),
    "ET-SENT-001": error(
        "A Continuous_label outside the integers -2…2; it is null.", "Use -2, -1, 0, 1 or 2."
    ),
    "ET-SENT-002": error(
        "A sentiment outside [-2, 2]; it is null.", "Write the mean of the five annotators."
    ),
    "ET-TIME-001": error(
        "A time that is negative, or an end before its start; both are null.", "Correct it."
    ),
    # Transcripts and captions.
    "ET-TEXT-001": note("Overlap marks that do not pair.", "Nothing to do; the text is whole."),
    "ET-TEXT-002": note("A malformed mark in a transcript.", "Nothing to do; no spoken character is lost."),
    "ET-TEXT-003": warning("The transcripts of Text and Audio differ; Text's is used.", "Make them equal."),
    "ET-TEXT-004": error("A transcript longer than 10,000 characters; it is null.", "Check the file."),
    "ET-TEXT-005": warning("A Text record without its transcript; it is null in the row.", "Add content."),
    "ET-CAP-001": error("Captions that are neither JSON nor a plain literal; null.", "Write a JSON object."),
    "ET-CAP-002": note("Captions written as a string.", "Write them as a JSON object."),
    # Names.
    "ET-ID-001": error("A file that is not named by an utterance id; it makes no row.", "Rename the file."),
    "ET-ID-002": warning("A file outside the folder its id names; the id counts.", "Move the file."),
    "ET-ID-003": warning("speaker_id is not the id's speaker; the id counts.", "Correct speaker_id."),
    "ET-PATH-001": warning("file_path or file_name names another file; the id counts.", "Correct the path."),
    "ET-KIND-001": error(
        "No telling which modality a record belongs to.", "Keep Text, Audio, … in the path."
    ),
    "ET-DUP-001": error("A second file for the same utterance; the first is used.", "Remove one."),
    "ET-DUP-002": note("Archive members that are also there as files; the files are used.", "Nothing to do."),
    # The release.
    "ET-PRES-001": warning(
        "An utterance without a record in a modality that others have.", "Fetch it again."
    ),
    "ET-PRES-002": warning("An utterance without its media file, which others have.", "Fetch it again."),
    "ET-PRES-003": warning("A media file that no record names; it makes no row.", "Add its record."),
    "ET-SPLIT-001": warning("A group of no official split; it is in train.", "Check the id."),
    "ET-TAR-001": note("An oddity of an archive that loses nothing.", "Nothing to do."),
    "ET-TAR-002": error("Media inside a compressed archive; null.", "Decompress it: gzip -d."),
    "ET-TAR-003": error(
        "An archive that is damaged, cut or unsafe; nothing of it is read.", "Fetch it again."
    ),
}
