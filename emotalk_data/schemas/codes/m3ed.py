"""M3ED's codes."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["M3ED_CODES"]

M3ED_CODES: Final[dict[str, Code]] = {
    "M3-TAR-001": error(
        "An archive that cannot be read in place: damaged, unsafe or compressed. Its clips are null.",
        "Fetch it again, or decompress it.",
    ),
    "M3-JSON-001": error("A file that is not strict JSON in UTF-8.", "Write it again as UTF-8 JSON."),
    "M3-KEY-001": note("A key that the release does not know.", "Nothing to do; its value is not loaded."),
    "M3-KEY-002": note("A key in another spelling.", "Use the release's spelling."),
    "M3-KEY-003": error("Two keys that mean the same hold different values; null.", "Keep one of them."),
    "M3-TYPE-001": error("A value of the wrong type; it is null in the row.", "Write the right JSON type."),
    "M3-ID-001": error("A name that is not the id its place asks for; it makes no row.", "Correct the id."),
    "M3-LABEL-001": error("An emotion outside the label set; null.", "Use one of the seven (or Other)."),
    "M3-LABEL-002": note("An emotion in another spelling.", "Use the authors' word."),
    "M3-LABEL-003": warning("A final label is missing; it is null in the row.", "Add it."),
    "M3-LABEL-004": note("The main emotion is not in the blend.", "Nothing to do; both are kept."),
    "M3-SPEAKER-001": error(
        "An utterance by a speaker its dialogue does not list; null.", "Add the speaker."
    ),
    "M3-SPEAKER-002": note("An age or gender in another spelling.", "Use the authors' word."),
    "M3-SPEAKER-003": error("An age or gender outside the known words; null.", "Use a known word."),
    "M3-TIME-001": warning("A malformed time code that can still be read.", "Write HH:MM:SS:FF."),
    "M3-TIME-002": error("A time code that cannot be read; null.", "Write HH:MM:SS:FF."),
    "M3-TIME-003": error(
        "An utterance or dialogue that ends before it starts; times are null.", "Correct it."
    ),
    "M3-TIME-004": note("A frame field of 25 or more.", "Nothing to do; it is legal."),
    "M3-REL-001": note("A dialogue of the relation file that is not annotated.", "Nothing to do."),
    "M3-REL-002": warning("A dialogue without a place in its episode.", "Add it to the relation file."),
    "M3-REL-003": note(
        "No relation file: where dialogues lie in their episodes is unknown.", "Add the file."
    ),
    "M3-SPLIT-001": error("A series in no split list; its utterances make no rows.", "Add it to a list."),
    "M3-SPLIT-002": error("A series in two split lists; the first is used.", "Remove one."),
    "M3-SPLIT-003": warning("A series of a split list that is not annotated.", "Check the annotation file."),
    "M3-AUD-001": warning("An utterance without its audio clip, which others have.", "Fetch it again."),
    "M3-AUD-002": note("An audio clip under the other speaker's letter; it is used.", "Nothing to do."),
    "M3-AUD-003": note("An audio clip of no annotated utterance; it makes no row.", "Nothing to do."),
    "M3-AUD-004": error("A second audio clip for the same utterance; the first is used.", "Remove one."),
    "M3-EPI-001": warning("An episode that the relation file names and the folder lacks.", "Add the file."),
    "M3-EPI-003": note("A file whose series or episode cannot be told.", "Name it <series>/<episode>.mp4."),
    "M3-EPI-002": error("Two files for one episode; neither is used.", "Keep one."),
}
