"""Features and labels as MERTools reads them: the folder of a dataset in its `MERBench`.

    out/
    ├── features/
    │   ├── chinese-hubert-base-UTT/    <id>.npy
    │   └── chinese-hubert-base-FRA/    <id>.npy
    ├── label.npz                       train_corpus, val_corpus, test_corpus: {<id>: {"emo": 3, "val": -0.4}}
    └── failures.csv                    what is in neither

Its loaders read the names of `label.npz` (`toolkit/dataloader/meld.py`), then a file each, and stop at one that
is not there (`toolkit/utils/read_data.py`). So the label file names only what has features in every set.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.features.exporting.exported import FAILURES_NAME, Exported
from emotalk_data.features.exporting.labelled_rows import LabelledRow, check_label, choose, read_rows
from emotalk_data.features.exporting.new_place import new_folder
from emotalk_data.features.exporting.npy import folder_names, null_rows, write_features
from emotalk_data.features.exporting.plain_pickle import PickleWriter

if TYPE_CHECKING:
    import datasets

    from emotalk_data.builder.feature_sets.store import FeatureStore

__all__ = ["NO_VALENCE", "export_mertools"]

NO_VALENCE: Final = -10
"""What MERTools writes where a corpus has no valence (`toolkit/preprocess/meld.py`)."""

_CORPORA: Final = {"train": "train_corpus", "validation": "val_corpus", "test": "test_corpus"}


def export_mertools(
    stores: Sequence[FeatureStore],
    out: Path,
    *,
    dataset: datasets.Dataset | datasets.DatasetDict | None,
    label: str,
) -> Exported:
    """Write features, and with a dataset the labels.

    Args:
        stores: the sets.
        out: a new or empty folder.
        dataset: whose rows and labels; None for features alone.
        label: its column of labels.

    Raises:
        OptionError: there is something at `out`, two sets have one name, one has vectors of a single number, or
            the dataset has no such column.
        CacheWriteError: it cannot be written.
    """
    folder_names(stores)
    single = next((store.spec.name for store in stores if store.num_dims == 1), None)
    if single is not None:
        raise OptionError(f"{quote(single)} has one number a vector, and MERTools takes it for a length.")
    rows: list[LabelledRow] = []
    ids: set[str] | None = None
    if dataset is None:
        left_out = null_rows(stores)
    else:
        columns = [label, *(["sentiment"] if _has_sentiment(dataset) else [])]
        check_label(dataset, label)
        wanted = read_rows(dataset, columns, stores)
        rows, left_out = choose(stores, wanted, needed={label: f"no {label}"}, missing="skip")
        ids = {row.utterance_id for row in rows}
    with new_folder(out) as folder:
        (folder / "features").mkdir()
        written = [write_features(store, folder / "features", ids=ids) for store in stores]
        if dataset is not None:
            (folder / "label.npz").write_bytes(_labels(rows, label))
        if len(left_out):
            (folder / FAILURES_NAME).write_bytes(left_out.csv())
    notes = () if dataset is not None else ("no label.npz: give dataset= for the labels",)
    return Exported(out, "mertools", len(set.intersection(*written)), left_out.counts(), notes)


def _has_sentiment(dataset: Any) -> bool:
    parts = dataset.values() if isinstance(dataset, dict) else [dataset]
    return all("sentiment" in getattr(part, "column_names", ()) for part in parts)


def _labels(rows: Sequence[LabelledRow], label: str) -> bytes:
    """Return a `label.npz` with three corpora, the same bytes for the same labels.

    Each is an array of shape () around a dict, as `np.savez(train_corpus={...})` has it: numpy reads it with
    `allow_pickle=True`.
    """
    corpora: dict[str, dict[str, dict[str, int | float]]] = {name: {} for name in _CORPORA.values()}
    for row in rows:
        valence = row.values.get("sentiment")
        values = {"emo": row.values[label], "val": NO_VALENCE if valence is None else valence}
        corpora[_CORPORA[row.split]][row.utterance_id] = values
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, corpus in corpora.items():
            # A time of its own in each file would make each export another one.
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, _object_array(corpus))
    return buffer.getvalue()


def _object_array(corpus: dict[str, dict[str, int | float]]) -> bytes:
    buffer = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(buffer, header)
    inner = io.BytesIO()
    writer = PickleWriter(inner)
    writer.object_array(corpus)
    writer.end()
    return buffer.getvalue() + inner.getvalue()
