"""The loader gives each row once, goes on where it was stopped, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import AudioError, OptionError, ReleaseNotFoundError
from emotalk_data.torch import Batch, LengthBatchSampler, loader, utterance_seconds

from .small_dataset import FEATURES, NO_AUDIO, NO_LABEL, NO_VIDEO, NUM_ROWS, reference, row_of

IDS = [f"u{number:03}" for number in range(NUM_ROWS)]


def ids_of(batches: Any) -> list[list[str]]:
    return [batch["utterance_id"] for batch in batches]


def check_batch(dataset: datasets.Dataset, batch: Batch) -> None:
    """Compare everything in a batch with the rows that its ids name."""
    numbers = [IDS.index(name) for name in batch["utterance_id"]]
    rows = dataset.select(numbers)
    assert batch["text"] == list(rows["text"])
    assert batch["events"] == list(rows["events"])
    assert batch["emotion"].tolist() == [-100 if value is None else value for value in rows["emotion"]]
    for place, samples in enumerate(reference(rows, number) for number in range(len(numbers))):
        assert batch["audio_lengths"][place] == len(samples)
        assert batch["modality_mask"][place, 1].item() is (len(samples) > 0)
        np.testing.assert_array_equal(batch["audio"][place, 0, : len(samples)].numpy(), samples)
        assert not batch["audio"][place, :, len(samples) :].any()


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


def test_memory_of_a_batch_is_used_again(ds: datasets.Dataset) -> None:
    batches = loader(ds.select([NUM_ROWS - 1] * 50), 1, num_threads=1)
    list(islice(batches, 1))
    places = {batch["audio"].untyped_storage().data_ptr() for batch in batches}
    assert len(places) <= 6


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


# Resuming


@settings(max_examples=40)
@given(
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 3),
    shuffle=st.booleans(),
    bucket=st.booleans(),
    num_threads=st.integers(0, 2),
    epoch=st.integers(0, 1),
    data=st.data(),
)
def test_batches_before_and_after_a_stop_are_those_of_a_run_without_one(
    ds: datasets.Dataset, epoch: int, data: st.DataObject, **options: Any
) -> None:
    def fresh() -> Any:
        return loader(ds, columns=["utterance_id", "audio"], **options)

    whole = fresh()
    epochs = [list(whole) for _ in range(3)]
    stop = data.draw(st.integers(0, len(epochs[epoch])))
    first = fresh()
    for _ in range(epoch):
        list(first)
    before = list(islice(first, stop))
    state = json.loads(json.dumps(first.state_dict()))
    second = fresh()
    second.load_state_dict(state)
    assert second.epoch == epoch
    second.set_epoch(epoch)  # as a training loop does; it must not lose the place
    got = before + list(second)
    assert ids_of(got) == ids_of(epochs[epoch])
    for batch, expected in zip(got, epochs[epoch], strict=True):
        assert torch.equal(batch["audio"], expected["audio"])
    assert ids_of(second) == ids_of(epochs[epoch + 1])


def test_the_state_in_the_loop_counts_the_batch_that_is_being_used(ds: datasets.Dataset) -> None:
    batches = loader(ds, 5, columns=["utterance_id"])
    positions = [batches.state_dict()["position"] for _ in batches]
    assert positions == [1, 2, 3, 4, 5]
    assert (batches.state_dict()["epoch"], batches.state_dict()["position"]) == (1, 0)


def test_breaking_off_and_starting_again_repeats_the_epoch(ds: datasets.Dataset) -> None:
    batches = loader(ds, 5, columns=["utterance_id"], shuffle=True)
    first = next(iter(batches))["utterance_id"]
    assert next(iter(batches))["utterance_id"] == first
    assert batches.epoch == 0
    batches.set_epoch(7)
    assert next(iter(batches))["utterance_id"] != first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed 0; it is 1"),
        ({"batch_size": 4}, "batch_size 5; it is 4"),
        ({"shuffle": True}, "shuffle False; it is True"),
        ({"world_size": 2}, "world_size 1; it is 2"),
        ({"bucket": True}, "no state of this kind"),
    ],
)
def test_a_state_of_other_batches_is_refused(
    ds: datasets.Dataset, change: dict[str, Any], message: str
) -> None:
    state = loader(ds, 5).state_dict()
    with pytest.raises(OptionError, match=message):
        loader(ds, **{"batch_size": 5, **change}).load_state_dict(state)


def test_a_state_of_other_rows_is_refused_and_one_of_a_copy_is_not(
    ds: datasets.Dataset, make_dataset: Callable[[str], datasets.Dataset]
) -> None:
    state = loader(ds, 5).state_dict()
    loader(make_dataset("bytes"), 5).load_state_dict(state)
    with pytest.raises(OptionError, match="dataset"):
        loader(ds.shuffle(seed=0), 5).load_state_dict(state)
    nameless = ds.remove_columns("utterance_id")
    loader(nameless, 5).load_state_dict(loader(nameless, 5).state_dict())


# Errors, threads


@pytest.fixture
def damaged(wavs: list[Path], tmp_path: Path) -> datasets.Dataset:
    """Row 12 is damaged, row 13 is gone."""
    (tmp_path / "bad.wav").write_bytes(b"RIFFnothing")
    paths = [str(path) for path in wavs]
    paths[12:14] = [str(tmp_path / "bad.wav"), str(tmp_path / "gone.wav")]
    return datasets.Dataset.from_list([row_of(n, path) for n, path in enumerate(paths)], features=FEATURES)


@pytest.mark.parametrize("num_threads", [0, 2])
def test_an_error_is_raised_at_its_turn_with_its_own_type(
    damaged: datasets.Dataset, num_threads: int
) -> None:
    seen = []
    with pytest.raises(AudioError, match=r"bad\.wav") as caught:  # noqa: PT012  what came before matters
        for batch in loader(damaged, 5, num_threads=num_threads):
            seen.append(batch)
    assert len(seen) == 2
    assert caught.value.utterance_id == "u012"
    with pytest.raises(ReleaseNotFoundError, match=r"gone\.wav"):
        list(loader(damaged.select([13]), num_threads=num_threads))


def test_errors_are_masked_and_counted_when_asked(damaged: datasets.Dataset) -> None:
    batches = loader(damaged, 5, on_error="mask")
    third = list(batches)[2]
    assert third["modality_mask"][:, 1].tolist() == [True, True, False, False, True]
    found = [(failure.position, failure.utterance_id, failure.error) for failure in third["errors"]]
    assert found == [(2, "u012", "AudioError"), (3, "u013", "ReleaseNotFoundError")]
    assert batches.failures == {"audio": 2}
    assert list(loader(damaged, 5, on_error="mask", bucket=True))


def loader_threads() -> int:
    return sum(thread.name.startswith("emotalk-loader") for thread in threading.enumerate())


def test_threads_end_with_the_iteration_however_it_ends(ds: datasets.Dataset) -> None:
    batches = loader(ds, 2, num_threads=3)
    for _ in range(50):
        for _ in batches:
            assert loader_threads() > 0
            break
        assert loader_threads() == 0
    for stop in (KeyboardInterrupt, ValueError):
        with pytest.raises(stop, match="enough"):  # noqa: PT012  the loop is what is tested
            for _ in batches:
                raise stop("enough")
    list(batches)
    assert loader_threads() == 0


def test_two_loaders_and_two_iterations_of_one_do_not_disturb_each_other(ds: datasets.Dataset) -> None:
    one, other = loader(ds, 3, shuffle=True), loader(ds, 4)
    for first, second, third in zip(one, one, other, strict=False):
        for batch in (first, second, third):
            check_batch(ds, batch)
        assert first["utterance_id"] == second["utterance_id"]


def test_many_threads_may_each_have_a_loader(ds: datasets.Dataset) -> None:
    found: list[list[list[str]]] = []
    threads = [threading.Thread(target=lambda: found.append(ids_of(loader(ds, 4)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ids_of(loader(ds, 4))] * 6


def test_a_process_ends_although_an_iteration_was_never_finished(wavs: list[Path]) -> None:
    code = (
        "import datasets\n"
        "from emotalk_data import Audio\n"
        "from emotalk_data.torch import loader\n"
        f"rows = [{{'audio': {str(wavs[0])!r}}}] * 40\n"
        "ds = datasets.Dataset.from_list(rows, features=datasets.Features({'audio': Audio()}))\n"
        "iterator = iter(loader(ds, 2))\n"
        "print(len(next(iterator)['audio']), flush=True)\n"
        "raise SystemExit(3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (3, "2\n"), done.stderr


# Arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"columns": ["audio", "nothing"]}, "no column 'nothing'"),
        ({"columns": ["audio", "audio"]}, "each once"),
        ({"columns": "audio"}, "expected a list of names"),
        ({"columns": 3}, "expected a list of names"),
        ({"num_threads": -1}, "num_threads is -1"),
        ({"num_threads": 65}, "at most 64"),
        ({"prefetch": 0}, "prefetch is 0"),
        ({"rank": 2, "world_size": 2}, "rank is 2"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"on_error": "drop"}, "on_error is 'drop'"),
        ({"frame_size": 10}, "frames is not"),
        ({"shuffle": True, "batch_sampler": LengthBatchSampler([1.0], 1)}, "batch_sampler decides"),
        ({"batch_sampler": LengthBatchSampler([1.0], 1)}, "1 rows; the dataset has 23"),
        ({"batch_sampler": [[0, 1]]}, "expected a LengthBatchSampler"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    ds: datasets.Dataset, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        loader(ds, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_page_locked_memory_without_a_gpu_is_refused(ds: datasets.Dataset) -> None:
    with pytest.raises(OptionError, match="pin_memory=True needs a GPU"):
        loader(ds, pin_memory=True)


def test_what_is_no_dataset_or_has_a_transform_is_refused(ds: datasets.Dataset) -> None:
    with pytest.raises(OptionError, match="choose a split"):
        loader(datasets.DatasetDict({"train": ds}))
    with pytest.raises(OptionError, match="DataLoader with Collate"):
        loader(ds.to_iterable_dataset())
    with pytest.raises(OptionError, match="transform"):
        loader(ds.with_transform(lambda rows: rows))


@pytest.mark.needs_gpu
def test_batches_are_in_page_locked_memory_where_there_is_a_gpu(ds: datasets.Dataset) -> None:
    for _ in range(2):
        for batch in loader(ds, 5):
            assert all(value.is_pinned() for value in batch.values() if isinstance(value, torch.Tensor))
            moved = batch.to("cuda", non_blocking=True)
            torch.cuda.synchronize()
            check_batch(ds, moved.to("cpu"))
    assert not next(iter(loader(ds, 5, pin_memory=False)))["audio"].is_pinned()
