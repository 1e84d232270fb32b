"""The staging folder once more, as it is about to be uploaded: card and Croissant are in it now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from emotalk_data.errors import EmotalkError, printable, quote
from emotalk_data.hub.guard.judgement import Decision
from emotalk_data.hub.guard.schema_scan import find_in_json
from emotalk_data.hub.guard.side_files import scan_side_file
from emotalk_data.hub.guard.text_scan import Finding, find_in_owners_text, find_in_text
from emotalk_data.hub.staged import CARD_BEGIN, CARD_END, CARD_NAME, CROISSANT_NAME, Staged
from emotalk_data.schemas.strict_json import read_json

__all__ = ["check_folder", "scan_card_text", "scan_croissant_text", "scan_plain_text"]

_MAX_CARD_BYTES: Final = 4 << 20
_MAX_CROISSANT_BYTES: Final = 32 << 20
_MAX_CROISSANT_TEXT: Final = 20_000
_MAX_LINE: Final = 20_000
_WINDOW: Final = 1 << 16
_OVERLAP: Final = 1 << 12
_MAX_PLAIN: Final = 64 << 10
_CLAUSE: Final = "only what was looked through is uploaded"


def check_folder(staged: Staged) -> tuple[Decision, ...]:
    """Decide on each file of a staging folder: only those that are expected, and no path or token in our texts.

    Of what the owner wrote into the card, only tokens and media in letters are refused.

    Args:
        staged: with `README.md` and `croissant.json` in its folder, as far as there are to be.

    Returns:
        one decision for each file; `refusal` makes an error of those that refuse.
    """
    texts = {staged.folder / CARD_NAME: _in_card, staged.folder / CROISSANT_NAME: _in_croissant}
    kinds = {path: config.kind for config in staged.configs for path in config.other_files}
    shards = {path for config in staged.configs for path in config.shards}
    expected = {*texts, *kinds, *shards}
    folders = {folder for path in expected for folder in path.parents if staged.folder in folder.parents}
    decisions = []
    there = set()
    for entry in _entries(staged.folder):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False) and path in folders:
            continue
        there.add(path)
        if entry.is_symlink() or not entry.is_file(follow_symlinks=False):
            found: Finding | None = Finding("other", "it is no regular file: a link, a folder or a device")
        elif path not in expected:
            found = Finding("other", "it is not one of the files that were looked through")
        elif path in texts:
            found = texts[path](path)
        else:
            found = scan_side_file(path, kinds[path]) if path in kinds else None
        decisions.append(_decision(path.relative_to(staged.folder).as_posix(), found))
    gone = sorted(({*kinds, *shards}) - there)
    decisions += [
        _decision(path.name, Finding("other", "it was there when it was looked through, and is gone"))
        for path in gone
    ]
    return tuple(decisions)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path))


def scan_card_text(text: str) -> Finding | None:
    """Return what is wrong with a card; None where nothing is.

    Args:
        text: all of it: what is ours between the marks, and its owner's around it.
    """
    if len(text) > _MAX_CARD_BYTES:
        return Finding("other", f"it has more than {_MAX_CARD_BYTES:,} letters")
    is_ours = False
    # Line by line, for the owner is told where.
    for number, line in enumerate(text.splitlines(), 1):
        is_ours = line.strip() != CARD_END and (is_ours or line.strip() == CARD_BEGIN)
        if is_ours:
            found = find_in_text(line, max_chars=_MAX_LINE, may_be_words=True)
        else:
            found = _in_windows(line)
        if found is not None:
            return found._replace(reason=f"line {number:,}: {found.reason}")
    # And as a whole: letters that are bytes are broken into lines, and each of those alone looks like a word.
    return _in_windows(text) or _in_windows(_unquoted(text))


def scan_croissant_text(text: str) -> Finding | None:
    """Return what is wrong with a Croissant description; None where nothing is."""
    if len(text) > _MAX_CROISSANT_BYTES:
        return Finding("other", f"it has more than {_MAX_CROISSANT_BYTES:,} letters")
    try:
        read_json(text.encode("utf-8", "replace"), file="it", max_bytes=4 * _MAX_CROISSANT_BYTES)
    except EmotalkError as error:
        found = find_in_text(text, max_chars=_MAX_CROISSANT_TEXT, may_be_words=True)
        return found or Finding("other", f"it is no JSON: {quote(str(error), 100)}")
    return find_in_json(text, max_chars=_MAX_CROISSANT_TEXT, may_be_words=True)


def scan_plain_text(text: str) -> Finding | None:
    """Return what is wrong with a small text file, such as `.gitattributes`; None where nothing is."""
    if len(text) > _MAX_PLAIN:
        return Finding("other", f"it has more than {_MAX_PLAIN:,} letters")
    found = _in_windows(text)
    lines = (find_in_text(line, max_chars=_MAX_LINE, may_be_words=False) for line in text.splitlines())
    return found or next((one for one in lines if one is not None), None)


def _in_windows(text: str) -> Finding | None:
    """Look at a text of any length, some of it at a time; what lies across a border is in both parts."""
    for start in range(0, max(len(text) - _OVERLAP, 1), _WINDOW - _OVERLAP):
        found = find_in_owners_text(text[start : start + _WINDOW])
        if found is not None:
            return found
    return None


def _unquoted(text: str) -> str:
    """Return a text without what Markdown and HTML put before and behind each line."""
    return "\n".join(line.strip(" \t>*|`<!-") for line in text.splitlines())


def _in_card(path: Path) -> Finding | None:
    text = _text(path, _MAX_CARD_BYTES)
    return text if isinstance(text, Finding) else scan_card_text(text)


def _in_croissant(path: Path) -> Finding | None:
    text = _text(path, _MAX_CROISSANT_BYTES)
    return text if isinstance(text, Finding) else scan_croissant_text(text)


def _text(path: Path, max_bytes: int) -> str | Finding:
    if path.stat().st_size > max_bytes:
        return Finding("other", f"it has more than {max_bytes:,} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Finding("other", f"it cannot be read as text: {quote(str(error), 100)}")


def _decision(place: str, found: Finding | None) -> Decision:
    return Decision(
        config="",
        place=f"file {printable(place)}",
        what=Path(place).suffix.removeprefix(".") or "file",
        redistribution="media" if found is not None and found.kind == "media" else "record",
        is_allowed=found is None,
        flag=None,
        clause=_CLAUSE,
        reason="it is what was looked through" if found is None else found.reason,
    )
