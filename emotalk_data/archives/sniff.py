"""What a file really is, by its first bytes: downloads go wrong in ways that keep the name `.tar`."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias

from emotalk_data.archives.headers import BLOCK_BYTES, ZERO_BLOCK, has_valid_checksum
from emotalk_data.archives.ranges import open_regular
from emotalk_data.errors import ArchiveError, quote

__all__ = ["ArchiveKind", "not_a_tar", "sniff_archive", "sniff_bytes"]

ArchiveKind: TypeAlias = Literal[
    "tar", "gzip", "bzip2", "xz", "zip", "lfs-pointer", "html", "json", "empty", "unknown"
]

_MAGIC: tuple[tuple[bytes, ArchiveKind], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"version https://git-lfs.github.com/spec/", "lfs-pointer"),
)
_HINTS: dict[ArchiveKind, str] = {
    "gzip": "is compressed by gzip and cannot be read in place; decompress it first: gzip -d",
    "bzip2": "is compressed by bzip2 and cannot be read in place; decompress it first: bzip2 -d",
    "xz": "is compressed by xz and cannot be read in place; decompress it first: xz -d",
    "zip": "is a zip, not a tar; give it the name .zip or pack a tar",
    "lfs-pointer": "is a git-LFS pointer, not the archive; fetch it with: git lfs pull",
    "html": "is an HTML page, such as a login page saved by a download; log in and download it again",
    "json": "is a JSON error answer saved by a download; check the access token and download it again",
    "empty": "is an empty file; download it again",
    "unknown": "is not a tar, or its first header is corrupt (offset 0); download it again",
}


def sniff_bytes(head: bytes) -> ArchiveKind:
    """Tell a file's kind from its first 512 bytes or more (fewer if it is shorter)."""
    if not head:
        return "empty"
    block = head[:BLOCK_BYTES]
    # A real tar first: its first member may be called "PK" or "{".
    if len(block) == BLOCK_BYTES and (block == ZERO_BLOCK or has_valid_checksum(block)):
        return "tar"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return "html"
    if text.startswith((b"{", b"[")):
        return "json"
    return "unknown"


def sniff_archive(path: str) -> ArchiveKind:
    """Tell what kind of archive, or of failed download, a file is. Its name plays no part.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`.
        PathError: a directory, fifo or device.
        ReleaseError: the operating system refuses.
    """
    with open_regular(path) as (descriptor, _status):
        return sniff_bytes(os.pread(descriptor, 4 * BLOCK_BYTES, 0))


def not_a_tar(path: str, kind: ArchiveKind) -> ArchiveError:
    """Build the error for a file that is `kind` where a tar was expected."""
    return ArchiveError(f"{quote(path, 200)} {_HINTS[kind]}", path=path, offset=0)
