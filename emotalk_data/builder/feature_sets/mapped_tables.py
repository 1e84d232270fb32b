"""The rows of a feature set as files that `datasets` maps into memory.

`datasets` maps Arrow files and not Parquet, so what is asked for is written once more, uncompressed, below its
cache, and found there the next time:

    $HF_DATASETS_CACHE/emotalk_features/<name>/train-utterance-<key>.arrow     all but the frames
                                              /train-frame-<key>.arrow         frames and their times

Its own Parquet reader would do the same, but: who wants vectors of utterances would get the frames too, which are
hundreds of times larger; a file that was cut between two batches would read without an error; and eight ranks
that begin at once would write eight times.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import datasets
import pyarrow as pa
from datasets.table import MemoryMappedTable, concat_tables

from emotalk_data._whole_file import LEFT_OVER, whole_file
from emotalk_data.builder.feature_sets.shards import shard_columns
from emotalk_data.builder.folder_paths import absolute_folder
from emotalk_data.errors import CacheWriteError, EmotalkError, quote
from emotalk_data.schemas.feature_shard import Level

if TYPE_CHECKING:
    from emotalk_data.builder.feature_sets.store import FeatureStore

__all__ = ["mapped_file", "mapped_split", "stored_dataset", "stored_features"]

_FOLDER: Final = "emotalk_features"
_ID: Final = "utterance_id"
_LAST: Final = ["notes", "error", "input_digest"]

CacheDir = str | os.PathLike[str] | None


def stored_features(store: FeatureStore, levels: Sequence[Level]) -> datasets.Features:
    """Return the columns of a set with some of its levels, in the order of its shards."""
    schema = shard_columns(store.spec.column, store.num_dims, levels, store.spec.storage)
    return datasets.Features.from_arrow_schema(schema)


def stored_dataset(
    store: FeatureStore, split: str | None, *, levels: Sequence[Level], cache_dir: CacheDir
) -> datasets.Dataset:
    """Return the rows of a split, or of all; see `FeatureStore.dataset`."""
    splits = store.splits if split is None else (split,)
    features = stored_features(store, levels)
    tables = []
    for name in splits:
        others = mapped_split(store, name, "utterance", cache_dir=cache_dir)
        parts = [others.select([_ID, *store.columns([one for one in levels if one == "utterance"])])]
        if "frame" in levels:
            parts.append(mapped_split(store, name, "frame", cache_dir=cache_dir))
        parts.append(others.select(_LAST))
        tables.append(concat_tables(parts, axis=1))
    return datasets.Dataset(
        concat_tables(tables, axis=0),
        info=datasets.DatasetInfo(features=features),
        split=datasets.NamedSplit(splits[0]) if len(splits) == 1 else None,
        fingerprint=datasets.fingerprint.Hasher.hash([*map(store.key, splits), *levels]),
    )


def mapped_split(store: FeatureStore, split: str, level: Level, *, cache_dir: CacheDir) -> MemoryMappedTable:
    """Return columns of a split, mapped from a file, which is written where it is not there yet.

    Args:
        store: the set.
        split: its split.
        level: `frame` for frames and their times; `utterance` for all other columns.
        cache_dir: of `datasets`.

    Raises:
        OptionError: there is no such split.
        CacheCorruptError: a shard is damaged.
        CacheWriteError: the file cannot be written.
    """
    # A set of frames alone has ids, notes and reasons all the same.
    chosen = stored_features(store, [one for one in store.levels if one == level])
    of_frames = store.columns(["frame"])
    columns = [name for name in chosen if (name in of_frames) == (level == "frame")]
    schema = datasets.Features({name: chosen[name] for name in columns}).arrow_schema
    shards = store.shards_of(split)

    def batches() -> Iterator[pa.RecordBatch]:
        for shard in shards:
            for _start, batch in shard.groups(columns):
                yield batch.cast(schema)

    return mapped_file(
        store,
        f"{split}-{level}-{store.key(split)}",
        schema,
        batches,
        num_rows=sum(shard.record.num_rows for shard in shards),
        cache_dir=cache_dir,
    )


def mapped_file(
    store: FeatureStore,
    name: str,
    schema: pa.Schema,
    batches: Callable[[], Iterable[pa.RecordBatch]],
    *,
    num_rows: int,
    cache_dir: CacheDir,
) -> MemoryMappedTable:
    """Return the rows of a file in the cache, which is written where it is not there, or was cut.

    A batch in memory at a time. Processes that ask for the same at once wait for the first.

    Args:
        store: the set.
        name: of the file, without its ending: has to say what decides the rows.
        schema: of the rows.
        batches: gives the rows; called when they have to be written.
        num_rows: how many they are.
        cache_dir: of `datasets`.

    Raises:
        OptionError: `cache_dir` is no path.
        CacheWriteError: the file cannot be written.
    """
    cache = datasets.config.HF_DATASETS_CACHE if cache_dir is None else cache_dir
    folder = absolute_folder(cache, "cache_dir") / _FOLDER / store.spec.column
    path = folder / f"{name}.arrow"
    found = _mapped(path, num_rows)
    if found is not None:
        return found
    with _typed_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder):
            found = _mapped(path, num_rows)  # another process may have written it while we waited
            if found is None:
                for left in folder.glob(LEFT_OVER):
                    left.unlink(missing_ok=True)
                _write(path, schema, batches(), num_rows)
                found = MemoryMappedTable.from_file(str(path))
    return found


def _mapped(path: Path, num_rows: int) -> MemoryMappedTable | None:
    """Map a file; None where it is not there, or not whole."""
    try:
        table = MemoryMappedTable.from_file(str(path))
    except (OSError, pa.ArrowException):
        return None
    return table if table.num_rows == num_rows else None


def _write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], num_rows: int) -> None:
    from datasets.utils import tqdm  # obeys datasets.disable_progress_bars()

    with (
        tqdm(total=num_rows, desc="mapping features", unit=" utterances", delay=1) as bar,
        whole_file(path) as file,
        pa.ipc.new_stream(file, schema) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)
            bar.update(batch.num_rows)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process writes here. A kill gives the lock back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks: two write the same, and the last one stays
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except EmotalkError:
        raise
    except OSError as error:
        raise CacheWriteError(
            f"cannot write {quote(str(path), 200)}: {error.strerror or error}. Features are mapped from files of "
            f"the size of the set: free some space, or give another cache_dir.",
            path=str(path),
        ) from error
