"""What the builders of both corpora share: where the cache is, and what became of every record."""

from __future__ import annotations

import abc
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, TypeVar, get_args

import datasets
import pyarrow as pa
from datasets.builder import Key
from datasets.exceptions import DatasetGenerationError

from emotalk_data.builder.cache_errors import typed_cache_errors
from emotalk_data.errors import (
    CacheCorruptError,
    EmotalkError,
    OptionError,
    ReleaseError,
    ReleaseInvalidError,
    ReleaseNotFoundError,
    quote,
)
from emotalk_data.loaders.gc_pause import garbage_collection_paused
from emotalk_data.loaders.listing import Listing, list_release
from emotalk_data.loaders.report import Report

__all__ = ["SCHEMA_VERSION", "OnInvalid", "ReleaseBuilder", "shards_of"]

SCHEMA_VERSION: Final = "0.1.0"
"""Changes whenever the columns, or how they are filled, change: caches of before are then not used."""

OnInvalid = Literal["report", "drop", "raise"]

# `datasets` replaces `open`, `Path` and more in a builder's module by ones that read remote files, and imports
# scipy and pandas for it. A release is on disk and is read by `loaders`: this says that it has been done.
_patched_for_streaming = True

_REPORT_PREFIX: Final = "problems-"
_SHARD_ROWS: Final = 256
"""Rows of a shard, about: a few milliseconds of work, and enough shards for any `num_proc`."""

Group = TypeVar("Group")


