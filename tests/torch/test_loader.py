"""The loader gives each row once, goes on where it was stopped, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, pairwise
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from emotalk_data.errors import OptionError
from emotalk_data.torch import LengthBatchSampler, loader, utterance_seconds

from .small_dataset import IDS, NO_AUDIO, NO_LABEL, NO_VIDEO, NUM_ROWS, check_batch, ids_of


@pytest.mark.parametrize("kind", ["files", "tar", "bytes"])
@pytest.mark.parametrize("num_threads", [0, 1, 3])
@pytest.mark.parametrize("reuse_buffers", [True, False])
def test_batches_hold_what_the_rows_hold(
    make_dataset: Callable[[str], datasets.Dataset], kind: str, num_threads: int, reuse_buffers: bool
) -> None:
    dataset = make_dataset(kind)
    batches = loader(dataset, 5, shuffle=True, num_threads=num_threads, reuse_buffers=reuse_buffers)
    assert len(batches) == 5
    for _ in range(2):
        seen = []
        for batch in batches:
            check_batch(dataset, batch)
            seen += batch["utterance_id"]
        assert sorted(seen) == IDS


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: ds.select([9, 4, 4, 0]),
        lambda ds: ds.shuffle(seed=3),
        lambda ds: ds.filter(lambda row: row["emotion"] != 1),
        lambda ds: datasets.concatenate_datasets([ds, ds]).select(range(15, 40)),
        lambda ds: ds.select(range(7, 20)),
        lambda ds: ds.with_format("numpy"),
        lambda ds: ds.with_format("arrow").shuffle(seed=1).select(range(3, 9)).flatten_indices(),
    ],
    ids=["select", "shuffle", "filter", "concatenate", "slice", "format", "flatten"],
)
@pytest.mark.parametrize("kind", ["files", "bytes"])
def test_rows_of_a_changed_dataset_are_found(
    make_dataset: Callable[[str], datasets.Dataset], kind: str, change: Callable[[Any], Any]
) -> None:
    dataset = make_dataset(kind)
    changed = change(dataset)
    batches = list(loader(changed, 4))
    assert list(chain(*ids_of(batches))) == list(changed.with_format(None)["utterance_id"])
    for batch in batches:
        check_batch(dataset, batch)


def test_a_batch_that_is_kept_keeps_its_values(ds: datasets.Dataset) -> None:
    kept = list(loader(ds, 4))
    for batch in kept:
        check_batch(ds, batch)
    slices = [batch["audio"][1, 0] for batch in loader(ds, 4)]  # only a view of the memory is left
    arrays = [batch["audio"].numpy()[1, 0] for batch in loader(ds, 4)]
    for batch, slice_, array in zip(kept, slices, arrays, strict=True):
        assert torch.equal(slice_, batch["audio"][1, 0])
        np.testing.assert_array_equal(array, slice_.numpy())


def test_only_the_columns_that_are_asked_for_are_there(ds: datasets.Dataset) -> None:
    batch = next(iter(loader(ds, 4, columns=["emotion", "sentiment"])))
    assert set(batch) == {"emotion", "sentiment", "modality_mask"}
    assert batch["sentiment"].dtype == torch.float64
    assert torch.isnan(next(iter(loader(ds, NUM_ROWS)))["sentiment"][NO_LABEL])
    assert set(next(iter(loader(ds.select_columns(["text"])))) ) == {"text", "modality_mask"}  # fmt: skip


def test_a_batch_of_nulls_has_the_same_types_as_any_other(ds: datasets.Dataset) -> None:
    batch = next(iter(loader(ds.select([NO_LABEL]), columns=["emotion", "utterance_number", "sentiment"])))
    assert [batch[name].dtype for name in ("emotion", "utterance_number")] == [torch.int64] * 2
    silent = next(iter(loader(ds.select([NO_AUDIO]))))
    assert silent["audio"].shape == (1, 1, 0)


def test_sound_is_resampled_as_decode_does_it(ds: datasets.Dataset) -> None:
    batch = next(iter(loader(ds, 3, sampling_rate=8_000)))
    expected = ds[2]["audio"].decode(sampling_rate=8_000)
    np.testing.assert_allclose(batch["audio"][2].numpy(), expected, atol=1e-6)


def test_pictures_come_when_frames_are_asked_for(with_video: datasets.Dataset) -> None:
    batches = list(loader(with_video, 4, frames=3, frame_size=(24, 32)))
    assert [batch["video"].shape for batch in batches] == [(4, 3, 24, 32, 3), (2, 3, 24, 32, 3)]
    assert torch.cat([batch["video_lengths"] for batch in batches]).tolist() == [3, 3, 3, 0, 3, 3]
    np.testing.assert_array_equal(batches[1]["video"][1], with_video[5]["video"].frames(3, size=(24, 32)))
    assert not batches[0]["modality_mask"][NO_VIDEO, 2]
    assert "video" not in next(iter(loader(with_video, 4)))
    with pytest.raises(OptionError, match="frames is None"):
        loader(with_video, columns=["video"])


# Order and shares


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("bucket", [True, False])
def test_processes_get_the_same_number_of_batches_and_all_rows_between_them(
    ds: datasets.Dataset, drop_last: bool, bucket: bool
) -> None:
    loaders = [
        loader(ds, 2, columns=["utterance_id"], shuffle=True, bucket=bucket, drop_last=drop_last, rank=rank,
               world_size=3)
        for rank in range(3)
    ]  # fmt: skip
    shares = [ids_of(one) for one in loaders]
    assert {len(share) for share in shares} == {len(one) for one in loaders}
    assert len({len(share) for share in shares}) == 1
    seen = list(chain(*chain(*shares)))
    if drop_last:
        assert len(set(seen)) == len(seen) >= NUM_ROWS - 5
    else:
        assert set(seen) == set(IDS)


def test_more_processes_than_rows_still_get_a_batch_each(ds: datasets.Dataset) -> None:
    few = ds.select([0, 1])
    shares = [ids_of(loader(few, 4, columns=["utterance_id"], rank=rank, world_size=5)) for rank in range(5)]
    assert shares == [[["u000"]], [["u001"]], [["u000"]], [["u001"]], [["u000"]]]


def test_drop_last_leaves_out_the_batch_that_is_not_full(ds: datasets.Dataset) -> None:
    batches = loader(ds, 5, columns=["utterance_id"], drop_last=True)
    assert [len(ids) for ids in ids_of(batches)] == [5] * 4 == [5] * len(batches)


def test_an_empty_dataset_has_no_batches(ds: datasets.Dataset) -> None:
    empty = loader(ds.select([]), world_size=2, shuffle=True)
    assert len(empty) == 0
    assert list(empty) == []


def test_buckets_hold_utterances_of_similar_length(ds: datasets.Dataset) -> None:
    batches = list(loader(ds, 6, bucket=True))
    there = [batch["audio_lengths"][batch["modality_mask"][:, 1]] for batch in batches]
    assert all(int(longer.min()) >= int(shorter.max()) for longer, shorter in pairwise(there))
    sampler = LengthBatchSampler(utterance_seconds(ds), max_batch_seconds=1.0, shuffle=True)
    for batch in loader(ds, batch_sampler=sampler):
        check_batch(ds, batch)
        assert batch["audio"].numel() <= 16_000


@pytest.mark.needs_gpu
def test_batches_are_in_page_locked_memory_where_there_is_a_gpu(ds: datasets.Dataset) -> None:
    for _ in range(2):
        for batch in loader(ds, 5):
            assert all(value.is_pinned() for value in batch.values() if isinstance(value, torch.Tensor))
            moved = batch.to("cuda", non_blocking=True)
            torch.cuda.synchronize()
            check_batch(ds, moved.to("cpu"))
    assert not next(iter(loader(ds, 5, pin_memory=False)))["audio"].is_pinned()
