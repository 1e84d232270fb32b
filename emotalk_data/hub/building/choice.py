"""What is wanted of a corpus: which columns, with media or without, in shards of how many rows."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from emotalk_data.cache.maker import MediaColumn
from emotalk_data.errors import OptionError, quote
from emotalk_data.hub.columns import COLUMN_MEANINGS, LABEL_COLUMNS

__all__ = ["MEDIA_COLUMNS", "BuildRecipe", "choose_columns"]

MEDIA_COLUMNS: Final[tuple[MediaColumn, ...]] = ("audio", "video")


class BuildRecipe(BaseModel):
    """Everything that decides what is in a build, apart from its source.

    Attributes:
        version: of what is done with these options.
        columns: names, in the order of the corpus. Of media, those that are written into the files.
        rows_per_shard: where one file ends and the next begins.
        schema_version: of the columns.
        clips: the bytes of the release's files; of a window of an episode, its sound as 16-bit wav.
        content_defined_chunking: pages end where the content says so: one row more changes few of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    columns: tuple[str, ...]
    rows_per_shard: Annotated[int, Field(ge=1)]
    schema_version: str
    clips: Literal["as released"] = "as released"
    content_defined_chunking: bool

    def key(self, source: str) -> str:
        """Return the digest that names a build: of this recipe and the source's digest."""
        text = json.dumps([self.model_dump(mode="json"), source], sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def media(self) -> tuple[MediaColumn, ...]:
        """The columns of sound and pictures."""
        return tuple(column for column in MEDIA_COLUMNS if column in self.columns)


def choose_columns(
    wanted: str | Sequence[str],
    corpus: Literal["emotalk", "m3ed"],
    present: Sequence[str],
    *,
    embed_media: bool,
) -> tuple[str, ...]:
    """Return the columns that are written, in the order of the corpus. The utterance's id always is.

    Args:
        wanted: "all", "labels" or names, several with commas between; "-NAME" takes one out again.
        corpus: whose columns.
        present: columns of the dataset.
        embed_media: whether sound and pictures are written; otherwise "all" leaves them out.

    Raises:
        OptionError: no such column, or media asked for in one way and refused in the other.
    """
    # Of a column that is none of the corpus nothing is known, not even whether it is somebody's file.
    known = [name for name in COLUMN_MEANINGS[corpus] if name in present]
    groups = {"all": known, "labels": [name for name in LABEL_COLUMNS[corpus] if name in known]}
    if not embed_media:
        groups["all"] = [name for name in known if name not in MEDIA_COLUMNS]
    chosen = {"utterance_id"}
    for word in _words(wanted):
        name = word.removeprefix("-")
        if name not in groups and name not in known:
            raise OptionError(_no_column(name, corpus, present, known))
        if word.startswith("-"):
            chosen.difference_update(groups.get(name, [name]))
        else:
            chosen.update(groups.get(name, [name]))
    columns = tuple(name for name in known if name in chosen or name == "utterance_id")
    media = [name for name in MEDIA_COLUMNS if name in columns]
    if media and not embed_media:
        raise OptionError(
            f"the column {media[0]!r} is asked for, and a build holds no references to files of this machine. "
            "Give embed_media (--embed-media) to write the clips themselves, or leave it out."
        )
    if embed_media and not media:
        raise OptionError("embed_media (--embed-media) is given, and neither 'audio' nor 'video' is chosen.")
    return columns


def _words(wanted: str | Sequence[str]) -> list[str]:
    parts: Any = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(parts, Sequence) or not all(isinstance(part, str) for part in parts):
        raise OptionError(f"columns is {quote(wanted)}; expected 'all', 'labels', or names of columns.")
    words = [word.strip() for part in parts for word in part.split(",")]
    if not any(words):
        raise OptionError("columns names none; expected 'all', 'labels', or names of columns.")
    return [word for word in words if word]


def _no_column(name: str, corpus: str, present: Sequence[str], known: Sequence[str]) -> str:
    if name in present:
        return f"the column {quote(name)} is none of {corpus}'s own; only those are built."
    close = difflib.get_close_matches(name, [*known, "all", "labels"], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"expected 'all', 'labels', or of {', '.join(known)}."
    return f"there is no column {quote(name)}; {hint}"
