"""One clip as a build keeps it: the bytes of the release's own file, under its name and never its place."""

from __future__ import annotations

import inspect
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from emotalk_data.archives.location import split_window
from emotalk_data.archives.source import open_source
from emotalk_data.cache.making import Made, file_name, kept_name, make_wav
from emotalk_data.errors import AudioError, EmotalkError, LimitError, VideoError, quote
from emotalk_data.hub.building.choice import BuildRecipe
from emotalk_data.hub.local_paths import find_local_path
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.video import VideoClip

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

    from emotalk_data.cache.maker import MediaColumn

__all__ = ["BuildMaker", "can_chunk_by_content", "embed", "stock_features"]

_MAX_CLIP_BYTES: Final = 1 << 30
_SUFFIXES: Final[Mapping[str, str]] = {"audio": ".wav", "video": ".mp4"}


@dataclass(frozen=True)
class BuildMaker:
    """Decides what is in the shards of a build.

    Attributes:
        recipe: what is wanted.
    """

    recipe: BuildRecipe
    footer_key: ClassVar[str] = "emotalk-build"

    @property
    def max_group_rows(self) -> int:
        """Rows of a group: with media few, so that reading one row or showing a page does not take them all."""
        return 100 if self.recipe.media else 10_000

    @property
    def made(self) -> tuple[MediaColumn, ...]:
        """The columns of sound and pictures."""
        return self.recipe.media

    def schema(self, rows: datasets.Dataset) -> pa.Schema:
        """Return the schema with stock types only: whoever opens the files has none of our code."""
        schema: pa.Schema = stock_features(rows.features).arrow_schema
        return schema

    def writer_options(self, schema: pa.Schema) -> dict[str, Any]:
        """Write for streaming and for the Hub: sums, a page index, and small columns compressed.

        Sound and pictures are compressed already, and statistics of them would hold bytes of them.
        """
        small = [path for path in _leaves(schema) if path.partition(".")[0] not in self.made]
        options: dict[str, Any] = {
            "compression": dict.fromkeys(small, "zstd"),
            "use_dictionary": small,
            "write_statistics": small,
            "write_page_checksum": True,
            "write_page_index": True,
        }
        if self.recipe.content_defined_chunking:
            options["use_content_defined_chunking"] = True
        return options

    def make(self, stored: Mapping[str, Any], column: MediaColumn) -> Made:
        """Return the bytes of a clip.

        Raises:
            EmotalkError: as `embed`.
        """
        return embed(stored, column)


def embed(stored: Mapping[str, Any], column: MediaColumn) -> Made:
    """Return the content of a stored clip, unchanged, once its header is found to be sound.

    A window of an episode is no file: of its sound a wav is made, at the episode's rate and with its channels.

    Args:
        stored: `bytes` and `path`, as in the table.
        column: what it is.

    Raises:
        EmotalkError: it cannot be read, or is damaged. The message names the file and not where it lies.
    """
    path = stored["path"] or ""
    name = f"clip{_SUFFIXES[column]}"  # for messages, where it has no name and where its name cannot be
    try:
        file, start, end = split_window(path)
        name = kept_name(path, _SUFFIXES[column]) or name
        if start is None and end is None:
            name = file_name(file) or name
            return _whole(stored, name, column)
        if column == "video":
            raise VideoError("it is a window of an episode, which is no file")
        return make_wav(stored, sampling_rate=None, mono=False)
    except EmotalkError as error:
        reason = _without_place(error, path, name)
    # Not in the handler: the error that is passed on would carry the other one, with the path, as its context.
    raise (AudioError if column == "audio" else VideoError)(reason)


def _whole(stored: Mapping[str, Any], name: str, column: MediaColumn) -> Made:
    source = open_source(data=stored["bytes"], path=stored["path"])
    if source.size_bytes > _MAX_CLIP_BYTES:
        raise LimitError(f"it has {source.size_bytes:,} bytes; no clip of a release has 1 GiB")
    data = bytes(source.read_all())
    # Headers are held against lengths and packets counted: a cut file would stop whoever decodes the row.
    if column == "audio":
        _ = AudioClip(data, name).num_samples
    else:
        _ = VideoClip(data, name).num_frames
    return Made(data, name if stored["path"] else None)


def _without_place(error: EmotalkError, path: str, name: str) -> str:
    """Return what went wrong with a clip, without the place on this machine where it lies."""
    text = error.message.replace(path, name) if path else error.message
    # A message may quote a part of the path, or the archive around the clip.
    if find_local_path(text) or "::" in text or "://" in text:
        cause = error.__cause__
        why = cause.strerror if isinstance(cause, OSError) and cause.strerror else type(error).__name__
        return f"{quote(name)} cannot be read: {why}"
    return text if name in text else f"{quote(name)}: {text}"


def stock_features(features: datasets.Features) -> datasets.Features:
    """Return the columns with the types of `datasets` itself, at no chosen rate: as the files hold them."""
    import datasets

    def stock(feature: Any) -> Any:
        if isinstance(feature, datasets.Audio):
            return datasets.Audio()
        return datasets.Video() if isinstance(feature, datasets.Video) else feature

    return datasets.Features({name: stock(feature) for name, feature in features.items()})


def can_chunk_by_content() -> bool:
    """Say whether the pyarrow here cuts pages by their content, which makes uploads of changed files small."""
    import pyarrow.parquet as pq

    return "use_content_defined_chunking" in inspect.signature(pq.ParquetWriter.__init__).parameters


def _leaves(schema: pa.Schema) -> list[str]:
    """Return the paths of the Parquet columns: pyarrow takes options by them."""
    import pyarrow.parquet as pq

    empty = io.BytesIO()
    pq.ParquetWriter(empty, schema).close()
    columns = pq.read_metadata(empty).schema
    return [columns.column(number).path for number in range(len(columns.names))]
