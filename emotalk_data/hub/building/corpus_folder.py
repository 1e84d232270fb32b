"""`build_dataset`: a corpus, or its labels, as a folder of Parquet that plain `datasets` opens."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from emotalk_data._optional import installed_version
from emotalk_data._whole_file import whole_file
from emotalk_data.archives.location import split_window
from emotalk_data.builder.base import SCHEMA_VERSION
from emotalk_data.builder.copy_manifest import CopySplit
from emotalk_data.builder.folder_paths import out_folder
from emotalk_data.builder.shard_plan import Job, SplitName, Splits, arrow_rows, corpus_of, plan
from emotalk_data.cache.estimate import Estimate, estimate
from emotalk_data.cache.filling import check_num_proc, fill
from emotalk_data.cache.source import checked_source, source_digest
from emotalk_data.errors import CacheWriteError, OptionError, quote
from emotalk_data.hub.building.choice import BuildRecipe, choose_columns
from emotalk_data.hub.building.embedding import BuildMaker, can_chunk_by_content
from emotalk_data.hub.building.manifest import BuildManifest
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME

if TYPE_CHECKING:
    import datasets

__all__ = ["DEFAULT_SHARD_SIZE", "Built", "build_dataset", "estimate_build"]

DEFAULT_SHARD_SIZE: Final = "500MB"

_LIBRARIES: Final = ("emotalk-data", "datasets", "pyarrow", "numpy")
_BLOCK_ROWS: Final = 1_000


class Built(NamedTuple):
    """What a call of `build_dataset` did.

    Attributes:
        folder: the folder.
        manifest: what is in it, failures included.
        num_rows: rows that this call wrote; 0 when all was there already.
        seconds: how long that took.
    """

    folder: Path
    manifest: BuildManifest
    num_rows: int
    seconds: float


@dataclass(frozen=True)
class _Plan:
    """What is to be written.

    Attributes:
        corpus: whose rows.
        splits: the rows, with the chosen columns.
        maker: what is in the shards.
        jobs: all shards.
        expected: sizes of the whole.
    """

    corpus: Literal["emotalk", "m3ed"]
    splits: Splits
    maker: BuildMaker
    jobs: Mapping[SplitName, list[Job]]
    expected: Estimate


def build_dataset(
    dataset: datasets.Dataset | datasets.DatasetDict,
    out: str | os.PathLike[str],
    *,
    embed_media: bool = False,
    columns: str | Sequence[str] = "all",
    rows_per_shard: int | None = None,
    max_shard_size: int | str | None = None,
    num_proc: int | None = None,
) -> Built:
    """Write a corpus as a folder that is a dataset repository of the Hub, for one's own private use.

    `datasets.load_dataset(out)` opens it, with none of our code. A call that was stopped, by Ctrl-C or a kill,
    goes on when it is made again. Every row is there: a clip that cannot be read is null in it, counted, and
    listed with its reason in `emotalk-build.json`.

    Args:
        dataset: EmotionTalk or M3ED, whole, a split, or a selection. A Dataset that is no split counts as
            "train".
        out: a folder: new, empty, or with a part of the same build. Not inside of the release: the next reading
            of that would take it for a part of it.
        embed_media: write sound and pictures into the files, the release's own bytes under the file's own name;
            of a window of an episode its sound, as wav. Without it there are no such columns: never is a path of
            this machine written.
        columns: "all", "labels" (ids, labels and times), or names, several with commas between; "-NAME" takes
            one out again, as in "all,-video". The utterance's id is always there.
        rows_per_shard: rows of one file, and so what a kill costs at most.
        max_shard_size: instead, about how large a file may be, in bytes or as "500MB", which is the default.
        num_proc: processes; None is this one alone. The files are the same for any number.

    Raises:
        OptionError: an option that cannot be; a dataset with a transform, or of several splits in one; video
            that is a window of an episode; or the folder is in use: by other files, by another build (what
            differs is said), or by another process.
        CacheWriteError: too little space, or the folder may not be written to.
        CacheCorruptError: the manifest in the folder is damaged.
    """
    num_processes = check_num_proc(num_proc)
    path = out_folder(out)
    planned = _planned(dataset, embed_media, columns, rows_per_shard, max_shard_size)
    began = time.perf_counter()
    manifest, num_rows = fill(
        *(path, planned.splits, planned.maker, _manifest(planned), planned.jobs),
        num_proc=num_processes,
        called="building",
        less="one split, or fewer columns",
        finish=lambda manifest: _describe(manifest, path),
    )
    return Built(path, manifest, num_rows, time.perf_counter() - began)


def estimate_build(
    dataset: datasets.Dataset | datasets.DatasetDict,
    *,
    embed_media: bool = False,
    columns: str | Sequence[str] = "all",
    rows_per_shard: int | None = None,
    max_shard_size: int | str | None = None,
) -> tuple[Estimate, tuple[str, ...]]:
    """Say how large a build would be, and which columns it has; nothing is written.

    Up to 32 rows are read to measure it. Arguments and `OptionError` are those of `build_dataset`.
    """
    planned = _planned(dataset, embed_media, columns, rows_per_shard, max_shard_size)
    num_shards = sum(map(len, planned.jobs.values()))
    return planned.expected._replace(num_shards=num_shards), planned.maker.recipe.columns


def _planned(
    dataset: datasets.Dataset | datasets.DatasetDict,
    embed_media: bool,
    columns: str | Sequence[str],
    rows_per_shard: int | None,
    max_shard_size: int | str | None,
) -> _Plan:
    max_bytes = _checked_size(rows_per_shard, max_shard_size)
    splits = checked_source(dataset, ())
    present = next(iter(splits.values())).column_names
    corpus = corpus_of(splits)
    chosen = choose_columns(columns, corpus, present, embed_media=embed_media)
    recipe = BuildRecipe(
        columns=chosen,
        rows_per_shard=rows_per_shard or 1,
        schema_version=SCHEMA_VERSION,
        content_defined_chunking=can_chunk_by_content(),
    )
    splits = {split: rows.select_columns(list(chosen)) for split, rows in splits.items()}
    checked_source(splits, recipe.media)
    if "video" in chosen:
        _refuse_windows(splits)
    lengths = {split: len(rows) for split, rows in splits.items()}
    all_rows = [Job(split, "", 0, length) for split, length in lengths.items()]
    expected = estimate(splits, all_rows, BuildMaker(recipe))
    if rows_per_shard is None:
        row_bytes = max(expected.size_bytes / max(expected.num_rows, 1), 1)
        recipe = recipe.model_copy(update={"rows_per_shard": max(int(max_bytes / row_bytes), 1)})
    return _Plan(corpus, splits, BuildMaker(recipe), plan(lengths, recipe.rows_per_shard), expected)


def _checked_size(rows_per_shard: object, max_shard_size: int | str | None) -> int:
    """Return how large a shard may be; what it says of rows goes before it."""
    from datasets.utils.py_utils import convert_file_size_to_int

    if rows_per_shard is not None and not (type(rows_per_shard) is int and rows_per_shard >= 1):
        raise OptionError(f"rows_per_shard is {quote(rows_per_shard)}; expected 1 or more, or None.")
    if rows_per_shard is not None and max_shard_size is not None:
        raise OptionError("rows_per_shard and max_shard_size exclude each other; give one of them.")
    try:
        size = int(convert_file_size_to_int(DEFAULT_SHARD_SIZE if max_shard_size is None else max_shard_size))
    except (ValueError, TypeError, AttributeError):
        size = 0
    if size < 1:
        raise OptionError(f"max_shard_size is {quote(max_shard_size)}; expected bytes, or such as '500MB'.")
    return size


def _refuse_windows(splits: Splits) -> None:
    """Refuse videos that are windows of episodes: cutting them out would be to encode them anew.

    Raises:
        OptionError: there is one.
    """
    for split, rows in splits.items():
        for start in range(0, len(rows), _BLOCK_ROWS):
            stop = min(start + _BLOCK_ROWS, len(rows))
            stored = arrow_rows(rows.select_columns(["video"]), start, stop).column("video").combine_chunks()
            for path in stored.field("path").to_pylist():
                if path is not None and split_window(path)[1:] != (None, None):
                    raise OptionError(
                        f"the videos of {split} are windows of episodes, which are no files, and a build keeps "
                        "files as they are. Leave them out (columns='all,-video'), or keep frames of them with "
                        "`emotalk cache --frame-rate`."
                    )


def _manifest(planned: _Plan) -> BuildManifest:
    """Return the manifest before there is any shard."""
    recipe = planned.maker.recipe
    source = source_digest(planned.splits, planned.maker.made)
    return BuildManifest(
        corpus=planned.corpus,
        key=recipe.key(source),
        recipe=recipe.model_dump(mode="json"),
        source=source,
        is_complete=False,
        splits={
            split: CopySplit(num_rows=len(planned.splits[split]), num_shards=len(part))
            for split, part in planned.jobs.items()
        },
        libraries={name: installed_version(name) or "unknown" for name in _LIBRARIES},
    )


def _describe(manifest: BuildManifest, folder: Path) -> None:
    """Write card and Croissant, where they are not there as they should be."""
    from emotalk_data.hub.building.description import build_card, build_croissant

    texts = {CARD_NAME: build_card(manifest, folder), CROISSANT_NAME: build_croissant(manifest, folder)}
    for name, text in texts.items():
        path = folder / name
        try:
            if path.is_file() and path.read_bytes() == text.encode():
                continue
            with whole_file(path) as file:
                file.write(text.encode())
        except OSError as error:
            raise CacheWriteError(
                f"cannot write {quote(str(path), 200)}: {error.strerror or error}. The shards stay; the same "
                "call goes on.",
                path=str(path),
            ) from error
