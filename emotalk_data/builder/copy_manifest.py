"""The manifest of a folder of shards, such as a materialised copy: what it is made of and how, what is in it.

`emotalk_data.cache` writes it anew after each shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from emotalk_data.builder.copy_layout import MANIFEST_NAME
from emotalk_data.errors import CacheCorruptError, quote

__all__ = [
    "CopyFailure",
    "CopyManifest",
    "CopyShard",
    "CopySplit",
    "Manifest",
    "MediaCounts",
    "ShardManifest",
    "has_manifest",
    "read_manifest",
    "read_shard_manifest",
]

_MAX_BYTES: Final = 256 << 20
_Count = Annotated[int, Field(ge=0)]
_SHARD_FILE: Final = r"^[\w.]+-\d{5}-of-\d{5}\.parquet$"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CopyFailure(_Part):
    """A clip that could not be made: its row is there, with a null in this column.

    Attributes:
        row: position in its split.
        utterance_id: of its row; None where the row has none.
        column: `audio` or `video`.
        reason: the message of the error.
    """

    row: _Count
    utterance_id: str | None
    column: Literal["audio", "video"]
    reason: str


class MediaCounts(_Part):
    """What became of the clips of one column: the three add up to the rows.

    Attributes:
        made: clips that are in the copy.
        missing: null before, null now.
        failed: could not be decoded; null now.
        clipped: of those made, clips with samples outside of what 16 bits hold.
        clipped_samples: the samples that were set to the nearest value.
    """

    made: _Count = 0
    missing: _Count = 0
    failed: _Count = 0
    clipped: _Count = 0
    clipped_samples: _Count = 0

    def __add__(self, other: MediaCounts) -> MediaCounts:
        mine, others = self.model_dump(), other.model_dump()
        return MediaCounts(**{name: mine[name] + others[name] for name in mine})


class CopyShard(_Part):
    """One Parquet file, as it was written.

    Attributes:
        file: its name in the folder `data`.
        num_rows: how many rows it has.
        size_bytes: its length.
        sha256: of its bytes, as hex digits.
        counts: of each column that was made.
        failures: of its rows, in their order.
    """

    file: Annotated[str, Field(pattern=_SHARD_FILE)]
    num_rows: _Count
    size_bytes: _Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    counts: dict[Literal["audio", "video"], MediaCounts]
    failures: tuple[CopyFailure, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for column, counts in self.counts.items():
            failed = sum(failure.column == column for failure in self.failures)
            if counts.made + counts.missing + counts.failed != self.num_rows or counts.failed != failed:
                raise ValueError(f"the counts of {column} do not add up")
        return self


class CopySplit(_Part):
    """One split.

    Attributes:
        num_rows: rows of the whole split.
        num_shards: shards it has when it is finished.
        shards: those that are written, in their order.
    """

    num_rows: _Count
    num_shards: _Count
    shards: tuple[CopyShard, ...] = ()


class ShardManifest(_Part):
    """What a folder of shards says of itself.

    Attributes:
        FILE_NAME: of its file.
        CALLED: what the folder is, for messages.
        VERB: of the command that writes it.
        format: the name of the form, as a Literal.
        version: of the form, likewise.
        corpus: `emotalk` or `m3ed`.
        key: digest of recipe and source: what is made with another key is another folder.
        recipe: everything that decides the values.
        source: digest of the rows and files that it was made from.
        is_complete: whether all shards are there.
        splits: by name.
        libraries: versions that wrote the files.
    """

    FILE_NAME: ClassVar[str]
    CALLED: ClassVar[str]
    VERB: ClassVar[str]

    format: str
    version: int
    corpus: Literal["emotalk", "m3ed"]
    key: str
    recipe: dict[str, Any]
    source: str
    is_complete: bool
    splits: dict[Literal["train", "validation", "test"], CopySplit]
    libraries: dict[str, str]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not any(split.num_shards for split in self.splits.values()):
            raise ValueError("it names no shard")
        for split in self.splits.values():
            is_whole = len(split.shards) == split.num_shards
            if self.is_complete and not (
                is_whole and sum(s.num_rows for s in split.shards) == split.num_rows
            ):
                raise ValueError("it says that it is complete, and its shards do not add up")
        return self

    @property
    def shards(self) -> Iterator[CopyShard]:
        """All shards that are written."""
        for split in self.splits.values():
            yield from split.shards


class CopyManifest(ShardManifest):
    """What a folder with a materialised copy says of itself.

    Attributes:
        format: always `emotalk-cache`.
        version: of this form.
    """

    FILE_NAME: ClassVar[str] = MANIFEST_NAME
    CALLED: ClassVar[str] = "copy"
    VERB: ClassVar[str] = "cache"

    format: Literal["emotalk-cache"] = "emotalk-cache"
    version: Literal[1] = 1


Manifest = TypeVar("Manifest", bound=ShardManifest)


def has_manifest(folder: str | Path, form: type[ShardManifest]) -> bool:
    """Say whether there is a manifest of this form in a folder, finished or not."""
    return Path(folder, form.FILE_NAME).is_file()


def read_manifest(folder: str | Path) -> CopyManifest:
    """Read the manifest of a materialised copy; its shards are not looked at.

    Raises:
        CacheCorruptError: as `read_shard_manifest`.
    """
    return read_shard_manifest(folder, CopyManifest)


def read_shard_manifest(folder: str | Path, form: type[Manifest]) -> Manifest:
    """Read the manifest of a folder of shards; these are not looked at.

    Args:
        folder: where it lies.
        form: which one.

    Raises:
        CacheCorruptError: it cannot be read, is not one, or is of a later version.
    """
    path = Path(folder, form.FILE_NAME)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _no_manifest(path, form, f"it has more than {_MAX_BYTES >> 20} MiB")
        return form.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _no_manifest(path, form, error.strerror or str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise _no_manifest(path, form, f"{where}: {first['msg']}") from error


def _no_manifest(path: Path, form: type[ShardManifest], problem: str) -> CacheCorruptError:
    return CacheCorruptError(
        f"the manifest {quote(str(path), 200)} cannot be used: {problem}. If a later version wrote it, update "
        f"emotalk_data; otherwise remove the folder and run `emotalk {form.VERB}` again.",
        path=str(path),
    )
