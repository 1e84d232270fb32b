"""`FeatureSet`: a folder of features, as a dataset, as arrays, and beside the rows of a corpus."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from emotalk_data.builder.feature_sets.opening import open_store
from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.builder.feature_sets.vectors import Vectors, vectors_by_id
from emotalk_data.features.set_text import FailedRow, failed_rows, set_dict, set_text
from emotalk_data.features.stored_arrays import Frames, Tensors, frames_by_id, tensors_by_id
from emotalk_data.schemas.text_table import ShownAsText

if TYPE_CHECKING:
    from pathlib import Path

    import datasets

    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.exporting.exported import Exported, ExportFormat
    from emotalk_data.features.hook import FeatureExtractor
    from emotalk_data.features.running.verifying import Verification
    from emotalk_data.schemas.feature_shard import Level, ShardCounts
    from emotalk_data.schemas.feature_spec import FeatureSpec

    Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict)

__all__ = ["FeatureSet"]


@dataclass(frozen=True, eq=False, repr=False)
class FeatureSet(ShownAsText):
    """Features of some utterances, with their spec. No file stays open: it may be pickled, and used by threads.

    Attributes:
        store: the opened folder.
    """

    store: FeatureStore

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, allow_unfinished: bool = False) -> FeatureSet:
        """Open the folder that `extract_features` wrote. Footers, ids and reasons are read, and no vector.

        Args:
            path: the folder.
            allow_unfinished: take the rows that are there, where shards are missing.

        Raises:
            OptionError: there is no set at `path`, or it is not finished; says how many rows are missing.
            CacheCorruptError: a shard is damaged, of another set, or overlaps with another.
        """
        return cls(open_store(path, allow_unfinished=allow_unfinished))

    @property
    def path(self) -> Path:
        """The folder."""
        return self.store.path

    @property
    def spec(self) -> FeatureSpec:
        """What decided the numbers: encoder, revision, layers, pooling and all else."""
        return self.store.spec

    @property
    def levels(self) -> tuple[Level, ...]:
        """Whether there are vectors of utterances, of frames, or both."""
        return self.store.levels

    @property
    def num_dims(self) -> int:
        """D, the length of each vector."""
        return self.store.num_dims

    @property
    def num_rows(self) -> int:
        """Utterances, null rows included."""
        return self.store.num_rows

    @property
    def counts(self) -> ShardCounts:
        """What became of them: made, missing and failed add up to the rows."""
        return self.store.counts

    def failures(self, *, with_missing: bool = False) -> tuple[FailedRow, ...]:
        """Return the rows that failed, in their order: as many as `counts.failed`.

        Args:
            with_missing: also those that had nothing to encode, as many as `counts.missing`.
        """
        return failed_rows(self.store, with_missing=with_missing)

    def to_dataset(
        self,
        split: str | None = None,
        *,
        level: Level | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> datasets.Dataset:
        """Return the rows as a Dataset, mapped from files and not in memory; see `FeatureStore.dataset`.

        Args:
            split: one split; all of them, one after the other, for None.
            level: vectors of utterances alone, or of frames alone; all that the set has for None.
            cache_dir: where the mapped files are kept, as large as what is asked for; `$HF_DATASETS_CACHE` if
                omitted.

        Raises:
            OptionError: there is no such split, or no such level in this set.
            CacheCorruptError: a shard is damaged.
            CacheWriteError: the mapped files cannot be written.
        """
        return self.store.dataset(split, level=level, cache_dir=cache_dir)

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
            ds: a Dataset, whole, selected or shuffled; or a dict of splits.
            level: vectors of utterances alone, or of frames alone; all that the set has for None.
            missing: what becomes of a row that is not in the set: "error" refuses, "null" gives it nulls.
            cache_dir: as in `to_dataset`.

        Returns:
            the columns of `ds`, then `<name>`, `<name>_frames` and `<name>_seconds`, as far as there are, and
            `<name>_error`: why a row is null.

        Raises:
            OptionError: the set is of another corpus, a name is taken, rows are not in the set, or `ds` is no
                dataset with `utterance_id`.
            CacheCorruptError: a shard is damaged.
            CacheWriteError: the mapped files cannot be written.
        """
        return self.store.join(ds, level=level, missing=missing, cache_dir=cache_dir)

    def frame(self, utterance_id: str) -> Frames:
        """Return the frames of one utterance, in arrays of their own. One row group is read: some MB.

        Raises:
            OptionError: the set has no such utterance, or no frames.
            ExtractionError: the row is null; says why.
            CacheCorruptError: its shard is damaged.
        """
        return frames_by_id(self.store, utterance_id)

    def utterances(self, ids: Iterable[str] | None = None) -> Vectors:
        """Return a vector of each utterance, in memory: N x D x 4 bytes.

        Args:
            ids: which utterances, in this order; one may come twice. All, in the set's order, for None.

        Raises:
            OptionError: the set has no such utterance, or no vectors of utterances.
            CacheCorruptError: a shard is damaged.
        """
        return vectors_by_id(self.store, ids)

    def torch(self, ids: Iterable[str] | None = None) -> Tensors:
        """Return a vector of each utterance as tensors; see `utterances`. Needs the extra `torch`.

        Raises:
            MissingDependencyError: torch is not installed.
            OptionError: the set has no such utterance, or no vectors of utterances.
            CacheCorruptError: a shard is damaged.
        """
        return tensors_by_id(self.store, ids)

    def verify(
        self,
        ds: datasets.Dataset | datasets.DatasetDict,
        k: int = 8,
        *,
        model_path: str | os.PathLike[str] | None = None,
        revision: str | None = None,
        device: str = "auto",
        detector: Detector | None = None,
        extractor: FeatureExtractor[Any] | None = None,
        seed: int = 0,
    ) -> Verification:
        """Encode k rows again, one by one, and compare them with what is stored.

        Args:
            ds: what the set was made from.
            k: how many rows; all where there are fewer.
            model_path: as in `extract_features`.
            revision: likewise; that of the set if omitted.
            device: likewise.
            detector: likewise; the one that the set was made with.
            extractor: the encoder itself, where the set was made with one of your own.
            seed: another one chooses other rows.

        Raises:
            OptionError: an option that cannot be, an encoder that is not the set's, or no row to compare.
            ModelError: weights cannot be found, or are not the set's.
            MissingDependencyError: a package of an extra is missing.
            CacheCorruptError: a shard is damaged.
        """
        from emotalk_data.features.running.rebuilding import SameEncoder
        from emotalk_data.features.running.verifying import verify

        encoder = SameEncoder(model_path, revision, device, detector, extractor)
        return verify(self.store, ds, k, encoder, seed=seed)

    def retry(
        self,
        ds: datasets.Dataset | datasets.DatasetDict,
        *,
        only_failed: bool = True,
        model_path: str | os.PathLike[str] | None = None,
        revision: str | None = None,
        device: str = "auto",
        detector: Detector | None = None,
        extractor: FeatureExtractor[Any] | None = None,
    ) -> FeatureSet:
        """Encode the rows that failed again. Shards that hold one are written anew, and no others.

        Args:
            ds: what the set was made from, or the part that is to be tried again.
            only_failed: False takes rows too that had nothing to encode.
            model_path: as in `extract_features`.
            revision: likewise; that of the set if omitted.
            device: likewise.
            detector: likewise; the one that the set was made with.
            extractor: the encoder itself, where the set was made with one of your own.

        Returns:
            the set as it is now. This object does not see what changed.

        Raises:
            OptionError: an encoder that is not the set's, no such row in `ds`, or another process writes.
            ModelError: weights cannot be found, or are not the set's.
            MissingDependencyError: a package of an extra is missing.
            CacheCorruptError: a shard is damaged, or was written since the set was opened.
            CacheWriteError: a shard cannot be written.
        """
        from emotalk_data.features.running.rebuilding import SameEncoder
        from emotalk_data.features.running.retrying import retry

        encoder = SameEncoder(model_path, revision, device, detector, extractor)
        return FeatureSet(retry(self.store, ds, encoder, only_failed=only_failed))

    def export(
        self,
        format: ExportFormat,
        out: str | os.PathLike[str],
        *,
        dataset: datasets.Dataset | datasets.DatasetDict | None = None,
        label: str = "emotion",
        missing: Literal["error", "skip"] = "error",
        max_frames: int | None = None,
    ) -> Exported:
        """Write the set as another project reads it: `npy`, `mertools`, `dialoguernn` or `mmsa`.

        Arguments and errors are those of `features.exporting.export.export`, which also takes several sets, one
        a modality.
        """
        from emotalk_data.features.exporting.export import export

        return export(
            self.store, format, out, dataset=dataset, label=label, missing=missing, max_frames=max_frames
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what the set is, and what became of its rows, as JSON can write it."""
        return set_dict(self.store)

    def __repr__(self) -> str:
        return f"<FeatureSet {self.spec.name!r}: {self.num_rows:,} rows in {str(self.path)!r}>"

    def __str__(self) -> str:
        return set_text(self.store)
