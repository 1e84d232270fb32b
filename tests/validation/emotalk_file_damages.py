"""What is done to whole files of a clean EmotionTalk release, and what must then be found.

Entries are as in `emotalk_damages.py`, but `CODE@name` is of a file below the modality's folder, and
`CODE@audio:name` of one below Audio. `<leaf>` is the folder of the damaged record.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from .emotalk_damages import KEY, LEAF, MODALITIES

__all__ = ["ALSO_IN_AUDIO", "FILES", "MEDIA", "MP4", "OTHERS_ABSENT", "WAV", "change_bytes", "recode"]


def change_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = change(path.read_bytes())
        path.unlink()  # the file may be a link to the clean one
        path.write_bytes(data)

    return damage


def recode(encoding: str) -> Callable[[Path], None]:
    return change_bytes(lambda data: data.decode().encode(encoding))


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

FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "deleted": (Path.unlink, ABSENT),
    "emptied": (change_bytes(lambda _: b""), "ET-JSON-001"),
    "blank": (change_bytes(lambda _: b" \n"), "ET-JSON-001"),
    "cut in half": (change_bytes(lambda data: data[: len(data) // 2]), "ET-JSON-001"),
    "cut by a byte": (change_bytes(lambda data: data[:-1]), "ET-JSON-001"),
    "padded with zeros": (change_bytes(lambda data: data + bytes(64)), "ET-JSON-001"),
    "all zeros": (change_bytes(lambda data: bytes(len(data))), "ET-JSON-006"),
    "two documents": (change_bytes(lambda data: data + data), "ET-JSON-001"),
    "a comma too many": (change_bytes(lambda data: data.rstrip()[:-1] + b",}"), "ET-JSON-001"),
    "a comment": (change_bytes(lambda data: b"// checked\n" + data), "ET-JSON-001"),
    "single quotes": (change_bytes(lambda data: repr(json.loads(data)).encode()), "ET-JSON-001"),
    "a page": (change_bytes(lambda _: b"<html>404</html>"), "ET-JSON-001"),
    "a pointer": (change_bytes(lambda _: b"version https://git-lfs.github.com/spec/v1\n"), "ET-JSON-001"),
    "a byte-order mark": (change_bytes(lambda data: b"\xef\xbb\xbf" + data), "ET-JSON-002"),
    "UTF-16": (recode("utf-16"), "ET-JSON-006"),
    "UTF-16 without a mark": (recode("utf-16-le"), "ET-JSON-006"),
    "UTF-16 the other way round": (recode("utf-16-be"), "ET-JSON-006"),
    "UTF-32": (recode("utf-32"), "ET-JSON-006"),
    "Latin-1": (change_bytes(lambda data: data.replace(b'"happy"', b'"joy\xe9"')), "ET-JSON-006"),
    "gzip": (change_bytes(lambda data: gzip.compress(data, mtime=0)), "ET-JSON-006"),
    "a list": (change_bytes(lambda data: b"[" + data + b"]"), "ET-JSON-003"),
    "null": (change_bytes(lambda _: b"null"), "ET-JSON-003"),
    "a string": (change_bytes(lambda _: b'"happy"'), "ET-JSON-003"),
    "a megabyte": (change_bytes(lambda data: data + b" " * (1 << 20)), "ET-JSON-004"),
    "deep": (change_bytes(lambda _: b'{"data":' + b"[" * 40 + b"]" * 40 + b"}"), "ET-JSON-007"),
    "very deep": (change_bytes(lambda _: b"[" * 100_000), "ET-JSON-007"),
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
    "line ends of Windows": (change_bytes(lambda data: data.replace(b"\n", b"\r\n")), ""),
    "blanks around it": (change_bytes(lambda data: b"\n " + data + b"\n\n"), ""),
    "one line": (change_bytes(lambda data: json.dumps(json.loads(data)).encode()), ""),
    "keys in another order": (
        change_bytes(lambda data: json.dumps(dict(reversed(json.loads(data).items()))).encode()),
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
    "moved to another speaker's folder": (
        lambda path: path.rename(path.parents[1] / "G00002_01_08" / path.name),
        "ET-ID-002@<other folder>",
    ),
    "copied to another folder": (
        lambda path: shutil.copy(path, path.parents[4] / path.name),
        "ET-DUP-001@<media>",
    ),
}
