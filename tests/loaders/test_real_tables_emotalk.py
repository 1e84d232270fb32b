"""EmotionTalk's own tables, dressed as a release, must come back out of the loader to the last character."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emotalk_data import load_dataset, validate
from emotalk_data.load import load_dataset_builder
from emotalk_data.loaders.report import Report

from .dress_emotalk import (
    KNOWN_ODDITIES,
    RealUtterance,
    four_class_ids,
    members,
    needs_tables,
    read_tables,
    write_tar,
    write_tree,
)

pytestmark = [pytest.mark.slow, needs_tables]

_LABEL_COLUMNS = {
    "emotion_text": "text",
    "emotion_audio": "audio",
    "emotion_video": "video",
    "emotion": "multimodal",
}
_ROWS = {"train": 15_413, "validation": 1_908, "test": 1_929}


@pytest.fixture(scope="module")
def truth() -> dict[str, RealUtterance]:
    return read_tables()


@pytest.fixture(scope="module")
def files(truth: dict[str, RealUtterance]) -> dict[str, list[tuple[str, bytes]]]:
    """The annotation files of the release by their top folder."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    for name, data in members(truth.values()):
        found.setdefault(name.partition("/")[0], []).append((name, data))
    return found


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that does not outlive the module: 77,000 files are too many to keep for three runs."""
    path = tmp_path_factory.mktemp("real")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def tree(work: Path, files: dict[str, list[tuple[str, bytes]]]) -> Path:
    root = work / "tree"
    for inside in files.values():
        write_tree(root, inside)
    return root


@pytest.fixture(scope="module")
def tars(work: Path, files: dict[str, list[tuple[str, bytes]]]) -> Path:
    root = work / "tars"
    for top, inside in files.items():
        write_tar(root / f"{top}.tar", inside)
    return root


def _load(root: Path, cache: Path) -> tuple[dict[str, Any], Report]:
    """Return split to Arrow table, and the report."""
    splits = load_dataset("emotalk", data_dir=root, cache_dir=cache)
    report = load_dataset_builder("emotalk", data_dir=root, cache_dir=cache).report()
    return {split: dataset.data.table for split, dataset in splits.items()}, report


@pytest.fixture(scope="module")
def loaded(tree: Path, work: Path) -> tuple[dict[str, Any], Report]:
    return _load(tree, work / "cache")


@pytest.fixture(scope="module")
def rows(loaded: tuple[dict[str, Any], Report]) -> dict[str, dict[str, Any]]:
    """The rows of all splits by id."""
    return {
        row["utterance_id"]: {**row, "split": split}
        for split, table in loaded[0].items()
        for row in table.drop_columns(["annotations", "captions", "events"]).to_pylist()
    }


def test_the_splits_are_the_authors_row_by_row(
    truth: dict[str, RealUtterance], loaded: tuple[dict[str, Any], Report], rows: dict[str, dict[str, Any]]
) -> None:
    assert {split: table.num_rows for split, table in loaded[0].items()} == _ROWS
    assert {key: row["split"] for key, row in rows.items()} == {key: u.split for key, u in truth.items()}


def test_the_four_labels_are_those_of_the_tables_and_their_ids_those_of_the_authors(
    truth: dict[str, RealUtterance], loaded: tuple[dict[str, Any], Report], rows: dict[str, dict[str, Any]]
) -> None:
    for column, modality in _LABEL_COLUMNS.items():
        assert {key: row[column] for key, row in rows.items()} == {
            key: u.label_ids[modality] for key, u in truth.items()
        }
    builder_names = ["neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful"]
    for column, modality in _LABEL_COLUMNS.items():
        assert {key: builder_names[row[column]] for key, row in rows.items()} == {
            key: u.words[modality] for key, u in truth.items()
        }
    # Not one label for all: the multimodal one differs from text in 58 % of the rows.
    assert sum(row["emotion"] != row["emotion_text"] for row in rows.values()) > 19_250 * 0.57


def test_the_class_names_decode_the_ids(tree: Path, work: Path, truth: dict[str, RealUtterance]) -> None:
    dataset = load_dataset("emotalk", data_dir=tree, cache_dir=work / "cache", split="validation")
    for column, modality in _LABEL_COLUMNS.items():
        names = dataset.features[column].int2str(dataset.with_format("arrow")[column].to_pylist())
        assert names == [truth[key].words[modality] for key in dataset["utterance_id"]]


def test_the_four_class_task_is_the_rows_with_the_first_four_ids(rows: dict[str, dict[str, Any]]) -> None:
    for split, ids in four_class_ids().items():
        assert {key for key, row in rows.items() if row["split"] == split and row["emotion"] <= 3} == ids


def test_sentiment_is_the_mean_of_the_table_and_of_the_annotators(
    truth: dict[str, RealUtterance], loaded: tuple[dict[str, Any], Report], rows: dict[str, dict[str, Any]]
) -> None:
    assert {key: row["sentiment"] for key, row in rows.items()} == {
        key: u.sentiment for key, u in truth.items()
    }
    for table in loaded[0].values():
        judged = table.column("annotations").combine_chunks()
        ratings = judged.flatten().field("sentiment").drop_null().to_numpy().reshape(-1, 5)
        assert (ratings.mean(axis=1).round(1) == table.column("sentiment").to_numpy()).all()


def test_no_spoken_character_is_lost(
    truth: dict[str, RealUtterance], rows: dict[str, dict[str, Any]]
) -> None:
    assert {key: row["text_raw"] for key, row in rows.items()} == {
        key: u.text_raw for key, u in truth.items()
    }
    assert sum(len(row["text_raw"]) for row in rows.values()) == 636_887
    assert sum(len(row["text"]) for row in rows.values()) == 463_975
    assert not [key for key, row in rows.items() if "[" in row["text"] or "]" in row["text"]]


def test_dialogues_speakers_and_groups_are_as_many_as_published(rows: dict[str, dict[str, Any]]) -> None:
    assert len({row["dialogue_id"] for row in rows.values()}) == 742
    assert {row["speaker_id"] for row in rows.values()} == {
        f"{number:02d}" for number in (1, 2, *range(5, 22))
    }
    assert {row["group_id"] for row in rows.values()} == {f"G{number:05d}" for number in range(1, 16)}
    one_sided = Counter(
        dialogue for dialogue, _ in {(row["dialogue_id"], row["speaker_id"]) for row in rows.values()}
    )
    assert Counter(one_sided.values()) == {2: 734, 1: 8}


def test_rows_are_ordered_by_dialogue_and_then_by_number(loaded: tuple[dict[str, Any], Report]) -> None:
    for table in loaded[0].values():
        order = list(
            zip(
                table.column("dialogue_id").to_pylist(),
                table.column("utterance_number").to_pylist(),
                strict=True,
            )
        )
        assert order == sorted(set(order))


def test_every_record_is_accounted_for_and_nothing_is_wrong(
    loaded: tuple[dict[str, Any], Report], tree: Path
) -> None:
    report = loaded[1]
    report.check()
    assert report.counts["records_found"] == report.counts["records_in_rows"] == 77_000
    assert report.counts["rows"] == report.counts["utterances_found"] == 19_250
    assert report.num_by_code() == {"ET-TEXT-001": 306, "ET-TEXT-002": 17}
    assert report.is_clean
    checked = validate(tree)  # looks at more than what decides what a row holds
    assert checked.num_by_code() == KNOWN_ODDITIES
    assert checked.counts == report.counts


def test_the_four_tars_give_the_same_table_as_the_tree(
    loaded: tuple[dict[str, Any], Report], tars: Path, work: Path
) -> None:
    tables, report = _load(tars, work / "cache")
    assert tables == loaded[0]
    assert report.num_by_code() == loaded[1].num_by_code()
    assert report.counts == loaded[1].counts


def test_text_and_video_as_gzip_under_the_name_tar_give_the_same_table(
    loaded: tuple[dict[str, Any], Report], tars: Path, work: Path, files: dict[str, list[tuple[str, bytes]]]
) -> None:
    root = work / "gzip"
    for top in ("Text", "Video"):
        write_tar(root / f"{top}.tar", files[top], compress=True)
    for top in ("Audio", "Multimodal"):
        (root / f"{top}.tar").hardlink_to(tars / f"{top}.tar")
    tables, report = _load(root, work / "cache")
    assert tables == loaded[0]
    assert report.num_by_code() == loaded[1].num_by_code()


def test_text_alone_gives_all_rows_and_no_other_label(tree: Path, work: Path) -> None:
    tables, report = _load(tree / "Text", work / "cache")
    assert {split: table.num_rows for split, table in tables.items()} == _ROWS
    for table in tables.values():
        assert table.column("emotion_text").null_count == 0
        for column in ("emotion", "emotion_audio", "emotion_video", "sentiment", "start_seconds", "captions"):
            assert table.column(column).null_count == table.num_rows
        assert set(map(tuple, table.column("modalities").to_pylist())) == {("text",)}
    assert sum(len(text) for table in tables.values() for text in table.column("text").to_pylist()) == 463_975
    assert report.num_by_code() == {"ET-TEXT-001": 306, "ET-TEXT-002": 17}
    assert report.is_clean


def test_without_text_the_transcript_is_that_of_audio(
    loaded: tuple[dict[str, Any], Report], tars: Path, work: Path
) -> None:
    root = work / "two"
    root.mkdir()
    for top in ("Audio", "Multimodal"):
        (root / f"{top}.tar").hardlink_to(tars / f"{top}.tar")
    tables, report = _load(root, work / "cache")
    for split, table in tables.items():
        whole = loaded[0][split]
        for column in (
            "text",
            "text_raw",
            "events",
            "emotion",
            "emotion_audio",
            "sentiment",
            "start_seconds",
        ):
            assert table.column(column).equals(whole.column(column))
        assert table.column("emotion_text").null_count == table.num_rows
        assert set(map(tuple, table.column("modalities").to_pylist())) == {("audio", "multimodal")}
    assert report.num_by_code() == {"ET-TEXT-001": 306, "ET-TEXT-002": 17}
