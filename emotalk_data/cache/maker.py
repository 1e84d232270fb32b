"""What decides what is in a shard: the recipe of a copy, or what is wanted of a corpus that is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, cast

from emotalk_data.cache.making import Made, make_audio, make_video
from emotalk_data.cache.recipe import Recipe, VideoRecipe

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

__all__ = ["CopyMaker", "Maker", "MediaColumn"]

MediaColumn = Literal["audio", "video"]


class Maker(Protocol):
    """Decides what is in a shard. It is pickled for the processes that write.

    Attributes:
        footer_key: under which a shard's footer says whose it is.
        max_group_rows: rows of a row group at most: what a reader of one row has to read.
    """

    @property
    def footer_key(self) -> str: ...  # noqa: D102  # above

    @property
    def max_group_rows(self) -> int: ...  # noqa: D102

    @property
    def made(self) -> tuple[MediaColumn, ...]:
        """The columns that are made anew; all others stay as they are."""

    def schema(self, rows: datasets.Dataset) -> pa.Schema:
        """Return the schema of a shard of these rows."""

    def writer_options(self, schema: pa.Schema) -> dict[str, Any]:
        """Return what `pyarrow.parquet.ParquetWriter` is given beside file and schema."""

    def make(self, stored: Mapping[str, Any], column: MediaColumn) -> Made:
        """Return what is kept of a stored clip.

        Raises:
            EmotalkError: it cannot be made: its row has a null, and this reason.
        """


@dataclass(frozen=True)
class CopyMaker:
    """Makes the clips of a materialised copy.

    Attributes:
        recipe: how.
    """

    recipe: Recipe
    footer_key: ClassVar[str] = "emotalk-cache"
    max_group_rows: ClassVar[int] = 100  # of media, that is what `datasets` itself writes

    @property
    def made(self) -> tuple[MediaColumn, ...]:
        """The columns that the recipe makes."""
        columns: tuple[MediaColumn, ...] = ("audio", "video")
        return tuple(column for column in columns if getattr(self.recipe, column) is not None)

    def schema(self, rows: datasets.Dataset) -> pa.Schema:
        """Return the schema of the rows, with plain media for what is made.

        A rate that the source's column asks for, by `cast_column`, would have readers resample what was made.
        """
        import datasets

        made = {column: datasets.Audio() if column == "audio" else datasets.Video() for column in self.made}
        schema: pa.Schema = datasets.Features({**rows.features, **made}).arrow_schema
        return schema

    def writer_options(self, schema: pa.Schema) -> dict[str, Any]:  # noqa: ARG002  # the same for all columns
        """Write for training: read whole, by position, with sums."""
        return {
            "compression": "none",
            "use_dictionary": False,
            "write_statistics": False,
            "write_page_checksum": True,
        }

    def make(self, stored: Mapping[str, Any], column: MediaColumn) -> Made:
        """Decode a clip and keep what the recipe says.

        Raises:
            EmotalkError: as `make_audio` and `make_video`.
        """
        if column == "audio" and self.recipe.audio is not None:
            return make_audio(stored, self.recipe.audio)
        return make_video(stored, cast("VideoRecipe", self.recipe.video))
