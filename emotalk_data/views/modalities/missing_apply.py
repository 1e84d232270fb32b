"""A dataset in which a missing pattern's modalities are null; media are neither read nor copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.builder.side_columns import with_tables
from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import check_dataset, choose, column
from emotalk_data.views.modalities.lossy_table import LossyTable
from emotalk_data.views.modalities.missing_pattern import MissingPattern
from emotalk_data.views.modalities.presence import INPUTS, Input, holds_something, is_there

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COLUMNS_OF", "apply_missing"]

COLUMNS_OF: Final[Mapping[Input, tuple[str, ...]]] = {
    "text": ("text", "text_raw", "events"),
    # Captions say in words how the voice sounds: they were written by people who heard it.
    "audio": ("audio", "captions"),
    "video": ("video",),
}
"""The columns that tell what a modality holds."""


def apply_missing(
    dataset: datasets.Dataset,
    pattern: MissingPattern,
    *,
    surplus: Literal["raise", "null", "keep"] = "raise",
    also: Mapping[Input, Sequence[str]] | None = None,
) -> datasets.Dataset:
    """Return the dataset with the modalities that a pattern loses set to null; labels and ids stay.

    With text go `text`, `text_raw` and `events`; with audio `audio` and `captions`; with video `video`.

    A video file holds its sound. Where audio is missing and video is not, do not use `row["video"].audio`, nor
    give the file to a model that listens. Batches of `emotalk_data.torch` take pictures alone from `video`.

    No media are decoded, read or copied, nor erased: `Dataset.save_to_disk` writes what lies below the nulls.

    Args:
        dataset: utterances that the pattern knows, in any order, any number of times.
        pattern: from `make_missing` or `load_missing`.
        surplus: what becomes of a modality that is there, and was absent in the data that the pattern was made
            of: "raise" an error; "null" takes it away, as the pattern's maker did not have it; "keep" leaves it.
        also: columns of yours that go with a modality, such as `{"audio": ["wav2vec2"]}`.

    Returns:
        The same rows, with the bool columns `available_text`, `available_audio` and `available_video`: what the
        row has now, whether the protocol or the release took it away. One for each modality whose column is
        there. The columns that changed come last.

    Raises:
        OptionError: rows that the pattern does not know, a modality that it says is absent, an unknown column.
    """
    check_dataset(dataset, ["utterance_id"])
    if not isinstance(pattern, MissingPattern):
        raise OptionError(
            f"the pattern is a {type(pattern).__name__}; expected what make_missing or load_missing gives."
        )
    choose("surplus", surplus, ("raise", "null", "keep"))
    columns = _columns(dataset, also)
    places = _places(column(dataset, "utterance_id"), pattern)
    _check_known(dataset, places)
    if surplus == "raise":
        _check_surplus(dataset, pattern.present[places])
    goes = pattern.missing | ~pattern.present if surplus == "null" else pattern.missing
    # Rows of the table that are not selected need no place in the pattern: -1 is this last one.
    goes = np.vstack([goes, np.zeros((1, len(INPUTS)), np.bool_)])
    told = {"pattern": pattern.digest, "surplus": surplus, "columns": columns}
    of_table = _places(dataset.data.table.column("utterance_id"), pattern)
    return _replaced(dataset, columns, goes[of_table], told)


def _columns(dataset: datasets.Dataset, also: Mapping[Input, Sequence[str]] | None) -> dict[str, int]:
    """Return the columns that go with a modality, and its number."""
    columns = {
        name: number
        for number, modality in enumerate(INPUTS)
        for name in COLUMNS_OF[modality]
        if name in dataset.column_names
    }
    if also is not None and not isinstance(also, Mapping):
        raise OptionError(
            f'also is {quote(also)}; expected lists of columns, such as {{"audio": ["wav2vec2"]}}.'
        )
    for modality, names in (also or {}).items():
        choose("a modality of also", modality, INPUTS)
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise OptionError(f"also[{modality!r}] is {quote(names)}; expected a list of columns.")
        check_dataset(dataset, list(names))
        if "utterance_id" in names:
            raise OptionError(
                f"also[{modality!r}] has 'utterance_id', by which rows are known; it has to stay."
            )
        for name in names:
            if columns.setdefault(name, INPUTS.index(modality)) != INPUTS.index(modality):
                raise OptionError(f"also has {name!r} for {modality}; it goes with {INPUTS[columns[name]]}.")
    if not columns:
        raise OptionError(f"the dataset has no column of a modality: {quote(dataset.column_names, 200)}.")
    return columns


def _places(ids: pa.ChunkedArray, pattern: MissingPattern) -> NDArray[np.int64]:
    """Return where the pattern has each id; -1 where it does not."""
    known = pa.array(pattern.utterance_ids, pa.string())
    found = pc.index_in(ids.cast(pa.string()), value_set=known)
    places: NDArray[np.int64] = pc.fill_null(found, -1).to_numpy().astype(np.int64)
    return places


def _check_known(dataset: datasets.Dataset, places: NDArray[np.int64]) -> None:
    unknown = np.flatnonzero(places < 0)
    if len(unknown):
        row = int(unknown[0])
        first = column(dataset, "utterance_id").slice(row, 1)[0].as_py()
        raise OptionError(
            f"the pattern does not know {len(unknown):,} of {dataset.num_rows:,} rows, the first is row {row}, "
            f"{quote(first)}. Make the pattern of the whole split, and apply it to parts of it."
        )


def _check_surplus(dataset: datasets.Dataset, present: NDArray[np.bool_]) -> None:
    for number, name in enumerate(INPUTS):
        if name not in dataset.column_names:
            continue
        more = np.flatnonzero(is_there(dataset, name) & ~present[:, number])
        if len(more):
            first = column(dataset, "utterance_id").slice(int(more[0]), 1)[0].as_py()
            raise OptionError(
                f"{len(more):,} rows have {name}, and were without it in the data that the pattern was made of; "
                f'the first is {quote(first)}. Take it away with surplus="null", or leave it with "keep".'
            )


def _replaced(
    dataset: datasets.Dataset, columns: Mapping[str, int], goes: NDArray[np.bool_], told: dict[str, Any]
) -> datasets.Dataset:
    """Put nulls into columns of the table itself, so that a selection stays one and no media are gathered.

    Args:
        dataset: the dataset.
        columns: name to number of the modality.
        goes: bool (rows of the table, 3).
        told: what makes the result another than that of other arguments.
    """
    lossy = LossyTable(dataset.data.select(list(columns)), {name: goes[:, n] for name, n in columns.items()})
    there = {
        f"available_{name}": pa.array(holds_something(lossy.table.column(name)))
        for name in INPUTS
        if name in columns
    }
    features = {name: dataset.features[name] for name in columns}
    features |= dict.fromkeys(there, datasets.Value("bool"))
    tables = [lossy, datasets.table.InMemoryTable(pa.table(there))] if there else [lossy]
    return with_tables(dataset, tables, features, told=told)
