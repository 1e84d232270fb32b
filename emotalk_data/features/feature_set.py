"""`FeatureSet`: a folder of features, as a dataset, as arrays, and beside the rows of a corpus."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import numpy as np

from emotalk_data._optional import require
from emotalk_data.builder.feature_store import FeatureStore, open_store
from emotalk_data.builder.feature_vectors import Vectors, vectors_by_id
from emotalk_data.errors import ExtractionError
from emotalk_data.schemas.text_table import ShownAsText, text_table

if TYPE_CHECKING:
    from pathlib import Path

    import datasets
    import torch
    from numpy.typing import NDArray

    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.exporting.exported import Exported, ExportFormat
    from emotalk_data.features.hook import FeatureExtractor
    from emotalk_data.features.running.verifying import Verification
    from emotalk_data.schemas.feature_shard import Level, ShardCounts
    from emotalk_data.schemas.feature_spec import FeatureSpec

    Rows = TypeVar("Rows", datasets.Dataset, datasets.DatasetDict)

__all__ = ["FailedRow", "FeatureSet", "Frames", "Tensors"]


class FailedRow(NamedTuple):
    """A row without features.

    Attributes:
        utterance_id: its id.
        code: `missing`, `unreadable`, `refused`, `encoder`, `memory` or `not_finite`.
        reason: in words.
    """

    utterance_id: str
    code: str
    reason: str


class Frames(NamedTuple):
    """The frames of one utterance.

    Attributes:
        values: float32, shape (T, D).
        seconds: float32, shape (T,): middle of each frame, from the utterance's start; None for text.
    """

    values: NDArray[np.float32]
    seconds: NDArray[np.float32] | None


class Tensors(NamedTuple):
    """A vector of each utterance, as torch tensors on the CPU.

    Attributes:
        ids: N utterance ids.
        values: float32, shape (N, D); NaN where a row is null.
        is_there: bool, shape (N,).
    """

    ids: tuple[str, ...]
    values: torch.Tensor
    is_there: torch.Tensor


@dataclass(frozen=True, eq=False, repr=False)
class FeatureSet(ShownAsText):
    """Features of some utterances, with the spec that made them. Made by `FeatureSet.open`.

    No file stays open: it may be pickled, and used by many threads.

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
        rows = zip(self.store.ids(), self.store.errors, strict=True)
        failed = [FailedRow(one, *_code_and_reason(error)) for one, error in rows if error is not None]
        return tuple(row for row in failed if with_missing or row.code != "missing")

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
        self.store.levels_asked("frame")
        row = self.store.row(utterance_id)
        if row.frames is None:
            raise ExtractionError(
                f"{utterance_id} has no frames: {row.error}", path=str(self.path), utterance_id=utterance_id
            )
        seconds = None if row.seconds is None else row.seconds.astype(np.float32)
        return Frames(row.frames.astype(np.float32), seconds)

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
        torch = require("torch", extra="torch", purpose="give features as tensors")
        vectors = self.utterances(ids)
        return Tensors(vectors.ids, torch.from_numpy(vectors.values), torch.from_numpy(vectors.is_there))

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
        from emotalk_data.features.running.verifying import verify

        return verify(
            self.store,
            ds,
            k,
            model_path=model_path,
            revision=revision,
            device=device,
            detector=detector,
            extractor=extractor,
            seed=seed,
        )

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
        from emotalk_data.features.running.verifying import retry

        store = retry(
            self.store,
            ds,
            only_failed=only_failed,
            model_path=model_path,
            revision=revision,
            device=device,
            detector=detector,
            extractor=extractor,
        )
        return FeatureSet(store)

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
        store = self.store
        return {
            "path": str(store.path),
            "spec": store.spec.model_dump(mode="json"),
            "corpus": store.corpus,
            "levels": list(store.levels),
            "num_dims": store.num_dims,
            "num_rows": store.num_rows,
            "is_complete": store.is_complete,
            "splits": {split: _numbers(store.counts_of(split)) for split in store.splits},
            "total": _numbers(store.counts),
            "failures": [row._asdict() for row in self.failures(with_missing=True)],
            "devices": sorted({record.device for record in store.records}),
        }

    def __repr__(self) -> str:
        return f"<FeatureSet {self.spec.name!r}: {self.num_rows:,} rows in {str(self.path)!r}>"

    def __str__(self) -> str:
        store, spec = self.store, self.spec
        kinds = {"utterance": "a vector an utterance", "frame": "a vector a frame"}
        header = [
            f"{spec.name}: {' and '.join(kinds[level] for level in store.levels)}",
            f"  model     {spec.model}, revision {spec.revision or 'none'}",
            f"  numbers   {store.num_dims:,} a vector, {spec.storage}, calculated in {spec.compute}",
            f"  folder    {store.path}{'' if store.is_complete else ' (not finished)'}",
        ]
        parts = {split: store.counts_of(split) for split in store.splits} | {"all": store.counts}
        table = text_table(
            ["split", "rows", "made", "missing", "failed", "noted", "frames"],
            [[name, *(f"{number:,}" for number in _numbers(part).values())] for name, part in parts.items()],
        )
        return "\n".join([*header, "", table])


def _code_and_reason(error: str) -> tuple[str, str]:
    code, _, reason = error.partition(": ")
    return code, reason


def _numbers(counts: ShardCounts) -> dict[str, int]:
    return {"rows": counts.rows, **counts.model_dump()}
