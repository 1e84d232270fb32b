"""EmotionTalk's codes for records: bytes, objects, labels, times, texts."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["EMOTALK_CODES"]

EMOTALK_CODES: Final[dict[str, Code]] = {
    # The file as bytes.
    "ET-JSON-001": error(
        "The file is not strict JSON in UTF-8.",
        "Write it again as UTF-8 JSON, one object.",
        '{"emotion_result": "happy",}',
    ),
    "ET-JSON-002": note(
        "The file begins with a byte-order mark.",
        "Save it as UTF-8 without BOM.",
        "EF BB BF 7B 22 64 61 74 61 22 (the first bytes of the file)",
    ),
    "ET-JSON-003": error(
        "The file's top level is not an object.",
        "Write one JSON object per file.",
        '[{"emotion_result": "happy"}]',
    ),
    "ET-JSON-004": error(
        "The file is larger than any annotation can be.",
        "Check what the file really is.",
        "Text/json/G00003/G00003_01/G00003_01_13/G00003_01_13_002.json of 3,000,000 bytes",
    ),
    "ET-JSON-005": error(
        "A key twice in one object; the file is not read.",
        "Keep one of them.",
        '{"speaker_id": "03", "speaker_id": "05"}',
    ),
    "ET-JSON-006": error(
        "The file is not UTF-8, or escapes half a character; it is not read.",
        "Save it as UTF-8.",
        "a file in GBK or UTF-16, or the escape \\ud83d alone",
    ),
    "ET-JSON-007": error(
        "Nested deeper than any record; the file is not read.",
        "Check what the file really is.",
        "[[[[[[… 40 levels …]]]]]]",
    ),
    "ET-JSON-008": error(
        "NaN or Infinity, which JSON does not have; the file is not read.",
        "Write null for what is missing.",
        '{"Continuous label_result": NaN}',
    ),
    "ET-FILE-001": error(
        "A file that cannot be read, or whose path is not UTF-8.",
        "Check its name, its permissions, where its link leads, and the disk.",
        "G00003_01_13_002.json with the permissions ---------- (mode 000)",
    ),
    # The object.
    "ET-KEY-001": note(
        "A key that the release does not know.",
        "Nothing to do; its value is not loaded.",
        '"remark": "checked twice"',
    ),
    "ET-KEY-002": note(
        "A key in another spelling.", "Use the release's spelling.", '"Emotion-Result": "happy"'
    ),
    "ET-KEY-003": error(
        "Two keys that mean the same hold different values; null.",
        "Keep one of them.",
        '"speaker_id": "13", "Speaker_ID": "14"',
    ),
    "ET-KEY-004": warning(
        "A key that every record of its kind has is missing.",
        "Add it.",
        "an Audio record without paragraphs.startTime",
    ),
    "ET-KEY-005": note(
        "A key that most other records of its kind have is missing.",
        "Add it if it is known.",
        "an Audio record without style_cap",
    ),
    "ET-TYPE-001": note(
        "A number written as a string, or an id as a number.",
        "Write the right JSON type.",
        '"Confidence_degree": "0.9"',
    ),
    "ET-TYPE-002": error(
        "A value of the wrong type, or a text of absurd length; it is null in the row.",
        "Write the right JSON type.",
        '"emotion_result": ["happy"]',
    ),
    "ET-DATA-001": warning(
        "Not five annotators.", "Check the file against the release.", '"data" with four entries'
    ),
    "ET-DATA-002": warning(
        "An annotator's emotion, confidence or sentiment is missing; it is null in the row.",
        "Add it.",
        '"data": [{"emotion": "sad"}, …] without Confidence_degree',
    ),
    # Labels and numbers.
    "ET-LABEL-001": error(
        "An emotion outside the seven words; it is null in the row.",
        "Use one of the seven.",
        '"emotion_result": "hapy"',
    ),
    "ET-LABEL-002": note(
        "An emotion in another spelling.", "Use the authors' word.", '"emotion_result": "Happiness"'
    ),
    "ET-LABEL-003": warning(
        "A final label is missing; it is null in the row.",
        "Add emotion_result.",
        '{"data": [...], "speaker_id": "13", "content": "你好"} (no emotion_result)',
    ),
    "ET-LABEL-004": note(
        "The final label is not what the annotators' votes, weighted by confidence, make; it counts.",
        "Nothing to do: experts may override the votes.",
        '"emotion_result": "sad" where all five annotators say happy',
    ),
    "ET-CONF-001": error(
        "A confidence outside 0.1, 0.3, 0.5, 0.7, 0.9; it is null.",
        "Use one of the five.",
        '"Confidence_degree": 0.4',
    ),
    "ET-SENT-001": error(
        "A Continuous_label outside the integers -2…2; it is null.",
        "Use -2, -1, 0, 1 or 2.",
        '"Continuous_label": 3',
    ),
    "ET-SENT-002": error(
        "A sentiment outside [-2, 2]; it is null.",
        "Write the mean of the five annotators.",
        '"Continuous label_result": 2.4',
    ),
    "ET-SENT-003": warning(
        "A Multimodal record without its sentiment; it is null in the row.",
        "Add Continuous label_result.",
        "a Multimodal record without Continuous label_result",
    ),
    "ET-SENT-004": warning(
        "The sentiment is not the mean of the five annotators; it counts.",
        "Correct it or the annotators' values.",
        '"Continuous label_result": 1.5 where the five values are 1, 1, 1, 1, 2',
    ),
    "ET-TIME-001": error(
        "A time below 0 or beyond 1,000,000 seconds, or an end before its start; null.",
        "Correct it.",
        '"paragraphs": {"startTime": 12.5, "endTime": 11.0}',
    ),
    "ET-TIME-002": warning(
        "Two utterances of one speaker overlap in time.",
        "Correct startTime or endTime.",
        "002 ends at 9.5 s, 004 of the same speaker starts at 8.0 s",
    ),
    "ET-TIME-003": warning(
        "The duration is not the end minus the start.",
        "Correct one of the three.",
        '"startTime": 1.0, "endTime": 3.0, "duration": 5.0',
    ),
    "ET-TIME-004": note(
        "An utterance whose start is out of the order of the numbers.",
        "Nothing to do; the number gives the order.",
        "003 starts at 5.0 s, 002 at 6.0 s",
    ),
    "ET-TIME-005": warning(
        "An utterance that lasts no time.",
        "Correct startTime or endTime.",
        '"startTime": 3.0, "endTime": 3.0',
    ),
    # Transcripts and captions.
    "ET-TEXT-001": note(
        "Overlap marks that do not pair.", "Nothing to do; the text is whole.", '"content": "[over/]我知道了"'
    ),
    "ET-TEXT-002": note(
        "A malformed mark in a transcript.",
        "Nothing to do; no spoken character is lost.",
        '"content": "[over/我知道了"',
    ),
    "ET-TEXT-003": warning(
        "The transcripts of Text and Audio differ; Text's is used.",
        "Make them equal.",
        '"content": "我知道" in Text and "content": "我知道了" in Audio',
    ),
    "ET-TEXT-004": error(
        "A transcript longer than 10,000 characters; it is null.",
        "Check the file.",
        '"content": "我知道了我知道了…" of 12,000 characters',
    ),
    "ET-TEXT-005": warning(
        "A Text record without its transcript; Audio's is used, or null.",
        "Add content.",
        '{"data": [...], "emotion_result": "happy"} in Text (no content)',
    ),
    "ET-TEXT-006": note(
        "A transcript or caption with control or invisible characters, or U+FFFD; it is kept.",
        "Take them out; where U+FFFD stands for a lost character, write that.",
        '"content": "我知道\\u0000了"',
    ),
    "ET-CAP-001": error(
        "Captions that are neither JSON nor a plain literal; null.",
        "Write a JSON object.",
        '"sourceAttr": "dict(emo_cap=\'she is happy\')"',
    ),
    "ET-CAP-002": note(
        "Captions written as a string.",
        "Write them as a JSON object.",
        "\"sourceAttr\": \"{'emo_cap': 'she is happy'}\"",
    ),
}
