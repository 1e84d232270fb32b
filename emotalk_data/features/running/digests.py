"""What features were made from, as digests: of a shard's rows, cheaply; of one input, by what is in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from emotalk_data.archives import open_source
from emotalk_data.archives.location import Location
from emotalk_data.errors import EmotalkError
from emotalk_data.features.running.rows import UtteranceRows, text_of

if TYPE_CHECKING:
    from emotalk_data.features.hook import Utterance
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["STAT_PREFIX", "ids_digest", "input_digest", "source_digest"]

STAT_PREFIX: Final = "stat:"
"""Before the digest of an input that is known by its file's name, length and time, and not by its bytes."""

_DIGEST_BYTES: Final = 16
_BLOCK_BYTES: Final = 1 << 20


def ids_digest(ids: Sequence[str]) -> str:
    """Return 32 hex digits of utterance ids in their order."""
    return blake2b("\n".join(ids).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def source_digest(rows: UtteranceRows, numbers: Iterable[int], spec: FeatureSpec) -> str:
    """Return 32 hex digits that change with what some rows give an encoder, as cheaply as it can be told.

    Text, and bytes that are in the table, are read. A file is known by its name, length and time, the folder it
    is in does not matter: a release may be moved. Of a member of an archive the archive is looked at.

    Args:
        rows: the split.
        numbers: which of its rows.
        spec: what is encoded of them.
    """
    hasher = blake2b(digest_size=_DIGEST_BYTES)
    known: dict[str, str] = {}
    feature = rows.feature(spec.modality)
    # A rate that the column asks for changes what an encoder gets that names none.
    hasher.update(
        f"{getattr(feature, 'sampling_rate', None)}\0{getattr(feature, 'num_channels', None)}".encode()
    )
    for number in numbers:
        utterance = rows.utterance(number)
        hasher.update(f"\0\0{utterance.utterance_id}\0".encode("utf-8", "surrogatepass"))
        if spec.modality == "text":
            texts = (
                (utterance.text, utterance.text_raw)
                if spec.backend == "callable"
                else (text_of(utterance, spec),)
            )
            hasher.update(repr(texts).encode("utf-8", "surrogatepass"))
            continue
        clip = utterance.audio if spec.modality == "audio" else utterance.video
        if clip is None:
            hasher.update(b"none")
        elif (content := clip["bytes"]) is not None:
            hasher.update(b"bytes" + blake2b(content, digest_size=_DIGEST_BYTES).digest())
        else:
            hasher.update(_file_facts(clip["path"], known).encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()


def input_digest(utterance: Utterance, spec: FeatureSpec) -> str | None:
    """Return a digest of what an encoder is given of one utterance; None where that is missing or unreadable.

    Of text, and of a media file, it is blake2b of the bytes, 32 hex digits. A window of a long file is known by
    the file's name, length and time, and the window: `stat:` and 32 hex digits.
    """
    if spec.modality == "text":
        text = text_of(utterance, spec)
        return None if text is None else _digest(text.encode("utf-8", "surrogatepass"))
    clip = utterance.audio if spec.modality == "audio" else utterance.video
    if clip is None:
        return None
    content = clip["bytes"]
    if content is not None:
        return _digest(content)
    try:
        if Location.parse(clip["path"]).window is not None:
            return STAT_PREFIX + _digest(_file_facts(clip["path"], {}).encode("utf-8", "surrogateescape"))
        return _file_digest(clip)
    except (EmotalkError, OSError):
        return None  # `prepare` says why


def _file_digest(clip: Any) -> str:
    source = open_source(data=None, path=clip["path"])
    hasher = blake2b(digest_size=_DIGEST_BYTES)
    if source.size_bytes <= _BLOCK_BYTES:
        hasher.update(source.read_all())
        return hasher.hexdigest()
    for offset in range(0, source.size_bytes, _BLOCK_BYTES):
        hasher.update(source.pread(_BLOCK_BYTES, offset))
    return hasher.hexdigest()


def _file_facts(path: str, known: dict[str, str]) -> str:
    """Return name, length and time of the file that a clip lies in, with member and window."""
    try:
        location = Location.parse(path)
    except EmotalkError:
        return f"no location\0{path}"
    file = location.file
    if file not in known:
        try:
            status = os.stat(file)  # noqa: PTH116  # tens of thousands of them: a Path for each costs as much again
            known[file] = f"{status.st_size}\0{status.st_mtime_ns}"
        except (OSError, ValueError):
            known[file] = "absent"
    window = f"{location.start_seconds}\0{location.end_seconds}"
    return f"{file.rpartition('/')[2]}\0{location.members}\0{window}\0{known[file]}"


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()
