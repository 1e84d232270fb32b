"""Digests of what features were made from: another input gives another one, another folder does not."""

from __future__ import annotations

import os
import shutil
import tarfile
from hashlib import blake2b
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.features.running.digests import STAT_PREFIX, ids_digest, input_digest, source_digest
from emotalk_data.features.running.rows import read_source, utterances
from emotalk_data.schemas.feature_spec import TextSpec

from .hooks import Loudness, Numbers, constant, sounds, table

AUDIO = Loudness.spec
TEXT = Numbers(constant).spec


def digest_of(ds: datasets.Dataset, spec: Any = AUDIO) -> str:
    return source_digest(read_source(ds).splits["train"], range(len(ds)), spec)


def pointing_to(ds: datasets.Dataset, path: str) -> datasets.Dataset:
    """Rows whose sound is at another path."""
    values = {"utterance_id": ds["utterance_id"][:1], "audio": [{"bytes": None, "path": path}]}
    return datasets.Dataset.from_dict(values, features=ds.features)


def test_a_release_that_was_moved_has_the_same_digest(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "here", 3)
    before = digest_of(ds)
    shutil.copytree(tmp_path / "here", tmp_path / "there")  # with times
    moved = [{"bytes": None, "path": str(tmp_path / "there" / f"{number}.wav")} for number in range(3)]
    there = datasets.Dataset.from_dict(
        {"utterance_id": ds["utterance_id"], "audio": moved}, features=ds.features
    )
    assert digest_of(there) == before


@pytest.mark.parametrize("change", ["touched", "longer", "gone"])
def test_a_file_that_was_changed_has_another_digest(tmp_path: Path, change: str) -> None:
    ds = sounds(tmp_path, 3)
    before = digest_of(ds)
    file = tmp_path / "1.wav"
    if change == "touched":
        os.utime(file, ns=(0, 0))
    elif change == "longer":
        status = file.stat()
        file.write_bytes(file.read_bytes() + b"\0\0")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        file.unlink()
    assert digest_of(ds) != before


def test_text_ids_order_and_what_is_missing_count_and_other_columns_do_not() -> None:
    first = digest_of(table(3), TEXT)
    assert digest_of(table(3, number=[7, 8, 9]), TEXT) == first
    assert digest_of(table(3, text=["utterance 0", "utterance 1", "other"]), TEXT) != first
    assert digest_of(table(3, text=["utterance 0", "utterance 1", None]), TEXT) != first
    assert digest_of(table(3, utterance_id=["u000", "u001", "u009"]), TEXT) != first
    assert digest_of(table(3).select([0, 2, 1]), TEXT) != first
    raw = TextSpec(name="t", model="t", text_column="text_raw")
    assert digest_of(table(3, text_raw=["a", "b", "c"]), raw) != digest_of(
        table(3, text_raw=["a", "b", "d"]), raw
    )


def test_bytes_in_the_table_are_read(tmp_path: Path) -> None:
    ds = sounds(tmp_path, 1)
    content = (tmp_path / "0.wav").read_bytes()
    found = [
        digest_of(
            datasets.Dataset.from_dict(
                {"utterance_id": ["u"], "audio": [{"bytes": data, "path": "0.wav"}]}, features=ds.features
            )
        )
        for data in (content, content[:-2] + b"\1\1", content)
    ]
    assert found[0] == found[2] != found[1]


def test_the_order_of_ids_counts() -> None:
    assert ids_digest(["a", "b"]) == ids_digest(["a", "b"])
    assert ids_digest(["a", "b"]) != ids_digest(["b", "a"])


def test_an_input_is_known_by_its_content(tmp_path: Path) -> None:
    one = next(utterances(sounds(tmp_path, 1)))
    content = (tmp_path / "0.wav").read_bytes()
    expected = blake2b(content, digest_size=16).hexdigest()
    assert input_digest(one, AUDIO) == expected
    text = next(utterances(table(1, text=["你好"])))
    assert input_digest(text, TEXT) == blake2b("你好".encode(), digest_size=16).hexdigest()


def test_a_member_of_an_archive_is_known_by_its_own_content(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs", 2)
    with tarfile.open(tmp_path / "Audio.tar", "w") as tar:
        for number in range(2):
            tar.add(tmp_path / "wavs" / f"{number}.wav", f"wav/{number}.wav")
    inside = next(utterances(pointing_to(ds, f"tar://wav/1.wav::{tmp_path}/Audio.tar")))
    outside = list(utterances(ds))[1]
    assert input_digest(inside, AUDIO) == input_digest(outside, AUDIO)


def test_a_window_is_known_by_file_and_times(tmp_path: Path) -> None:
    ds = sounds(tmp_path, 1)
    path = f"{tmp_path}/0.wav"
    first, second = (
        input_digest(next(utterances(pointing_to(ds, f"{path}#t={window}"))), AUDIO)
        for window in ("0,0.1", "0.1,0.2")
    )
    assert first is not None
    assert first.startswith(STAT_PREFIX)
    assert first != second
    os.utime(path, ns=(0, 0))
    assert input_digest(next(utterances(pointing_to(ds, f"{path}#t=0,0.1"))), AUDIO) != first


def test_what_cannot_be_read_has_no_digest(tmp_path: Path) -> None:
    ds = sounds(tmp_path, 1)
    for path in (f"{tmp_path}/nowhere.wav", f"tar://x.wav::{tmp_path}/nowhere.tar", "http://a/b.wav"):
        assert input_digest(next(utterances(pointing_to(ds, path))), AUDIO) is None
    assert input_digest(next(utterances(table(1, text=[None]))), TEXT) is None
    assert input_digest(next(utterances(table(1))), AUDIO) is None
