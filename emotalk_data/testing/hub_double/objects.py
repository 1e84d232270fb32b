"""The contents of all files of a double, on disk, each under the sha256 of its bytes."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

__all__ = ["CHUNK_BYTES", "Objects", "StoredFile", "WrongObjectError"]

CHUNK_BYTES = 1 << 20


class WrongObjectError(Exception):
    """What came is not what was announced: it is not kept."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a commit.

    Attributes:
        sha256: of its bytes, and so where they lie.
        num_bytes: its size.
        blob_id: what git would call it: of an LFS file this is the id of its pointer.
        is_lfs: whether it is stored as a large file.
    """

    sha256: str
    num_bytes: int
    blob_id: str
    is_lfs: bool

    @property
    def etag(self) -> str:
        """What tells two contents apart: the Hub uses the sha256 of large files and git's id of the others."""
        return self.sha256 if self.is_lfs else self.blob_id

    @property
    def pointer(self) -> bytes:
        """The text that git holds in place of a large file."""
        return _pointer(self.sha256, self.num_bytes)


class Objects:
    """A folder of contents. Safe for threads; no object is ever held in memory whole.

    Attributes:
        folder: where they lie.
        received: for each sha256, how often a client sent all of its bytes.
        num_bytes_received: what clients sent in all, of objects that arrived whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._objects = folder / "objects"
        self._incoming = folder / "incoming"
        for each in (self._objects, self._incoming):
            each.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self.received: Counter[str] = Counter()
        self.num_bytes_received = 0

    def path(self, sha256: str) -> Path:
        """Return where an object lies or would lie."""
        return self._objects / sha256

    def has(self, sha256: str) -> bool:
        """Whether an object is here, whole."""
        return self.path(sha256).is_file()

    def put(self, content: bytes | Path | BinaryIO) -> tuple[str, int]:
        """Keep a content that no client sent. Returns its sha256 and its size."""
        if isinstance(content, bytes):
            return self._keep([content], None)
        if isinstance(content, Path):
            with content.open("rb") as file:
                return self._keep(_chunks_of(file), None)
        return self._keep(_chunks_of(content), None)

    def take_in(self, chunks: Iterable[bytes], sha256: str, *, is_counted: bool = True) -> None:
        """Keep what a client sends, if it is what it announced.

        Args:
            chunks: the bytes as they come. Where they break off with an exception nothing is kept.
            sha256: what was announced.
            is_counted: whether these are the bytes as the client sent them.

        Raises:
            WrongObjectError: the bytes have another sha256.
        """
        _, num_bytes = self._keep(chunks, sha256)
        with self._lock:
            self.received[sha256] += 1
            self.num_bytes_received += num_bytes if is_counted else 0

    def _keep(self, chunks: Iterable[bytes], announced: str | None) -> tuple[str, int]:
        handle, name = mkstemp(dir=self._incoming)
        try:
            sha, num_bytes = hashlib.sha256(), 0
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    sha.update(chunk)
                    num_bytes += len(chunk)
                    file.write(chunk)
            if announced not in (None, sha.hexdigest()):
                raise WrongObjectError(f"expected sha256 {announced}, got {sha.hexdigest()}")
            Path(name).replace(self.path(sha.hexdigest()))
        finally:
            Path(name).unlink(missing_ok=True)
        return sha.hexdigest(), num_bytes

    def describe(self, sha256: str, *, is_lfs: bool) -> StoredFile:
        """Return an object as the file of a commit."""
        path = self.path(sha256)
        num_bytes = path.stat().st_size
        if is_lfs:
            return StoredFile(sha256, num_bytes, git_id("blob", _pointer(sha256, num_bytes)), is_lfs=True)
        return StoredFile(sha256, num_bytes, git_id("blob", path.read_bytes()), is_lfs=False)


def git_id(kind: str, content: bytes) -> str:
    """Return what git calls an object of this kind and content."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def _pointer(sha256: str, num_bytes: int) -> bytes:
    lines = ["version https://git-lfs.github.com/spec/v1", f"oid sha256:{sha256}", f"size {num_bytes}", ""]
    return "\n".join(lines).encode()


def _chunks_of(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
