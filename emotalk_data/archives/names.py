"""Which member names an archive may hold. One bad name refuses the whole archive.

Nothing is ever extracted here, but the names go into tables, messages and other people's scripts, and two
names that fall together on some disk make it a matter of luck which label a clip gets.
"""

from __future__ import annotations

import re
import unicodedata

from emotalk_data.errors import ArchiveError, quote

__all__ = ["MemberNames", "OutOfOrderError", "SortedNames", "canonical_name", "decode_name"]

_MAX_COMPONENT_BYTES = 255
# Nearly every base name of a release: no slash, dot, case or script to think about. Five characters or more,
# so that none of the reserved names matches.
_PLAIN_BASE = re.compile(r"[A-Za-z0-9_\-]{5,200}\.[A-Za-z0-9]{1,20}")
# Controls, bidirectional marks and overrides, line separators, and surrogates (which are no characters).
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")
# Windows gives these to devices whatever follows the first dot, hence "whole stem".
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])[ ]*(?:\..*)?", re.I | re.S)
_CJK = re.compile("[\u4e00-\u9fff]")


def canonical_name(name: str) -> str:
    """Drop the `./` that `tar cf x.tar .` puts before every name."""
    return name[2:] if name.startswith("./") else name


def decode_name(raw: bytes, archive: str, offset: int) -> str:
    """Decode a member name, which must be UTF-8.

    Raises:
        ArchiveError: it is not; the message says so when it looks like GBK.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        try:
            is_gbk = _CJK.search(raw.decode("gbk")) is not None
        except UnicodeDecodeError:
            is_gbk = False
        hint = "it looks like GBK; pack the archive again with UTF-8 names" if is_gbk else "expected UTF-8"
        raise ArchiveError(
            f"member name {quote(raw)} at byte {offset} of {quote(archive, 100)} is not UTF-8: {hint}",
            path=archive,
            offset=offset,
        ) from error


class MemberNames:
    """The names of one archive met so far; refuses unsafe, ambiguous and colliding ones.

    Args:
        archive: the archive's path, for messages.
    """

    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._is_content_folder: dict[str, bool] = {}  # folders that passed the checks
        self._names: dict[str, str] = {}  # folded name -> name

    def admit(self, name: str, offset: int) -> str | None:
        """Check the name of a regular member.

        Args:
            name: the name as the archive spells it.
            offset: the member's byte in the archive, for messages.

        Returns:
            The canonical name, or None for what macOS adds unasked (`._x`, `.DS_Store`, `__MACOSX/`).

        Raises:
            ArchiveError: the name is unsafe or not portable, or collides with an earlier one.
        """
        name = canonical_name(name)
        start = name.rfind("/") + 1
        folder, base = name[:start], name[start:]  # with its slash: "" and "/" are not the same folder
        is_content = self._is_content_folder.get(folder)
        if is_content is None or not _PLAIN_BASE.fullmatch(base):
            self._check(name, offset)
            is_content = self._is_content_folder[folder] = "__MACOSX" not in folder.split("/")
        self._remember(name.lower() if name.isascii() else _fold(name), name, offset)
        if base.startswith("._") or base == ".DS_Store" or not is_content:
            return None
        return name

    def admit_folder(self, name: str, offset: int) -> None:
        """Check the name of a directory member; the same directory may come twice.

        Raises:
            ArchiveError: the name is unsafe or not portable.
        """
        name = canonical_name(name).removesuffix("/")
        if name not in ("", "."):  # `./` itself
            self._check(name, offset)

    def _remember(self, key: str, name: str, offset: int) -> None:
        """Refuse a name that falls together with an earlier one."""
        count = len(self._names)
        other = self._names.setdefault(key, name)
        if len(self._names) == count:
            self._refuse_collision(name, other, offset)

    def _check(self, name: str, offset: int) -> None:
        reason = _unsafe(name)
        if reason is not None:
            raise ArchiveError(
                f"{reason}: {quote(name)} at byte {offset} of {quote(self._archive, 100)}. "
                "The archive is refused as a whole; a genuine release has no such member",
                path=self._archive,
                offset=offset,
            )

    def _refuse_collision(self, name: str, other: str, offset: int) -> None:
        if name == other:
            kind = "duplicate member"
        elif unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", other):
            kind = "member name equal to another one after Unicode normalisation"
        else:
            kind = "member name that differs from another one by case only"
        raise ArchiveError(
            f"{kind}: {quote(name)} at byte {offset} of {quote(self._archive, 100)}; "
            "which of the two is meant is unknown, so the archive is refused",
            path=self._archive,
            offset=offset,
        )


class OutOfOrderError(Exception):
    """Names do not come in order. Never leaves this room: the archive is then walked with `MemberNames`."""


class SortedNames(MemberNames):
    """The same for an archive whose names come in order, as the releases' do: only the last one is kept."""

    def __init__(self, archive: str) -> None:
        super().__init__(archive)
        self._last = ""

    def _remember(self, key: str, name: str, offset: int) -> None:  # noqa: ARG002  # as above
        if key <= self._last:
            raise OutOfOrderError
        self._last = key


def _fold(name: str) -> str:
    """Map names that some file system takes for the same one to one string."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _unsafe(name: str) -> str | None:
    """Return why a name is refused, or None."""
    if not name:
        return "empty member name"
    if _UNPRINTABLE.search(name):
        return "control or bidirectional character in a member name"
    if "\\" in name:
        return "unsafe member path (backslash)"
    if name.startswith("/") or _DRIVE.match(name):
        return "unsafe member path (absolute)"
    for part in name.split("/"):
        if part == "..":
            return "unsafe member path (..)"
        if part in ("", "."):
            return "member path that is not canonical (empty or '.' component)"
        if _RESERVED.fullmatch(part):
            return "member name that Windows reserves"
        if len(part.encode()) > _MAX_COMPONENT_BYTES:
            return f"member name with a component longer than {_MAX_COMPONENT_BYTES} bytes"
    return None
