"""M3ED's codes."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["M3ED_CODES"]

M3ED_CODES: Final[dict[str, Code]] = {
    # The files.
    "M3-FILE-001": error(
        "A file that a release cannot do without is missing.",
        "Get it from github.com/AIM3-RUC/RUCM3ED.",
        "a folder without splitInfo/movie_list_val.txt",
    ),
    "M3-FILE-002": error(
        "A file that the system would not let us read.",
        "Check its permissions and the disk.",
        "annotation.json with the permissions ---------- (mode 000)",
    ),
    "M3-FILE-003": error(
        "A second file that could be the annotation or relation file; only the first is checked.",
        "Keep one release in a folder.",
        "annotation.json and copy/annotation.json",
    ),
    "M3-TAR-001": error(
        "An archive that cannot be read in place: damaged, unsafe or compressed. Its clips are null.",
        "Fetch it again, or decompress it.",
        "audio.tar that ends in the middle of a member",
    ),
    "M3-JSON-001": error(
        "A file that is not strict JSON in UTF-8.", "Write it again as UTF-8 JSON.", '{"anjia": {},}'
    ),
    "M3-JSON-002": note(
        "The file begins with a byte-order mark.",
        "Save it as UTF-8 without BOM.",
        "EF BB BF 7B 22 61 6E 6A 69 (the first bytes of the file)",
    ),
    "M3-JSON-003": error(
        "The file's top level is not an object; it is not read.",
        "Write one object of series.",
        '[{"anjia": {}}]',
    ),
    "M3-JSON-004": error(
        "The file is larger than any release; it is not read.",
        "Check what the file really is.",
        "annotation.json of 1,000,000,000 bytes, or of 30,000,000 values",
    ),
    "M3-JSON-005": error(
        "A key twice in one object, which would lose a dialogue; the file is not read.",
        "Keep one of them.",
        '{"anjia": {"anjia_1": {}, "anjia_1": {}}}',
    ),
    "M3-JSON-006": error(
        "The file is not UTF-8, or escapes half a character; it is not read.",
        "Save it as UTF-8.",
        "a file in GBK or UTF-16, or the escape \\ud83d alone",
    ),
    "M3-JSON-007": error(
        "Nested deeper than any release; the file is not read.",
        "Check what the file really is.",
        "[[[[[[… 40 levels …]]]]]]",
    ),
    "M3-JSON-008": error(
        "NaN or Infinity, which JSON does not have; the file is not read.",
        "Write null for what is missing.",
        '{"anjia": {"anjia_1": {"episode": NaN}}}',
    ),
    # The objects.
    "M3-KEY-001": note(
        "A key that the release does not know.",
        "Nothing to do; its value is not loaded.",
        '"Remark": "checked twice"',
    ),
    "M3-KEY-002": note(
        "A key in another spelling.", "Use the release's spelling.", '"start time": "00:00:00:01"'
    ),
    "M3-KEY-003": error(
        "Two keys that mean the same hold different values; null.",
        "Keep one of them.",
        '"Speaker": "A", "speaker": "B"',
    ),
    "M3-TYPE-001": error(
        "A value of the wrong type; it is null in the row.",
        "Write the right JSON type.",
        '"EmoAnnotation": ["Anger"]',
    ),
    "M3-ID-001": error(
        "A name that is not the id its place asks for; it makes no row.",
        "Correct the id.",
        '"anjia_2_5" or "anjia_1_05" in the Dialog of anjia_1',
    ),
    "M3-DATA-001": warning(
        "Not three annotators: a judgement is missing; it is null in the row.",
        "Add it.",
        '"EmoAnnotation": {"EmoAnnotator1": "Sad", "EmoAnnotator3": "Sad", …}',
    ),
    "M3-DATA-002": warning(
        "A file, series or dialogue that holds nothing; it makes no rows.",
        "Add what belongs there.",
        '"anjia_1": {"SpeakerInfo": {…}, "Dialog": {}}',
    ),
    "M3-DATA-003": note(
        "All 56 series are there, and the totals are not the published ones.",
        "Compare it with the release: 990 dialogues, 24,449 utterances.",
        "989 dialogues",
    ),
    # Text and labels.
    "M3-TEXT-001": warning(
        "An utterance without its text; it is null or blank in the row.", "Add Text.", '"Text": ""'
    ),
    "M3-TEXT-002": note(
        "A text or name with blanks at an end, or with control characters; it is kept.",
        "Take them out.",
        '"Name": "周大川 "',
    ),
    "M3-LABEL-001": error(
        "An emotion outside the label set; null.",
        "Use one of the seven (or Other).",
        '"final_main_emo": "Joy"',
    ),
    "M3-LABEL-002": note(
        "An emotion in another spelling.", "Use the authors' word.", '"EmoAnnotator1": "Happpy"'
    ),
    "M3-LABEL-003": warning(
        "A final label is missing; it is null in the row.",
        "Add it.",
        '"EmoAnnotation": {…} without final_main_emo',
    ),
    "M3-LABEL-004": note(
        "The main emotion is not in the blend.",
        "Nothing to do; both are kept.",
        '"final_mul_emo": "Anger,Disgust", "final_main_emo": "Sad"',
    ),
    "M3-LABEL-005": note(
        "The final labels are not what the annotators' votes make, by the paper's rule or the authors' code; "
        "they count.",
        "Nothing to do: labels may have been decided otherwise.",
        '"final_main_emo": "Sad" where all three annotators say Happy',
    ),
    "M3-LABEL-006": warning(
        "An emotion twice in one blend.", "Keep one of them.", '"EmoAnnotator2": "Sad,Sad"'
    ),
    # Speakers.
    "M3-SPEAKER-001": error(
        "An utterance by a speaker its dialogue does not list; null.",
        "Add the speaker.",
        '"Speaker": "C" where SpeakerInfo has A and B',
    ),
    "M3-SPEAKER-002": note(
        "An age or gender in another spelling.", "Use the authors' word.", '"Age": "Yong"'
    ),
    "M3-SPEAKER-003": error(
        "An age or gender outside the known words; null.", "Use a known word.", '"Age": "ancient"'
    ),
    "M3-SPEAKER-004": error(
        "An utterance that does not say who speaks; null.",
        "Add Speaker.",
        '{"StartTime": …, "EndTime": …, "Text": "钟点工阿姨"}',
    ),
    "M3-SPEAKER-005": warning(
        "A speaker without name, age or gender; null.", "Add it.", '"A": {"Age": "mid", "Gender": "female"}'
    ),
    "M3-SPEAKER-006": note(
        "A speaker without the list of other names, or with an empty one in it; null.",
        "Write [] when there are none.",
        '"A": {"Name": "房似锦", "Age": "mid", "Gender": "female"}',
    ),
    "M3-SPEAKER-007": warning(
        "A dialogue that does not list two speakers.",
        "Add the other, or remove one.",
        '"SpeakerInfo": {"A": {…}}',
    ),
    "M3-SPEAKER-008": warning(
        "Two speakers of one dialogue have one name.",
        "Correct a name.",
        '"A": {"Name": "林大为", …}, "B": {"Name": "林大为", …}',
    ),
    "M3-SPEAKER-009": note(
        "A name has another gender or age elsewhere in the series.",
        "Check whether they are one person.",
        '林大为 is "male" in shaonianpai_1 and "female" in shaonianpai_4',
    ),
    "M3-SPEAKER-010": note(
        "A speaker's other name is another speaker's name in the same series: one person may have two names.",
        "Check whether they are one person.",
        '"Name": "房似锦", "OtherName": ["似锦"], and elsewhere "Name": "似锦"',
    ),
    "M3-SPEAKER-011": note(
        "A dialogue in which only one speaker talks.",
        "Nothing to do if it is so.",
        '"Speaker": "A" in all of anjia_1',
    ),
    # Times.
    "M3-TIME-001": warning(
        "A malformed time code that can still be read.", "Write HH:MM:SS:FF.", '"start_time": "00:2:49:22"'
    ),
    "M3-TIME-002": error(
        "A time code that cannot be read; null.", "Write HH:MM:SS:FF.", '"StartTime": "00:61:00:00"'
    ),
    "M3-TIME-003": error(
        "An utterance or dialogue that ends before it starts; times are null.",
        "Correct it.",
        '"StartTime": "00:00:05:00", "EndTime": "00:00:04:10"',
    ),
    "M3-TIME-004": note(
        "A frame field of 25 or more.", "Nothing to do; it is legal.", '"end_time": "00:12:40:26"'
    ),
    "M3-TIME-005": warning(
        "An utterance or dialogue without its start or end; null.", "Add it.", '{"Text": …} without StartTime'
    ),
    "M3-TIME-006": warning(
        "An utterance or dialogue that lasts no time.",
        "Correct its end.",
        '"StartTime": "00:00:05:00", "EndTime": "00:00:05:00"',
    ),
    "M3-TIME-007": warning(
        "Two utterances of one speaker overlap in time.",
        "Correct the times, or the speaker.",
        "anjia_1_3 of A ends at 00:00:07:10, anjia_1_4 of A starts at 00:00:06:00",
    ),
    "M3-TIME-008": warning(
        "An utterance starts before the one that is numbered before it.",
        "Correct the times, or the numbers.",
        "anjia_1_3 starts at 00:00:05:00, anjia_1_4 at 00:00:02:00",
    ),
    "M3-TIME-009": warning(
        "An utterance ends after its dialogue, by the relation file.",
        "Correct the utterance's times, or the dialogue's place.",
        "anjia_1_9 ends at 00:01:30:00 of a dialogue of 27 seconds",
    ),
}
