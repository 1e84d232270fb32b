"""Rows that failed, made again: their shards are written anew, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.errors import CacheCorruptError, OptionError
from emotalk_data.features import FeatureSet, extract_features
from emotalk_data.features.hook import Encoded
from emotalk_data.media import Audio

from .hooks import Loudness, Numbers, SizedNumbers, constant, content, sounds, table, times


def poisoned(*numbers: int) -> Numbers:
    def answer(number: int) -> Encoded:
        if number in numbers:
            raise ValueError(f"no {number}")
        return constant(number)

    return SizedNumbers(answer)


def made(ds: Any, hook: Any, out: Path, **options: Any) -> FeatureSet:
    return extract_features(ds, hook, out, **{"rows_per_shard": 4, **options})


@pytest.mark.parametrize("level", [("utterance", "frame"), ("utterance",), ("frame",)])
@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_what_is_mended_is_made_and_the_set_is_as_if_nothing_had_failed(
    tmp_path: Path, level: Any, storage: Any
) -> None:
    whole = made(table(), poisoned(), tmp_path / "whole", level=level, storage=storage, max_batch_seconds=9)
    part = made(
        table(), poisoned(1, 2, 9), tmp_path / "set", level=level, storage=storage, max_batch_seconds=9
    )
    assert part.counts.failed == 3
    before = times(tmp_path / "set")
    after = part.retry(table(), extractor=poisoned())
    assert after.counts == whole.counts
    assert content(tmp_path / "set") == content(tmp_path / "whole")
    now = times(tmp_path / "set")
    assert [name for name in before if before[name] == now[name]] == ["train-00001-of-00003.parquet"]
    made(table(), poisoned(1), tmp_path / "set", level=level, storage=storage)  # finds all there
    assert times(tmp_path / "set") == now


def test_what_fails_as_before_leaves_the_file_alone(tmp_path: Path) -> None:
    part = made(table(), poisoned(1, 9), tmp_path / "set")
    before = times(tmp_path / "set")
    after = part.retry(table(), extractor=poisoned(1))
    assert [row.utterance_id for row in after.failures()] == ["u001"]
    now = times(tmp_path / "set")
    assert [name for name in before if before[name] != now[name]] == ["train-00002-of-00003.parquet"]
    assert after.retry(table(), extractor=poisoned(1)).counts.failed == 1


def test_a_set_without_failures_is_left_alone_and_no_encoder_is_needed(tmp_path: Path) -> None:
    done = made(table(), poisoned(), tmp_path / "set")
    before = times(tmp_path / "set")
    assert done.retry(table()).store is done.store
    assert times(tmp_path / "set") == before


def test_a_file_that_was_mended_is_encoded_and_the_extraction_then_finds_all_there(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    whole = made(ds, Loudness(), tmp_path / "whole")
    good = (tmp_path / "wavs" / "1.wav").read_bytes()
    (tmp_path / "wavs" / "1.wav").write_bytes(b"damaged")
    part = made(ds, Loudness(), tmp_path / "set")
    assert [row.code for row in part.failures()] == ["unreadable"]
    (tmp_path / "wavs" / "1.wav").write_bytes(good)
    after = part.retry(ds, extractor=Loudness())
    assert after.counts == whole.counts
    before = times(tmp_path / "set")
    made(ds, Loudness(), tmp_path / "set")
    assert times(tmp_path / "set") == before


def test_another_file_of_the_shard_that_was_changed_is_not_passed_over(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    good = (tmp_path / "wavs" / "1.wav").read_bytes()
    (tmp_path / "wavs" / "1.wav").write_bytes(b"damaged")
    part = made(ds, Loudness(), tmp_path / "set")
    (tmp_path / "wavs" / "1.wav").write_bytes(good)
    shutil.copy(tmp_path / "wavs" / "5.wav", tmp_path / "wavs" / "2.wav")
    after = part.retry(ds, extractor=Loudness())
    assert after.counts.failed == 0
    before = times(tmp_path / "set")
    made(ds, Loudness(), tmp_path / "set")  # makes the shard again: 2.wav is another sound
    now = times(tmp_path / "set")
    assert [name for name in before if before[name] != now[name]] == ["train-00000-of-00002.parquet"]


def test_rows_that_were_missing_are_tried_when_they_are_asked_for(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    paths = [clip["path"] for clip in ds["audio"]]
    without = ds.remove_columns("audio").add_column("audio", [*paths[:4], None, None])
    without = without.cast_column("audio", Audio())
    part = made(without, Loudness(), tmp_path / "set")
    assert part.retry(ds, extractor=Loudness()).store is part.store
    after = part.retry(ds, only_failed=False, extractor=Loudness())
    assert (after.counts.made, after.counts.missing) == (6, 0)
    made(ds, Loudness(), tmp_path / "whole")
    assert content(tmp_path / "set") == content(tmp_path / "whole")


def test_a_part_of_the_rows_may_be_given_in_any_order_and_splits(tmp_path: Path) -> None:
    parts = datasets.DatasetDict({"train": table(6), "test": table(4, utterance_id=["a", "b", "c", "d"])})
    part = made(parts, poisoned(1, 5), tmp_path / "set")
    assert part.counts.failed == 3
    some = datasets.DatasetDict({"x": parts["test"].select([1]), "y": parts["train"].select([5])})
    after = part.retry(some, extractor=poisoned())
    assert [row.utterance_id for row in after.failures()] == ["u001"]
    with pytest.raises(OptionError, match=r"none of the 1 rows of .* the first is 'u001'"):
        after.retry(parts["test"], extractor=poisoned())


def test_another_encoder_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    part = made(table(), poisoned(1), tmp_path / "set")
    before = content(tmp_path / "set")
    with pytest.raises(OptionError, match="pooling is 'mean' there and 'last' here"):
        part.retry(table(), extractor=Numbers(constant, pooling="last"))
    assert content(tmp_path / "set") == before


def test_a_set_that_was_written_since_has_to_be_opened_again(tmp_path: Path) -> None:
    part = made(table(), poisoned(1), tmp_path / "set")
    part.retry(table(), extractor=poisoned())
    with pytest.raises(CacheCorruptError, match="was written anew since the set was opened"):
        part.retry(table(), extractor=poisoned())


def test_a_device_that_made_some_of_the_rows_is_told(tmp_path: Path) -> None:
    class Elsewhere(SizedNumbers):
        device = "mps"

    part = made(table(), poisoned(1), tmp_path / "set")
    after = part.retry(table(), extractor=Elsewhere(constant))
    assert [record.device for record in after.store.records] == ["cpu and mps", "cpu", "cpu"]
