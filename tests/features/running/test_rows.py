"""Rows as encoders see them, from any dataset with ids; nothing is decoded before it is asked for."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.features.running.rows import read_source, utterances
from emotalk_data.media import AudioClip
from emotalk_data.schemas.feature_spec import TextSpec

from .hooks import Loudness, Numbers, constant, sounds, table


def test_a_release_gives_its_rows_split_by_split(rows: datasets.DatasetDict) -> None:
    source = read_source(rows)
    assert (source.corpus, list(source.splits), source.num_rows) == ("emotalk", list(rows), 24)
    first = next(utterances(rows))
    row = rows["train"][0]
    assert (first.utterance_id, first.text, first.text_raw) == (
        row["utterance_id"],
        row["text"],
        row["text_raw"],
    )
    assert isinstance(first.audio, AudioClip)
    assert first.video is None  # this release has none
    assert first.row["emotion"] == row["emotion"]


def test_columns_that_are_not_there_are_none() -> None:
    first = next(utterances(table(2)))
    assert (first.text_raw, first.audio, first.video) == (None, None, None)
    assert first.row["number"] == 0
    assert read_source(table(2)).corpus is None


def test_selections_shuffles_and_formats_are_respected(tmp_path: Path) -> None:
    chosen = sounds(tmp_path).select([4, 2]).with_format("numpy", columns=["utterance_id"])
    found = list(utterances(chosen))
    assert [one.utterance_id for one in found] == ["u004", "u002"]
    assert all(one.audio is not None for one in found)


def test_bytes_in_the_table_are_a_clip_too(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs", 2)
    embedded = [{"bytes": Path(row["path"]).read_bytes(), "path": None} for row in ds["audio"]]
    inside = datasets.Dataset.from_dict({"utterance_id": ["a", "b"], "audio": embedded}, features=ds.features)
    for one, other in zip(utterances(ds), utterances(inside), strict=True):
        assert one.audio is not None
        assert other.audio is not None
        assert one.audio.num_samples == other.audio.num_samples


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (None, "train"),
        ("test[:10%]", "test"),
        ("train+test", "train.test"),
        ("train[:1]+train[2:]", "train"),
        ("fold_1", "fold_1"),
    ],
)
def test_the_rows_of_one_dataset_have_the_name_of_its_split(split: str | None, expected: str) -> None:
    ds = table(2)
    ds._split = None if split is None else datasets.NamedSplit(split)
    assert list(read_source(ds).splits) == [expected]


def test_empty_splits_are_left_out_and_nothing_at_all_is_refused() -> None:
    parts = datasets.DatasetDict({"train": table(2), "dev": table(2).select([])})
    assert list(read_source(parts).splits) == ["train"]
    with pytest.raises(OptionError, match="the dataset has no rows"):
        read_source(table(2).select([]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"utterance_id": ["a", "b", "a"]}, r"the utterance 'a' is there twice \(train\)"),
        ({"utterance_id": ["a", None, "c"]}, "row 1 of train has None as its utterance_id"),
        ({"utterance_id": ["a", "", "c"]}, "row 1 of train has '' as its utterance_id"),
        ({"utterance_id": [1, 2, 3]}, "row 0 of train has 1 as its utterance_id"),
        ({"utterance_id": None}, "train has no column 'utterance_id'"),
    ],
)
def test_ids_have_to_be_there_each_once(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        read_source(table(3, **columns))


def test_an_id_may_not_be_in_two_splits() -> None:
    both = datasets.DatasetDict({"train": table(2), "test": table(1)})
    with pytest.raises(OptionError, match=r"the utterance 'u000' is there twice \(train, test\)"):
        read_source(both)


def test_what_is_no_dataset_is_refused() -> None:
    transformed = table(2).with_transform(lambda batch: batch)
    for wrong, message in (
        ([1, 2], "the data is a list; expected a Dataset or a DatasetDict"),
        (table(2).to_iterable_dataset(), "the data is a IterableDataset"),
        (transformed, "the dataset has a transform"),
        (datasets.DatasetDict({"a b": table(2)}), "'a b' is no name of a split"),
    ):
        with pytest.raises(OptionError, match=message):
            read_source(wrong)


def test_a_column_of_media_that_is_none_is_refused() -> None:
    source = read_source(table(2, audio=["a.wav", "b.wav"]))
    with pytest.raises(
        OptionError, match="the column 'audio' of train is a Value; expected Audio of datasets"
    ):
        source.has_any(Loudness.spec)
    assert source.has_any(Numbers(constant).spec)  # which encodes text


def test_what_a_spec_names_decides_what_is_missing() -> None:
    source = read_source(table(2, text=[None, None], text_raw=["a", None]))
    assert source.has_any(TextSpec(name="t", model="t", text_column="text_raw"))
    assert not source.has_any(TextSpec(name="t", model="t"))
    assert not source.has_any(Numbers(constant).spec)
    assert not source.has_any(Numbers(constant, input="video").spec)


def test_rows_can_be_sent_to_another_process(rows: datasets.DatasetDict) -> None:
    source = pickle.loads(pickle.dumps(read_source(rows)))  # noqa: S301  # our own
    assert source.splits["test"].utterance(0).utterance_id == rows["test"][0]["utterance_id"]
