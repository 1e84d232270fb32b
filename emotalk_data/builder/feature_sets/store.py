"""A folder of features, opened: which rows it has, what became of them, and one row or all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from emotalk_data.builder.feature_sets.checks import gaps_of
from emotalk_data.builder.feature_sets.shards import Shard
from emotalk_data.builder.feature_sets.stored_rows import StoredRow, stored_row
from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.feature_shard import (
    Level,
    SetPlan,
    ShardCounts,
    ShardRecord,
)

if TYPE_CHECKING:
    import datasets

    from emotalk_data.schemas.feature_spec import FeatureSpec

    Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict)

__all__ = ["FeatureStore"]


@dataclass(frozen=True, eq=False, repr=False)
class FeatureStore:
    """A set on disk. Made by `open_store`; may be pickled, and used by many threads.

    Attributes:
        path: the folder.
        shards: its files: train first, then validation, test and any others; each split in its order.
        plan: which shards there are to be; None where no `plan.json` is beside them.
    """

    path: Path
    shards: tuple[Shard, ...]
    plan: SetPlan | None = None

    def __repr__(self) -> str:
        return f"<FeatureStore {str(self.path)!r}: {self.num_rows:,} rows of {self.spec.name!r}>"

    @property
    def records(self) -> tuple[ShardRecord, ...]:
        """What each shard says of itself, in their order."""
        return tuple(shard.record for shard in self.shards)

    @property
    def spec(self) -> FeatureSpec:
        """What decided the numbers."""
        return self.shards[0].record.spec

    @property
    def levels(self) -> tuple[Level, ...]:
        """Whether there are vectors of utterances, of frames, or both."""
        return self.shards[0].record.levels

    @property
    def corpus(self) -> Literal["emotalk", "m3ed"] | None:
        """Whose utterances they are; None for other rows."""
        return self.shards[0].record.corpus

    @property
    def num_dims(self) -> int:
        """D, the length of each vector."""
        return self.shards[0].num_dims

    @property
    def counts(self) -> ShardCounts:
        """What became of all rows."""
        return sum((record.counts for record in self.records), ShardCounts())

    @property
    def num_rows(self) -> int:
        """Rows that are there."""
        return sum(record.num_rows for record in self.records)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have a shard, in the order of the shards."""
        return tuple(dict.fromkeys(record.split for record in self.records))

    @property
    def gaps(self) -> dict[str, str]:
        """What is missing, in words, of each split that lacks something; also of those that have no shard yet."""
        return gaps_of(self.records, self.plan)

    @property
    def is_complete(self) -> bool:
        """Whether all shards are there, of each split that has one or is in the plan."""
        return not self.gaps

    @property
    def errors(self) -> tuple[str | None, ...]:
        """Why each row is null, in the order of the shards; None where it is not."""
        return tuple(error for shard in self.shards for error in shard.errors)

    def counts_of(self, split: str) -> ShardCounts:
        """Return what became of the rows of a split.

        Raises:
            OptionError: there is no such split.
        """
        return sum((shard.record.counts for shard in self.shards_of(split)), ShardCounts())

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Return the utterance ids of a split, or of all, in the order of the shards.

        Raises:
            OptionError: there is no such split.
        """
        return tuple(one for shard in self.shards_of(split) for one in shard.ids)

    def shards_of(self, split: str | None) -> tuple[Shard, ...]:
        """Return the shards of a split; of all for None.

        Raises:
            OptionError: there is no such split.
        """
        if split is None:
            return self.shards
        if split not in self.splits:
            raise OptionError(
                f"split is {quote(split)}; expected one of {list(self.splits)}, or None for all."
            )
        return tuple(shard for shard in self.shards if shard.record.split == split)

    def columns(self, levels: Sequence[Level] | None = None) -> list[str]:
        """Return the names of the columns of vectors, frames and seconds, as far as they are there."""
        return self.shards[0].columns(levels)

    def key(self, split: str) -> str:
        """Return 32 hex digits that change when a file of a split does."""
        hashing = blake2b(digest_size=16)
        for shard in self.shards_of(split):
            hashing.update(repr((shard.path.name, shard.stamp, shard.record.model_dump_json())).encode())
        return hashing.hexdigest()

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """For each utterance id the number of its shard, and of its row there."""
        return {
            one: (number, row)
            for number, shard in enumerate(self.shards)
            for row, one in enumerate(shard.ids)
        }

    def place(self, utterance_id: str) -> tuple[int, int]:
        """Return the number of an utterance's shard, and of its row there.

        Raises:
            OptionError: the set has no such utterance.
        """
        try:
            return self.places[utterance_id]
        except (KeyError, TypeError):
            raise OptionError(
                f"the set {quote(str(self.path), 160)} has no utterance {quote(utterance_id)}; it has "
                f"{self.num_rows:,} of {', '.join(self.splits)}, {quote(self.shards[0].ids[0])} first."
            ) from None

    def row(self, utterance_id: str) -> StoredRow:
        """Return one utterance. One row group is read: some MB.

        Raises:
            OptionError: the set has no such utterance.
            CacheCorruptError: its shard is damaged.
        """
        number, row = self.place(utterance_id)
        shard = self.shards[number]
        group, row = shard.group_of(row)
        return stored_row(shard.record, shard.read_group(group, self._of_row), row)

    def rows(self, split: str | None = None) -> Iterator[StoredRow]:
        """Yield all utterances, a row group in memory at a time.

        Raises:
            OptionError: there is no such split.
            CacheCorruptError: a shard is damaged; rows before it were yielded.
        """
        for shard in self.shards_of(split):
            for _start, batch in shard.groups(self._of_row):
                for row in range(batch.num_rows):
                    yield stored_row(shard.record, batch, row)

    def dataset(
        self,
        split: str | None = None,
        *,
        level: Level | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> datasets.Dataset:
        """Return the rows as a Dataset, mapped from files and not in memory.

        Args:
            split: one split; all of them, one after the other, for None.
            level: vectors of utterances alone, or of frames alone; all that the set has for None.
            cache_dir: where the mapped files are kept; `$HF_DATASETS_CACHE` if omitted.

        Returns:
            the columns of the shards; vectors as `List(Value("float32"), length=D)`, frames as a list of these.

        Raises:
            OptionError: there is no such split, or no such level in this set.
            CacheCorruptError: a shard is damaged.
            CacheWriteError: the mapped files cannot be written.
        """
        from emotalk_data.builder.feature_sets.mapped_tables import stored_dataset

        return stored_dataset(self, split, levels=self.levels_asked(level), cache_dir=cache_dir)

    def join(
        self,
        ds: Rows,
        *,
        level: Level | None = None,
        missing: Literal["error", "null"] = "error",
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> Rows:
        """Return a dataset with these features beside its rows, found by `utterance_id`. Nothing of it is copied.

        Args:
            ds: a Dataset, whole, selected or shuffled; or a dict of some.
            level: as in `dataset`.
            missing: what becomes of a row that is not in the set: "error" refuses, "null" gives it nulls.
            cache_dir: as in `dataset`.

        Returns:
            the columns of `ds`, then `<name>`, `<name>_frames`, `<name>_seconds`, as far as there are, and
            `<name>_error`: why a row is null.

        Raises:
            OptionError: the set is of another corpus, a name is taken, rows are not in the set, or `ds` is no
                dataset with `utterance_id`.
            CacheCorruptError: a shard is damaged.
            CacheWriteError: the mapped files cannot be written.
        """
        from emotalk_data.builder.feature_sets.join import join_features

        return join_features(self, ds, levels=self.levels_asked(level), missing=missing, cache_dir=cache_dir)

    def levels_asked(self, level: Level | None) -> tuple[Level, ...]:
        """Return the levels that are asked for; all for None.

        Raises:
            OptionError: this set has no such level.
        """
        if level is None:
            return self.levels
        if level not in ("utterance", "frame"):
            raise OptionError(f"level is {quote(level)}; expected 'utterance', 'frame', or None for both.")
        if level not in self.levels:
            raise OptionError(
                f"level is {quote(level)}, and the set {quote(str(self.path), 160)} has {list(self.levels)}. "
                f"Extract it with that level too, into another folder."
            )
        return (level,)

    @property
    def _of_row(self) -> list[str]:
        return ["utterance_id", *self.columns(), "notes", "error"]
