"""A plain DataLoader, with worker processes of any kind: the same batches, and nothing that grows."""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from torch.utils.data import DataLoader

from emotalk_data import rows
from emotalk_data.torch import Batch, Collate, LengthBatchSampler, loader, utterance_seconds

from .small_dataset import NUM_ROWS

_MIB = 2**20


def digest_of(batches: Iterable[Batch]) -> str:
    digest = hashlib.sha256()
    for batch in batches:
        for name, value in batch.items():
            is_tensor = isinstance(value, torch.Tensor)
            digest.update(name.encode())
            digest.update(value.numpy().tobytes() if is_tensor else repr(value).encode())
    return digest.hexdigest()


def num_descriptors(process: int | str | None = "self") -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def all_closed(before: int, patience: float = 30.0) -> bool:
    """Say whether no more descriptors are open than before, once the threads that feed queues are done."""
    deadline = time.monotonic() + patience
    while num_descriptors() > before and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    return num_descriptors() <= before


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_data_loader_without_workers_gives_the_batches_of_the_loader(ds: datasets.Dataset) -> None:
    plain = DataLoader(ds, 5, collate_fn=Collate())
    assert digest_of(plain) == digest_of(loader(ds, 5))


@pytest.mark.parametrize("kind", ["files", "bytes"])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_rows_that_read_some_columns_are_a_dataset_of_a_data_loader(
    make_dataset: Callable[[str], datasets.Dataset], kind: str, num_workers: int
) -> None:
    dataset, columns = make_dataset(kind), ["audio", "emotion"]
    context = "fork" if num_workers else None
    plain: Any = DataLoader(
        rows(dataset, columns),
        5,
        collate_fn=Collate(),
        num_workers=num_workers,
        multiprocessing_context=context,
    )
    assert digest_of(plain) == digest_of(loader(dataset, 5, columns=columns))


@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "forkserver", "spawn"])
def test_workers_of_any_kind_give_the_same_batches(ds: datasets.Dataset, context: str) -> None:
    workers = multiprocessing.get_context(context)
    plain = DataLoader(ds, 5, collate_fn=Collate(), num_workers=2, multiprocessing_context=workers)
    assert digest_of(plain) == digest_of(loader(ds, 5))


def test_workers_give_pictures_and_masks_and_errors(with_video: datasets.Dataset, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    spoilt_rows = list(with_video)
    spoilt_rows[1]["audio"] = {"bytes": None, "path": str(tmp_path / "bad.wav")}
    spoilt = datasets.Dataset.from_list(spoilt_rows, features=with_video.features)
    options: dict[str, Any] = {"frames": 2, "on_error": "mask"}
    plain = DataLoader(
        spoilt, 3, collate_fn=Collate(**options), num_workers=2, multiprocessing_context="fork"
    )
    assert digest_of(plain) == digest_of(loader(spoilt, 3, **options))


def test_a_length_batch_sampler_steers_a_data_loader(ds: datasets.Dataset) -> None:
    sampler = LengthBatchSampler(utterance_seconds(ds), 4, shuffle=True)
    plain = DataLoader(
        ds, batch_sampler=sampler, collate_fn=Collate(), num_workers=2, multiprocessing_context="fork"
    )
    assert len(plain) == 6
    first = [batch["utterance_id"] for batch in plain]
    second = [batch["utterance_id"] for batch in plain]
    assert first != second
    assert sorted(chain(*first)) == sorted(chain(*second)) == sorted(ds["utterance_id"])


def test_workers_leave_no_descriptor_open(ds: datasets.Dataset) -> None:
    def one_epoch(plain: Any) -> list[int]:
        assert sum(len(batch["emotion"]) for batch in plain) == NUM_ROWS
        gc.collect()
        return [
            num_descriptors(),
            *(num_descriptors(child.pid) for child in multiprocessing.active_children()),
        ]

    plain = DataLoader(
        ds, 5, collate_fn=Collate(), num_workers=2, multiprocessing_context="fork", persistent_workers=True
    )
    before = num_descriptors()
    counts = [one_epoch(plain) for _ in range(6)]
    assert len(counts[0]) == 3
    # Tensors on their way hold descriptors, a few more or less of them; each epoch sends 15.
    assert all(late <= early + 6 for late, early in zip(counts[-1], counts[1], strict=True))
    del plain
    assert all_closed(before)


@pytest.mark.parametrize("kind", ["files", "tar", "bytes"])
def test_epochs_of_the_loader_leave_no_descriptor_open_and_no_memory_behind(
    make_dataset: Callable[[str], datasets.Dataset], kind: str
) -> None:
    # 1.2 MB a batch, 12 MB an epoch: if one batch in three were kept, this would grow by 40 MB.
    many = datasets.concatenate_datasets([make_dataset(kind).select([NUM_ROWS - 1] * 64)] * 10)
    batches = loader(many, 64)
    for _ in range(3):
        assert sum(len(batch["emotion"]) for batch in batches) == 640
    gc.collect()
    descriptors, before = num_descriptors(), resident_bytes()
    for _ in range(10):
        assert sum(len(batch["emotion"]) for batch in batches) == 640
    gc.collect()
    assert all_closed(descriptors)
    assert resident_bytes() - before < 20 * _MIB


@pytest.mark.needs_gpu
def test_a_data_loader_pins_the_batches(ds: datasets.Dataset) -> None:
    for batch in DataLoader(ds, 5, collate_fn=Collate(), pin_memory=True):
        assert isinstance(batch, Batch)
        assert batch["audio"].is_pinned()
        assert batch["modality_mask"].is_pinned()
