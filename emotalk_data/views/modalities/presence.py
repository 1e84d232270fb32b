"""Which of text, audio and video each utterance has, seen from the columns alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.views.columns import check_dataset, column

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["INPUTS", "Input", "holds_something", "is_there", "presence"]

Input = Literal["text", "audio", "video"]

INPUTS: Final[tuple[Input, ...]] = ("text", "audio", "video")
"""What a model can be given of an utterance, in the order of every mask, `modality_mask` of a batch too."""

_FEATURES: Final = datasets.Features(
    {
        "utterance_id": datasets.Value("string"),
        **{f"has_{name}": datasets.Value("bool") for name in INPUTS},
    }
)


def presence(dataset: datasets.Dataset) -> datasets.Dataset:
    """Return which modalities are there, a row for each row, in its order.

    Nothing is decoded and no file is opened: a path that leads nowhere counts as there. A transcript that is
    empty is there as well: it says that no word was spoken, and it is True in `modality_mask` of a batch.

    Args:
        dataset: EmotionTalk or M3ED, any selection of it.

    Returns:
        Columns `utterance_id`, `has_text`, `has_audio`, `has_video` (bool, never null).

    Raises:
        OptionError: not a Dataset, or one of the columns `utterance_id`, `text`, `audio`, `video` is not there.
    """
    check_dataset(dataset, ["utterance_id", *INPUTS])
    arrays = [column(dataset, "utterance_id").cast(pa.string())]
    arrays += [pa.chunked_array([pa.array(is_there(dataset, name))]) for name in INPUTS]
    table = pa.Table.from_arrays(arrays, schema=_FEATURES.arrow_schema)
    return datasets.Dataset(table, info=datasets.DatasetInfo(features=_FEATURES), split=dataset.split)


def is_there(dataset: datasets.Dataset, name: str) -> NDArray[np.bool_]:
    """Return whether a modality's column holds something, shape (rows,); the media of a selection stay unread.

    Raises:
        OptionError: not a Dataset, or no such column.
    """
    check_dataset(dataset, [name])
    there = holds_something(dataset.data.table.column(name))
    return there if dataset._indices is None else there[dataset._indices.column(0).to_numpy()]


def holds_something(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which values are not null; of media, those that have a path or bytes."""
    parts = [np.zeros(0, np.bool_)]
    for chunk in values.chunks:
        there = chunk.is_valid()
        if pa.types.is_struct(chunk.type):
            there = pc.and_(there, pc.or_(chunk.field("path").is_valid(), chunk.field("bytes").is_valid()))
        parts.append(np.asarray(there, np.bool_))
    return np.concatenate(parts)
