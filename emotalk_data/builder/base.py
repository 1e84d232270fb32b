"""What the builders of both corpora share: where the cache is, and what became of every record."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, TypeVar, get_args

import datasets
import pyarrow as pa
from datasets.exceptions import DatasetGenerationError

from emotalk_data.errors import (
    CacheCorruptError,
    CacheWriteError,
    EmotalkError,
    OptionError,
    ReleaseError,
    ReleaseInvalidError,
    ReleaseNotFoundError,
    quote,
)
from emotalk_data.loaders.gc_pause import garbage_collection_paused
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.report import Report
from emotalk_data.media.features import cast_media

__all__ = ["SCHEMA_VERSION", "OnInvalid", "ReleaseBuilder", "shards_of"]

SCHEMA_VERSION: Final = "0.1.0"
"""Changes whenever the columns, or how they are filled, change: caches of before are then not used."""

OnInvalid = Literal["report", "drop", "raise"]

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
                f"emotalk_data.load_dataset({self.CORPUS!r}) also looks in $EMOTALK_HOME."
            )
        self.on_invalid = on_invalid
        with garbage_collection_paused():
            self.listing = list_release(data_dir)
        self._is_building = False
        digest = self.listing.digest(SCHEMA_VERSION, str(on_invalid == "drop"), *self._digest_parts())
        kwargs.setdefault("dataset_name", self.CORPUS)
        with _typed_errors(str(kwargs.get("cache_dir") or datasets.config.HF_DATASETS_CACHE)):
            super().__init__(*args, data_dir=self.listing.root, hash=digest, **kwargs)
        # What a cache says of its columns names the stock types; ours decode.
        self.info.features = self._info().features

    def _digest_parts(self) -> Sequence[str]:
        """Return what else, beside the release's files, decides the rows."""
        return ()

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
        with _typed_errors(self.cache_dir):
            super().download_and_prepare(*args, **kwargs)

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
            return _cast(super().as_dataset(*args, **kwargs))
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


def _cast(built: Any) -> Any:
    """Give media columns our types, in a dataset, a dict or a list of them: `split` may be any of these."""
    return [_cast(part) for part in built] if isinstance(built, list | tuple) else cast_media(built)


@contextmanager
def _typed_errors(cache_dir: str) -> Iterator[None]:
    """Turn what `datasets` raises while it builds into errors of this package."""
    try:
        yield
    except EmotalkError:
        raise
    except DatasetGenerationError as error:
        cause = error.args[-1] if isinstance(error.args[-1], Exception) else error.__cause__
        if isinstance(cause, EmotalkError):
            raise cause from None
        if isinstance(cause, OSError):
            raise _cannot_write(cache_dir, cause) from cause
        raise
    except OSError as error:
        raise _cannot_write(cache_dir, error) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CacheCorruptError(
            f"dataset_info.json in the cache at {cache_dir} is damaged: {error}. Remove that folder and load "
            f"again.",
            path=cache_dir,
        ) from error


def _cannot_write(cache_dir: str, error: OSError) -> CacheWriteError:
    reason = error.strerror or str(error)
    return CacheWriteError(
        f"cannot write the cache at {cache_dir}: {reason}. Free some space, or pass another cache_dir.",
        path=cache_dir,
    )
