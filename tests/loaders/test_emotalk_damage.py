"""Damaged, misplaced and doubled files: each is in the report, and nothing else is changed by it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotalk_data import load_dataset, validate
from emotalk_data.errors import PathError, ReleaseInvalidError
from emotalk_data.loaders.report import Report
from emotalk_data.testing import EmotalkSample, make_emotalk

from .emotalk_loading import Rows, assert_validation_finds_it_all, load, problems_of, record_path

_COLUMNS: Final = {"text": "emotion_text", "audio": "emotion_audio", "video": "emotion_video"}
_CHINESE: Final = "新建"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[EmotalkSample, Rows]:
    """A release without media and without any oddity, and its rows."""
    made = make_emotalk(
        tmp_path_factory.mktemp("clean") / "release", num_utterances=18, media=False, oddities=False
    )
    rows, report = load(made.root, tmp_path_factory.mktemp("cache"))
    assert report.is_clean
    return made, rows


@pytest.fixture
def root(clean: tuple[EmotalkSample, Rows], tmp_path: Path) -> Path:
    """A copy of the clean release that a test may damage."""
    return Path(shutil.copytree(clean[0].root, tmp_path / "release"))


def _id(clean: tuple[EmotalkSample, Rows], place: int = 3) -> str:
    return clean[0].utterances[place].utterance_id


def _edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _codes(report: Report) -> dict[str, int]:
    """Count problems by code, without what the small sample's drawn transcripts bring along."""
    return {code: number for code, number in report.num_by_code().items() if not code.startswith("ET-TEXT")}


# One record that cannot be read: (what is done to it, the code)


def _not_json(path: Path) -> None:
    path.write_text("{'emotion_result': 'happy'}")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _list(path: Path) -> None:
    path.write_text("[1, 2]")


def _two_megabytes(path: Path) -> None:
    path.write_text(json.dumps({"emotion_result": "happy", "content": "x" * (2 << 20)}))


def _doubled_key(path: Path) -> None:
    path.write_text('{"emotion_result": "happy", "emotion_result": "sad"}')


def _link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.json")


