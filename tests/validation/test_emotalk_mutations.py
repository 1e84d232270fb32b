"""A clean release, damaged in one place at a time: each damage is found by its code, in its file, at its place.

The tables below say what must be found. An entry is `CODE@place`, several are joined by ` + `:

    ET-LABEL-001                    at the damaged place itself
    ET-JSON-008@                    of the file as a whole
    ET-DATA-001@data                at another place of the damaged file
    ET-TEXT-003@audio:content       in the same utterance's record of another modality
    (nothing)                       legal: nothing may be found

Whatever is found beyond that is a failure as well.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from emotalk_data import validate
from emotalk_data.testing import make_emotalk

# One utterance in the middle of a dialogue of six, and the folder of its speaker.
KEY = "G00002_01_07_005"
LEAF = "G00002/G00002_01/G00002_01_07"
MODALITIES = ("text", "audio", "video", "multimodal")
CONTENT = "今天早上的公交车来得特别慢。"

# Three of five say happy, with a mean confidence of 0.63; two say sad, with one of 0.4.
VOTES = (("happy", 0.7), ("happy", 0.7), ("happy", 0.5), ("sad", 0.5), ("sad", 0.3))
RATINGS = (1, 1, 0, -1, 0)
SENTIMENT = 0.2

Found = set[tuple[str, str, str]]  # code, file, place


# --- What is done to a value ------------------------------------------------------------------------------

VALUES: dict[str, Callable[[Any], Any]] = {
    "null": lambda value: None,
    "number": lambda value: 7,
    "boolean": lambda value: True,
    "list": lambda value: [value],
    "empty list": lambda value: [],
    "object": lambda value: {"value": value},
    "empty object": lambda value: {},
    "empty text": lambda value: "",
    "word": lambda value: "hapy",
    "long": lambda value: "x" * 20_001,
    "as text": lambda value: _text(value),
    "other case": lambda value: _text(value).swapcase(),
    "blank": lambda value: _text(value) + " ",
    "zero width": lambda value: _text(value) + "\u200b",
}
# The JSON text of the value; what takes its place, given the key before it.
LITERALS: dict[str, Callable[[str, str], str]] = {
    "nan": lambda text, key: "NaN",
    "infinity": lambda text, key: "-Infinity",
    "huge": lambda text, key: "1e400",
    "digits": lambda text, key: "1" * 5_000,
    "half a character": lambda text, key: r'"\ud83d"',
    "twice": lambda text, key: f'{text}, "{key}": {text}',
}
KEYS: dict[str, Callable[[str], str | None]] = {
    "deleted": lambda key: None,
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
CAPTIONS = tuple("spe_cap style_cap emo_cap caption_1 caption_2 caption_3 caption_4 caption_5".split())
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
            f"{NO_OBJECT}, object, empty object, {TEXTS}": "ET-TYPE-002 + ET-DATA-001",
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
            "word, blank, zero width": "ET-TEXT-003@audio:content",
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
            "empty text, word, blank, zero width": "ET-TEXT-003",
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
                "word, blank, zero width": "",  # a caption is free text
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
    ("audio", "content", ("他说完了。", CONTENT + "\0", CONTENT[:-1]), "ET-TEXT-003"),
    ("audio", "paragraphs", ({"startTime": 13.17, "endTime": 11.01, "duration": 2.16},), "ET-TIME-001"),
    ("audio", "paragraphs.startTime", (-0.5, 1e7), "ET-TIME-001"),
    ("audio", "paragraphs.startTime", (11.5,), "ET-TIME-003@paragraphs.duration"),
    ("audio", "paragraphs.startTime", (13.5,), "ET-TIME-001@paragraphs"),
    ("audio", "paragraphs.endTime", (-0.5, 1e7), "ET-TIME-001"),
    ("audio", "paragraphs.endTime", (13.3,), "ET-TIME-003@paragraphs.duration"),
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
    (ALL, "", {"Speaker_ID": "08"}, "ET-KEY-003@Speaker_ID + ET-KEY-004@speaker_id"),
    (ALL, "", {"Emotion-Result": "sad"}, "ET-KEY-003@Emotion-Result + ET-LABEL-003@emotion_result"),
    (ALL, "data[2]", {"EMOTION": "sad"}, "ET-KEY-003@data[2].EMOTION + ET-DATA-002@data[2].emotion"),
    ("audio", "paragraphs", {"start": 1.0}, "ET-KEY-003@paragraphs.start + ET-KEY-004@paragraphs.startTime"),
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


# --- What is done to a whole file -------------------------------------------------------------------------


def _bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = change(path.read_bytes())
        path.unlink()  # the file may be a link to the clean one
        path.write_bytes(data)

    return damage


def _coded(encoding: str) -> Callable[[Path], None]:
    return _bytes(lambda data: data.decode().encode(encoding))


def _moved(name: str, *, keep: bool = False) -> Callable[[Path], None]:
    """Move (or copy) a record to a place below its modality's folder; `<leaf>` is its own folder."""

    def damage(path: Path) -> None:
        target = path.parents[4] / name.replace("<leaf>", f"json/{LEAF}")
        target.parent.mkdir(parents=True, exist_ok=True)
        if keep:
            shutil.copy(path, target)
        else:
            path.rename(target)

    return damage


