"""Pickles of every kind that Python and numpy write, and those that are out to do harm."""

from __future__ import annotations

import collections
import json
import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emotalk_data
from emotalk_data.errors import DecodeError, LimitError, OptionError
from emotalk_data.features.exporting.safe_pickle import load_pickle, read_pickle

from . import hostile

PACKAGE_ROOT = str(Path(emotalk_data.__file__).parent.parent)
SECONDS = 120  # for all of them, on a machine that is busy with other tests


def objects(*values: Any) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


PLAIN = {
    "dialogues": collections.OrderedDict(anjia_1=["A_anjia_1_1", "B_anjia_1_2"], anjia_2=[]),
    "labels": {"anjia_1": [np.int64(3), 4, True], "anjia_2": (1.5, None, "中" * 300, -5, 2**70)},
    "sets": [{"train"}, frozenset([1, 2]), set()],
    3: "a number as a key",
}
ARRAYS = [
    np.arange(6).reshape(2, 3).astype(dtype)
    for dtype in ("<f4", ">f4", "<f8", "<f2", "<i8", ">i4", "|u1", "|b1")
]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_python_writes_is_read_as_it_is(protocol: int) -> None:
    assert read_pickle(pickle.dumps(PLAIN, protocol), where="plain") == PLAIN


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_are_read_as_they_are(protocol: int) -> None:
    kinds = [
        *ARRAYS,
        ARRAYS[0].T,
        np.zeros((0, 4), np.float32),
        np.full(1, 2.5, np.float32),
        np.asfortranarray(ARRAYS[2]),
    ]
    for array in kinds:
        read = read_pickle(pickle.dumps([array, array], protocol), where="array")
        assert read[0] is read[1]
        assert read[0].dtype == array.dtype
        np.testing.assert_array_equal(read[0], array)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_texts_and_objects_in_arrays_become_lists(protocol: int) -> None:
    value = [
        np.array(["早", "晚上好"]),
        objects(np.arange(3.0), "x"),
        np.array({"a": 1}, object),
        np.float32(2.5),
    ]
    texts, mixed, single, number = read_pickle(pickle.dumps(value, protocol), where="objects")
    assert texts == ["早", "晚上好"]
    assert (mixed[0].tolist(), mixed[1]) == ([0, 1, 2], "x")
    assert single == {"a": 1}
    assert number == 2.5


def test_arrays_of_a_file_are_views_of_it(tmp_path: Path) -> None:
    path = tmp_path / "large.pkl"
    path.write_bytes(pickle.dumps([np.ones(2_000_000, np.float32)] * 2))
    array = load_pickle(path)[0]
    assert not array.flags.owndata
    assert not array.flags.writeable
    assert array.sum() == 2_000_000


