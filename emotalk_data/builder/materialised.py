"""The builders that open a copy made by `emotalk cache`: ready rows, read from its Parquet shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.builder.base import ReleaseBuilder
from emotalk_data.builder.copy_layout import DATA_FOLDER
from emotalk_data.builder.copy_manifest import CopyManifest, read_manifest
from emotalk_data.errors import CacheCorruptError, OptionError, quote
from emotalk_data.loaders.report import Report
from emotalk_data.media.features import use_media_types

__all__ = ["EmotalkCopyBuilder", "M3edCopyBuilder", "check_copy", "copy_builder"]

_patched_for_streaming = True  # see builder/base.py


class _CopyBuilder(ReleaseBuilder):
    """Opens a copy: the same table, cache and errors as of a release, and nothing to interpret.

    `datasets` maps Arrow files into memory and not Parquet, so the table that it keeps holds the media once
    more. `streaming=True` reads the shards themselves and keeps none.

    Args:
        data_dir: the folder with the manifest.

    Raises:
        OptionError: the copy is of the other corpus, or `on_invalid` is asked of rows that were chosen before.
        CacheCorruptError: it is damaged or not finished.
    """

    def __init__(self, *args: Any, data_dir: str, on_invalid: str = "report", **kwargs: Any) -> None:
        self.manifest = read_manifest(data_dir)
        if self.manifest.corpus != self.CORPUS:
            raise OptionError(
                f"{quote(data_dir, 160)} is a copy of {self.manifest.corpus}, not of {self.CORPUS}: "
                f"load_dataset({self.manifest.corpus!r}, data_dir=…)."
            )
        if on_invalid != "report":
            raise OptionError(
                f"on_invalid is {quote(on_invalid)}, and a copy holds the rows that it was made from. Make the "
                f"copy of load_dataset({self.CORPUS!r}, …, on_invalid={on_invalid!r})."
            )
        self._folder = Path(data_dir, DATA_FOLDER)
        check_copy(Path(data_dir), self.manifest)
        super().__init__(*args, data_dir=data_dir, **kwargs)

    def _digest_parts(self) -> Sequence[str]:
        return (self.manifest.key, *(shard.sha256 for shard in self.manifest.shards))

    def _info(self) -> datasets.DatasetInfo:
        first = next(self.manifest.shards)
        with _typed_errors(self._folder / first.file):
            features = datasets.Features.from_arrow_schema(pq.read_schema(self._folder / first.file))
        return datasets.DatasetInfo(
            description=f"A copy of {self.CORPUS} made by `emotalk cache`: {self.manifest.recipe}.",
            features=use_media_types(features),
        )

    def _index(self, report: Report) -> Iterator[tuple[str, Any, int]]:  # noqa: ARG002  # nothing is misplaced
        for split, part in self.manifest.splits.items():
            for shard in part.shards:
                path = self._folder / shard.file
                with _typed_errors(path):
                    metadata = pq.read_metadata(path)
                for group in range(metadata.num_row_groups):
                    yield split, (path, group), metadata.row_group(group).num_rows

    def _table(self, dialogues: Sequence[Any], report: Report) -> pa.Table:  # noqa: ARG002
        """Read some row groups; the checksum of each page is compared."""
        tables = []
        for path, group in dialogues:
            with _typed_errors(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
                tables.append(file.read_row_group(group, use_threads=False))
        return pa.concat_tables(tables).cast(self.info.features.arrow_schema)


class EmotalkCopyBuilder(_CopyBuilder):
    """Opens a copy of EmotionTalk."""

    CORPUS = "emotalk"


class M3edCopyBuilder(_CopyBuilder):
    """Opens a copy of M3ED."""

    CORPUS = "m3ed"


_BUILDERS: Final = {"emotalk": EmotalkCopyBuilder, "m3ed": M3edCopyBuilder}


def copy_builder(corpus: Literal["emotalk", "m3ed"]) -> type[EmotalkCopyBuilder | M3edCopyBuilder]:
    """Return the builder that opens a copy of a corpus."""
    return _BUILDERS[corpus]


def check_copy(folder: Path, manifest: CopyManifest) -> None:
    """Check that a copy is finished, and that its shards are there with the lengths they were written with.

    Raises:
        CacheCorruptError: they are not; says what to do.
    """
    if not manifest.is_complete:
        num_there = sum(1 for _ in manifest.shards)
        num_shards = sum(split.num_shards for split in manifest.splits.values())
        raise CacheCorruptError(
            f"the copy at {quote(str(folder), 200)} is not finished: {num_there} of {num_shards} shards are "
            f"there. Run the same `emotalk cache` again: it goes on where it stopped.",
            path=str(folder),
        )
    for shard in manifest.shards:
        path = folder / DATA_FOLDER / shard.file
        try:
            size_bytes = path.stat().st_size
        except OSError as error:
            raise _damaged(path, error.strerror or str(error)) from error
        if size_bytes != shard.size_bytes:
            raise _damaged(path, f"it has {size_bytes:,} bytes, {shard.size_bytes:,} were written")


@contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, problem: str) -> CacheCorruptError:
    return CacheCorruptError(
        f"the shard {quote(str(path), 200)} is gone or damaged: {quote(problem)}. Remove that file and run the "
        f"same `emotalk cache` again: it makes only what is missing.",
        path=str(path),
    )