def _link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_not_json, "ET-JSON-001"),
        (_empty, "ET-JSON-001"),
        (_doubled_key, "ET-JSON-005"),
        (_fifo, "ET-JSON-001"),
        (_list, "ET-JSON-003"),
        (_two_megabytes, "ET-JSON-004"),
        (_endless, "ET-JSON-004"),
        (_link_to_nothing, "ET-FILE-001"),
        (_link_to_itself, "ET-FILE-001"),
        (_folder, "ET-FILE-001"),
    ],
)
def test_a_record_that_cannot_be_read_leaves_nulls_in_its_row_and_a_line_in_the_report(
    damage: Callable[[Path], None], code: str, clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    key = _id(clean)
    damage(record_path(root, "video", key))
    rows, report = load(root, tmp_path / "cache")
    (problem,) = problems_of(report, code)
    assert (problem.severity, problem.utterance_id) == ("error", key)
    assert problem.file == record_path(Path(), "video", key).as_posix()
    assert _codes(report) == {code: 1}
    assert report.counts["records_unreadable"] == 1
    expected = clean[1][key] | {
        "emotion_video": None,
        "modalities": ["text", "audio", "multimodal"],
        "annotations": [a for a in clean[1][key]["annotations"] if a["modality"] != "video"],
    }
    assert rows == clean[1] | {key: expected}
    assert_validation_finds_it_all(root, report)


def test_a_file_without_permission_is_reported(
    clean: tuple[EmotalkSample, Rows],
    public_path: Path,
    without_privileges: Callable[[], AbstractContextManager[None]],
) -> None:
    root = Path(shutil.copytree(clean[0].root, public_path / "release"))
    record_path(root, "video", _id(clean)).chmod(0)
    with without_privileges():
        report = validate(root)
    (problem,) = report.problems("error")
    assert (problem.code, problem.found) == ("ET-FILE-001", "unreadable: Permission denied")


def test_a_row_is_kept_even_when_none_of_its_records_can_be_read(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    key = _id(clean)
    for modality in ("text", "audio", "video", "multimodal"):
        record_path(root, modality, key).write_bytes(b"")
    rows, report = load(root, tmp_path / "cache")
    row = rows[key]
    assert row["modalities"] == []
    assert row["annotations"] == []
    assert {row[column] for column in ("text", "text_raw", "events", "emotion", "sentiment", "captions")} == {
        None
    }
    assert (row["dialogue_id"], row["speaker_id"]) == (key[:9], key[10:12])
    assert report.counts["records_unreadable"] == 4
    dropped, report = load(root, tmp_path / "cache", on_invalid="drop")
    assert dropped == {other: row for other, row in rows.items() if other != key}
    assert report.counts["utterances_dropped"] == 1


def test_a_missing_label_is_null_and_never_neutral(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    missing, null, empty, unknown = (_id(clean, place) for place in (1, 2, 3, 4))
    record = json.loads(record_path(root, "text", missing).read_text())
    del record["emotion_result"]
    record_path(root, "text", missing).write_text(json.dumps(record))
    _edit(record_path(root, "audio", null), emotion_result=None)
    _edit(record_path(root, "video", empty), emotion_result="")
    _edit(
        record_path(root, "multimodal", unknown),
        **{"emotion_result": "hapy", "Continuous label_result": None},
    )
    rows, report = load(root, tmp_path / "cache")
    assert rows[missing]["emotion_text"] is None
    assert rows[null]["emotion_audio"] is None
    assert rows[empty]["emotion_video"] is None
    assert rows[unknown]["emotion"] is None
    assert rows[unknown]["sentiment"] is None
    assert _codes(report) == {"ET-LABEL-001": 2, "ET-LABEL-003": 2}
    assert {p.utterance_id for p in problems_of(report, "ET-LABEL-003")} == {missing, null}
    assert {p.found for p in problems_of(report, "ET-LABEL-001")} == {"''", "'hapy'"}


def test_on_invalid_drop_leaves_out_exactly_the_rows_with_errors(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    _edit(record_path(root, "text", _id(clean, 2)), emotion_result="hapy")
    _edit(record_path(root, "video", _id(clean, 9)), emotion_result=None)  # a warning: the row stays
    record_path(root, "audio", _id(clean, 15)).write_bytes(b"{")
    rows, report = load(root, tmp_path / "cache", on_invalid="drop")
    kept = {key: row for key, row in clean[1].items() if key not in (_id(clean, 2), _id(clean, 15))}
    kept[_id(clean, 9)] = kept[_id(clean, 9)] | {"emotion_video": None}
    assert rows == kept
    assert report.counts["utterances_dropped"] == 2
    assert report.counts["records_dropped"] == 7
    assert report.counts["records_unreadable"] == 1
    with pytest.raises(
        ReleaseInvalidError, match=r"2 problems of severity error; the first: error ET-JSON-001 Audio/"
    ):
        load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache", on_invalid="raise")


def test_on_invalid_raise_returns_the_rows_when_nothing_is_wrong(
    clean: tuple[EmotalkSample, Rows], tmp_path: Path
) -> None:
    rows, _ = load(clean[0].root, tmp_path, on_invalid="raise")
    assert rows == clean[1]


def test_a_file_that_no_id_names_makes_no_row_and_is_reported(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    folder = record_path(root, "text", _id(clean)).parent
    names = [
        "notes.json",
        f"{_id(clean)} (1).json",
        f"{_id(clean)}\n.json",
        "G00002_01_08_００２.json",
        "x.jsonl",
    ]
    for name in names:
        (folder / name).write_text("{}")
    rows, report = load(root, tmp_path / "cache")
    assert rows == clean[1]
    assert _codes(report) == {"ET-ID-001": 5}
    assert {p.file.rpartition("/")[2] for p in problems_of(report, "ET-ID-001")} == set(names)
    assert report.counts["records_unplaced"] == 5


def test_a_name_in_another_encoding_is_reported_with_its_bytes(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    name = os.fsencode(root) + b"/Text/json/" + _CHINESE.encode("gbk") + b".json"
    Path(os.fsdecode(name)).write_text("{}")
    rows, report = load(root, tmp_path / "cache")
    assert rows == clean[1]
    (problem,) = problems_of(report, "ET-ID-001")
    assert problem.file.startswith(r"Text/json/\xd0")
    assert json.loads(report.to_json().encode())["problems"]


def test_media_under_a_name_in_another_encoding_are_null_and_reported(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    folder = Path(os.fsdecode(os.fsencode(root) + b"/" + _CHINESE.encode("gbk")))
    folder.mkdir()
    (folder / f"{_id(clean)}.wav").write_bytes(b"RIFF")
    rows, report = load(root, tmp_path / "cache")
    assert rows[_id(clean)]["audio"] is None
    assert [p.found for p in problems_of(report, "ET-FILE-001")] == ["a path that is not UTF-8"]


def test_a_release_under_a_name_in_another_encoding_is_refused(root: Path, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + _CHINESE.encode("gbk")))
    root.rename(folder)
    with pytest.raises(PathError, match="is not UTF-8"):
        validate(folder)


def test_a_second_file_for_one_utterance_is_an_error_and_the_first_is_used(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    key = _id(clean)
    first = record_path(root, "text", key)
    _edit(Path(shutil.copy(first, first.with_suffix(".jsonl"))), emotion_result="fearful")
    copy = root / "copy" / "Text"
    copy.mkdir(parents=True)
    shutil.copy(first, copy / first.name)
    rows, report = load(root, tmp_path / "cache")
    assert rows == clean[1]
    assert _codes(report) == {"ET-DUP-001": 2, "ET-ID-002": 1}
    assert report.counts["records_duplicate"] == 2
    assert {p.file for p in problems_of(report, "ET-DUP-001")} == {
        f"copy/Text/{key}.json",
        first.with_suffix(".jsonl").relative_to(root).as_posix(),
    }


def test_a_record_in_another_folder_counts_by_its_name(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    key, other = _id(clean, 0), _id(clean, 17)
    path = record_path(root, "video", key)
    path.rename(record_path(root, "video", other).with_name(path.name))
    rows, report = load(root, tmp_path / "cache")
    assert rows == clean[1]
    assert _codes(report) == {"ET-ID-002": 1}
    assert problems_of(report, "ET-ID-002")[0].utterance_id == key


def test_a_flat_folder_of_one_modality_loads_with_a_warning_per_file(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat" / "Text"
    flat.mkdir(parents=True)
    for path in (root / "Text").rglob("*.json"):
        shutil.copy(path, flat)
    rows, report = load(flat.parent, tmp_path / "cache")
    assert {key: row["text"] for key, row in rows.items()} == {
        key: row["text"] for key, row in clean[1].items()
    }
    assert _codes(report) == {"ET-ID-002": 18}


def test_without_a_folder_that_says_so_the_keys_tell_the_modality(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    # Video has no key of its own: its records cannot be told and are reported, not guessed.
    for position, modality in enumerate(("Text", "Audio", "Multimodal", "Video")):
        (root / modality).rename(root / f"part {position}")
    rows, report = load(root, tmp_path / "cache")
    assert report.counts["records_unplaced"] == 18
    assert _codes(report) == {"ET-KIND-001": 18}
    for key, row in rows.items():
        assert row["modalities"] == ["text", "audio", "multimodal"]
        assert {**row, "emotion_video": 0, "annotations": 0, "modalities": 0} == {
            **clean[1][key],
            "emotion_video": 0,
            "annotations": 0,
            "modalities": 0,
        }


def test_hints_inside_a_record_that_name_another_one_are_warnings_and_the_name_counts(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    key, other = _id(clean, 4), _id(clean, 5)
    _edit(record_path(root, "text", key), speaker_id="21")
    _edit(record_path(root, "video", key), file_name=f"{other[:6]}/{other[:9]}/{other[:12]}/{other}.mp4")
    _edit(record_path(root, "audio", key), file_path=f"../../../etc/{key}.wav")
    _edit(record_path(root, "multimodal", key), file_name=f"{key}.mp4")  # without folders: fine
    rows, report = load(root, tmp_path / "cache")
    assert rows == clean[1]
    assert _codes(report) == {"ET-ID-003": 1, "ET-PATH-001": 2}
    assert {p.json_path for p in problems_of(report, "ET-PATH-001")} == {"file_name", "file_path"}


def test_marks_are_reported_for_the_file_whose_transcript_is_used(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    key = _id(clean)
    _edit(record_path(root, "text", key), content=None)
    _edit(record_path(root, "audio", key), content="[over/我去拿]好")
    rows, report = load(root, tmp_path / "cache")
    assert (rows[key]["text"], rows[key]["text_raw"]) == ("我去拿好", "[over/我去拿]好")
    (problem,) = problems_of(report, "ET-TEXT-002")
    assert problem.file == record_path(Path(), "audio", key).as_posix()


def test_text_wins_where_the_transcripts_differ(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    _edit(record_path(root, "audio", _id(clean)), content="完全不同的话。")
    rows, report = load(root, tmp_path / "cache")
    assert rows == clean[1]
    assert [p.utterance_id for p in problems_of(report, "ET-TEXT-003")] == [_id(clean)]


def test_a_group_of_no_official_split_is_in_train_with_a_warning(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    new = "G00077_01_02_001"
    target = record_path(root, "text", new)
    target.parent.mkdir(parents=True)
    shutil.copy(record_path(root, "text", _id(clean)), target)
    _edit(target, speaker_id="02", file_name=f"{new}.wav")
    rows, report = load(root, tmp_path / "cache")
    assert rows[new]["split"] == "train"
    assert [p.utterance_id for p in problems_of(report, "ET-SPLIT-001")] == [new]
    assert {p.utterance_id for p in problems_of(report, "ET-PRES-001")} == {new}
    assert {key: row for key, row in rows.items() if key != new} == clean[1]


def test_media_without_a_record_and_media_of_no_name_are_reported(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    wavs = root / "Audio" / "wav"
    wavs.mkdir()
    for name in (f"{_id(clean)}.wav", "G00002_99_07_001.wav", "intro.wav"):
        (wavs / name).write_bytes(b"RIFF")
    (wavs / f"{_id(clean)}.flac").write_bytes(b"fLaC")
    rows, report = load(root, tmp_path / "cache")
    assert rows.keys() == clean[1].keys()
    assert rows[_id(clean)]["audio"] == {"bytes": None, "path": f"{wavs}/{_id(clean)}.flac"}
    assert _codes(report) == {"ET-DUP-001": 1, "ET-PRES-002": 17, "ET-PRES-003": 2}
    found = {(p.file, p.utterance_id) for p in problems_of(report, "ET-PRES-003")}
    assert found == {("Audio/wav/intro.wav", None), ("Audio/wav/G00002_99_07_001.wav", "G00002_99_07_001")}


def test_folders_that_link_to_each_other_are_read_once(
    clean: tuple[EmotalkSample, Rows], root: Path, tmp_path: Path
) -> None:
    (root / "Text" / "up").symlink_to(root, target_is_directory=True)
    (root / "Text" / "json" / "far up").symlink_to("/", target_is_directory=True)
    (root / "Text again").symlink_to(root / "Text", target_is_directory=True)
    (root / "round").symlink_to("round")
    outside = tmp_path / "outside"
    (root / "Video").rename(outside)
    (outside / "back").symlink_to(root, target_is_directory=True)
    (root / "Video").symlink_to(outside, target_is_directory=True)
    (root / "Video again").symlink_to(outside, target_is_directory=True)
    rows, report = load(root, tmp_path / "cache")
    assert rows == clean[1]
    assert report.is_clean
    assert report.counts["records_found"] == 72


# Random damage. One record of an utterance at most, so that what is left of it must still be there.


def _truncate(path: Path, data: st.DataObject) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1), "cut")])


def _garbage(path: Path, data: st.DataObject) -> None:
    path.write_bytes(data.draw(st.binary(max_size=200), "garbage"))


def _overwrite(path: Path, data: st.DataObject) -> None:
    raw = path.read_bytes()
    path.write_bytes(b"\x00" * data.draw(st.integers(1, len(raw)), "zeros") + raw[1:])


def _delete(path: Path, data: st.DataObject) -> None:
    path.unlink()


def _rename(path: Path, data: st.DataObject) -> None:
    stem = data.draw(
        st.sampled_from(["copy", "G00002_01_08_2", "G00099_01_01_001 ", "g00002_01_08_002"]), "stem"
    )
    path.rename(path.with_name(f"{stem} {path.stem}.json"))


def _repeat_key(path: Path, data: st.DataObject) -> None:
    text = path.read_text()
    key = data.draw(st.sampled_from(sorted(json.loads(text))), "key")
    path.write_text(f'{{"{key}": null, {text[1:]}')


def _no_label(path: Path, data: st.DataObject) -> None:
    _edit(path, **{data.draw(st.sampled_from(["emotion_result", "data"]), "key"): None})


def _wrong_type(path: Path, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(json.loads(path.read_text()))), "key")
    _edit(path, **{key: data.draw(st.sampled_from([{"a": 1}, [1], [[]], True, 3.5, 10**30, "\0"]), "value")})


def _wrong_word(path: Path, data: st.DataObject) -> None:
    record = json.loads(path.read_text())
    place = data.draw(st.integers(0, 4), "annotator")
    key = data.draw(st.sampled_from(["emotion", "Confidence_degree"]), "key")
    record["data"][place][key] = data.draw(st.sampled_from(["", "joy", 0.4, -1, [], "neutral\u200b"]), "word")
    path.write_text(json.dumps(record))


_DAMAGES: Final = (
    _truncate,
    _garbage,
    _overwrite,
    _delete,
    _rename,
    _repeat_key,
    _no_label,
    _wrong_type,
    _wrong_word,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_damaged_is_in_the_report_and_the_other_rows_are_as_before(
    data: st.DataObject, clean: tuple[EmotalkSample, Rows]
) -> None:
    made, before = clean
    chosen = data.draw(
        st.lists(st.sampled_from(sorted(before)), unique=True, min_size=1, max_size=4), "utterances"
    )
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(shutil.copytree(made.root, Path(folder, "release"))), Path(folder, "cache")
        where: dict[str, str] = {}
        for key in chosen:
            where[key] = data.draw(st.sampled_from(["text", "audio", "video", "multimodal"]), "modality")
            data.draw(st.sampled_from(_DAMAGES), "damage")(record_path(root, where[key], key), data)
        rows, report = load(root, cache)
        assert rows.keys() == before.keys()
        assert report.counts["rows"] == report.counts["utterances_found"] == len(rows)
        for key, row in rows.items():
            if key not in where:
                assert row == before[key]
                continue
            assert any(key == p.utterance_id or key in p.file for p in report.problems())
            for modality, column in _COLUMNS.items():
                assert modality == where[key] or row[column] == before[key][column]
        wrong = {problem.utterance_id for problem in report.problems("error")} & where.keys()
        kept, dropped = load(root, cache, on_invalid="drop")
        assert kept == {key: row for key, row in rows.items() if key not in wrong}
        assert dropped.counts["utterances_dropped"] == len(wrong)
        assert dropped.num_by_code() == report.num_by_code()
        if report.num_problems("error"):
            with pytest.raises(ReleaseInvalidError, match="severity error; the first: error ET-") as caught:
                load_dataset("emotalk", data_dir=root, cache_dir=cache, on_invalid="raise")
            assert str(next(report.problems("error")))[:100] in str(caught.value)
        else:
            assert load(root, cache, on_invalid="raise")[0] == rows
        assert_validation_finds_it_all(root, report)


def test_a_text_record_without_its_transcript_is_reported_and_null(tmp_path: Path) -> None:
    root = Path(make_emotalk(tmp_path / "release", num_utterances=8, media=False, oddities=False).data_dir)
    (key, other, *_) = sorted(path.stem for path in (root / "Text").rglob("*.json"))
    for modality in ("text", "audio"):
        _edit(record_path(root, modality, key), content=None)
    _edit(record_path(root, "text", other), content=None)  # Audio's transcript stands in
    found = [(p.code, p.utterance_id) for p in validate(root).problems("warning")]
    assert found == [("ET-TEXT-005", key), ("ET-TEXT-005", other)]
    rows, report = load(root, tmp_path / "cache")
    assert [(p.code, p.utterance_id) for p in report.problems("warning")] == [("ET-TEXT-005", key)]
    assert (rows[key]["text"], rows[key]["text_raw"], rows[key]["events"]) == (None, None, None)
    assert rows[other]["text"]
