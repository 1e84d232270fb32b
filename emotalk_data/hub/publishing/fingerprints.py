"""Size, SHA-256 and git's own digest of each staged file: what the Hub says of a file is compared with these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emotalk_data.errors import CacheCorruptError, quote
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME

__all__ = ["StagedFile", "content_tag", "fingerprint", "fingerprints"]

_CHUNK_BYTES: Final = 1 << 20
_NOT_CONTENT: Final = frozenset({CARD_NAME, CROISSANT_NAME})


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that is to lie in the repository.

    Attributes:
        file: where it is here.
        path: where it is to be there, with slashes.
        size_bytes: its length.
        sha256: what the Hub tells of a large file.
        blob_id: what it tells of a small one: the name that git gives to the content.
    """

    file: Path
    path: str
    size_bytes: int
    sha256: str
    blob_id: str


def fingerprint(file: Path, path: str) -> StagedFile:
    """Read a file once, and return what identifies its content.

    Raises:
        CacheCorruptError: it cannot be read, or is changed meanwhile.
    """
    sha256 = hashlib.sha256()
    try:
        size = file.stat().st_size
        blob = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        num_read = 0
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                sha256.update(chunk)
                blob.update(chunk)
                num_read += len(chunk)
    except OSError as error:
        raise CacheCorruptError(
            f"cannot read the staged file {quote(str(file), 200)}: {error.strerror or error}. Publish again.",
            path=str(file),
        ) from error
    if num_read != size:
        raise CacheCorruptError(
            f"{quote(path)} was written to while it was read. Wait for the run that makes it, and publish "
            f"again.",
            path=str(file),
        )
    return StagedFile(file, path, size, sha256.hexdigest(), blob.hexdigest())


def fingerprints(folder: Path) -> dict[str, StagedFile]:
    """Return all files below a folder by their path in the repository, sorted.

    Raises:
        CacheCorruptError: as `fingerprint`.
    """
    files = sorted(path for path in folder.rglob("*") if not path.is_dir())
    paths = [(path, path.relative_to(folder).as_posix()) for path in files]
    return {path: fingerprint(file, path) for file, path in paths}


def content_tag(files: Mapping[str, StagedFile]) -> str:
    """Return a name for the content: the same rows have the same tag, whatever the card says of them."""
    lines = [f"{one.sha256}  {path}\n" for path, one in sorted(files.items()) if path not in _NOT_CONTENT]
    return f"set-{hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}"
