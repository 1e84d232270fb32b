"""Values and clips of some rows, straight from the Arrow table of a dataset.

`ds[i]` makes Python objects of a whole row, and copies embedded media. Here only the columns that are asked
for are touched, and a clip of embedded bytes is a view of the table's memory, which is the mapped file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import datasets
import numpy as np
import pyarrow as pa
from datasets.features.features import require_decoding

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.video import VideoClip

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DatasetTable"]

_ID = "utterance_id"
_ROWS_AT_ONCE = 4096


class DatasetTable:
    """Read access to some columns of a dataset, by row number. May be used by many threads, and pickled.

    Args:
        dataset: a `datasets.Dataset`; its format does not matter.
        columns: which columns; all if omitted, or those that the dataset's format shows.

    Raises:
        OptionError: not a Dataset, one with a transform, or a column that it does not have.
    """

    def __init__(self, dataset: datasets.Dataset, columns: Iterable[str] | None = None) -> None:
        if not isinstance(dataset, datasets.Dataset):
            hint = (
                "choose a split" if isinstance(dataset, dict) else "use a DataLoader with Collate for streams"
            )
            raise OptionError(f"the data is a {type(dataset).__name__}; expected a datasets.Dataset ({hint})")
        if dataset.format["type"] == "custom":
            raise OptionError(
                "the dataset has a transform, which reading its table would leave out. Use "
                "torch.utils.data.DataLoader, or take it off with ds.with_format(None)"
            )
        chosen = dataset.format["columns"] if columns is None else _names(columns)
        features = dataset.features
        unknown = [name for name in chosen if name not in features]
        if unknown:
            raise OptionError(f"no column {quote(unknown[0])}; expected some of {dataset.column_names}")
        self._dataset = dataset
        self.features: dict[str, Any] = {name: features[name] for name in chosen}
        self.num_rows: int = dataset.num_rows
        indices = dataset._indices
        self._indices = None if indices is None else indices.column(0)
        table = dataset.data.table
        self._columns = {name: _Column(table.column(name)) for name in chosen}
        self._ids = _Column(table.column(_ID)) if _ID in dataset.column_names else None

    def clips(self, name: str, rows: NDArray[np.int64]) -> list[AudioClip | None] | list[VideoClip | None]:
        """Return the clips of a media column; None for null."""
        feature = self.features[name]
        stored = self._columns[name].media(self._positions(rows))
        if isinstance(feature, datasets.Audio):
            rate, is_mono = feature.sampling_rate, feature.num_channels == 1
            return [one and AudioClip(*one, sampling_rate=rate, mono=is_mono) for one in stored]
        return [one and VideoClip(*one) for one in stored]

    def value(self, name: str, row: int) -> Any:
        """Return one value as `dataset[row][name]` gives it; a clip of embedded bytes is a view of the table."""
        feature = self.features[name]
        if isinstance(feature, datasets.Audio | datasets.Video):
            return self.clips(name, np.array([row]))[0]
        position = row if self._indices is None else self._indices[row].as_py()
        stored = self._columns[name].scalar(position).as_py()
        if not require_decoding(feature):
            return stored
        return datasets.Features({name: feature}).decode_example({name: stored})[name]

    def values(self, name: str, rows: NDArray[np.int64]) -> pa.ChunkedArray:
        """Return the values of any other column."""
        return self._columns[name].take(self._positions(rows))

    def ids(self, rows: NDArray[np.int64]) -> list[Any] | None:
        """Return the utterance ids, whether that column was chosen or not; None where the dataset has none."""
        return None if self._ids is None else self._ids.take(self._positions(rows)).to_pylist()

    def digest(self) -> str | None:
        """Return a digest of the utterance ids in their order; None where the dataset has none."""
        if self._ids is None:
            return None
        content = hashlib.sha256()
        for first in range(0, self.num_rows, _ROWS_AT_ONCE):
            rows = np.arange(first, min(first + _ROWS_AT_ONCE, self.num_rows))
            content.update(json.dumps(self.ids(rows)).encode())
        return content.hexdigest()[:32]

    def __reduce__(self) -> tuple[object, ...]:
        return DatasetTable, (self._dataset, list(self.features))

    def _positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn row numbers of the dataset into those of its table: `select` and `shuffle` keep a mapping."""
        if self._indices is None:
            return rows
        positions: NDArray[np.int64] = self._indices.take(pa.array(rows)).to_numpy().astype(np.int64)
        return positions


