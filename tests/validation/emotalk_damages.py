"""What is done to the fields of a clean EmotionTalk record, and what must then be found: tables, and no check.

An entry is `CODE@place`, several are joined by ` + `:

    ET-LABEL-001                    at the damaged place itself
    ET-JSON-008@                    of the file as a whole
    ET-DATA-001@data                at another place of the damaged file
    ET-TEXT-003@audio:content       in the same utterance's record of another modality
    (nothing)                       legal: nothing may be found
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = [
    "ADDED",
    "CONTENT",
    "DAMAGES",
    "FIELDS",
    "HARMLESS",
    "KEY",
    "KEYS",
    "LEAF",
    "LITERALS",
    "MODALITIES",
    "NEIGHBOUR",
    "RATINGS",
    "SENTIMENT",
    "VALUES",
    "VOTES",
    "WRONG",
]

# One utterance in the middle of a dialogue of six, and the folder of its speaker.
KEY = "G00002_01_07_005"
LEAF = "G00002/G00002_01/G00002_01_07"
MODALITIES = ("text", "audio", "video", "multimodal")
CONTENT = "今天早上的公交车来得特别慢。"

# Three of five say happy, with a mean confidence of 0.63; two say sad, with one of 0.4.
VOTES = (("happy", 0.7), ("happy", 0.7), ("happy", 0.5), ("sad", 0.5), ("sad", 0.3))
RATINGS = (1, 1, 0, -1, 0)
SENTIMENT = 0.2


# --- What is done to a value ------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


VALUES: dict[str, Callable[[Any], Any]] = {
    "null": lambda _: None,
    "number": lambda _: 7,
    "boolean": lambda _: True,
    "list": lambda value: [value],
    "empty list": lambda _: [],
    "object": lambda value: {"value": value},
    "empty object": lambda _: {},
    "empty text": lambda _: "",
    "word": lambda _: "hapy",
    "long": lambda _: "x" * 20_001,
    "as text": lambda value: _text(value),
    "other case": lambda value: _text(value).swapcase(),
    "blank": lambda value: _text(value) + " ",
    "zero width": lambda value: _text(value) + "\u200b",
}
# The JSON text of the value; what takes its place, given the key before it.
LITERALS: dict[str, Callable[[str, str], str]] = {
    "nan": lambda *_: "NaN",
    "infinity": lambda *_: "-Infinity",
    "huge": lambda *_: "1e400",
    "digits": lambda *_: "1" * 5_000,
    "half a character": lambda *_: r'"\ud83d"',
    "twice": lambda text, key: f'{text}, "{key}": {text}',
}
KEYS: dict[str, Callable[[str], str | None]] = {
    "deleted": lambda _: None,
    "respelled": lambda key: key.swapcase(),
    "misspelled": lambda key: f"{key}x",
    "neighbour": lambda key: key,  # and a key that nobody knows beside it
}
DAMAGES = (*VALUES, *LITERALS, *KEYS)
NEIGHBOUR = "remark"


# --- What must be found, field by field -------------------------------------------------------------------

EVERYWHERE = {
    "nan, infinity": "ET-JSON-008@",
    "digits": "ET-JSON-001@",
    "half a character": "ET-JSON-006@",
    "twice": "ET-JSON-005@",
    "respelled": "ET-KEY-002@<respelled>",
    "neighbour": "ET-KEY-001@<neighbour>",
}
ENTRY_OF_A_LIST = {
    "nan, infinity": "ET-JSON-008@",
    "digits": "ET-JSON-001@",
    "half a character": "ET-JSON-006@",
}


def _missing(code: str) -> dict[str, str]:
    return {"deleted, null": code, "misspelled": f"{code} + ET-KEY-001@<misspelled>"}


WORD = {
    "number, boolean, list, empty list, object, empty object, huge": "ET-TYPE-002",
    "empty text, word, long, zero width": "ET-LABEL-001",
    "other case, blank": "ET-LABEL-002",
}
NO_NUMBER = {
    "boolean, list, empty list, object, empty object, empty text, word, long, zero width": "ET-TYPE-002",
    "as text, other case, blank": "ET-TYPE-001",
}
NO_TEXT = {"number, boolean, list, empty list, object, empty object, huge": "ET-TYPE-002"}
NO_OBJECT = "number, boolean, huge"
TEXTS = "empty text, word, long, as text, other case, blank, zero width"
CAPTIONS = ("spe_cap", "style_cap", "emo_cap", *(f"caption_{number}" for number in range(1, 6)))
NO_CAPTION = " + ".join(f"ET-KEY-005@sourceAttr.{key}" for key in CAPTIONS)
RESPELLED_CAPTIONS = " + ".join(f"ET-KEY-002@sourceAttr.{key.swapcase()}" for key in CAPTIONS)
NO_TIMES = "ET-KEY-004@paragraphs.startTime + ET-KEY-004@paragraphs.endTime + ET-KEY-005@paragraphs.duration"
NO_VOTE = "ET-DATA-002@data[1].emotion + ET-DATA-002@data[1].Confidence_degree"
NO_RATED_VOTE = f"{NO_VOTE} + ET-DATA-002@data[1].Continuous_label"
ALL = "text audio video multimodal"

FIELDS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        ALL,
        "data",
        {
            **_missing("ET-DATA-001"),
            **EVERYWHERE,
            "empty list": "ET-DATA-001",
            f"{NO_OBJECT}, object, empty object, {TEXTS}": "ET-TYPE-002",
            "list": "ET-TYPE-002@data[0] + ET-DATA-001",
        },
    ),
    (
        "text audio video",
        "data[1]",
        {
            **ENTRY_OF_A_LIST,
            "deleted": "ET-DATA-001@data",
            f"null, {NO_OBJECT}, list, empty list, {TEXTS}": "ET-TYPE-002",
            "empty object": NO_VOTE,
            "object": f"{NO_VOTE} + ET-KEY-001@data[1].value",
        },
    ),
    (
        "multimodal",
        "data[1]",
        {
            **ENTRY_OF_A_LIST,
            "deleted": "ET-DATA-001@data + ET-SENT-004@Continuous label_result",
            f"null, {NO_OBJECT}, list, empty list, {TEXTS}": "ET-TYPE-002",
            "empty object": NO_RATED_VOTE,
            "object": f"{NO_RATED_VOTE} + ET-KEY-001@data[1].value",
        },
    ),
    (ALL, "data[3].emotion", {**_missing("ET-DATA-002"), **EVERYWHERE, **WORD}),
    (
        ALL,
        "data[3].Confidence_degree",
        {**_missing("ET-DATA-002"), **EVERYWHERE, **NO_NUMBER, "number, huge": "ET-CONF-001"},
    ),
    (
        "multimodal",
        "data[3].Continuous_label",
        {**_missing("ET-DATA-002"), **EVERYWHERE, **NO_NUMBER, "number, huge": "ET-SENT-001"},
    ),
    (ALL, "emotion_result", {**_missing("ET-LABEL-003"), **EVERYWHERE, **WORD}),
    (
        "multimodal",
        "Continuous label_result",
        {**_missing("ET-SENT-003"), **EVERYWHERE, **NO_NUMBER, "number, huge": "ET-SENT-002"},
    ),
    (
        ALL,
        "speaker_id",
        {
            **_missing("ET-KEY-004"),
            **EVERYWHERE,
            **NO_TEXT,
            "number": "ET-TYPE-001",  # 7 is speaker 07
            "empty text, word, blank, zero width": "ET-ID-003",
            "long": "ET-TYPE-002",
        },
    ),
    (
        "text",
        "content",
        {
            **_missing("ET-TEXT-005"),
            **EVERYWHERE,
            **NO_TEXT,
            "long": "ET-TEXT-004",
            # The two records differ, and the Audio record is not the one that counts.
            "empty text": "ET-TEXT-005 + ET-TEXT-003@audio:content",
            "word, blank": "ET-TEXT-003@audio:content",
            "zero width": "ET-TEXT-006 + ET-TEXT-003@audio:content",
        },
    ),
    (
        "audio",
        "content",
        {
            **_missing("ET-KEY-005"),
            **EVERYWHERE,
            **NO_TEXT,
            "long": "ET-TEXT-004",
            "empty text, word, blank": "ET-TEXT-003",
            "zero width": "ET-TEXT-006 + ET-TEXT-003",
        },
    ),
    (
        "audio",
        "paragraphs",
        {
            **_missing("ET-KEY-004"),
            **EVERYWHERE,
            "empty list": "ET-KEY-004",
            "list": "",  # paragraphs may be several
            f"{NO_OBJECT}, {TEXTS}": "ET-TYPE-002",
            "empty object": NO_TIMES,
            "object": f"{NO_TIMES} + ET-KEY-001@paragraphs.value",
        },
    ),
    (
        "audio",
        "paragraphs.startTime",
        {
            **_missing("ET-KEY-004"),
            **EVERYWHERE,
            **NO_NUMBER,
            # At 7 s the same speaker still talks, and the utterances before it start later.
            "number": "ET-TIME-002 + ET-TIME-004 + ET-TIME-003@paragraphs.duration",
            "huge": "ET-TYPE-002",
        },
    ),
    (
        "audio",
        "paragraphs.endTime",
        {
            **_missing("ET-KEY-004"),
            **EVERYWHERE,
            **NO_NUMBER,
            "number": "ET-TIME-001@paragraphs",  # 7 s is before the start
            "huge": "ET-TYPE-002",
        },
    ),
    (
        "audio",
        "paragraphs.duration",
        {
            **_missing("ET-KEY-005"),
            **EVERYWHERE,
            **NO_NUMBER,
            "number": "ET-TIME-003",
            "huge": "ET-TYPE-002",
        },
    ),
    (
        "audio",
        "sourceAttr",
        {
            **_missing("ET-KEY-005"),
            **EVERYWHERE,
            f"{NO_OBJECT}, list, empty list": "ET-TYPE-002",
            "empty text, word, long, zero width": "ET-CAP-001",
            "as text, blank": "ET-CAP-002",
            "other case": f"ET-CAP-002 + {RESPELLED_CAPTIONS}",
            "empty object": NO_CAPTION,
            "object": f"{NO_CAPTION} + ET-KEY-001@sourceAttr.value",
        },
    ),
    *(
        (
            "audio",
            f"sourceAttr.{key}",
            {
                **_missing("ET-KEY-005"),
                **EVERYWHERE,
                **NO_TEXT,
                "empty text": "ET-KEY-005",
                "long": "ET-TYPE-002",
                "word, blank": "",  # a caption is free text
                "zero width": "ET-TEXT-006",
            },
        )
        for key in CAPTIONS
    ),
    *(
        (
            modalities,
            key,
            {
                **_missing("ET-KEY-005"),
                **EVERYWHERE,
                **NO_TEXT,
                "long": "ET-TYPE-002",
                "empty text, word, other case, blank, zero width": "ET-PATH-001",
            },
        )
        for modalities, key in (("audio", "file_path"), ("text video multimodal", "file_name"))
    ),
)


# --- Values that are of the right type and wrong all the same ---------------------------------------------

WRONG: tuple[tuple[str, str, tuple[Any, ...], str], ...] = (
    (ALL, "data[0].emotion", ("angry",), "ET-LABEL-004@emotion_result"),
    (
        ALL,
        "data[0].emotion",
        ("sadness", "anger", "surprise", "disgust", "fear", " sad"),
        "ET-LABEL-002 <or> ET-LABEL-002 + ET-LABEL-004@emotion_result",
    ),
    (ALL, "data[0].emotion", ("ｈappy", "hаppy", "happy\0", "happy,sad", "开心", "1"), "ET-LABEL-001"),
    (ALL, "data[4].Confidence_degree", (0.9,), "ET-LABEL-004@emotion_result"),
    (ALL, "data[0].Confidence_degree", (0.4, 1, 0, -0.7, 70, 0.700001), "ET-CONF-001"),
    ("multimodal", "data[2].Continuous_label", (1, -2), "ET-SENT-004@Continuous label_result"),
    ("multimodal", "data[2].Continuous_label", (3, -3, 0.5, 1e300), "ET-SENT-001"),
    ("multimodal", "data[2].Continuous_label", ("1.5", "zero"), "ET-TYPE-002"),
    (ALL, "emotion_result", ("neutral", "sad", "angry", "surprised", "disgusted", "fearful"), "ET-LABEL-004"),
    (ALL, "emotion_result", ("happiness", "Happy", "\thappy"), "ET-LABEL-002"),
    (ALL, "emotion_result", ("sadness", "Fear"), "ET-LABEL-002 + ET-LABEL-004"),
    ("multimodal", "Continuous label_result", (0.4, 0, -0.2, 2, -2), "ET-SENT-004"),
    ("multimodal", "Continuous label_result", (2.2, -2.2, 20, 1e300), "ET-SENT-002"),
    (ALL, "speaker_id", ("08", "7", "007", "0７", "G07", "07\n"), "ET-ID-003"),
    (ALL, "speaker_id", (8,), "ET-TYPE-001 + ET-ID-003"),
    (ALL, "speaker_id", (7.0, -7, 107), "ET-TYPE-002"),
    ("text", "content", ("他说完了。",), "ET-TEXT-003@audio:content"),
    ("text", "content", ("[over/]" + CONTENT,), "ET-TEXT-001 + ET-TEXT-003@audio:content"),
    ("text", "content", (CONTENT + "[over/我", "]" + CONTENT), "ET-TEXT-002 + ET-TEXT-003@audio:content"),
    ("text", "content", (" \n",), "ET-TEXT-005 + ET-TEXT-003@audio:content"),
    ("audio", "content", ("他说完了。", CONTENT[:-1]), "ET-TEXT-003"),
    ("audio", "content", (CONTENT + "\0", CONTENT + "\ufffd"), "ET-TEXT-006 + ET-TEXT-003"),
    ("audio", "sourceAttr.style_cap", ("语速\x1b快", "\u202e语速快", "语速\ufffd"), "ET-TEXT-006"),
    ("audio", "paragraphs", ({"startTime": 13.17, "endTime": 11.01, "duration": 2.16},), "ET-TIME-001"),
    ("audio", "paragraphs.startTime", (-0.5, 1e7), "ET-TIME-001"),
    ("audio", "paragraphs.startTime", (11.5,), "ET-TIME-003@paragraphs.duration"),
    ("audio", "paragraphs.startTime", (13.5,), "ET-TIME-001@paragraphs"),
    ("audio", "paragraphs.endTime", (-0.5, 1e7), "ET-TIME-001"),
    ("audio", "paragraphs.endTime", (13.3,), "ET-TIME-003@paragraphs.duration"),
    ("audio", "paragraphs.endTime", (11.01,), "ET-TIME-005 + ET-TIME-003@paragraphs.duration"),
    ("audio", "paragraphs.duration", (-0.5, 1e7), "ET-TIME-001"),
    ("audio", "paragraphs.duration", (0, 2.0, 2.3, 2160), "ET-TIME-003"),
    ("audio", "paragraphs.duration", ("2s", "2,16", "2.16e0"), "ET-TYPE-002"),
    ("audio", "sourceAttr", ("dict(emo_cap='')", "[]", "{'emo_cap': 1}", "nan"), "ET-CAP-001"),
    *(
        (
            modalities,
            key,
            (
                f"{LEAF}/G00002_01_07_006.{suffix}",
                f"{LEAF}/G00002_01_08_005.{suffix}",
                f"G00003/G00003_01/G00003_01_07/{KEY}.{suffix}",
                f"G00002/G00002_01/G00002_01_08/{KEY}.{suffix}",
                f"{LEAF}\\{KEY}.{suffix}",
                f"../{LEAF}/{KEY}.{suffix}",
                f"/{LEAF}/{KEY}.{suffix}",
                f"{LEAF}/{KEY}/.{suffix}",
                f" {LEAF}/{KEY}.{suffix}",
                f"{LEAF}/{KEY}_1.{suffix}",
                f"{LEAF}/",
            ),
            "ET-PATH-001",
        )
        for modalities, key, suffix in (
            ("audio", "file_path", "wav"),
            ("text video multimodal", "file_name", "mp4"),
        )
    ),
)

# Keys that are added to an object: its place, the keys, and what is found.
ADDED: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    (ALL, "", {"Speaker_ID": "08"}, "ET-KEY-003@Speaker_ID"),
    (ALL, "", {"Emotion-Result": "sad"}, "ET-KEY-003@Emotion-Result"),
    (ALL, "data[2]", {"EMOTION": "sad"}, "ET-KEY-003@data[2].EMOTION"),
    ("audio", "paragraphs", {"start": 1.0}, "ET-KEY-003@paragraphs.start"),
    ("audio", "sourceAttr", {"remark": "好"}, "ET-KEY-001@sourceAttr.remark"),
    ("audio", "", {"startTime": 11.01}, "ET-KEY-001@startTime"),
    ("audio", "", {"emo_cap": "好"}, "ET-KEY-001@emo_cap"),
    (ALL, "", {"": 1}, "ET-KEY-001@"),
    (ALL, "", {"\u200bspeaker_id": "07"}, "ET-KEY-001@\\u200bspeaker_id"),
    (ALL, "data[0]", {"annotator": "张"}, "ET-KEY-001@data[0].annotator"),
    (ALL, "", {"speaker-id": "07"}, ""),  # says the same
    (ALL, "", {"Continuous label_result": 0.2}, ""),  # the keys of another modality say nothing
    (ALL, "data[0]", {"Continuous_label": 1}, ""),
)

# Values that are legal in their place.
HARMLESS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    (ALL, "data[4].Confidence_degree", (0.1, 0.5)),
    (ALL, "data[3].Confidence_degree", (0.1, 0.3, 0.9)),
    (ALL, "data[0].emotion", ("sad",)),
    (ALL, "data[4].emotion", ("happy", "neutral", "fearful")),
    (ALL, "data", ("<reversed>",)),
    ("multimodal", "data[0].Continuous_label", (1.0,)),
    ("multimodal", "Continuous label_result", (0.2004, 0.1996)),
    ("audio", "paragraphs.duration", (2.12, 2.2, 2.160001)),
    ("audio", "paragraphs.startTime", (11.0,)),
    ("audio", "paragraphs", ([{"startTime": 11.01, "endTime": 13.17, "duration": 2.16}],)),
    ("audio", "sourceAttr.emo_cap", ("很开心", "happy\u3000", "a\nb")),
    ("audio", "file_path", (f"{KEY}.wav", f"{LEAF}/{KEY}.WAV", f"{LEAF}/{KEY}.flac")),
    ("text video multimodal", "file_name", (f"{KEY}.mp4", f"{LEAF}/{KEY}.wav", f"{LEAF}/{KEY}")),
)