def _replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


ABSENT = f"ET-PRES-001@<leaf>/{KEY}.json"
OTHERS_ABSENT = {  # what an utterance lacks that has a record in one modality only
    modality: " + ".join(
        [f"ET-PRES-001@{other}:json/<other>.json" for other in MODALITIES if other != modality]
        + ["ET-PRES-002@audio:wav/<other>.wav", "ET-PRES-002@multimodal:mp4/<other>.mp4"]
    )
    for modality in MODALITIES
}

# `CODE@name` is of a file below the modality's folder, `CODE@audio:name` below Audio.
FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "deleted": (Path.unlink, ABSENT),
    "emptied": (_bytes(lambda data: b""), "ET-JSON-001"),
    "blank": (_bytes(lambda data: b" \n"), "ET-JSON-001"),
    "cut in half": (_bytes(lambda data: data[: len(data) // 2]), "ET-JSON-001"),
    "cut by a byte": (_bytes(lambda data: data[:-1]), "ET-JSON-001"),
    "padded with zeros": (_bytes(lambda data: data + bytes(64)), "ET-JSON-001"),
    "all zeros": (_bytes(lambda data: bytes(len(data))), "ET-JSON-006"),
    "two documents": (_bytes(lambda data: data + data), "ET-JSON-001"),
    "a comma too many": (_bytes(lambda data: data.rstrip()[:-1] + b",}"), "ET-JSON-001"),
    "a comment": (_bytes(lambda data: b"// checked\n" + data), "ET-JSON-001"),
    "single quotes": (_bytes(lambda data: repr(json.loads(data)).encode()), "ET-JSON-001"),
    "a page": (_bytes(lambda data: b"<html>404</html>"), "ET-JSON-001"),
    "a pointer": (_bytes(lambda data: b"version https://git-lfs.github.com/spec/v1\n"), "ET-JSON-001"),
    "a byte-order mark": (_bytes(lambda data: b"\xef\xbb\xbf" + data), "ET-JSON-002"),
    "UTF-16": (_coded("utf-16"), "ET-JSON-006"),
    "UTF-16 without a mark": (_coded("utf-16-le"), "ET-JSON-006"),
    "UTF-16 the other way round": (_coded("utf-16-be"), "ET-JSON-006"),
    "UTF-32": (_coded("utf-32"), "ET-JSON-006"),
    "Latin-1": (_bytes(lambda data: data.replace(b'"happy"', b'"joy\xe9"')), "ET-JSON-006"),
    "gzip": (_bytes(lambda data: gzip.compress(data, mtime=0)), "ET-JSON-006"),
    "a list": (_bytes(lambda data: b"[" + data + b"]"), "ET-JSON-003"),
    "null": (_bytes(lambda data: b"null"), "ET-JSON-003"),
    "a string": (_bytes(lambda data: b'"happy"'), "ET-JSON-003"),
    "a megabyte": (_bytes(lambda data: data + b" " * (1 << 20)), "ET-JSON-004"),
    "deep": (_bytes(lambda data: b'{"data":' + b"[" * 40 + b"]" * 40 + b"}"), "ET-JSON-007"),
    "very deep": (_bytes(lambda data: b"[" * 100_000), "ET-JSON-007"),
    "a dangling link": (_replaced(lambda path: path.symlink_to("nowhere")), "ET-FILE-001"),
    "a folder": (_replaced(lambda path: path.mkdir()), "ET-FILE-001"),
    "a fifo": (_replaced(os.mkfifo), "ET-JSON-001"),
    "in another speaker's folder": (
        _moved(f"json/G00002/G00002_01/G00002_01_08/{KEY}.json"),
        f"ET-ID-002@json/G00002/G00002_01/G00002_01_08/{KEY}.json",
    ),
    "in another group's folder": (
        _moved(f"json/G00003/G00003_01/G00003_01_07/{KEY}.json"),
        f"ET-ID-002@json/G00003/G00003_01/G00003_01_07/{KEY}.json",
    ),
    "in no folder": (_moved(f"{KEY}.json"), f"ET-ID-002@{KEY}.json"),
    "without its id": (_moved("<leaf>/notes.json"), f"ET-ID-001@<leaf>/notes.json + {ABSENT}"),
    "a short number": (
        _moved("<leaf>/G00002_01_07_5.json"),
        f"ET-ID-001@<leaf>/G00002_01_07_5.json + {ABSENT}",
    ),
    "lower case": (
        _moved(f"<leaf>/{KEY.lower()}.json"),
        f"ET-ID-001@<leaf>/{KEY.lower()}.json + {ABSENT}",
    ),
    "full-width digits": (
        _moved("<leaf>/G00002_01_07_００５.json"),
        f"ET-ID-001@<leaf>/G00002_01_07_００５.json + {ABSENT}",
    ),
    "a blank in its name": (_moved(f"<leaf>/{KEY} .json"), f"ET-ID-001@<leaf>/{KEY} .json + {ABSENT}"),
    "another suffix": (_moved(f"<leaf>/{KEY}.json.bak"), ABSENT),
    "hidden": (_moved(f"<leaf>/._{KEY}.json"), ABSENT),
    "renamed to an id of nobody": (
        _moved("<leaf>/G00002_01_07_099.json"),
        f"{ABSENT} + ET-PATH-001@<leaf>/G00002_01_07_099.json:<hint> + <others absent>",
    ),
    "copied to another folder": (
        _moved(f"zz/{KEY}.json", keep=True),
        f"ET-DUP-001@zz/{KEY}.json + ET-ID-002@zz/{KEY}.json",
    ),
    "copied beside itself": (_moved(f"<leaf>/{KEY}.jsonl", keep=True), f"ET-DUP-001@<leaf>/{KEY}.jsonl"),
    "copied to an id of nobody": (
        _moved("<leaf>/G00002_01_07_099.json", keep=True),
        "ET-PATH-001@<leaf>/G00002_01_07_099.json:<hint> + <others absent>",
    ),
    # What a file system or an editor may change without harm.
    "line ends of Windows": (_bytes(lambda data: data.replace(b"\n", b"\r\n")), ""),
    "blanks around it": (_bytes(lambda data: b"\n " + data + b"\n\n"), ""),
    "one line": (_bytes(lambda data: json.dumps(json.loads(data)).encode()), ""),
    "keys in another order": (
        _bytes(lambda data: json.dumps(dict(reversed(json.loads(data).items()))).encode()),
        "",
    ),
    "suffix in capitals": (_moved(f"<leaf>/{KEY}.JSON"), ""),
    "suffix of the paper": (_moved(f"<leaf>/{KEY}.jsonl"), ""),
}
# An Audio record under a second number is an utterance with the times of another one.
ALSO_IN_AUDIO = {
    "renamed to an id of nobody": "ET-TIME-004@<leaf>/G00002_01_07_099.json:paragraphs.startTime",
    "copied to an id of nobody": "ET-TIME-004@<leaf>/G00002_01_07_099.json:paragraphs.startTime"
    " + ET-TIME-002@<leaf>/G00002_01_07_099.json:paragraphs.startTime",
}

WAV, MP4 = f"Audio/wav/{LEAF}/{KEY}.wav", f"Multimodal/mp4/{LEAF}/{KEY}.mp4"
MEDIA: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (Path.unlink, "ET-PRES-002@<media>"),
    "renamed to an id of nobody": (
        lambda path: path.rename(path.with_stem("G00002_01_07_099")),
        "ET-PRES-002@<media> + ET-PRES-003@<099>",
    ),
    "copied to an id of nobody": (
        lambda path: shutil.copy(path, path.with_stem("G00002_01_07_099")),
        "ET-PRES-003@<099>",
    ),
    "without its id": (lambda path: shutil.copy(path, path.with_stem("notes")), "ET-PRES-003@<notes>"),
    "copied to another folder": (
        lambda path: shutil.copy(path, path.parents[4] / path.name),
        "ET-DUP-001@<media>",
    ),
}


# --- The tests --------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=4), encoding="utf-8")


def _name(modality: str) -> str:
    return f"{modality.capitalize()}/json/{LEAF}/{KEY}.json"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with media in which there is nothing to find; the utterance of the tests has known votes."""
    root = tmp_path_factory.mktemp("clean")
    make_emotalk(root, num_utterances=6, seed=0, oddities=False)
    for modality in MODALITIES:
        path = root / _name(modality)
        document = json.loads(path.read_text(encoding="utf-8"))
        document["data"] = [{"emotion": emotion, "Confidence_degree": number} for emotion, number in VOTES]
        document["emotion_result"] = "happy"
        if modality == "multimodal":
            for vote, rating in zip(document["data"], RATINGS, strict=True):
                vote["Continuous_label"] = rating
            document["Continuous label_result"] = SENTIMENT
        if "content" in document:
            document["content"] = CONTENT
        if modality == "audio":
            assert document["paragraphs"] == {"startTime": 11.01, "endTime": 13.17, "duration": 2.16}
        _write(path, document)
    return root


@pytest.fixture
def release(clean: Path) -> Iterator[Path]:
    """The clean release; its four records are put back after the test."""
    kept = {modality: (clean / _name(modality)).read_bytes() for modality in MODALITIES}
    yield clean
    for modality, data in kept.items():
        (clean / _name(modality)).write_bytes(data)


@pytest.fixture
def linked(clean: Path, tmp_path: Path) -> Path:
    """A copy of the clean release whose files may be moved and deleted; they are links, never to be written to."""
    root = tmp_path / "release"
    shutil.copytree(clean, root, copy_function=os.link)
    return root


def _found(root: Path) -> Found:
    report = validate(root)
    report.check()
    return {(problem.code, problem.file, problem.json_path) for problem in report.problems()}


def _document(root: Path, modality: str) -> Any:
    return json.loads((root / _name(modality)).read_text(encoding="utf-8"))


def _steps(place: str) -> list[int | str]:
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", place)]


def _at(document: Any, steps: list[int | str]) -> Any:
    for step in steps:
        document = document[step]
    return document


def _beside(place: str, key: str) -> str:
    """The place of a key in the object that holds `place`."""
    return ".".join([*place.split(".")[:-1], key])


def _damaged(document: Any, place: str, damage: str) -> str | None:
    """The JSON text of a record with one damage; None where there is no such damage."""
    document = copy.deepcopy(document)
    *before, last = _steps(place)
    holder = _at(document, before)
    if damage in VALUES:
        holder[last] = VALUES[damage](holder[last])
    elif damage in LITERALS:
        if isinstance(last, int) and damage == "twice":
            return None
        old = json.dumps(holder[last], ensure_ascii=False)
        holder[last] = "<literal>"
        return json.dumps(document, ensure_ascii=False).replace(
            '"<literal>"', LITERALS[damage](old, str(last))
        )
    elif isinstance(last, int):
        if damage != "deleted":
            return None
        del holder[last]
    else:
        pairs = [(KEYS[damage](key) if key == last else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update((key, value) for key, value in pairs if key is not None)
        if damage == "neighbour":
            holder[NEIGHBOUR] = "x"
    return json.dumps(document, ensure_ascii=False)


def _expected(entry: str, modality: str, place: str) -> Found:
    """Read an entry of the tables about fields."""
    found: Found = set()
    for one in filter(None, entry.split(" + ")):
        code, at, where = one.partition("@")
        where = where if at else place
        other, colon, rest = where.partition(":")
        if colon:
            modality, where = other, rest
        last = place.rpartition(".")[2]
        for mark, key in (
            ("<respelled>", last.swapcase()),
            ("<misspelled>", f"{last}x"),
            ("<neighbour>", NEIGHBOUR),
        ):
            where = _beside(place, key) if where == mark else where
        found.add((code, _name(modality), where))
    return found


def _spread(damages: Mapping[str, str]) -> dict[str, str]:
    """Give each damage its own entry; a later one wins."""
    return {damage: entry for names, entry in damages.items() for damage in names.split(", ")}


def _rows() -> Iterator[tuple[str, str, dict[str, str]]]:
    for modalities, place, damages in FIELDS:
        for modality in modalities.split():
            yield modality, place, _spread(damages)


def _places(value: Any, place: str = "") -> Iterator[str]:
    """Every place of a record, with `[]` for each entry of a list."""
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = [(f"{place}.{key}" if place else key, child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{place}[]", child) for child in value]
    for child_place, child in children:
        yield child_place
        yield from _places(child, child_place)


def test_nothing_is_found_in_the_clean_release(clean: Path) -> None:
    report = validate(clean)
    assert report.num_by_code() == {}
    assert report.counts["rows"] == 6
    assert validate(clean, media=True).num_by_code() == {}


def test_the_table_has_every_field_of_every_record_and_every_damage(clean: Path) -> None:
    fields: dict[str, set[str]] = {modality: set() for modality in MODALITIES}
    for modality, place, damages in _rows():
        fields[modality].add(re.sub(r"\[\d\]", "[]", place))
        document = _document(clean, modality)
        assert damages.keys() <= set(DAMAGES)
        for damage in DAMAGES:
            text = _damaged(document, place, damage)
            changes = text is not None and text != json.dumps(document, ensure_ascii=False)
            assert changes == (damage in damages), f"{modality} {place}: {damage}"
    for modality in MODALITIES:
        assert fields[modality] == set(_places(_document(clean, modality)))


@pytest.mark.parametrize(
    ("modality", "place", "damages"), [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in _rows()]
)
def test_a_damaged_field_is_found(release: Path, modality: str, place: str, damages: dict[str, str]) -> None:
    document = _document(release, modality)
    wrong = {}
    for damage, entry in damages.items():
        text = _damaged(document, place, damage)
        assert text is not None
        (release / _name(modality)).write_text(text, encoding="utf-8")
        found, expected = _found(release), _expected(entry, modality, place)
        if found != expected:
            wrong[damage] = {"found": found, "expected": expected}
    assert wrong == {}


@pytest.mark.parametrize(("modalities", "place", "values", "entry"), WRONG)
def test_a_value_that_is_wrong_in_its_place_is_found(
    release: Path, modalities: str, place: str, values: tuple[Any, ...], entry: str
) -> None:
    wrong = {}
    for modality in modalities.split():
        clean_text = (release / _name(modality)).read_bytes()
        for value in values:
            document = _document(release, modality)
            *before, last = _steps(place)
            _at(document, before)[last] = value
            _write(release / _name(modality), document)
            found = _found(release)
            if found not in [_expected(either, modality, place) for either in entry.split(" <or> ")]:
                wrong[modality, str(value)] = found
        (release / _name(modality)).write_bytes(clean_text)
    assert wrong == {}


@pytest.mark.parametrize("num", [0, 1, 4, 6, 10])
def test_another_number_of_annotators_is_found(release: Path, num: int) -> None:
    for modality in MODALITIES:
        path = release / _name(modality)
        clean_text = path.read_bytes()
        document = _document(release, modality)
        document["data"] = (document["data"] * 2)[:num]
        if num and modality == "multimodal":
            mean = sum(vote["Continuous_label"] for vote in document["data"]) / num
            document["Continuous label_result"] = mean
        _write(path, document)
        assert _found(release) == {("ET-DATA-001", _name(modality), "data")}
        path.write_bytes(clean_text)


@pytest.mark.parametrize("position", range(5))
def test_the_damaged_annotator_is_named(release: Path, position: int) -> None:
    for key, code, value in (
        ("emotion", "ET-LABEL-001", "hapy"),
        ("Confidence_degree", "ET-CONF-001", 0.2),
        ("Continuous_label", "ET-SENT-001", 3),
    ):
        document = _document(release, "multimodal")
        document["data"][position][key] = value
        path = release / _name("multimodal")
        clean_text = path.read_bytes()
        _write(path, document)
        assert _found(release) == {(code, _name("multimodal"), f"data[{position}].{key}")}
        path.write_bytes(clean_text)


@pytest.mark.parametrize(("modalities", "place", "keys", "entry"), ADDED)
def test_an_added_key_is_found(
    release: Path, modalities: str, place: str, keys: dict[str, Any], entry: str
) -> None:
    for modality in modalities.split():
        clean_text = (release / _name(modality)).read_bytes()
        document = _document(release, modality)
        _at(document, _steps(place)).update(keys)
        _write(release / _name(modality), document)
        assert _found(release) == _expected(entry, modality, place)
        (release / _name(modality)).write_bytes(clean_text)


@pytest.mark.parametrize(("modalities", "place", "values"), HARMLESS)
def test_a_legal_value_finds_nothing(
    release: Path, modalities: str, place: str, values: tuple[Any, ...]
) -> None:
    for modality in modalities.split():
        clean_text = (release / _name(modality)).read_bytes()
        for value in values:
            document = _document(release, modality)
            *before, last = _steps(place)
            holder = _at(document, before)
            holder[last] = holder[last][::-1] if value == "<reversed>" else value
            _write(release / _name(modality), document)
            assert _found(release) == set(), f"{modality}: {value!r}"
        (release / _name(modality)).write_bytes(clean_text)


def _expected_of_files(entry: str, modality: str) -> Found:
    """Read an entry of the table about files."""
    hint = "file_path" if modality == "audio" else "file_name"
    entry = entry.replace("<others absent>", OTHERS_ABSENT[modality])
    found: Found = set()
    for one in filter(None, entry.split(" + ")):
        code, at, where = one.partition("@")
        where = where if at else f"<leaf>/{KEY}.json"
        folder, colon, rest = where.partition(":")
        place = ""
        if colon and folder in MODALITIES:
            tree, where = folder.capitalize(), rest
        else:
            tree, where, place = modality.capitalize(), folder, rest.replace("<hint>", hint)
        where = where.replace("<leaf>", f"json/{LEAF}").replace("<other>", f"{LEAF}/G00002_01_07_099")
        found.add((code, f"{tree}/{where}", place))
    return found


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("damage", FILES)
def test_a_damaged_file_is_found(linked: Path, modality: str, damage: str) -> None:
    change, entry = FILES[damage]
    if modality == "audio" and damage in ALSO_IN_AUDIO:
        entry = f"{entry} + {ALSO_IN_AUDIO[damage]}"
    change(linked / _name(modality))
    assert _found(linked) == _expected_of_files(entry, modality)


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_a_record_in_gbk_is_found(linked: Path, modality: str) -> None:
    """The records of the other two are ASCII, and the same in GBK."""
    _coded("gbk")(linked / _name(modality))
    assert _found(linked) == {("ET-JSON-006", _name(modality), "")}


def test_an_empty_object_lacks_everything(linked: Path) -> None:
    _bytes(lambda data: b"{}")(linked / _name("multimodal"))
    name = _name("multimodal")
    assert _found(linked) == {
        ("ET-DATA-001", name, "data"),
        ("ET-LABEL-003", name, "emotion_result"),
        ("ET-SENT-003", name, "Continuous label_result"),
        ("ET-KEY-004", name, "speaker_id"),
        ("ET-KEY-005", name, "file_name"),
    }


@pytest.mark.parametrize("media", [WAV, MP4])
@pytest.mark.parametrize("damage", MEDIA)
def test_damage_to_media_is_found(linked: Path, media: str, damage: str) -> None:
    change, entry = MEDIA[damage]
    change(linked / media)
    names = {
        "<media>": media,
        "<099>": media.replace(KEY, "G00002_01_07_099"),
        "<notes>": media.replace(KEY, "notes"),
    }
    assert _found(linked) == {
        (code, names[where], "") for code, _, where in (one.partition("@") for one in entry.split(" + "))
    }


def test_media_of_an_utterance_that_has_lost_its_records_is_found(linked: Path) -> None:
    for modality in MODALITIES:
        (linked / _name(modality)).unlink()
    assert _found(linked) == {("ET-PRES-003", WAV, ""), ("ET-PRES-003", MP4, "")}