class _Column:
    """One column, in chunks. `ChunkedArray.take` costs time for each chunk there is, not each it needs."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column
        self._type = column.type
        self._starts = np.cumsum([0] + [len(chunk) for chunk in column.chunks])
        self._media: dict[int, _MediaChunk] = {}

    def take(self, positions: NDArray[np.int64]) -> pa.ChunkedArray:
        if len(positions) and (np.diff(positions) == 1).all():  # rows in their order: nothing to gather
            return self._column.slice(int(positions[0]), len(positions))
        chunks = self._chunks_of(positions)
        if _holds_vectors(self._type):  # `take` would first copy every chunk that it touches: megabytes each
            offsets = positions - self._starts[chunks]
            return pa.chunked_array(
                [
                    self._column.chunk(number).slice(offset, 1)
                    for number, offset in zip(chunks.tolist(), offsets.tolist(), strict=True)
                ],
                self._type,
            )
        needed, order = np.unique(chunks, return_inverse=True)
        parts = pa.chunked_array([self._column.chunk(int(number)) for number in needed], self._type)
        starts = np.cumsum([0] + [len(part) for part in parts.chunks])
        return parts.take(pa.array(positions - self._starts[chunks] + starts[order]))

    def scalar(self, position: int) -> pa.Scalar:
        number = int(np.searchsorted(self._starts, position, side="right")) - 1
        return self._column.chunk(number)[position - int(self._starts[number])]

    def media(self, positions: NDArray[np.int64]) -> Sequence[tuple[memoryview | None, str | None] | None]:
        """Return (bytes, path) of each position; the bytes are a view of the table."""
        chunks = self._chunks_of(positions)
        offsets = positions - self._starts[chunks]
        return [
            self._chunk(number).get(offset)
            for number, offset in zip(chunks.tolist(), offsets.tolist(), strict=True)
        ]

    def _chunks_of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._starts, positions, side="right") - 1

    def _chunk(self, number: int) -> _MediaChunk:
        chunk = self._media.get(number)
        if chunk is None:
            chunk = self._media[number] = _MediaChunk.of(self._column.chunk(number))
        return chunk


class _MediaChunk(NamedTuple):
    """The memory of a chunk of `struct<bytes, path>`; an Arrow scalar of bytes would copy them."""

    is_valid: NDArray[np.bool_] | None
    bytes_valid: NDArray[np.bool_] | None
    offsets: NDArray[np.integer]
    data: memoryview
    paths: pa.Array

    @classmethod
    def of(cls, array: pa.StructArray) -> _MediaChunk:
        content = array.field("bytes")
        _, offsets, data = content.buffers()
        width: type[np.integer] = np.int64 if pa.types.is_large_binary(content.type) else np.int32
        positions = np.frombuffer(offsets, width)[content.offset : content.offset + len(content) + 1]
        view = memoryview(b"" if data is None else data)
        return cls(_valid(array), _valid(content), positions, view, array.field("path"))

    def get(self, row: int) -> tuple[memoryview | None, str | None] | None:
        if self.is_valid is not None and not self.is_valid[row]:
            return None
        content = None
        if self.bytes_valid is None or self.bytes_valid[row]:
            content = self.data[self.offsets[row] : self.offsets[row + 1]]
        return content, self.paths[row].as_py()


def _holds_vectors(kind: pa.DataType) -> bool:
    """Return whether values are lists of one length, or lists of such: features of an encoder."""
    return bool(pa.types.is_fixed_size_list(kind.value_type if pa.types.is_list(kind) else kind))


def _valid(array: pa.Array) -> NDArray[np.bool_] | None:
    """Return which values are not null; None for all."""
    return array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None


def _names(columns: object) -> list[str]:
    """Return the names of columns; `columns` comes from the caller, and may be anything."""
    names = list(columns) if isinstance(columns, Iterable) and not isinstance(columns, str) else None
    if names is None or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise OptionError(f"columns is {quote(columns)}; expected a list of names, each once")
    return names
