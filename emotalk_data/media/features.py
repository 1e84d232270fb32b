"""The `audio` and `video` columns: `datasets.Audio` and `.Video` that decode to lazy clips, without torch.

What is stored and what is written on files stays that of the stock classes: `_type` is "Audio" or "Video",
the storage `struct<bytes, path>`. So whoever opens our files without this package sees ordinary media
columns, and so does the viewer of the Hub. In return, files that were written and opened again come back
with the stock classes, and `cast_media` turns them into ours.

Before `datasets` writes a file it asks for the size of every path, and `save_to_disk` and `push_to_hub` copy
local files into the rows, by the stock classes: it rebuilds the features from the file's schema. A time window
is no file, so its path is stored as a reference (`emotalk_data.archives.fragments`), which is never copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.archives.location import Location, split_window
from emotalk_data.errors import AudioError, OptionError, VideoError, quote
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.clip import MediaClip
from emotalk_data.media.video import VideoClip
from emotalk_data.media.wav_samples import wav_bytes

if TYPE_CHECKING:
    AnyDataset = TypeVar(
        "AnyDataset",
        datasets.Dataset,
        datasets.DatasetDict,
        datasets.IterableDataset,
        datasets.IterableDatasetDict,
    )

__all__ = ["Audio", "Video", "cast_media", "use_media_types"]

_STORAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


@dataclass
class Audio(datasets.Audio):  # type: ignore[misc]
    """A column of sound whose rows are `AudioClip`.

    Args:
        sampling_rate: clips resample to this rate, in Hz; None for each source's own.
        num_channels: 1 makes clips mono (the mean of the channels); None keeps the source's channels.
        decode: False gives the stored `{"bytes", "path"}`.
        stream_index: only None or 0, the first audio stream, is supported.

    Raises:
        OptionError: another `num_channels` or `stream_index`.
    """

    _type: str = field(default="Audio", init=False, repr=False)

    def __post_init__(self) -> None:
        if self.num_channels not in (None, 1):
            raise OptionError(f"num_channels is {self.num_channels!r}; expected None (all) or 1 (mono)")
        if self.stream_index not in (None, 0):
            raise OptionError(f"stream_index is {self.stream_index!r}; expected None, the first audio stream")

    def encode_example(self, value: Any) -> dict[str, Any]:
        """Turn one value into what is stored; nothing is read, and torch is not needed.

        Args:
            value: a path (`str` or `Path`), the bytes of a sound file, an `AudioClip`, `{"bytes", "path"}`, or
                `{"array", "sampling_rate"}` with an array of shape (samples,) or (channels, samples), which
                becomes a float32 wav. Where bytes and a path are given both are kept, also when the path is a
                local file: the stock class drops the bytes then.

        Raises:
            OptionError: None, or anything else.
        """
        if isinstance(value, Mapping) and not isinstance(value, MediaClip) and value.get("array") is not None:
            return {"bytes": _encode_array(value), "path": value.get("path")}
        return _encode(value, "an audio value")

    def decode_example(self, value: Any, token_per_repo_id: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Return a lazy `AudioClip` for a stored value; a clip, or anything else, is returned as it is."""
        stored = _stored(self.decode, value)
        if stored is None:
            return value
        if stored == (None, None):
            raise AudioError("an audio value has neither bytes nor a path; expected one of them, or null")
        return AudioClip(*stored, sampling_rate=self.sampling_rate, mono=self.num_channels == 1)

    def cast_storage(self, storage: pa.Array) -> pa.StructArray:
        """Cast paths, bytes, structs of either, or structs with an `array` to the storage type."""
        if pa.types.is_struct(storage.type) and storage.type.get_field_index("array") >= 0:
            rows = [None if row is None else self.encode_example(row) for row in storage.to_pylist()]
            return pa.array(rows, type=_STORAGE)
        return _with_references(super().cast_storage(_plain(storage)))


