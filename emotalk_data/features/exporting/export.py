"""One or several sets in another form: `export(store, "npy" | "mertools" | "dialoguernn" | "mmsa", out)`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.exporting.dialoguernn import export_dialoguernn
from emotalk_data.features.exporting.exported import Exported, ExportFormat
from emotalk_data.features.exporting.mertools import export_mertools
from emotalk_data.features.exporting.mmsa import export_mmsa
from emotalk_data.features.exporting.npy import export_npy

if TYPE_CHECKING:
    import datasets

__all__ = ["export"]

_LABEL: Final = "emotion"


def export(
    store: FeatureStore | Sequence[FeatureStore],
    format: ExportFormat,
    out: str | os.PathLike[str],
    *,
    dataset: datasets.Dataset | datasets.DatasetDict | None = None,
    label: str = _LABEL,
    missing: Literal["error", "skip"] = "error",
    max_frames: int | None = None,
) -> Exported:
    """Write one or several sets as another project reads them. Arrays are float32, whatever the set stores.

    A row group is in memory at a time. The folder or file appears when it is whole.

    Args:
        store: a set, or several: one a modality for "dialoguernn" and "mmsa".
        format: "npy": a file a row; "mertools": that, and labels; "dialoguernn": a pickle of dialogues;
            "mmsa": a pickle of padded sequences.
        out: a new or empty folder for "npy" and "mertools"; a new file for the others.
        dataset: whose rows, labels, speakers and sentences; not needed for "npy", nor for "mertools" without
            labels. Rows of the sets that it does not have are not written.
        label: column of the labels, numbers of classes such as `emotion_audio`; of "mertools" and "dialoguernn".
        missing: for "dialoguernn" and "mmsa", which have no sign for what is missing: "error" refuses, "skip"
            leaves out the utterances that lack something. The others always leave them out.
        max_frames: for "mmsa": longer sequences are cut there.

    Returns:
        what was written, and what was left out for which reason. `failures.csv` lists each, in the folder or
        beside the file.

    Raises:
        OptionError: an argument cannot be, there is something at `out`, or an utterance lacks something.
        CacheCorruptError: a set is damaged.
        CacheWriteError: `out` cannot be written.
    """
    stores = [store] if isinstance(store, FeatureStore) else list(store)
    _check(stores, format, missing, max_frames)
    _check_label(format, label, dataset)
    path = Path(out).expanduser().absolute()
    inside = next((store for store in stores if path.resolve().is_relative_to(store.path.resolve())), None)
    if inside is not None:
        raise OptionError(f"{quote(str(path), 160)} lies inside of a set; give a place outside of it.")
    if format == "npy":
        return export_npy(stores, path, dataset=dataset)
    if format == "mertools":
        return export_mertools(stores, path, dataset=dataset, label=label)
    if dataset is None:
        raise OptionError(
            f"{format!r} has labels and sentences: give dataset=, the rows that were extracted."
        )
    if format == "dialoguernn":
        return export_dialoguernn(stores, path, dataset=dataset, label=label, missing=missing)
    return export_mmsa(stores, path, dataset=dataset, missing=missing, max_frames=max_frames)


def _check_label(format: ExportFormat, label: str, dataset: object) -> None:
    if label == _LABEL:
        return
    if format in ("npy", "mmsa"):
        has = "no labels" if format == "npy" else "`sentiment` for its label"
        raise OptionError(f"label is {quote(label)}; {format!r} has {has}. Leave it out.")
    if dataset is None:
        raise OptionError(
            f"label is {quote(label)}, of which rows? Give dataset=, the rows that were extracted."
        )


def _check(stores: Sequence[object], format: object, missing: object, max_frames: object) -> None:
    if not stores or not all(isinstance(store, FeatureStore) for store in stores):
        raise OptionError("expected a feature set to export, or several; open one with open_store.")
    if format not in get_args(ExportFormat):
        raise OptionError(f"format is {quote(format)}; expected one of {list(get_args(ExportFormat))}.")
    if missing not in ("error", "skip"):
        raise OptionError(f"missing is {quote(missing)}; expected 'error' or 'skip'.")
    if max_frames is None:
        return
    if not isinstance(max_frames, int) or isinstance(max_frames, bool) or max_frames < 1:
        raise OptionError(f"max_frames is {quote(max_frames)}; expected a whole number from 1, or None.")
    if format != "mmsa":
        raise OptionError(f"max_frames is for 'mmsa'; {format!r} keeps every frame.")