def test_a_file_of_m3eds_size_is_within_the_limits() -> None:
    dialogues = [f"series_{number}" for number in range(990)]
    ids = {one: [f"A_{one}_{number}" for number in range(25)] for one in dialogues}
    labels = {one: [np.int64(number % 7) for number in range(25)] for one in dialogues}
    vectors = {one: np.ones((25, 2), np.float32) for one in dialogues}
    sentences = {one: np.array(["你好"] * 25) for one in dialogues}
    content = [ids, ids, labels, vectors, vectors, vectors, sentences, dialogues, [], []]
    for protocol in (2, 5):
        read = read_pickle(pickle.dumps(content, protocol), where="full size")
        assert read[2]["series_989"] == [int(number) for number in labels["series_989"]]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each hostile pickle, in a process with little memory."""
    folder = tmp_path_factory.mktemp("hostile")
    canary = folder / "canary"
    pickles = folder / "pickles"
    pickles.mkdir()
    for name, content in {**hostile.calls(canary), **hostile.bombs(), **hostile.tricks()}.items():
        (pickles / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, hostile.__file__, str(pickles)],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_AS, (2**31, 2**31)
        ),  # numpy and its threads are in it
    )
    assert done.returncode == 0, done.stderr
    assert not canary.exists()
    found = {verdict["name"]: verdict for verdict in map(json.loads, done.stdout.splitlines())}
    assert len(found) == len(list(pickles.iterdir()))
    return found


def test_every_hostile_pickle_is_refused_with_a_typed_error_and_its_place(verdicts: dict[str, Any]) -> None:
    taken = [name for name, verdict in verdicts.items() if verdict["error"] is None]
    assert taken == []
    assert all(isinstance(verdict["offset"], int) for verdict in verdicts.values())


def test_none_of_them_opens_imports_or_runs_anything(verdicts: dict[str, Any]) -> None:
    assert {name: verdict["events"] for name, verdict in verdicts.items() if verdict["events"]} == {}


def test_none_of_them_gets_memory(verdicts: dict[str, Any]) -> None:
    grown = {name: verdict["mb"] for name, verdict in verdicts.items() if verdict["mb"] > hostile.MEMORY_MB}
    assert grown == {}
    small = [
        "LONG_BINPUT",
        "BINBYTES8",
        "BINUNICODE8",
        "BYTEARRAY8",
        "LONG4",
        "many empty texts",
        "many objects",
    ]
    assert max(verdicts[name]["mb"] for name in small) < 16


def test_copies_of_one_value_end_before_they_are_large(verdicts: dict[str, Any]) -> None:
    of = {name: verdicts[name] for name in hostile.copies()}
    assert of.pop("a name of lists of lists")["error"] == "DecodeError"
    assert {verdict["error"] for verdict in of.values()} == {"LimitError"}
    assert max(verdict["mb"] for verdict in of.values()) < 128


@pytest.mark.parametrize(
    "name", ["LONG_BINPUT", "BINBYTES8", "BINUNICODE8", "BYTEARRAY8", "BINBYTES", "LONG4", "LONG1"]
)
def test_a_few_bytes_that_ask_for_gigabytes_are_too_large_and_not_merely_damaged(
    verdicts: dict[str, Any], name: str
) -> None:
    assert verdicts[name]["error"] == "LimitError"


def test_nesting_of_any_depth_is_no_crash() -> None:
    deep = read_pickle(b"\x80\x04)" + b"\x85" * 500_000 + b".", where="deep")
    assert isinstance(deep, tuple)
    itself = read_pickle(b"\x80\x04]\x94h\x00a.", where="itself")
    assert itself[0] is itself


VALID = pickle.dumps([PLAIN, *ARRAYS, np.array(["早"]), objects("x", ARRAYS[0])])


def refusal(content: bytes) -> DecodeError | LimitError | None:
    """The error that reading gives; None where it gives a value."""
    try:
        read_pickle(content, where="damaged")
    except (DecodeError, LimitError) as error:
        return error
    return None


@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_pickle_is_read_or_refused_and_nothing_else(changes: list[tuple[int, int]]) -> None:
    content = bytearray(VALID)
    for place, value in changes:
        content[place] = value
    error = refusal(bytes(content))
    if error is not None:
        assert error.path == "damaged"
        assert error.offset is not None
        assert 0 <= error.offset <= len(content)
        assert len(str(error)) <= 500


def test_messages_say_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        DecodeError, match=r"holds a value of 8 bytes, with 3 left in the file \(is it cut\?\), at byte 2"
    ):
        read_pickle(b"\x80\x04C\x08abc", where="cut.pkl")
    with pytest.raises(
        LimitError, match=r"'x' holds a reference to value 2,147,483,647 at byte 3; .* may be an attack"
    ):
        read_pickle(hostile.bombs()["LONG_BINPUT"], where="x")
    with pytest.raises(
        DecodeError, match=r"holds the name 'posix', 'system', which features do not need, at byte"
    ):
        read_pickle(pickle.dumps(os.system), where="x")
    with pytest.raises(DecodeError, match=r"holds protocol 1 \(save it again with protocol 4\) at byte 0"):
        read_pickle(b"\x80\x01N.", where="x")
    (tmp_path / "empty.pkl").touch()
    with pytest.raises(DecodeError, match="is empty; expected a pickle"):
        load_pickle(tmp_path / "empty.pkl")
    with pytest.raises(OptionError, match="cannot read"):
        load_pickle(tmp_path / "nothing.pkl")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OptionError, match=r"cannot read .* it is no file"):
            load_pickle(path)
