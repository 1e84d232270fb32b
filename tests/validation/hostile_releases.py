"""Releases that somebody made to crash, hang or exhaust whoever reads them; each with what must be said of it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from .hostile_tars import hostile_tars

__all__ = ["NAME", "TEXT", "Hostile", "hostile_releases", "record"]

ID: Final = "G00002_01_07_001"
FOLDER: Final = f"{ID[:6]}/{ID[:9]}/{ID[:12]}"
NAME: Final = f"{FOLDER}/{ID}"
TEXT: Final = f"Text/json/{NAME}.json"
AUDIO: Final = f"Audio/json/{NAME}.json"


class Hostile(NamedTuple):
    """A release, and what must come up.

    Attributes:
        name: what is hostile in it.
        make: writes it into a folder that is there.
        codes: all codes that come up, with blanks between; none when it only looks dangerous.
        file: the file that the first of them names; its beginning.
    """

    name: str
    make: Callable[[Path], None]
    codes: str
    file: str = TEXT


def record(**changes: Any) -> dict[str, Any]:
    """Return a Text record in which nothing is wrong but what was changed."""
    votes = [{"emotion": "sad", "Confidence_degree": 0.7} for _ in range(5)]
    values = {"data": votes, "emotion_result": "sad", "speaker_id": "07", "content": "火车晚点了。"}
    return {**values, **changes}


def hostile_releases() -> Iterator[Hostile]:
    """Yield every release; names are unique."""
    yield from _json()
    yield from _captions()
    yield from _files()
    for name, data, codes in hostile_tars(TEXT, _dumps(record())):
        yield Hostile(f"tar: {name}", _of(data, "Text.tar"), codes, "Text.tar")
    yield from _m3ed()


def _write(root: Path, name: str, data: bytes) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _of(data: bytes | dict[str, Any], name: str = TEXT) -> Callable[[Path], None]:
    raw = data if isinstance(data, bytes) else _dumps(data)
    return lambda root: _write(root, name, raw)


def _dumps(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()


def _with(old: str, new: str, encoding: str = "utf-8") -> bytes:
    """Return a clean record as JSON with one text in it replaced by another."""
    text = json.dumps(record(), ensure_ascii=False)
    if old not in text:
        raise ValueError(f"{old!r} is not in {text}")
    return text.replace(old, new, 1).encode(encoding, "surrogatepass")


def _json() -> Iterator[Hostile]:
    text = json.dumps(record(), ensure_ascii=False)
    digits = "7" * 10_000
    deep = "[" * 990 + "]" * 990
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    many = {f"{a}{b}{c}x": 0 for a in letters for b in letters for c in letters}
    spellings = {f"{'-' * n}speaker{'_' * m}id": "07" if n else "08" for n in range(70) for m in range(70)}
    for name, raw, codes in (
        ("empty", b"", "ET-JSON-001"),
        ("blanks", b" " * 100_000, "ET-JSON-001"),
        ("null", b"null", "ET-JSON-003"),
        ("number", b"1e3", "ET-JSON-003"),
        ("list", f"[{text}]".encode(), "ET-JSON-003"),
        ("two documents", f"{text}\n{text}".encode(), "ET-JSON-001"),
        ("half a document", text.encode()[:90], "ET-JSON-001"),
        ("a page", b"<!DOCTYPE html><html><body>403</body></html>", "ET-JSON-001"),
        ("100,000 lists", b"[" * 100_000 + b"]" * 100_000, "ET-JSON-007"),
        ("500,000 open lists", b"[" * 500_000, "ET-JSON-007"),
        ("990 lists below a key", _with('"07"', deep), "ET-JSON-007"),
        ("990 objects", b'{"a":' * 990 + b"1" + b"}" * 990, "ET-JSON-007"),
        ("10,000 digits", _with("0.7", digits), "ET-JSON-001"),
        ("10,000 digits below a key", _with('"07"', f'"07", "more": {digits}'), "ET-JSON-001"),
        ("10,000 decimals", _with("0.7", f"0.{digits}"), "ET-CONF-001"),
        ("1e999", _with("0.7", "1e999"), "ET-CONF-001"),
        ("-1e999", _with("0.7", "-1e999"), "ET-CONF-001"),
        ("1e-999", _with("0.7", "1e-999"), "ET-CONF-001"),
        ("NaN", _with("0.7", "NaN"), "ET-JSON-008"),
        ("Infinity below a key", _with('"07"', '"07", "more": -Infinity'), "ET-JSON-008"),
        ("half a pair, escaped", _with("火车", r"\ud83d"), "ET-JSON-006"),
        ("the other half", _with("火车", r"\ude00"), "ET-JSON-006"),
        ("half a pair in a key", _with('"content"', r'"\ud83d"'), "ET-JSON-006"),
        ("half a pair, raw", _with("火车", "\ud83d"), "ET-JSON-006"),
        ("zeros", bytes(4_000), "ET-JSON-006"),
        ("a raw zero", _with("火车", "火\0车"), "ET-JSON-001"),
        ("an escaped zero", _with("火车", r"火\u0000车"), "ET-TEXT-006"),
        ("UTF-16, little end first", text.encode("utf-16-le"), "ET-JSON-006"),
        ("UTF-16, big end first", text.encode("utf-16-be"), "ET-JSON-006"),
        ("UTF-16 with its mark", text.encode("utf-16"), "ET-JSON-006"),
        ("UTF-32, little end first", text.encode("utf-32-le"), "ET-JSON-006"),
        ("UTF-32, big end first", text.encode("utf-32-be"), "ET-JSON-006"),
        ("UTF-32 with its mark", text.encode("utf-32"), "ET-JSON-006"),
        ("GBK", text.encode("gbk"), "ET-JSON-006"),
        ("overlong UTF-8", text.encode().replace("火".encode(), b"\xc0\xaf"), "ET-JSON-006"),
        ("a key twice", _with('"07"', '"07", "speaker_id": "07"'), "ET-JSON-005"),
        ("a key twice, once escaped", _with('"07"', r'"07", "speaker\u005fid": "08"'), "ET-JSON-005"),
        ("46,656 unknown keys", _dumps({**record(), **many}), "ET-KEY-001"),
        ("4,900 spellings of a key", _dumps({**spellings, **record()}), "ET-KEY-003"),
        ("a megabyte of a key", _with('"emotion_result"', f'"emotion{"-" * 1_000_000}result"'), "ET-KEY-002"),
        ("a megabyte of an unknown key", _with('"07"', f'"07", "{"k" * 1_000_000}": 1'), "ET-KEY-001"),
        ("1,000,000 annotators", _with('"data": [', f'"data": [{"{}," * 1_000_000}'), "ET-JSON-004"),
        ("300,000 annotators", _with('"data": [', f'"data": [{"{}," * 300_000}'), "ET-TYPE-002"),
        ("300,000 numbers", _with('"data": [', f'"data": [{"0," * 300_000}'), "ET-TYPE-002"),
        ("a megabyte of text", _with("火车", "车" * 300_000), "ET-TEXT-004"),
        ("a terminal's orders", _with("sad\", \"speaker", "\\u001b[2J\\u202esad\", \"speaker"), "ET-LABEL-001"),
        ("Python", repr(record()).encode(), "ET-JSON-001"),
        ("names of Python's own", _with('"07"', '"07", "__class__": {}, "__init__": 1'), "ET-KEY-001"),
    ):  # fmt: skip
        yield Hostile(name, _of(raw), codes)


def _captions() -> Iterator[Hostile]:
    for name, caption in (
        ("a call", "__import__('os').system('touch canary')"),
        ("a call as value", "{'emo_cap': open('canary', 'w')}"),
        ("attributes", "{'emo_cap': ().__class__.__base__.__subclasses__()}"),
        ("formatted", "{'emo_cap': f'{open(\"canary\", \"w\")}'}"),
        ("a power", "{'emo_cap': 9**9**9**9}"),
        ("a long string", "{'emo_cap': 'a' * 10**10}"),
        ("3,000 dicts", "{'emo_cap': " * 1_500 + "1" + "}" * 1_500),
        ("brackets", "{'emo_cap': " + "[" * 9_000),
        ("signs", "{'emo_cap': " + "-" * 15_000 + "1}"),
        ("digits", "{'emo_cap': " + "7" * 15_000 + "}"),
        ("a zero", "{'emo_cap': 'a\0b'}"),
        ("unpacked", "{**{'emo_cap': 'a'}}"),
        ("half a pair", r"{'emo_cap': '\ud83d'}"),
        ("900,000 characters", "{'emo_cap': '" + "a" * 900_000 + "'}"),
    ):
        values = record(paragraphs={"startTime": 0.5, "endTime": 2.0}, sourceAttr=caption)
        yield Hostile(f"captions: {name}", _of(values, AUDIO), "ET-CAP-001", AUDIO)
    values = record(
        paragraphs={"startTime": 0.5, "endTime": 2.0}, sourceAttr="{'a': '" + "b" * (4 << 20) + "'}"
    )
    yield Hostile("captions: 4 MB", _of(values, AUDIO), "ET-JSON-004", AUDIO)


def _sparse(name: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        _write(root, name, b"{")
        os.truncate(root / name, 1 << 30)

    return make


def _socket(root: Path) -> None:
    _write(root, TEXT, b"")
    (root / TEXT).unlink()
    here = os.open(".", os.O_RDONLY)
    os.chdir((root / TEXT).parent)  # a socket's path may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{ID}.json")
    finally:
        os.fchdir(here)
        os.close(here)


def _linked(target: str, name: str = TEXT) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)

    return make


def _fifo(name: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / name)

    return make


def _beside(name: bytes) -> Callable[[Path], None]:
    """Return what writes a clean release and a file of any name in it."""

    def make(root: Path) -> None:
        _write(root, TEXT, _dumps(record()))
        file = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as stream:
            stream.write(_dumps(record()))

    return make


def _loops(root: Path) -> None:
    _write(root, TEXT, _dumps(record()))
    (root / "Text/json/above").symlink_to("../..")
    (root / "Text/json/itself").symlink_to("itself")
    (root / "Text/json/G00002/here").symlink_to(".")


def _files() -> Iterator[Hostile]:
    folder = FOLDER.encode()
    yield Hostile("1 GB", _sparse(TEXT), "ET-JSON-004")
    yield Hostile("a fifo", _fifo(TEXT), "ET-JSON-001")
    yield Hostile("a fifo as archive", _fifo("Text.tar"), "ET-TAR-003", "Text.tar")
    yield Hostile("a fifo of no modality", _fifo(f"json/{NAME}.json"), "ET-KIND-001", "json/")
    yield Hostile("a socket", _socket, "ET-FILE-001")
    yield Hostile("an endless device", _linked("/dev/zero"), "ET-JSON-004")
    yield Hostile("an empty device", _linked("/dev/null"), "ET-JSON-001")
    yield Hostile("a link to nothing", _linked("nowhere.json"), "ET-FILE-001")
    yield Hostile("a link to itself", _linked(f"{ID}.json"), "ET-FILE-001")
    yield Hostile("a folder", lambda root: (root / TEXT).mkdir(parents=True), "ET-FILE-001")
    yield Hostile("loops of links", _loops, "")
    yield Hostile(
        "a name in GBK", _beside(b"Text/json/%s/\xbb\xf0\xb3\xb5.json" % folder), "ET-ID-001", "Text"
    )
    yield Hostile("a folder in GBK", _beside(b"Text/json/\xbb\xf0/a.json"), "ET-ID-001", "Text")
    yield Hostile(
        "a name with orders", _beside(b"Text/json/a\x1b[2J\n::error::b\r.json"), "ET-ID-001", "Text"
    )
    yield Hostile(
        "a name of two directions", _beside("Text/json/\u202enosj.json".encode()), "ET-ID-001", "Text"
    )
    yield Hostile(
        "digits of another script", _beside("Text/json/G00002_01_07_00１.json".encode()), "ET-ID-001", "Text"
    )
    yield Hostile("a name of 255 bytes", _beside(b"Text/json/" + b"a" * 250 + b".json"), "ET-ID-001", "Text")
    yield Hostile("a sound in GBK", _beside(b"Audio/wav/\xbb\xf0\xb3\xb5.wav"), "ET-FILE-001", "Audio")


def _m3ed() -> Iterator[Hostile]:
    name = "annotation.json"
    missing = "M3-FILE-001 M3-REL-003"  # the split lists and the relation file
    series = json.dumps({"s" * 1_000_000: {"s_1": {"SpeakerInfo": {}, "Dialog": {}}}}).encode()
    yield Hostile("M3ED: a fifo", _fifo(name), f"M3-FILE-002 {missing}", name)
    yield Hostile("M3ED: 1 GB", _sparse(name), f"M3-JSON-004 {missing}", name)
    yield Hostile("M3ED: 100,000 lists", _of(b"[" * 100_000, name), f"M3-JSON-007 {missing}", name)
    yield Hostile("M3ED: a megabyte of a name", _of(series, name), f"M3-ID-001 {missing}", name)
