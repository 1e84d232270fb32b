"""A pickle as MMSA reads it (`src/MMSA/data_loader.py`), which is also what MMSA-FET writes.

    {"train": {"id": ["G00002_01$_$08_002", …], "raw_text": ["…", …],
               "text", "audio", "vision": float32 (N, T, D), zeros behind the end,
               "text_lengths", "audio_lengths", "vision_lengths": [37, …],
               "regression_labels": float32 (N,), "classification_labels": int64 (N,): 0, 1, 2,
               "annotations": ["Negative", "Neutral", "Positive", …]},
     "valid": {…}, "test": {…}}

The zeros are the form's: the lengths say where sound, text or pictures end. T is the same in all three splits, as
models are built for that of `train`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from emotalk_data.errors import OptionError
from emotalk_data.features.exporting.dialoguernn import by_modality
from emotalk_data.features.exporting.exported import Exported
from emotalk_data.features.exporting.labelled_rows import LabelledRow, choose, read_rows
from emotalk_data.features.exporting.new_place import check_room, new_file
from emotalk_data.features.exporting.plain_pickle import PickleWriter, Plain
from emotalk_data.schemas.encoder_spec import FeatureModality

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

    from emotalk_data.builder.feature_sets.store import FeatureStore
    from emotalk_data.builder.feature_sets.stored_rows import StoredRow

__all__ = ["export_mmsa"]

_SPLITS: Final = {"train": "train", "validation": "valid", "test": "test"}
_KEYS: Final[dict[FeatureModality, str]] = {"text": "text", "audio": "audio", "video": "vision"}
_ANNOTATIONS: Final = ("Negative", "Neutral", "Positive")


class _Sequences(NamedTuple):
    """One modality: its set, the length of each utterance, and that of all when they are padded."""

    store: FeatureStore
    lengths: Mapping[str, int]
    num_padded: int
    num_cut: int


def export_mmsa(
    stores: Sequence[FeatureStore],
    out: Path,
    *,
    dataset: datasets.Dataset | datasets.DatasetDict,
    missing: Literal["error", "skip"],
    max_frames: int | None,
) -> Exported:
    """Write frames, or vectors of utterances as a single frame, padded to one length.

    Args:
        stores: the sets, at most one a modality.
        out: a new file.
        dataset: EmotionTalk: sentences and `sentiment`.
        missing: "skip" leaves out what lacks features, a sentence or a sentiment.
        max_frames: longer sequences are cut there; None for never.

    Raises:
        OptionError: two sets of one modality, something at `out`, an utterance that lacks something, a dataset
            without sentiment, or more than the disk can hold.
        CacheWriteError: it cannot be written.
    """
    of = by_modality(stores)
    if any(store.corpus == "m3ed" for store in stores):
        raise OptionError("MMSA learns sentiment, and M3ED has none; export to 'dialoguernn' or 'mertools'.")
    rows = read_rows(dataset, ["dialogue_id", "text", "sentiment"], stores)
    needed = {"sentiment": "no sentiment", "text": "no text", "dialogue_id": "no dialogue_id"}
    chosen, left_out = choose(stores, rows, needed=needed, missing=missing)
    parts = {name: [row for row in chosen if row.split == split] for split, name in _SPLITS.items()}
    sequences = {_KEYS[name]: _measure(store, chosen, max_frames) for name, store in of.items()}
    numbers = sum(one.num_padded * one.store.num_dims for one in sequences.values())
    check_room(out, 4 * len(chosen) * numbers, "Give max_frames, or a set with vectors of utterances alone.")
    with new_file(out, left_out) as file:
        writer, places = PickleWriter(file), {key: dict[str, int]() for key in sequences}
        with writer.dict():
            for name, part in parts.items():
                writer.value(name)
                with writer.dict():
                    _write_part(writer, part, sequences, places)
        writer.end()
        for key, one in sequences.items():
            _fill(writer, one, places[key])
    return Exported(out, "mmsa", len(chosen), left_out.counts(), _notes(sequences, max_frames))


def _notes(sequences: Mapping[str, _Sequences], max_frames: int | None) -> tuple[str, ...]:
    cut = [(key, one.num_cut) for key, one in sequences.items() if one.num_cut]
    return tuple(f"{num_cut:,} {key} features cut at {max_frames} frames" for key, num_cut in cut)


def _measure(store: FeatureStore, rows: Sequence[LabelledRow], max_frames: int | None) -> _Sequences:
    wanted = {row.utterance_id for row in rows}
    lengths = {row.utterance_id: len(_frames(row)) for row in store.rows() if row.utterance_id in wanted}
    limit = max(lengths.values()) if max_frames is None else min(max_frames, max(lengths.values()))
    num_cut = sum(length > limit for length in lengths.values())
    return _Sequences(store, {one: min(length, limit) for one, length in lengths.items()}, limit, num_cut)


def _frames(row: StoredRow) -> NDArray[np.floating[Any]]:
    """Return the frames of a row, shape (T, D); its one vector where the set has no frames."""
    if row.frames is not None:
        return row.frames
    return np.empty((0, 0), np.float32) if row.pooled is None else row.pooled[None]


def _write_part(
    writer: PickleWriter,
    rows: Sequence[LabelledRow],
    sequences: Mapping[str, _Sequences],
    places: Mapping[str, dict[str, int]],
) -> None:
    """Write the keys and values of a split; its arrays are reserved, and their places noted."""
    sentiments = np.array([row.values["sentiment"] for row in rows], np.float32)
    classes = np.sign(sentiments).astype(np.int64) + 1
    values: dict[str, Plain] = {
        "id": [_clip_id(row) for row in rows],
        "raw_text": [row.values["text"] for row in rows],
        "regression_labels": sentiments,
        "classification_labels": classes,
        "annotations": [_ANNOTATIONS[number] for number in classes],
    }
    for key, one in sequences.items():
        values[f"{key}_lengths"] = [one.lengths[row.utterance_id] for row in rows]
    for key, value in values.items():
        writer.value(key)
        writer.value(value)
    for key, one in sequences.items():
        writer.value(key)
        start = writer.reserve((len(rows), one.num_padded, one.store.num_dims))
        num_bytes = 4 * one.num_padded * one.store.num_dims
        places[key].update((row.utterance_id, start + num_bytes * at) for at, row in enumerate(rows))


def _clip_id(row: LabelledRow) -> str:
    """Return MMSA's id, `<video>$_$<clip>`: the dialogue, and what is left of the utterance's id."""
    dialogue = row.values["dialogue_id"]
    return f"{dialogue}$_${row.utterance_id.removeprefix(dialogue).lstrip('_')}"


def _fill(writer: PickleWriter, one: _Sequences, places: Mapping[str, int]) -> None:
    for row in one.store.rows():
        if row.utterance_id in places:
            writer.fill(places[row.utterance_id], _frames(row)[: one.num_padded])
