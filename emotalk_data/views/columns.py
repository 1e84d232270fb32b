"""Columns of a dataset as Arrow, whatever its selection and format; and what no view takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_EMOTIONS, Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LABEL_COLUMNS",
    "NO_LABEL",
    "CorpusName",
    "check_dataset",
    "check_ids",
    "check_labels",
    "choose",
    "column",
    "corpus_of",
    "flat_lists",
    "is_number",
    "label_ids",
    "strings",
]

CorpusName = Literal["emotalk", "m3ed"]

NO_LABEL: Final = -1
"""Stands for null in an array of label ids. Never a class."""

LABEL_COLUMNS: Final[Mapping[Modality, str]] = MappingProxyType(
    {"text": "emotion_text", "audio": "emotion_audio", "video": "emotion_video", "multimodal": "emotion"}
)
"""What EmotionTalk's annotators perceived, and the column of the final label. M3ED has the last one."""


def check_dataset(dataset: object, needs: Sequence[str] = ()) -> None:
    """Refuse what is no `datasets.Dataset`, or lacks a column that a view needs.

    Raises:
        OptionError: says what it is, or which columns are missing and which are there.
    """
    if not isinstance(dataset, datasets.Dataset):
        hint = "as load_dataset gives it"
        if isinstance(dataset, dict):
            hint = 'choose a split: `ds["train"]`'
        elif isinstance(dataset, datasets.IterableDataset):
            hint = "views need a table, not a stream"
        raise OptionError(f"the data is a {type(dataset).__name__}; expected a datasets.Dataset ({hint}).")
    missing = [name for name in needs if name not in dataset.column_names]
    if missing:
        raise OptionError(
            f"the dataset has no column {', '.join(map(repr, missing))}; "
            f"it has {quote(dataset.column_names, 200)}. Give it as load_dataset made it."
        )


def check_labels(dataset: datasets.Dataset, name: str, feature: object, names: Sequence[str]) -> None:
    """Refuse labels whose numbers mean something else than the authors': a column that was encoded anew.

    Args:
        dataset: where the column is.
        name: of the column.
        feature: that of the column, or of the items of its lists.
        names: of the labels, in the order of the authors' ids.

    Raises:
        OptionError: says which type the column has, and which labels were expected.
    """
    if not isinstance(feature, datasets.ClassLabel) or tuple(feature.names) != tuple(names):
        raise OptionError(
            f"the column {name!r} has the type {quote(dataset.features[name], 200)}; expected labels "
            f"{list(names)}. Give the dataset as load_dataset made it."
        )


def check_ids(
    name: str, ids: NDArray[np.int64], num_labels: int, rows: NDArray[np.int64] | None = None
) -> None:
    """Refuse ids that are no label's: Arrow stores any number in a column of labels.

    Args:
        name: of the column.
        ids: -1 for null.
        num_labels: ids are below this number.
        rows: the row of each id; its place if omitted.

    Raises:
        OptionError: says which id, and in which row.
    """
    wrong = np.flatnonzero((ids < NO_LABEL) | (ids >= num_labels))
    if len(wrong):
        row = wrong[0] if rows is None else rows[wrong[0]]
        raise OptionError(
            f"the column {name!r} holds the label {ids[wrong[0]]} in row {row}; expected an id from 0 to "
            f"{num_labels - 1}, or null."
        )


def corpus_of(dataset: datasets.Dataset) -> CorpusName:
    """Tell the corpus by the labels of its emotions, else by the names of its columns.

    A few of the columns suffice, and columns of yours do no harm.

    Raises:
        OptionError: nothing of either corpus is there.
    """
    check_dataset(dataset)
    emotion = dataset.features.get("emotion")
    if isinstance(emotion, datasets.ClassLabel) and tuple(emotion.names) == EMOTALK_EMOTIONS.names:
        return "emotalk"
    if isinstance(emotion, datasets.ClassLabel) and tuple(emotion.names) == M3ED_EMOTIONS.names:
        return "m3ed"
    judgement = getattr(dataset.features.get("annotations"), "feature", None)
    names = {*dataset.column_names, *(judgement if isinstance(judgement, Mapping) else ())}
    if names & {"emotions", "series"}:
        return "m3ed"
    if names & {"emotion_text", "emotion_audio", "emotion_video", "group_id", "sentiment"}:
        return "emotalk"
    raise OptionError(
        f"the columns {quote(dataset.column_names, 200)} are of neither corpus; expected those of load_dataset."
    )


def column(dataset: datasets.Dataset, name: str) -> pa.ChunkedArray:
    """Return the stored values of a column in the order of the dataset's rows; whatever its format is.

    The column of the table itself where the rows are not selected or shuffled; else the values are gathered.

    Raises:
        OptionError: not a Dataset, or no such column.
    """
    check_dataset(dataset, [name])
    stored = dataset.data.table.column(name)
    return stored if dataset._indices is None else stored.take(dataset._indices.column(0))


def label_ids(dataset: datasets.Dataset, name: str) -> NDArray[np.int64]:
    """Return a column of labels as ids, shape (rows,); -1 where it is null.

    Raises:
        OptionError: not a Dataset, no such column, or an id that is no label's; says in which row.
    """
    ids: NDArray[np.int64] = pc.fill_null(column(dataset, name).cast(pa.int64()), NO_LABEL).to_numpy()
    feature = dataset.features[name]
    if isinstance(feature, datasets.ClassLabel):
        check_ids(name, ids, feature.num_classes)
    return ids


def flat_lists(values: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the items of lists one after the other, and the list that each is of, int64, shape (items,).

    Null lists have none. `pyarrow.compute.list_parent_indices` counts what Arrow holds behind them all the same.
    """
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    lengths = np.asarray(pc.fill_null(pc.list_value_length(values), 0), np.int64)
    return np.repeat(np.arange(len(lengths)), lengths), pc.list_flatten(values)


def is_number(value: object) -> bool:
    """Say whether an argument is a number; True and False are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def strings(dataset: datasets.Dataset, name: str) -> list[str]:
    """Return a column of ids as a list of texts.

    Raises:
        OptionError: a value is null, or the column holds no texts; says in which row.
    """
    stored = column(dataset, name)
    if not (pa.types.is_string(stored.type) or pa.types.is_large_string(stored.type)):
        raise OptionError(f"the column {name!r} has the type {stored.type}; expected ids, which are texts.")
    values: list[str | None] = stored.to_pylist()
    if None in values:
        raise OptionError(f"{name} is null in row {values.index(None)}; expected an id in every row.")
    return values  # type: ignore[return-value]  # None was refused


def choose(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a word that is not one of a list.

    Raises:
        OptionError: says what was given and which words there are.
    """
    if not isinstance(value, str) or value not in allowed:
        raise OptionError(f"{name} is {quote(value)}; expected one of {list(allowed)}.")
