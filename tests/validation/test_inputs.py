"""What a path leads to is told from its content first, and cheaply."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest

from emotalk_data.errors import PathError, ReleaseNotFoundError
from emotalk_data.testing import make_emotalk, make_m3ed
from emotalk_data.validation.inputs import kind_of, looks_like_m3ed

from .table_files import features, table, write

RECORD = {"content": "好", "emotion_result": "happy", "data": []}
M3ED: dict[str, object] = {"anjia": {"anjia_1": {"SpeakerInfo": {}, "Dialog": {}}}}


def _json(path: Path, *documents: object, indent: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(document, ensure_ascii=False, indent=indent) for document in documents]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("has_tars", [False, True])
def test_a_folder_of_emotiontalk_is_a_release_from_any_of_its_folders(tmp_path: Path, has_tars: bool) -> None:
    root = make_emotalk(tmp_path / "data", num_utterances=1, media=False, tars=has_tars).root
    folders = [root, root.parent, *([] if has_tars else [root / "Text", root / "Text" / "json"])]
    assert {kind_of(folder) for folder in folders} == {"release"}


def test_a_table_beside_a_release_does_not_make_it_a_dataset(tmp_path: Path) -> None:
    root = make_emotalk(tmp_path / "data", num_utterances=1, media=False).root
    write(root / "statistics.parquet", table())
    assert kind_of(root) == "release"


def test_a_folder_of_m3ed_is_a_release_and_its_files_alone_are_m3ed(tmp_path: Path) -> None:
    root = make_m3ed(tmp_path / "m3ed", num_dialogues=1).root
    assert kind_of(root) == "release"
    assert kind_of(next(root.rglob("annotation.json"))) == "m3ed"
    assert kind_of(next(root.rglob("relation_annotation_release.json"))) == "m3ed"


def test_m3ed_is_told_by_its_shape_under_another_name(tmp_path: Path) -> None:
    assert kind_of(_json(tmp_path / "mine.json", M3ED, indent=1)) == "m3ed"
    assert kind_of(_json(tmp_path / "record.json", {"data": {"A0": {"emotion": "sad"}}})) == "record"
    assert looks_like_m3ed(b'\xef\xbb\xbf{"a": {"a_1": {"episode": 1}}}')
    assert not looks_like_m3ed(b'{"sourceAttr": {"spe_cap": "Dialog"}}')


def test_an_empty_folder_is_a_release(tmp_path: Path) -> None:
    assert kind_of(tmp_path) == "release"


@pytest.mark.parametrize(
    "name", ["data/train-00000-of-00001.parquet", "train/data-00000-of-00001.arrow", "a/b/c/rows.parquet"]
)
def test_a_folder_with_tables_below_is_a_dataset_or_a_feature_set(tmp_path: Path, name: str) -> None:
    write(tmp_path / "rows" / name, table())
    write(tmp_path / "vectors" / name, features())
    assert kind_of(tmp_path / "rows") == kind_of(tmp_path / "rows" / name) == "dataset"
    assert kind_of(tmp_path / "vectors") == kind_of(tmp_path / "vectors" / name) == "features"


def test_vectors_beside_labels_are_a_dataset(tmp_path: Path) -> None:
    rows = table().append_column("embedding", pa.array([[0.5]], pa.list_(pa.float32())))
    assert kind_of(write(tmp_path / "rows.parquet", rows)) == "dataset"


def test_a_folder_that_says_it_was_saved_is_a_dataset_also_without_its_shards(tmp_path: Path) -> None:
    _json(tmp_path / "state.json", {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]})
    assert kind_of(tmp_path) == "dataset"


def test_a_feature_set_whose_first_shard_is_damaged_is_one(tmp_path: Path) -> None:
    write(tmp_path / "part-00000.parquet", features(), cut_bytes=9)
    write(tmp_path / "part-00001.parquet", features())
    assert kind_of(tmp_path) == "features"


def test_the_content_of_a_table_counts_and_not_its_name(tmp_path: Path) -> None:
    renamed = write(tmp_path / "rows.parquet", table()).rename(tmp_path / "rows.json")
    stream = write(tmp_path / "rows.arrow", table()).rename(tmp_path / "rows.bin")
    assert kind_of(renamed) == kind_of(stream) == "dataset"
    (tmp_path / "empty.parquet").touch()
    assert kind_of(tmp_path / "empty.parquet") == "dataset"


def test_one_object_is_a_record_in_any_file(tmp_path: Path) -> None:
    named = "G00002_01_07_001"
    for name in ("a.json", f"{named}.json", f"{named}.jsonl", "a.txt"):
        assert kind_of(_json(tmp_path / name, RECORD, indent=1)) == "record", name


def test_objects_a_line_are_lines(tmp_path: Path) -> None:
    assert kind_of(_json(tmp_path / "all.jsonl", RECORD)) == "lines"
    assert kind_of(_json(tmp_path / "all.ndjson", RECORD, RECORD)) == "lines"
    assert kind_of(_json(tmp_path / "all.txt", RECORD, RECORD)) == "lines"
    assert kind_of("-") == "lines"


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"null", b"\xff\xfe{\0", b"\xef\xbb\xbf{}", b"<html>", b"[]"]
)
def test_a_json_file_that_is_no_object_is_a_record_that_cannot_be_read(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert kind_of(path) == "record"


def test_an_archive_is_a_release_also_under_the_name_of_json(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "Text.json", "w") as archive:
        archive.add(_json(tmp_path / "a.json", RECORD))
    assert kind_of(tmp_path / "Text.json") == "release"
    (tmp_path / "what.ever").write_bytes(b"\0\1\2")
    assert kind_of(tmp_path / "what.ever") == "release"


def test_nothing_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseNotFoundError, match="no file at"):
        kind_of(tmp_path / "nothing")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(PathError, match="expected a regular file"):
        kind_of(tmp_path / "fifo")


def test_telling_a_release_or_a_record_imports_no_table_library(tmp_path: Path) -> None:
    root = make_emotalk(tmp_path / "data", num_utterances=1, media=False).root
    record = next(root.rglob("*.json"))
    code = (
        "import sys; from emotalk_data.validation.inputs import kind_of; "
        f"print(kind_of({str(root)!r}), kind_of({str(record)!r}), "
        "sorted({'pyarrow', 'datasets', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "release record []\n"