class ReleaseBuilder(datasets.ArrowBasedBuilder):  # type: ignore[misc]  # datasets ships no types
    """Builds a corpus from its release, on disk, into the Arrow cache of `datasets`.

    The cache key holds a digest of the release's files (names, sizes, times) and of the schema's version, so
    an edited annotation never returns a stale row.

    Args:
        data_dir: folder (or archive) of the release.
        on_invalid: "report" keeps a row whose value cannot be taken, with a null there; "drop" leaves the row
            out; "raise" raises after everything has been read.
    """

    VERSION = datasets.Version(SCHEMA_VERSION)
    CORPUS: ClassVar[str]

    def __init__(
        self,
        *args: Any,
        data_dir: str | None = None,
        data_files: object = None,  # noqa: ARG002  # plain `datasets` finds these itself; the release decides
        hash: str | None = None,  # noqa: ARG002  # the module's; ours is the release's
        on_invalid: OnInvalid = "report",
        **kwargs: Any,
    ) -> None:
        if on_invalid not in get_args(OnInvalid):
            raise OptionError(f"on_invalid is {quote(on_invalid)}; expected 'report', 'drop' or 'raise'.")
        if data_dir is None:
            raise ReleaseNotFoundError(
                f"the {self.CORPUS} builder needs data_dir, the folder of the release; "
                f"emotalk_data.load_dataset({self.CORPUS!r}) also looks in $EMOTALK_HOME and for a download."
            )
        self.on_invalid = on_invalid
        with garbage_collection_paused():
            self.listing = self._list(data_dir)
        self._is_building = False
        digest = self.listing.digest(SCHEMA_VERSION, str(on_invalid == "drop"), *self._digest_parts())
        kwargs.setdefault("dataset_name", self.CORPUS)
        with typed_cache_errors(str(kwargs.get("cache_dir") or datasets.config.HF_DATASETS_CACHE)):
            super().__init__(*args, data_dir=self.listing.root, hash=digest, **kwargs)
        self._decode_media()

    def _list(self, data_dir: str) -> Listing:
        """Return the files that are read."""
        return list_release(data_dir)

    def _digest_parts(self) -> Sequence[str]:
        """Return what else, beside the release's files, decides the rows."""
        return ()

    def _decode_media(self) -> None:
        """Give the columns our media types: what a cache says of itself names the stock ones."""
        self.info.features = self._info().features

    def report(self) -> Report:
        """Return what was found while the cache was built.

        Raises:
            CacheCorruptError: the cache holds no report, or a damaged one.
        """
        total = Report(self.CORPUS)
        parts = sorted(Path(self._output_dir).glob(f"{_REPORT_PREFIX}*.json"))
        if not parts:
            raise CacheCorruptError(
                f"the cache at {self._output_dir} has no problem report. Remove that folder and load again.",
                path=str(self._output_dir),
            )
        for part in parts:
            try:
                values = json.loads(part.read_text(encoding="utf-8"))
            except ValueError as error:
                raise CacheCorruptError(
                    f"the report {part} is damaged: {error}. Remove its folder and load again.",
                    path=str(part),
                ) from error
            total.merge(Report.from_dict(values))
        try:
            total.check()
        except ReleaseError as error:
            raise CacheCorruptError(
                f"the reports in {self._output_dir} do not add up: {error} If files were removed there, remove "
                f"the whole folder and load again.",
                path=str(self._output_dir),
            ) from error
        return total

    def download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """Build the cache, unless it is there.

        Raises:
            EmotalkError: what reading the release raises.
            CacheWriteError: the cache cannot be written.
            CacheCorruptError: the cache is there, and its description is damaged.
        """
        with typed_cache_errors(self.cache_dir):
            super().download_and_prepare(*args, **kwargs)
        self._decode_media()

    def as_dataset(self, *args: Any, **kwargs: Any) -> Any:
        """Return the built rows; with `on_invalid="raise"`, only when nothing is wrong with them.

        Raises:
            ReleaseInvalidError: `on_invalid="raise"` and the release has problems of severity error.
            OptionError: there is no such split, or the slice cannot be read.
            CacheCorruptError: a file of the cache is damaged or gone.
        """
        if self.on_invalid == "raise":
            raise_if_invalid(self.report(), self.listing.root)
        try:
            return super().as_dataset(*args, **kwargs)
        except EmotalkError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise CacheCorruptError(
                f"the cache at {self._output_dir} cannot be read: {error}. Remove that folder and load again.",
                path=str(self._output_dir),
            ) from error
        except ValueError as error:
            raise OptionError(
                f"{error} Splits are 'train', 'validation' and 'test', or a slice such as 'train[:10%]'."
            ) from error

    def _as_dataset(self, split: Any = "train", in_memory: bool = False) -> datasets.Dataset:
        num_rows = self._num_rows(split)
        if num_rows == 0:
            # A release in part may have no row of a split; `datasets` refuses to read nothing.
            table = datasets.table.InMemoryTable(self.info.features.arrow_schema.empty_table())
            return datasets.Dataset(table, info=self.info.copy(), split=datasets.NamedSplit(str(split)))
        dataset = super()._as_dataset(split=split, in_memory=in_memory)
        if len(dataset) != num_rows:  # an Arrow file that was cut between two batches reads without an error
            raise CacheCorruptError(
                f"the cache at {self._output_dir} has {len(dataset):,} rows of {split}; expected {num_rows:,}. "
                f"Remove that folder and load again.",
                path=str(self._output_dir),
            )
        return dataset

    def _num_rows(self, split: Any) -> int:
        """Return how many rows a split, a slice or a sum of them has."""
        lengths = {name: split_info.num_examples for name, split_info in self.info.splits.items()}
        if not isinstance(split, datasets.ReadInstruction):
            split = datasets.ReadInstruction.from_spec(str(split))
        return sum(max(part.to - part.from_, 0) for part in split.to_absolute(lengths))

    def as_streaming_dataset(self, *args: Any, **kwargs: Any) -> Any:
        """Return rows that are read while they are asked for.

        Raises:
            ReleaseInvalidError: `on_invalid="raise"`, and files are misnamed or misplaced. What is wrong
                inside of them is raised once the rows have been passed.
            OptionError: there is no such split, or it is a slice, which does not stream.
        """
        try:
            return super().as_streaming_dataset(*args, **kwargs)
        except EmotalkError:
            raise
        except ValueError as error:
            raise OptionError(f"{error}. Slices such as 'train[:10%]' do not stream: use .take().") from error

    def _download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        # A process that was killed leaves its files here: its reports would count twice.
        for path in Path(self._output_dir).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        # The numbers of rows of an earlier cache bind nobody: this one is built because it is to be new.
        self.info.splits = None
        self._is_building = True
        try:
            super()._download_and_prepare(*args, **kwargs)
        finally:
            self._is_building = False

    def _prepare_split_single(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from super()._prepare_split_single(*args, **kwargs)
        except DatasetGenerationError as error:
            cause = error.__cause__
            if not isinstance(cause, EmotalkError | OSError):
                raise
            # An exception loses its cause on the way out of a worker process, and keeps its arguments.
            raise DatasetGenerationError(str(error), cause) from cause

    @abc.abstractmethod
    def _index(self, report: Report) -> Iterator[tuple[str, Any, int]]:
        """Yield (split, dialogue, number of utterances) in the order of the rows; report what is misplaced."""

    @abc.abstractmethod
    def _table(self, dialogues: Sequence[Any], report: Report) -> pa.Table:
        """Read the utterances of some dialogues into a table; report what is wrong with them."""

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:  # noqa: ARG002
        report = Report(self.CORPUS)
        # All three splits are there, if empty, so that code can rely on them.
        groups: dict[str, list[tuple[Any, int]]] = {"train": [], "validation": [], "test": []}
        with garbage_collection_paused():
            for split, dialogue, num_utterances in self._index(report):
                groups[split].append((dialogue, num_utterances))
        self._write_report(report)
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"shards": shards_of(group)})
            for split, group in groups.items()
        ]

    def _generate_tables(self, shards: list[tuple[Any, ...]]) -> Iterator[tuple[Key, pa.Table]]:
        report = Report(self.CORPUS)
        for number, dialogues in enumerate(shards):
            with garbage_collection_paused():
                table = self._table(dialogues, report)
            yield Key(number, 0), table
        self._write_report(report)

    def _write_report(self, report: Report) -> None:
        """Keep a part of the report in the folder that is being built: it becomes the cache with the shards.

        Nothing is kept while streaming; `emotalk validate` then says what is wrong with a release.

        Raises:
            ReleaseInvalidError: streaming with `on_invalid="raise"`, and there are problems of severity error.
        """
        if self._is_building:
            path = Path(self._output_dir) / f"{_REPORT_PREFIX}{uuid.uuid4().hex}.json"
            path.write_text(report.to_json(), encoding="utf-8")
        elif self.on_invalid == "raise":
            raise_if_invalid(report, self.listing.root)


def raise_if_invalid(report: Report, root: str) -> None:
    """Raise when a report has problems of severity error.

    Raises:
        ReleaseInvalidError: it has; the message shows the first of them.
    """
    number = report.num_problems("error")
    if number:
        first = next(report.problems("error"))
        raise ReleaseInvalidError(
            f"the release has {number:,} problem{'s' * (number > 1)} of severity error; the first: {first}. "
            f"`emotalk validate` lists all. Fix the files, or pass on_invalid='report' or 'drop'.",
            path=root,
        )


def shards_of(groups: Iterable[tuple[Group, int]]) -> list[tuple[Group, ...]]:
    """Cut a sequence of (dialogue, number of rows) into runs of whole dialogues of about 256 rows."""
    shards: list[tuple[Group, ...]] = []
    current: list[Group] = []
    num_rows = 0
    for group, length in groups:
        current.append(group)
        num_rows += length
        if num_rows >= _SHARD_ROWS:
            shards.append(tuple(current))
            current, num_rows = [], 0
    if current:
        shards.append(tuple(current))
    return shards