@dataclass
class Video(datasets.Video):  # type: ignore[misc]
    """A column of video whose rows are `VideoClip`.

    The options of the stock class that steer torchcodec (`dimension_order`, `num_ffmpeg_threads`, `device`,
    `seek_mode`) are kept, so that they survive a round trip, and have no effect here.

    Args:
        decode: False gives the stored `{"bytes", "path"}`.
    """

    _type: str = field(default="Video", init=False, repr=False)

    def encode_example(self, value: Any) -> dict[str, Any]:
        """Turn a path, bytes, a `VideoClip` or `{"bytes", "path"}` into what is stored; nothing is read.

        Raises:
            OptionError: None, or anything else.
        """
        return _encode(value, "a video value")

    def decode_example(self, value: Any, token_per_repo_id: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Return a lazy `VideoClip` for a stored value or a path; anything else is returned as it is."""
        stored = _stored(self.decode, {"path": value, "bytes": None} if isinstance(value, str) else value)
        if stored is None:
            return value
        if stored == (None, None):
            raise VideoError("a video value has neither bytes nor a path; expected one of them, or null")
        return VideoClip(*stored)

    def cast_storage(self, storage: pa.Array) -> pa.StructArray:
        """Cast paths, bytes, or structs of either to the storage type."""
        return _with_references(super().cast_storage(_plain(storage)))


def use_media_types(features: datasets.Features) -> datasets.Features:
    """Return a copy of `features` in which every stock `Audio` and `Video`, however deep, is ours.

    Options are kept; those that our classes refuse raise `OptionError`.
    """
    return datasets.Features({name: _replaced(feature) for name, feature in features.items()})


def cast_media(dataset: AnyDataset) -> AnyDataset:
    """Give a dataset's media columns the types of this package.

    For datasets that were opened from Parquet or by `load_from_disk`, which come back with the stock types.
    Data is neither read nor copied for columns that are media themselves. A column that only contains
    media, in a list or struct, is cast by `datasets`, which writes a cache file.

    Returns:
        A new dataset; the same one when there is nothing to do, or when a stream does not know its features.

    Raises:
        OptionError: not a dataset, or a stock option that our classes refuse.
    """
    if isinstance(dataset, datasets.DatasetDict | datasets.IterableDatasetDict):
        return type(dataset)({split: cast_media(part) for split, part in dataset.items()})
    if not isinstance(dataset, datasets.Dataset | datasets.IterableDataset):
        raise OptionError(f"dataset is a {type(dataset).__name__}; expected one of `datasets`")
    for name, feature in (dataset.features or {}).items():
        replaced = _replaced(feature)
        if type(replaced) is not type(feature) or replaced != feature:
            dataset = dataset.cast_column(name, replaced)
    return dataset


def _replaced(feature: Any) -> Any:
    """Return the feature with stock media types replaced, through lists and structs."""
    if isinstance(feature, dict):
        return {name: _replaced(inner) for name, inner in feature.items()}
    if isinstance(feature, list | tuple):
        return [_replaced(inner) for inner in feature]
    if isinstance(feature, datasets.LargeList):
        return datasets.LargeList(_replaced(feature.feature), id=feature.id)
    if isinstance(feature, datasets.List):
        return datasets.List(_replaced(feature.feature), length=feature.length, id=feature.id)
    for stock, ours in ((datasets.Audio, Audio), (datasets.Video, Video)):
        if type(feature) is stock:
            return ours(**{name: value for name, value in vars(feature).items() if name != "_type"})
    return feature


def _encode(value: Any, what: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {"bytes": None, "path": _as_stored(value)}
    if isinstance(value, Path):
        return {"bytes": None, "path": str(value.absolute())}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": bytes(value), "path": None}
    if isinstance(value, Mapping):
        data, path = value.get("bytes"), value.get("path")
        if data is not None or path is not None:
            return {
                "bytes": bytes(data) if isinstance(data, bytearray | memoryview) else data,
                "path": str(path.absolute()) if isinstance(path, Path) else path and _as_stored(path),
            }
    raise OptionError(
        f"{what} is {quote(value)}; expected a path, bytes, a clip, or a dict with 'bytes' or 'path'"
    )


def _encode_array(value: Mapping[str, Any]) -> bytes:
    """Write `{"array", "sampling_rate"}` as a float32 wav in memory."""
    samples = np.asarray(value["array"], dtype=np.float32)
    rate = value.get("sampling_rate")
    if samples.ndim not in (1, 2) or samples.size == 0 or (samples.ndim == 2 and samples.shape[0] > 8):
        expected = "(samples,) or (channels, samples), with 1 to 8 channels"
        raise OptionError(f"array has shape {samples.shape}; expected {expected}")
    if not isinstance(rate, int | np.integer) or isinstance(rate, bool) or not 8_000 <= rate <= 192_000:
        raise OptionError(f"sampling_rate is {rate!r}; expected 8000 to 192000 Hz beside an array")
    return wav_bytes(samples, int(rate))


def _stored(is_decoding: bool, value: Any) -> tuple[bytes | None, str | None] | None:
    """Return the two stored fields; None for a value that needs no decoding."""
    if not is_decoding:
        raise RuntimeError("Decoding is disabled for this feature; make it with decode=True")
    if isinstance(value, MediaClip) or not isinstance(value, Mapping):
        return None
    return value.get("bytes"), value.get("path")


def _plain(storage: pa.Array) -> pa.Array:
    """Cast string and binary types that the stock classes do not know to those they do."""
    if pa.types.is_large_string(storage.type) or pa.types.is_string_view(storage.type):
        return storage.cast(pa.string())
    if pa.types.is_binary_view(storage.type) or pa.types.is_fixed_size_binary(storage.type):
        return storage.cast(pa.binary())
    return storage


def _as_stored(path: str) -> str:
    """Write a path with a time window as a reference; leave any other as it is."""
    return Location.parse(path).as_reference() if split_window(path)[1:] != (None, None) else path


def _with_references(storage: pa.StructArray) -> pa.StructArray:
    """Write the paths of a column that have a time window as references."""
    paths = storage.field("path")
    if not pc.any(pc.match_substring(paths, "#t=")).as_py():
        return storage
    rows = storage.to_pylist()
    for row in rows:
        if row is not None and row["path"] is not None:
            row["path"] = _as_stored(row["path"])
    return pa.array(rows, type=_STORAGE)
