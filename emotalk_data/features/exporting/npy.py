"""A file a row, named as EmotionTalk's authors name their features.

out/
├── chinese-hubert-base-UTT/    G00002_01_08_002.npy   float32, shape (D,)
├── chinese-hubert-base-FRA/    G00002_01_08_002.npy   float32, shape (T, D)
└── failures.csv                rows without features: they have no file, and are no zeros
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.features.exporting.exported import FAILURES_NAME, Exported, LeftOut, LeftOutRow
from emotalk_data.features.exporting.labelled_rows import add_unwanted, feature_name, read_rows
from emotalk_data.features.exporting.new_place import check_file_name, new_folder
from emotalk_data.schemas.feature_shard import Level

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

    from emotalk_data.builder.feature_sets.store import FeatureStore
    from emotalk_data.builder.feature_sets.stored_rows import StoredRow

__all__ = ["SUFFIXES", "export_npy", "folder_names", "null_rows", "write_features"]

SUFFIXES: Final[dict[Level, str]] = {"utterance": "-UTT", "frame": "-FRA"}


def export_npy(
    stores: Sequence[FeatureStore], out: Path, *, dataset: datasets.Dataset | datasets.DatasetDict | None
) -> Exported:
    """Write the rows of sets, a file each.

    Args:
        stores: the sets.
        out: a new or empty folder.
        dataset: whose rows are wanted; None for all.

    Raises:
        OptionError: there is something at `out`, or two sets have one name.
        CacheWriteError: it cannot be written.
    """
    folder_names(stores)
    wanted = None
    if dataset is not None:
        wanted = {row.utterance_id: row.split for row in read_rows(dataset, [], stores)}
    left_out = null_rows(stores, wanted)
    with new_folder(out) as folder:
        written = [write_features(store, folder, ids=wanted) for store in stores]
        if len(left_out):
            (folder / FAILURES_NAME).write_bytes(left_out.csv())
    return Exported(out, "npy", len(set.intersection(*written)), left_out.counts())


def null_rows(stores: Sequence[FeatureStore], wanted: Mapping[str, str] | None = None) -> LeftOut:
    """Return the rows without features, those that a set does not have, and those that nobody wants.

    Args:
        stores: the sets.
        wanted: id to split of the utterances that are wanted; None for all that are there.
    """
    left_out = LeftOut()
    for store in stores:
        name = feature_name(store)
        for shard in store.shards:
            for one, error in zip(shard.ids, shard.errors, strict=True):
                if error is not None and (wanted is None or one in wanted):
                    left_out.add(LeftOutRow(name, one, shard.record.split, error))
        for one, split in (wanted or {}).items():
            if one not in store.places:
                left_out.add(LeftOutRow(name, one, split, "not in the set"))
    if wanted is not None:
        add_unwanted(stores, wanted, left_out)
    return left_out


def folder_names(stores: Sequence[FeatureStore]) -> list[str]:
    """Return the names of the folders of all sets.

    Raises:
        OptionError: two sets would go to the same.
    """
    names = [feature_name(store) + SUFFIXES[level] for store in stores for level in store.levels]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"two of the sets would be written to {quote(twice)}; export them to two folders.")
    return names


def write_features(store: FeatureStore, folder: Path, *, ids: Collection[str] | None) -> set[str]:
    """Write a file a row into `<model>-UTT` and `<model>-FRA` of a folder; none for a row without features.

    Args:
        store: the set.
        folder: where to.
        ids: of the utterances that are wanted; None for all.

    Returns:
        the ids of the rows that were written.
    """
    name = feature_name(store)
    folders = {level: folder / f"{name}{SUFFIXES[level]}" for level in store.levels}
    for one in folders.values():
        one.mkdir()
    written = set()
    for row in store.rows():
        if row.error is None and (ids is None or row.utterance_id in ids):
            file_name = f"{check_file_name(row.utterance_id)}.npy"
            for level, values in _values(row):
                _write(folders[level] / file_name, values)
            written.add(row.utterance_id)
    return written


def _values(row: StoredRow) -> Iterator[tuple[Level, NDArray[np.floating[Any]]]]:
    if row.pooled is not None:
        yield "utterance", row.pooled
    if row.frames is not None:
        yield "frame", row.frames


def _write(path: Path, values: NDArray[np.floating[Any]]) -> None:
    # No fsync a file: 40,000 of them take minutes, and the folder gets its name when all are there.
    array = np.ascontiguousarray(values, "<f4")
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)  # numpy's own tofile says of a full disk "2336 requested and 2016 written"
