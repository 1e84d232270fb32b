"""Rows of a dataset as one batch of padded tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from emotalk_data.errors import OptionError, quote
from emotalk_data.torch.columns import Kind, kind_of_feature, kind_of_values, tensor_of_values
from emotalk_data.torch.frames import Padded
from emotalk_data.torch.media_batch import Ids, MediaOptions, OnError, clips_of, decode_clips
from emotalk_data.torch.memory import NewMemory, RecycledMemory

if TYPE_CHECKING:
    from emotalk_data.torch.memory import Memory

__all__ = ["Batch", "Collate", "assemble", "collate"]

_MODALITIES = ("text", "audio", "video")


class Batch(dict[str, Any]):
    """A batch: column names to tensors and lists. `to` moves the tensors to a device."""

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Self:
        """Return a batch with all tensors on a device.

        Args:
            device: such as "cuda".
            non_blocking: do not wait for the copies; they are in order with other work on the device.
        """
        return type(self)(
            {
                name: value.to(device, non_blocking=non_blocking)
                if isinstance(value, torch.Tensor)
                else value
                for name, value in self.items()
            }
        )

    def __repr__(self) -> str:
        parts = (
            f"{name}={str(value.dtype).removeprefix('torch.')}{tuple(value.shape)}"
            if isinstance(value, torch.Tensor)
            else f"{name}={type(value).__name__}({len(value)})"
            for name, value in self.items()
        )
        return f"Batch({', '.join(parts)})"


class Collate:
    """Makes a batch of rows: `DataLoader(ds, batch_size=32, collate_fn=Collate(…))`. Can be pickled.

    Rows are dicts as `ds[i]` gives them, with the clips as they are (no format). Only columns that are there
    come out:

        audio           float32 (batch, channels, samples), zeros behind the end of each
        audio_lengths   int64 (batch,), samples of each; 0 where there is no sound
        video           uint8 (batch, frames, height, width, 3), RGB; only if `frames` is given
        video_lengths   int64 (batch,), frames of each; 0 where there are no pictures
        modality_mask   bool (batch, 3): whether text, audio, video of the row are in this batch
        whole numbers   int64 (batch,), -100 for null: ClassLabels, so that losses of torch leave null out
        other numbers   float64 (batch,), NaN for null
        booleans        bool (batch,); null is refused
        lists of one length    numbers, (batch, length), -100 or NaN for null; needs `features`
        frames          (batch, frames, D): lists of vectors of one length, zeros behind the end of each; needs
                        `features`. `<name>_lengths` says how many there are, 0 for null
        lists of floats    (batch, frames): of any length, such as the times of frames; padded, with lengths and
                        needing `features` as frames do
        anything else   a list: texts, ids, nested values, whole numbers in lists of any length
        errors          with `on_error="mask"`: a list of `Failure`

    Args:
        sampling_rate: resample to this rate, in Hz; None for the source's, which must be the same in a batch.
        mono: the mean of the channels; without it all clips of a batch must have as many channels.
        frames: so many evenly spaced frames of each video; None leaves pictures out.
        frame_size: (height, width), or an int for the shorter side; None needs videos of one size.
        on_error: what becomes of a clip that cannot be decoded: "raise", or "mask": it counts as absent.
        num_threads: threads that decode the clips of a batch; more than 1 pays without worker processes.
        features: `ds.features`: which column is what, also in a batch where all its values are null. Without
            it that is seen from the values, and for the corpora's own columns known.

    Raises:
        OptionError: an option that cannot be.
    """

    def __init__(
        self,
        *,
        sampling_rate: int | None = None,
        mono: bool = True,
        frames: int | None = None,
        frame_size: int | tuple[int, int] | None = None,
        on_error: OnError = "raise",
        num_threads: int = 1,
        features: Mapping[str, Any] | None = None,
    ) -> None:
        self._options = MediaOptions(sampling_rate, mono, frames, frame_size, on_error, num_threads)
        self._kinds = {name: kind_of_feature(feature) for name, feature in (features or {}).items()}
        self._memories = _memories()

    def __call__(self, rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]) -> Batch:
        """Return the batch.

        Args:
            rows: a list of rows, or columns as `ds[0:32]` gives them.

        Raises:
            OptionError: no rows, rows of different columns, or clips of different rates, channels or sizes.
            EmotalkError: a clip cannot be decoded, or is not there.
        """
        columns = rows if isinstance(rows, Mapping) else _columns_of(rows)
        if any(map(_is_one_value, columns.values())):
            raise OptionError(
                f"got one row; expected a list of rows, such as [ds[0]] or ds[0:1]: {quote(rows)}"
            )
        if not columns or len({len(values) for values in columns.values()}) != 1:
            raise OptionError(f"rows is {quote(rows)}; expected columns of the same length")
        kinds = {name: self._kinds.get(name) or kind_of_values(name, columns[name]) for name in columns}
        values: dict[str, Any] = {}
        for name, kind in kinds.items():
            if kind in ("audio", "video"):
                values[name] = clips_of(name, kind, columns[name])
            else:
                values[name] = tensor_of_values(name, kind, columns[name])
        num_rows = len(next(iter(columns.values())))
        return assemble(
            values, kinds, num_rows, self._options, self._memories, ids=lambda: columns.get("utterance_id")
        )


def collate(
    rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]],
    *,
    sampling_rate: int | None = None,
    mono: bool = True,
    frames: int | None = None,
    frame_size: int | tuple[int, int] | None = None,
    on_error: OnError = "raise",
    num_threads: int = 1,
    features: Mapping[str, Any] | None = None,
) -> Batch:
    """Make one batch of rows; `Collate` says what it holds, what the arguments mean and what is raised."""
    return Collate(
        sampling_rate=sampling_rate,
        mono=mono,
        frames=frames,
        frame_size=frame_size,
        on_error=on_error,
        num_threads=num_threads,
        features=features,
    )(rows)


def assemble(
    values: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    num_rows: int,
    options: MediaOptions,
    memories: Mapping[str, Memory],
    *,
    ids: Ids,
) -> Batch:
    """Decode the clips among `values` and add lengths and the mask of modalities.

    Args:
        values: by column: a list of clips, a tensor, or a list.
        kinds: what each column is.
        num_rows: rows of the batch.
        options: how clips are decoded.
        memories: where to, by kind; new memory where none is given.
        ids: function that returns the utterance ids of the rows, if known; asked when a clip fails.
    """
    batch = Batch()
    failures = []
    mask = np.zeros((num_rows, len(_MODALITIES)), dtype=bool)
    if "text" in values:
        mask[:, 0] = [text is not None for text in values["text"]]
    for name, value in values.items():
        kind = kinds[name]
        if isinstance(value, Padded):
            batch[name], batch[f"{name}_lengths"] = value
        elif kind not in ("audio", "video"):
            batch[name] = value
        elif kind == "audio" or options.frames is not None:
            memory = memories.get(kind) or NewMemory()
            batch[name], lengths, failed = decode_clips(name, kind, value, ids, options, memory)
            batch[f"{name}_lengths"] = torch.from_numpy(lengths)
            failures += failed
            if name in _MODALITIES:
                mask[:, _MODALITIES.index(name)] = lengths > 0
    batch["modality_mask"] = torch.from_numpy(mask)
    if options.on_error == "mask":
        batch["errors"] = failures
    return batch


def _columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    if not rows:
        raise OptionError("a batch needs at least one row; there are none")
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise OptionError(f"rows is {quote(rows)}; expected a list of rows, each a dict")
    names = rows[0].keys()
    for number, row in enumerate(rows):
        if row.keys() != names:
            different = sorted(set(names) ^ set(row.keys()), key=str)
            raise OptionError(f"rows 0 and {number} differ in columns {quote(different)}; expected the same")
    return {name: [row[name] for row in rows] for name in names}


def _is_one_value(column: Any) -> bool:
    """Whether this is a value of one row; a column is a list, or an array of one dimension or more."""
    is_sized = hasattr(column, "__len__") and getattr(column, "ndim", 1) > 0
    return not is_sized or isinstance(column, str | bytes | Mapping)


def _memories() -> dict[str, Memory]:
    """Make the memory of a collate function: in the hands of the loop, and being filled."""
    return {"audio": RecycledMemory(np.float32, 2), "video": RecycledMemory(np.uint8, 2)}
