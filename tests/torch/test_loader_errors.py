"""Errors, threads and arguments of the loader: each failure at its turn, and nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

from emotalk_data import AudioClip
from emotalk_data.errors import AudioError, OptionError, ReleaseNotFoundError
from emotalk_data.torch import LengthBatchSampler, collate, loader

from .small_dataset import FEATURES, NUM_ROWS, check_batch, ids_of, row_of


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


@pytest.mark.parametrize("numeric", [False, True])
def test_a_failure_names_its_utterance_when_that_column_was_not_asked_for(
    damaged: datasets.Dataset, numeric: bool
) -> None:
    if numeric:
        ids = list(range(100, 100 + NUM_ROWS))
        damaged = damaged.remove_columns("utterance_id").add_column("utterance_id", ids)
    name = "112" if numeric else "u012"
    for columns in (["audio", "emotion"], None):
        with pytest.raises(AudioError, match=r"bad\.wav") as caught:
            list(loader(damaged, 5, columns=columns))
        assert caught.value.utterance_id == name
        assert caught.value.__notes__ == [f"column audio, row 2 of the batch, utterance_id {name!r}"]
        third = list(loader(damaged, 5, columns=columns, on_error="mask"))[2]
        assert third["errors"][0].utterance_id == name
        assert columns is None or "utterance_id" not in third


def test_a_failure_of_data_without_ids_names_none(damaged: datasets.Dataset) -> None:
    nameless = damaged.remove_columns("utterance_id").select([12])
    [batch] = loader(nameless, on_error="mask")
    assert batch["errors"][0].utterance_id is None
    with pytest.raises(AudioError, match=r"bad\.wav") as caught:
        list(loader(nameless))
    assert caught.value.__notes__ == ["column audio, row 0 of the batch"]


def test_to_find_the_clip_that_failed_no_clip_after_it_is_decoded(
    ds: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    bad = AudioClip(path=tmp_path / "bad.wav")
    asked = []
    prepare = AudioClip.prepare

    def recording(self: AudioClip, **options: Any) -> Any:
        asked.append(self)
        return prepare(self, **options)

    monkeypatch.setattr(AudioClip, "prepare", recording)
    clips = [ds[0]["audio"], bad, ds[2]["audio"], ds[3]["audio"]]
    with pytest.raises(AudioError, match=r"bad\.wav"):
        collate({"audio": clips})
    assert clips[2] not in asked


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
        ({"frames": 10**7}, "frames is 10000000; expected at most 1000000"),
        ({"frames": 2, "frame_size": "a"}, "frame_size is 'a'"),
        ({"frames": 2, "frame_size": (0, 5)}, r"frame_size is \(0, 5\)"),
        ({"frames": 2, "frame_size": 10**6}, "frame_size is 1000000"),
        ({"sampling_rate": 500}, "sampling_rate is 500"),
        ({"sampling_rate": 10**9}, "sampling_rate is 1000000000"),
        ({"mono": "no"}, "mono is 'no'; expected True or False"),
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


def test_numbers_of_numpy_are_numbers(with_video: datasets.Dataset) -> None:
    four: Any = np.int64(4)
    one: Any = np.uint8(1)
    size: Any = np.int32(16)
    rate: Any = np.int32(8_000)
    batches = loader(
        with_video, four, seed=one, sampling_rate=rate, frames=four, frame_size=size,
        num_threads=one, prefetch=one, world_size=one, shuffle=True,
    )  # fmt: skip
    json.dumps(batches.state_dict())
    assert next(iter(batches))["video"].shape[:3] == (4, 4, 16)


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
