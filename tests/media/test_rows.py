from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.media import Audio, AudioClip, Video, cast_media, rows

pytestmark = pytest.mark.usefixtures("quiet_and_apart")

NUM_ROWS = 5


@pytest.fixture
def ds(make_wav: Callable[..., Path]) -> datasets.Dataset:
    """Paths, embedded bytes and nulls; a label; a nested column; a nested column of media."""
    paths = [make_wav(f"{number}.wav", num_samples=1_000 + number) for number in range(NUM_ROWS)]
    features = datasets.Features(
        {
            "id": datasets.Value("int64"),
            "label": datasets.ClassLabel(names=["sad", "happy"]),
            "votes": datasets.List({"who": datasets.Value("string"), "score": datasets.Value("float64")}),
            "audio": Audio(sampling_rate=8_000),
            "video": Video(),
            "takes": datasets.List(Audio()),
        }
    )
    columns = {
        "id": list(range(NUM_ROWS)),
        "label": [0, 1, None, 1, 0],
        "votes": [[{"who": "a", "score": 0.5}], [], None, [{"who": None, "score": None}], []],
        "audio": [
            str(paths[0]),
            {"bytes": paths[1].read_bytes(), "path": "one.wav"},
            None,
            str(paths[3]),
            None,
        ],
        "video": [None, "v.mp4", None, None, None],
        "takes": [[str(paths[4])], [], None, [], []],
    }
    return datasets.Dataset.from_dict(columns, features=features)


def _plain(value: Any) -> Any:
    """Make clips comparable: what is stored, and at which rate they decode."""
    if isinstance(value, AudioClip):
        return dict(value), value._target_rate
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return dict(value) if hasattr(value, "frames") else value


VIEWS: dict[str, Callable[[datasets.Dataset], datasets.Dataset]] = {
    "whole": lambda ds: ds,
    "shuffled": lambda ds: ds.shuffle(seed=3),
    "selected": lambda ds: ds.select([4, 1, 1]),
    "sliced": lambda ds: ds.select(range(1, 4)),
    "filtered": lambda ds: ds.filter(lambda row: row["id"] % 2 == 1),
    "concatenated": lambda ds: datasets.concatenate_datasets([ds, ds.select([2, 0])]),
    "some columns": lambda ds: ds.select_columns(["audio", "id"]),
}


@pytest.mark.parametrize("view", VIEWS)
def test_rows_hold_what_the_rows_of_the_dataset_hold(ds: datasets.Dataset, view: str) -> None:
    expected = cast_media(VIEWS[view](ds))
    got = rows(expected)
    assert len(got) == len(expected)
    for row, other in zip(got, expected, strict=True):
        assert list(row) == list(other)
        assert {name: _plain(value) for name, value in row.items()} == {
            name: _plain(value) for name, value in other.items()
        }
    assert [dict(row)["id"] for row in got[-2:]] == [row["id"] for row in got][-2:]


def test_only_what_is_asked_for_is_read_and_once(ds: datasets.Dataset) -> None:
    row = rows(ds)[0]
    assert row._values == {}
    clip = row["audio"]
    assert set(row._values) == {"audio"}
    assert row["audio"] is clip
    assert "label" in row
    assert set(row._values) == {"audio"}


def test_embedded_media_are_views_of_the_table(ds: datasets.Dataset) -> None:
    clip = rows(ds)[1]["audio"]
    table = np.frombuffer(ds.data.table.column("audio").chunk(0).field("bytes").buffers()[2], np.uint8)
    assert np.shares_memory(np.frombuffer(clip._data, np.uint8), table)
    np.testing.assert_array_equal(clip.decode(), ds[1]["audio"].decode())


def test_copied_or_pickled_a_row_is_a_plain_dict_and_takes_nothing_else_along(ds: datasets.Dataset) -> None:
    big = datasets.Dataset.from_dict({"content": [bytes(50_000)] * 100})
    assert len(pickle.dumps(rows(big)[3])) < 51_000
    row = rows(ds)[0]
    for other in (copy.deepcopy(row), pickle.loads(pickle.dumps(row))):  # noqa: S301
        assert type(other) is dict
        assert {name: _plain(value) for name, value in other.items()} == {
            name: _plain(value) for name, value in row.items()
        }


def test_a_row_looks_like_a_dict(ds: datasets.Dataset) -> None:
    row = rows(ds, ["id", "label"])[1]
    assert repr(row) == "{'id': 1, 'label': 1}"
    assert repr(row.keys()) == "dict_keys(['id', 'label'])"
    assert row == {"id": 1, "label": 1}
    assert {**row, "label": 0} == {"id": 1, "label": 0}
    with pytest.raises(KeyError, match="absent"):
        row["absent"]


def test_rows_are_a_sequence_that_can_be_sent_to_workers(ds: datasets.Dataset) -> None:
    some = rows(ds, columns=["id", "audio"])
    assert repr(some) == "Rows(5 of ['id', 'audio'])"
    assert some[-1]["id"] == 4
    assert [row["id"] for row in some.__getitems__([3, 0])] == [3, 0]
    with pytest.raises(IndexError, match="out of range"):
        some[5]
    with pytest.raises(OptionError, match="a row's number is 'audio'"):
        some["audio"]  # type: ignore[call-overload]  # that is the point
    again = pickle.loads(pickle.dumps(some))  # noqa: S301
    assert [row["id"] for row in again] == list(range(NUM_ROWS))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda number: some[number % NUM_ROWS]["id"], range(200))) == [
            number % NUM_ROWS for number in range(200)
        ]


def test_what_is_no_table_of_rows_is_refused(ds: datasets.Dataset) -> None:
    with pytest.raises(OptionError, match=r"the data is a DatasetDict; expected a datasets\.Dataset"):
        rows(datasets.DatasetDict({"train": ds}))
    with pytest.raises(OptionError, match="has a transform"):
        rows(ds.with_transform(lambda batch: batch))
    with pytest.raises(OptionError, match="no column 'absent'"):
        rows(ds, ["absent"])
