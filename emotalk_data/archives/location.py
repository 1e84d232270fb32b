"""The grammar of a media path: a file, or a member of an archive, and optionally a time window of it.

    Audio/wav/x.wav                                    a file
    tar://Audio/wav/x.wav::/data/Audio.tar             a member of a tar, read in place
    zip://a/x.mp4::tar://Multimodal/mp4.zip::/data/Multimodal.tar
    /data/tv/episode_01.mp4#t=12.48,15.2               [12.48 s, 15.2 s) of any of the above
    mediafragment:///data/tv/episode_01.mp4#t=12.48,15.2   the same, as rows have it (see `fragments`)

The window is a W3C media fragment in seconds. Only a trailing `#t=` that matches in full is one, so file
names may hold a `#`; and `::` has a meaning only behind `tar://` or `zip://`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from emotalk_data.errors import PathError, SpanError, quote

__all__ = ["Location", "split_window"]

_MAX_PATH_CHARS = 65_536
_MAX_DEPTH = 4
# Seconds with six decimals are exact in a float64 up to here (1e9 * 1e6 < 2**53); it is also 31 years.
_MAX_SECONDS = 1e9
_REFERENCE_SCHEME = "mediafragment://"
_ARCHIVE_SCHEMES = ("tar", "zip")
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_WINDOW = re.compile(rf"#t=(?:npt:)?(?:({_NUMBER})(?:,({_NUMBER})?)?|,({_NUMBER}))\Z")
# What FFmpeg, fsspec or a browser would take for a protocol. One letter is a drive, hence the `+`.
_PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+(?:,[^/]*)?:")


def split_window(path: str) -> tuple[str, float | None, float | None]:
    """Take a trailing `#t=<start>,<end>` off a path.

    Returns:
        The path without it, and start and end in seconds; None for a side that is not given.

    Raises:
        SpanError: the fragment's range is empty, reversed or absurdly late.
    """
    match = _WINDOW.search(path)
    if match is None:
        return path, None, None
    start = None if match[1] is None else float(match[1])
    end_text = match[2] if match[3] is None else match[3]
    end = None if end_text is None else float(end_text)
    return path[: match.start()], *_checked_window(start, end, path)


@dataclass(frozen=True, slots=True)
class Location:
    """Where the bytes of one clip lie; `str()` gives the path that `parse` reads.

    Args:
        file: the file on disk: the media file itself, or the outermost archive.
        members: (scheme, member) pairs from the innermost outward; empty for a plain file.
        start_seconds: start of the window; None when the path does not name one.
        end_seconds: end of the window, excluded; None for the end of the media.

    Raises:
        PathError: a part is empty, holds a NUL, or could not be written so that it reads back the same.
        SpanError: the window is empty, reversed, negative or not finite.
    """

    file: str
    members: tuple[tuple[str, str], ...] = ()
    start_seconds: float | None = None
    end_seconds: float | None = None

    def __post_init__(self) -> None:
        start, end = _checked_window(self.start_seconds, self.end_seconds, self.file)
        object.__setattr__(self, "start_seconds", start)
        object.__setattr__(self, "end_seconds", end)
        if len(self.members) > _MAX_DEPTH:
            raise PathError(f"more than {_MAX_DEPTH} archives inside each other in {quote(self.file)}")
        for scheme, member in self.members:
            _check_member(scheme, member)
        _check_file(self.file)
        if start is None and end is None and _WINDOW.search(self.file):
            raise PathError(
                f"the file name {quote(self.file)} ends like a time window; rename the file, "
                "or give the window of it that is meant"
            )

    @classmethod
    def parse(cls, path: str) -> Location:
        """Read a path of the grammar above.

        Raises:
            PathError: a URL or protocol other than `tar://` and `zip://`, a NUL, a member without archive.
            SpanError: the time window is empty or reversed.
        """
        if len(path) > _MAX_PATH_CHARS:
            raise PathError(f"a path of {len(path)} characters; the limit is {_MAX_PATH_CHARS}")
        rest, start, end = split_window(path.removeprefix(_REFERENCE_SCHEME))
        members: list[tuple[str, str]] = []
        while rest.startswith(("tar://", "zip://")):
            scheme, _, tail = rest.partition("://")
            member, separator, rest = tail.partition("::")
            if not separator:
                raise PathError(
                    f"{quote(path)} names a member and no archive; expected {scheme}://<member>::<archive>"
                )
            members.append((scheme, member))
        return cls(rest, tuple(members), start, end)

    def __str__(self) -> str:
        text = "".join(f"{scheme}://{member}::" for scheme, member in self.members) + self.file
        if self.start_seconds is None and self.end_seconds is None:
            return text
        return f"{text}#t={_seconds(self.start_seconds)},{_seconds(self.end_seconds)}"

    def as_reference(self) -> str:
        """Write the path so that `datasets` takes it for a reference and never for a file to copy.

        See `emotalk_data.archives.fragments`.
        """
        return _REFERENCE_SCHEME + str(self)

    @property
    def window(self) -> tuple[float, float | None] | None:
        """`(start_seconds, end_seconds)`, half open; None for all of the media, end None for "to its end"."""
        if self.start_seconds is None and self.end_seconds is None:
            return None
        return self.start_seconds or 0.0, self.end_seconds


def _seconds(value: float | None) -> str:
    """Write seconds with at most six decimals and no trailing zeros."""
    return "" if value is None else f"{value:.6f}".rstrip("0").rstrip(".")


def _checked_window(start: float | None, end: float | None, path: str) -> tuple[float | None, float | None]:
    """Round both sides to the microseconds that the grammar can write, and check their order."""
    for value in (start, end):
        if value is not None and not (math.isfinite(value) and 0 <= value <= _MAX_SECONDS):
            raise SpanError(f"{value!r} s is no time in media: {quote(path)}", path=path)
    # Adding 0.0 turns a negative zero, which would print as "-0", into zero.
    start = None if start is None else float(f"{start:.6f}") + 0.0
    end = None if end is None else float(f"{end:.6f}") + 0.0
    if end is not None and end <= (start or 0.0):
        raise SpanError(
            f"the time window [{_seconds(start) or 0}, {_seconds(end)}) s of {quote(path)} is empty; "
            "its end must be later than its start",
            path=path,
        )
    return start, end


def _check_member(scheme: str, member: str) -> None:
    if scheme not in _ARCHIVE_SCHEMES:
        raise PathError(f"{quote(scheme)} is no archive scheme; expected one of {list(_ARCHIVE_SCHEMES)}")
    # A colon at the end would run together with the separator: `a:` + `::`.
    if not member or "\0" in member or "::" in member or member.endswith(":"):
        raise PathError(
            f"the archive member {quote(member)} cannot be addressed: "
            "it is empty, or holds a NUL or '::', or ends with ':'"
        )


def _check_file(file: str) -> None:
    if not file:
        raise PathError("a path is empty; expected a file, or tar://<member>::<archive>")
    if "\0" in file:
        raise PathError(f"a path holds a NUL character: {quote(file)}")
    if match := _PROTOCOL.match(file):
        raise PathError(
            f"{quote(file)} looks like a URL ({quote(match[0])}); only files, tar:// and zip:// can be read. "
            "Download it first; if it is a local file, write ./ before its name"
        )
