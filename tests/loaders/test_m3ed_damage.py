from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotalk_data.errors import ArchiveError, DecodeError, LimitError, PathError, ReleaseNotFoundError
from emotalk_data.load import load_dataset
from emotalk_data.loaders import m3ed_files
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.m3ed import M3edUtterance, read_m3ed
from emotalk_data.loaders.m3ed_index import index_m3ed
from emotalk_data.loaders.report import Report
from emotalk_data.testing import make_m3ed
from emotalk_data.validation.validate import validate

RELATION = "relation_annotation_release.json"
FIRST = "qingchengxiaoxiang"
Edit = Callable[[Any], None]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release without any oddity, of annotations alone."""
    root = tmp_path_factory.mktemp("clean") / "m3ed"
    return make_m3ed(root, num_dialogues=4, audio=False, episodes=False, oddities=False).root


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "m3ed"))


def _edit(path: Path, edit: Edit) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def _read(root: Path, *, drop_invalid: bool = False) -> tuple[list[M3edUtterance], Report]:
    report = Report("m3ed")
    rows = list(read_m3ed(index_m3ed(list_release(root), None, report), report, drop_invalid=drop_invalid))
    report.check()
    return rows, report


def _line(document: Any, number: int = 0) -> dict[str, Any]:
    """Return an utterance of the first dialogue."""
    lines = document[FIRST][f"{FIRST}_1"]["Dialog"]
    line: dict[str, Any] = list(lines.values())[number]
    return line


def test_a_clean_release_has_no_problem(clean: Path) -> None:
    rows, report = _read(clean)
    assert report.num_problems() == 0
    assert len(rows) == report.counts["records_found"] > 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("annotation.json", r"no annotation\.json under .*; get it from github\.com/AIM3-RUC/RUCM3ED"),
        ("splitInfo/movie_list_val.txt", r"no movie_list_val\.txt under .*put splitInfo/ beside annotation"),
    ],
)
def test_a_release_that_lacks_a_file_says_where_to_get_it(root: Path, name: str, message: str) -> None:
    (root / name).unlink()
    with pytest.raises(ReleaseNotFoundError, match=message):
        _read(root)


def test_without_the_relation_file_there_are_rows_and_no_places(root: Path) -> None:
    (root / RELATION).unlink()
    rows, report = _read(root)
    assert report.num_by_code() == {"M3-REL-003": 1}
    assert all(row.episode is None and row.episode_start_seconds is None for row in rows)
    assert all(row.start_seconds is not None for row in rows)


def test_a_dialogue_without_a_place_keeps_its_rows(root: Path) -> None:
    _edit(root / RELATION, lambda document: document[FIRST].pop(f"{FIRST}_1"))
    rows, report = _read(root)
    assert report.num_by_code() == {"M3-REL-002": 1}
    assert {row.dialogue_id for row in rows if row.episode is None} == {f"{FIRST}_1"}


def test_a_duplicate_dialogue_is_an_error_and_not_a_lost_dialogue(root: Path) -> None:
    path = root / "annotation.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{", f'{{"{FIRST}": {{}},', 1), encoding="utf-8")
    with pytest.raises(DecodeError, match=r"annotation\.json is not strict JSON: .*[Dd]uplicate"):
        _read(root)


@pytest.mark.parametrize("name", ["annotation.json", RELATION])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", r"is \[\]; expected an object of series"),
        ("null", r"is None; expected an object of series"),
        ("", r"is not strict JSON: the file is empty"),
        ('{"a": NaN}', r"is not strict JSON"),
        ("version https://git-lfs.github.com/spec/v1\n", r"git lfs pull"),
        ("<html></html>", r"HTML"),
    ],
)
def test_a_file_that_is_no_object_of_json_is_named(root: Path, name: str, text: str, message: str) -> None:
    (root / name).write_text(text, encoding="utf-8")
    with pytest.raises(DecodeError, match=rf"{name} .*{message}|{message}"):
        _read(root)


def test_two_annotation_files_are_refused(root: Path) -> None:
    shutil.copytree(root, root / "copy")
    with pytest.raises(ReleaseNotFoundError, match=r"holds 2 files that could be the annotation file"):
        _read(root)


def test_a_file_larger_than_any_release_is_refused_unread(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(m3ed_files, "_MAX_ANNOTATION_BYTES", 1_000)
    with pytest.raises(LimitError, match=r"annotation\.json has [0-9,]+ bytes; expected at most 1,000"):
        _read(root)


@pytest.mark.parametrize("name", ["annotation.json", "splitInfo/movie_list_test.txt"])
def test_a_device_in_the_place_of_a_file_is_refused_and_not_waited_for(root: Path, name: str) -> None:
    (root / name).unlink()
    (root / name).symlink_to("/dev/zero")
    with pytest.raises(PathError, match=r"is a fifo, socket or device"):
        _read(root)


def test_a_series_of_no_list_makes_no_rows_and_is_reported(root: Path) -> None:
    whole, _ = _read(root)
    (root / "splitInfo/movie_list_test.txt").write_text("", encoding="utf-8")
    rows, report = _read(root)
    lost = [row for row in whole if row.split == "test"]
    assert len(rows) == len(whole) - len(lost)
    assert report.num_by_code() == {"M3-SPLIT-001": len(lost)}
    assert report.counts["records_unplaced"] == len(lost) > 0


def test_a_series_of_two_lists_is_in_the_first_and_is_reported(root: Path) -> None:
    (root / "splitInfo/movie_list_test.txt").write_text(f"beiwanlanqiao\r\n{FIRST}\r\n", encoding="utf-8-sig")
    rows, report = _read(root)
    assert report.num_by_code() == {"M3-SPLIT-002": 1}
    assert {row.split for row in rows if row.series == FIRST} == {"train"}
    assert {row.split for row in rows if row.series == "beiwanlanqiao"} == {"test"}


def test_a_listed_series_that_is_not_annotated_is_reported(root: Path) -> None:
    with (root / "splitInfo/movie_list_val.txt").open("a", encoding="utf-8") as file:
        file.write("\nqingwawangzi")
    _, report = _read(root)
    assert report.num_by_code() == {"M3-SPLIT-003": 1}


@pytest.mark.parametrize(
    "bad", ["1", f"{FIRST}_1", f"{FIRST}_1_01", f"{FIRST}_1_x", f"{FIRST}_2_1", "", "🙂"]
)
def test_an_utterance_whose_id_is_not_its_dialogues_is_reported_and_makes_no_row(
    root: Path, bad: str
) -> None:
    whole, _ = _read(root)

    def rename(document: Any) -> None:
        lines = document[FIRST][f"{FIRST}_1"]["Dialog"]
        lines[bad] = lines.pop(next(iter(lines)))

    _edit(root / "annotation.json", rename)
    rows, report = _read(root)
    assert report.num_by_code() == {"M3-ID-001": 1}
    assert len(rows) == len(whole) - 1
    assert report.counts["records_unplaced"] == 1


def test_a_dialogue_that_is_not_its_series_is_reported_with_all_its_utterances(root: Path) -> None:
    whole, _ = _read(root)

    def move(document: Any) -> None:
        document[FIRST]["anderswo_1"] = document[FIRST].pop(f"{FIRST}_1")

    _edit(root / "annotation.json", move)
    rows, report = _read(root)
    lost = sum(row.dialogue_id == f"{FIRST}_1" for row in whole)
    assert report.counts["records_unplaced"] == lost == len(whole) - len(rows)
    assert report.num_by_code() == {"M3-ID-001": 1, "M3-REL-001": 1}


@pytest.mark.parametrize(
    ("key", "value", "code", "attribute"),
    [
        ("StartTime", "later", "M3-TIME-002", "start_seconds"),
        ("EndTime", "00:61:00:00", "M3-TIME-002", "end_seconds"),
        ("EndTime", 12, "M3-TYPE-001", "end_seconds"),
        ("StartTime", "09:00:00:00", "M3-TIME-003", "start_seconds"),
    ],
)
def test_a_bad_time_is_null_and_reported(
    root: Path, key: str, value: object, code: str, attribute: str
) -> None:
    _edit(root / "annotation.json", lambda document: _line(document).update({key: value}))
    rows, report = _read(root)
    assert report.num_by_code() == {code: 1}
    assert getattr(rows[0], attribute) is None
    assert getattr(rows[0], f"episode_{attribute}") is None
    assert rows[1].start_seconds is not None


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda line: line.update(Speaker="C"), "M3-SPEAKER-001"),
        (lambda line: line["EmoAnnotation"].update(final_main_emo="Joyful"), "M3-LABEL-001"),
        (lambda line: line["EmoAnnotation"].update(final_main_emo="Other"), "M3-LABEL-001"),
        (lambda line: line["EmoAnnotation"].update(final_mul_emo="Anger，Sad"), "M3-LABEL-001"),
        (lambda line: line.update(Text=7), "M3-TYPE-001"),
        (lambda line: line.update(EmoAnnotation=[]), "M3-TYPE-001"),
    ],
)
def test_drop_leaves_out_the_row_with_an_error_and_counts_it(root: Path, edit: Edit, code: str) -> None:
    whole, _ = _read(root)
    _edit(root / "annotation.json", lambda document: edit(_line(document)))
    kept, report = _read(root)
    assert len(kept) == len(whole)
    assert report.num_by_code()[code] == 1
    dropped, report = _read(root, drop_invalid=True)
    assert [row.utterance_id for row in dropped] == [row.utterance_id for row in whole[1:]]
    assert report.counts["records_dropped"] == report.counts["utterances_dropped"] == 1


def test_a_missing_label_is_null_and_never_neutral(root: Path) -> None:
    _edit(root / "annotation.json", lambda document: _line(document).pop("EmoAnnotation"))
    rows, report = _read(root)
    assert rows[0].annotation.emotion is None
    assert rows[0].annotation.emotions is None
    assert report.num_by_code() == {"M3-LABEL-003": 1}


def test_clips_of_no_utterance_and_second_clips_are_reported(root: Path) -> None:
    rows, _ = _read(root)
    first = rows[0]
    letter, other = ("A", "B") if first.utterance.speaker == "A" else ("B", "A")
    names = [
        f"a/{letter}_{first.utterance_id}.wav",
        f"b/{letter}_{first.utterance_id}.wav",
        "b/A_nobody_1_1.wav",
    ]
    for name in [*names, f"b/{other}_{first.utterance_id}.wav", "b/theme.wav"]:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    rows, report = _read(root)
    assert rows[0].audio_path == str(root / names[0])
    assert report.num_by_code() == {"M3-AUD-001": len(rows) - 1, "M3-AUD-003": 2, "M3-AUD-004": 1}


def test_validate_tells_m3ed_by_its_annotation_and_gives_the_same_report(root: Path) -> None:
    _edit(root / "annotation.json", lambda document: _line(document).update(Speaker="C"))
    report = validate(root)
    assert report.corpus == "m3ed"
    assert report.num_by_code() == _read(root)[1].num_by_code() == {"M3-SPEAKER-001": 1}


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.just([]),
    st.just({}),
    st.sampled_from(["Anger", "Other", "00:00:01:30", "A", " 0:0:1:123", "Anger,,Sad", "99:99:99:99"]),
)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a document."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    return [place for key in keys for place in [(node, key), *_places(node[key])]]


def _num_utterances(annotation: Any) -> int:
    dialogues = [
        entry for entries in annotation.values() if isinstance(entries, dict) for entry in entries.values()
    ]
    lines = [entry.get("Dialog") for entry in dialogues if isinstance(entry, dict)]
    return sum(len(line) for line in lines if isinstance(line, dict))


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_damaged_every_utterance_is_a_row_or_in_the_report(
    root: Path, data: st.DataObject
) -> None:
    originals = {name: (root / name).read_bytes() for name in ("annotation.json", RELATION)}
    try:
        for name, raw in originals.items():
            document = json.loads(raw)
            for _ in range(data.draw(st.integers(0, 4))):
                places = _places(document)
                if not places:
                    break
                node, key = data.draw(st.sampled_from(places))
                if data.draw(st.booleans()) or isinstance(node, list):
                    node[key] = data.draw(_JUNK)
                else:
                    node[data.draw(st.text(max_size=6))] = node.pop(key)
            (root / name).write_text(json.dumps(document), encoding="utf-8")
        rows, report = _read(root)  # checks that the counts add up
        kept, dropping = _read(root, drop_invalid=True)
        annotation = json.loads((root / "annotation.json").read_bytes())
        assert report.counts["records_found"] == _num_utterances(annotation)
        assert len(rows) == report.counts["rows"]
        assert len(kept) + dropping.counts["utterances_dropped"] == len(rows)
        assert dropping.num_by_code() == report.num_by_code()
    finally:
        for name, raw in originals.items():
            (root / name).write_bytes(raw)


def test_validate_reports_a_tar_of_clips_that_cannot_be_read(tmp_path: Path) -> None:
    root = make_m3ed(tmp_path / "release", episodes=False).data_dir
    (root / "audio.tar").write_bytes(b"not a tar at all")
    with pytest.raises(ArchiveError, match=r"audio\.tar"):
        load_dataset("m3ed", data_dir=root, cache_dir=tmp_path / "cache")
    assert "M3-TAR-001" in validate(root).num_by_code()


@pytest.mark.parametrize("name", ["annotation.json", "relation_annotation_release.json"])
def test_validate_reports_a_file_that_is_no_strict_json(tmp_path: Path, name: str) -> None:
    root = make_m3ed(tmp_path / "release", episodes=False).data_dir
    path = next(root.rglob(name))
    path.write_text(path.read_text(encoding="utf-8") + "}", encoding="utf-8")
    with pytest.raises(DecodeError, match="trailing characters"):
        load_dataset("m3ed", data_dir=root, cache_dir=tmp_path / "cache")
    (problem,) = validate(root).problems("error")
    assert (problem.code, problem.file.endswith(name)) == ("M3-JSON-001", True)
    assert "trailing characters" in problem.found
