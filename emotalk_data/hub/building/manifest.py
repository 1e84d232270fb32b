"""The manifest of a built corpus: what it was made of and how, what is in it. It names no place on a machine."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final, Literal

from emotalk_data.builder.copy_manifest import ShardManifest, has_manifest, read_shard_manifest

__all__ = ["MANIFEST_NAME", "BuildManifest", "is_build", "read_build"]

MANIFEST_NAME: Final = "emotalk-build.json"

_MEDIA: Final = ("audio", "video")


class BuildManifest(ShardManifest):
    """What a folder with a built corpus says of itself.

    Attributes:
        format: always `emotalk-build`.
        version: of this form.
    """

    FILE_NAME: ClassVar[str] = MANIFEST_NAME
    CALLED: ClassVar[str] = "build"
    VERB: ClassVar[str] = "build"

    format: Literal["emotalk-build"] = "emotalk-build"
    version: Literal[1] = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in their order."""
        return tuple(self.recipe["columns"])

    @property
    def has_media(self) -> bool:
        """Whether sound or pictures are in it, which may not be passed on."""
        return any(column in self.columns for column in _MEDIA)


def is_build(folder: str | Path) -> bool:
    """Say whether there is a built corpus in a folder, finished or not."""
    return has_manifest(folder, BuildManifest)


def read_build(folder: str | Path) -> BuildManifest:
    """Read the manifest of a built corpus; its shards are not looked at.

    Raises:
        CacheCorruptError: it cannot be read, is not one, or is of a later version.
    """
    return read_shard_manifest(folder, BuildManifest)
