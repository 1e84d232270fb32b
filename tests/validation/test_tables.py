"""Built datasets: what the builder writes is clean in every form, and each damage is found at its place."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotalk_data import load_dataset
from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS
from emotalk_data.testing import make_emotalk, make_m3ed
from emotalk_data.validation.inputs import kind_of
from emotalk_data.validation.seen_ids import SeenIds
from emotalk_data.validation.tables.datasets import validate_dataset

from .table_files import M3ED, annotated, emotalk_row, label_metadata, m3ed_row, table, write

BADCORPUS = Path(__file__).parents[3] / "shared" / "badcorpus"


def _report(path: Path | str) -> Report:
    report = Report("emotalk")
    validate_dataset(path, report)
    report.check()
    return report


def _found(report: Report) -> list[tuple[str, str]]:
    return [(one.code, one.json_path) for one in report.problems()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both corpora, as each of the forms in which `datasets` writes them."""
    root = tmp_path_factory.mktemp("built")
    made = make_emotalk(root / "emotalk", num_utterances=24).root
    m3ed = make_m3ed(root / "m3ed", num_dialogues=4).root
    dataset = load_dataset("emotalk", data_dir=made, cache_dir=root / "cache")
    load_dataset("m3ed", data_dir=m3ed, cache_dir=root / "cache")
    dataset.save_to_disk(root / "saved")
    for split, rows in dataset.items():
        (root / "hub" / "data").mkdir(parents=True, exist_ok=True)
        rows.to_parquet(root / "hub" / "data" / f"{split}-00000-of-00001.parquet")
    return {name: root / name for name in ("cache", "saved", "hub")}


# What is right


def test_what_the_builder_wrote_is_clean_without_a_note(built: dict[str, Path]) -> None:
    for path in (built["cache"], built["saved"], built["saved"] / "train"):
        report = _report(path)
        assert kind_of(path) == "dataset"
        assert _found(report) == []
        assert report.counts["rows"] > 0
        assert report.root == str(path)
    assert _report(next(built["cache"].rglob("m3ed-test.arrow"))).corpus == "m3ed"


def test_parquet_of_the_hub_is_clean_but_for_paths_of_this_machine(built: dict[str, Path]) -> None:
    report = _report(built["hub"])
    assert [(one.code, one.json_path, one.count > 20) for one in report.problems()] == [
        ("DS-MEDIA-002", "row[0].audio.path", True),
        ("DS-MEDIA-002", "row[0].video.path", True),
    ]
    assert report.counts["rows"] == 24
    assert report.is_clean


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_file_alone_is_named_as_it_was_given(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"rows{suffix}", table(emotalk_row(sentiment=3.0)))
    (problem,) = _report(path).problems()
    assert (problem.file, problem.json_path) == (str(path), "row[0].sentiment")
    assert problem.utterance_id == "G00002_01_07_001"
    assert _report(path).root == ""


def test_offsets_of_64_bits_and_views_are_the_same_columns(tmp_path: Path) -> None:
    types = {
        "text": pa.large_string(),
        "utterance_id": pa.string_view(),
        "modalities": pa.large_list(pa.large_string()),
    }
    assert _found(_report(write(tmp_path / "rows.arrow", table(types=types)))) == []


def test_a_missing_value_is_no_problem(tmp_path: Path) -> None:
    bare = dict.fromkeys(("text", "text_raw", "events", "emotion", "sentiment", "annotations"))
    path = write(tmp_path / "rows.parquet", table(emotalk_row(**bare, modalities=[])))
    assert _found(_report(path)) == []
    row = m3ed_row(**{name: None for name in m3ed_row() if not name.endswith(("id", "ies", "number"))})
    report = _report(write(tmp_path / "m3ed.parquet", table(row, schema=M3ED)))
    assert _found(report) == [("DS-DATA-001", "row[0].annotations")]


# One damage at a time, in the second of three rows


def _second(**values: Any) -> list[dict[str, Any]]:
    ids = [f"G00002_01_07_{number:03d}" for number in (1, 2, 3)]
    return [emotalk_row(ids[0]), emotalk_row(ids[1]) | values, emotalk_row(ids[2])]


def _second_of_m3ed(**values: Any) -> list[dict[str, Any]]:
    return [m3ed_row("anjia_1_1"), m3ed_row("anjia_1_2") | values, m3ed_row("anjia_1_3")]


def _events(**event: Any) -> dict[str, Any]:
    return {"events": [{"type": "laughing", "start": 2, "end": 2}, {"type": "overlap", **event}]}


def _votes(**values: Any) -> dict[str, Any]:
    return {"annotations": annotated(3, **values)["annotations"]}


def _m3ed_votes(emotions: list[int | None]) -> dict[str, Any]:
    votes = [dict(vote) for vote in m3ed_row()["annotations"]]
    votes[2]["emotions"] = emotions
    return {"annotations": votes}


NAN, INF = float("nan"), float("inf")
EMOTALK_DAMAGES: list[tuple[dict[str, Any], str, str]] = [
    ({"utterance_id": None}, "DS-ID-001", "utterance_id"),
    ({"utterance_id": "G00002_01_07_0２"}, "DS-ID-001", "utterance_id"),
    ({"utterance_id": "G00002_01_07_002\n"}, "DS-ID-001", "utterance_id"),
    ({"dialogue_id": "G00002_02"}, "DS-ID-002", "dialogue_id"),
    ({"group_id": "G00003"}, "DS-ID-002", "group_id"),
    ({"session_id": None}, "DS-ID-002", "session_id"),
    ({"speaker_id": "7"}, "DS-ID-002", "speaker_id"),
    ({"utterance_number": 3}, "DS-ID-002", "utterance_number"),
    ({"modalities": ["multimodal", "Text"]}, "DS-WORD-001", "modalities[1]"),
    ({"modalities": []}, "DS-DATA-001", "annotations"),
    ({"text": "今天天气好"}, "DS-TEXT-002", "text"),
    ({"text_raw": None}, "DS-TEXT-002", "text"),
    (_events(start=-1, end=2), "DS-TEXT-001", "events[1]"),
    (_events(start=7, end=7), "DS-TEXT-001", "events[1]"),
    (_events(start=None, end=7), "DS-TEXT-001", "events[1]"),
    (_events(start=3, end=2), "DS-TEXT-001", "events[1]"),
    (_events(start=0, end=1, type=None), "DS-WORD-001", "events[1].type"),
    ({"emotion": 7}, "DS-LABEL-001", "emotion"),
    ({"emotion_text": -1}, "DS-LABEL-001", "emotion_text"),
    ({"emotion_audio": 1 << 40}, "DS-LABEL-001", "emotion_audio"),
    ({"emotion_video": 7}, "DS-LABEL-001", "emotion_video"),
    ({"sentiment": -2.2}, "DS-SENT-001", "sentiment"),
    ({"sentiment": NAN}, "DS-SENT-001", "sentiment"),
    (_votes(modality="speech"), "DS-WORD-001", "annotations[3].modality"),
    (_votes(emotion=7), "DS-LABEL-001", "annotations[3].emotion"),
    (_votes(confidence=NAN), "DS-CONF-001", "annotations[3].confidence"),
    (_votes(confidence=1.0), "DS-CONF-001", "annotations[3].confidence"),
    (_votes(sentiment=-3), "DS-SENT-001", "annotations[3].sentiment"),
    ({"annotations": None}, "DS-DATA-001", "annotations"),
    ({"annotations": emotalk_row()["annotations"] * 2}, "DS-DATA-001", "annotations"),
    ({"start_seconds": -0.1}, "DS-TIME-001", "start_seconds"),
    ({"end_seconds": INF}, "DS-TIME-001", "end_seconds"),
    ({"start_seconds": 2.0, "end_seconds": 1.0}, "DS-TIME-001", "end_seconds"),
    ({"audio": {"bytes": None, "path": "x.wav"}}, "DS-MEDIA-001", "audio.path"),
    ({"audio": {"bytes": None, "path": "/dev/null/x.wav#t=1,2"}}, "DS-MEDIA-001", "audio.path"),
    ({"video": {"bytes": None, "path": "tar://a.mp4::/no/Multimodal.tar"}}, "DS-MEDIA-001", "video.path"),
    ({"audio": {"bytes": None, "path": "../x.wav"}}, "DS-MEDIA-003", "audio.path"),
    ({"audio": {"bytes": None, "path": "concat:a|b"}}, "DS-MEDIA-003", "audio.path"),
    ({"video": {"bytes": None, "path": "a\0b"}}, "DS-MEDIA-003", "video.path"),
    ({"video": {"bytes": None, "path": None}}, "DS-MEDIA-003", "video"),
]
M3ED_DAMAGES: list[tuple[dict[str, Any], str, str]] = [
    ({"utterance_id": "anjia_1_02"}, "DS-ID-001", "utterance_id"),
    ({"dialogue_id": "anjia_2"}, "DS-ID-002", "dialogue_id"),
    ({"series": "Anjia"}, "DS-ID-002", "series"),
    ({"utterance_number": None}, "DS-ID-002", "utterance_number"),
    ({"age": "adult"}, "DS-WORD-001", "age"),
    ({"gender": "F"}, "DS-WORD-001", "gender"),
    ({"text": "您好"}, "DS-TEXT-002", "text"),
    ({"emotion": 7}, "DS-LABEL-001", "emotion"),
    ({"emotions": [0, 7]}, "DS-LABEL-001", "emotions[1]"),
    (_m3ed_votes([0, 8]), "DS-LABEL-001", "annotations[2].emotions"),
    ({"annotations": []}, "DS-DATA-001", "annotations"),
    ({"end_seconds": -1.0, "start_seconds": None}, "DS-TIME-001", "end_seconds"),
    ({"episode_start_seconds": 12.0}, "DS-TIME-001", "episode_end_seconds"),
]


@pytest.mark.parametrize(("values", "code", "place"), EMOTALK_DAMAGES)
def test_each_damage_of_a_row_is_found_at_its_place(
    tmp_path: Path, values: dict[str, Any], code: str, place: str
) -> None:
    report = _report(write(tmp_path / "train.parquet", table(*_second(**values))))
    assert (code, f"row[1].{place}") in _found(report)
    assert {one.code for one in report.problems()} <= {code, "DS-DATA-001"}
    assert {one.json_path.partition(".")[0] for one in report.problems()} == {"row[1]"}


@pytest.mark.parametrize(("values", "code", "place"), M3ED_DAMAGES)
def test_each_damage_of_a_row_of_m3ed_is_found_at_its_place(
    tmp_path: Path, values: dict[str, Any], code: str, place: str
) -> None:
    path = write(tmp_path / "train.parquet", table(*_second_of_m3ed(**values), schema=M3ED))
    assert _found(_report(path)) == [(code, f"row[1].{place}")]


def test_other_legal_annotators_words_are_taken(tmp_path: Path) -> None:
    other = table(*_second_of_m3ed(**_m3ed_votes([7])), schema=M3ED)
    assert _found(_report(write(tmp_path / "train.parquet", other))) == []


def test_rows_are_counted_through_all_batches_and_rare_damage_is_at_its_row(tmp_path: Path) -> None:
    rows = [emotalk_row(f"G00002_{n // 1000:02d}_07_{n % 1000:03d}") for n in range(20_000)]
    rows[19_876] |= {"emotion": 9}
    path = write(tmp_path / "train.parquet", table(*rows))
    assert _found(_report(path)) == [("DS-LABEL-001", "row[19876].emotion")]


def test_a_thousand_problems_of_a_code_are_kept_and_the_rest_counted(tmp_path: Path) -> None:
    rows = [emotalk_row(f"G00002_{n // 1000:02d}_07_{n % 1000:03d}", emotion=9) for n in range(5_000)]
    report = _report(write(tmp_path / "train.parquet", table(*rows)))
    assert report.num_by_code() == {"DS-LABEL-001": 5_000}
    assert len(list(report.problems())) == 1_000


# Columns and labels


def test_each_column_may_be_missing_and_each_of_another_type(tmp_path: Path) -> None:
    for name in table().column_names:
        report = _report(write(tmp_path / "a.parquet", table().drop_columns([name])))
        assert ("DS-COLUMN-001", name) in _found(report)
        index = table().column_names.index(name)
        other = table().set_column(index, name, pa.array([True]))
        report = _report(write(tmp_path / "a.parquet", other))
        assert ("DS-COLUMN-002", name) in _found(report)
        twice = table().append_column(name, table().column(name))
        report = _report(write(tmp_path / "a.parquet", twice))
        assert ("DS-COLUMN-002", name) in _found(report)


def test_label_names_in_another_order_are_other_labels(tmp_path: Path) -> None:
    names = EMOTALK_EMOTIONS.names
    right = write(tmp_path / "a.parquet", table(metadata=label_metadata(*names)))
    assert _found(_report(right)) == []
    wrong = write(tmp_path / "a.parquet", table(metadata=label_metadata(*sorted(names))))
    assert _found(_report(wrong)) == [("DS-LABEL-002", "emotion")]


@pytest.mark.parametrize("text", ["", "{not json", "[]", '{"info": 1}', "[" * 5_000, "NaN"])
def test_metadata_that_cannot_be_read_is_a_problem(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.parquet", table(metadata={"huggingface": text}))
    assert _found(_report(path)) == [("DS-META-001", "huggingface")]


# Splits


def test_a_split_is_told_by_file_folder_or_state(tmp_path: Path) -> None:
    test_row = table(emotalk_row("G00003_01_02_001"))
    for name in ("data/test-00000-of-00001.parquet", "default/test/0000.parquet", "emotalk-test.arrow"):
        shutil.rmtree(tmp_path / "set", ignore_errors=True)
        write(tmp_path / "set" / name, test_row)
        assert _found(_report(tmp_path / "set")) == []
        write(tmp_path / "set" / name, table())
        assert _found(_report(tmp_path / "set")) == [("DS-SPLIT-001", "row[0].utterance_id")]
    write(tmp_path / "saved" / "data-00000-of-00001.arrow", table())
    (tmp_path / "saved" / "state.json").write_text('{"_split": "validation"}')
    assert _found(_report(tmp_path / "saved")) == [("DS-SPLIT-001", "row[0].utterance_id")]


def test_an_utterance_in_two_splits_is_found_in_any_order(tmp_path: Path) -> None:
    for first, second in (("test", "train"), ("train", "validation")):
        write(tmp_path / first / f"{first}.parquet", table(emotalk_row("G00002_01_07_009")))
        write(tmp_path / first / f"{second}.parquet", table(emotalk_row("G00002_01_07_009")))
        assert "DS-SPLIT-002" in _report(tmp_path / first).num_by_code()


def test_two_datasets_of_a_cache_may_hold_the_same_rows(tmp_path: Path, built: dict[str, Path]) -> None:
    folder = next(built["cache"].rglob("emotalk-train.arrow")).parent
    shutil.copytree(folder, tmp_path / "cache" / "one")
    shutil.copytree(folder, tmp_path / "cache" / "two")
    report = _report(tmp_path / "cache")
    assert _found(report) == []
    assert report.counts["rows"] == 48


# Files


def test_a_missing_shard_is_found_by_name_and_by_state(tmp_path: Path, built: dict[str, Path]) -> None:
    write(tmp_path / "train-00001-of-00003.parquet", table())
    (problem,) = _report(tmp_path).problems()
    assert (problem.code, problem.file) == ("DS-FILE-003", "train-00001-of-00003.parquet")
    copy = Path(shutil.copytree(built["saved"], tmp_path / "saved"))
    state = copy / "train" / "state.json"
    state.write_text(json.dumps({"_data_files": [{"filename": "gone.arrow"}, 7, {"filename": []}]}))
    assert _found(_report(copy)) == [("DS-FILE-003", "_data_files")]
    state.write_text("[")
    assert "DS-META-001" in _report(copy).num_by_code()


def test_rows_that_are_fewer_than_the_cache_says_are_missed(tmp_path: Path, built: dict[str, Path]) -> None:
    folder = next(built["cache"].rglob("emotalk-train.arrow")).parent
    copy = Path(shutil.copytree(folder, tmp_path / "cache"))
    with pa.OSFile(str(copy / "emotalk-train.arrow")) as source:
        rows = pa.ipc.open_stream(source).read_all()
    write(copy / "emotalk-train.arrow", rows.slice(0, rows.num_rows - 1))
    assert _found(_report(copy)) == [("DS-FILE-004", "splits.train")]


def test_a_folder_without_a_table_cannot_be_validated(tmp_path: Path) -> None:
    with pytest.raises(ReleaseNotFoundError, match="no Parquet or Arrow file"):
        _report(tmp_path)
    with pytest.raises(ReleaseNotFoundError, match="no file at"):
        _report(tmp_path / "gone.parquet")


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _flip(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_every_cut_is_found(tmp_path: Path, suffix: str) -> None:
    rng = random.Random(0)  # noqa: S311  not for secrets
    whole = write(tmp_path / f"whole{suffix}", table(*_second())).read_bytes()
    path = tmp_path / f"train{suffix}"
    for _ in range(60):
        path.write_bytes(_cut(whole, rng))
        assert "DS-FILE-001" in _report(path).num_by_code()


@pytest.mark.parametrize("change", [_flip, lambda data, rng: _flip(_flip(data, rng), rng)])
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_flipped_bits_never_raise(
    tmp_path: Path, suffix: str, change: Callable[[bytes, random.Random], bytes]
) -> None:
    rng = random.Random(0)  # noqa: S311  not for secrets
    whole = write(tmp_path / f"whole{suffix}", table(*_second())).read_bytes()
    path = tmp_path / f"train{suffix}"
    for _ in range(80):
        path.write_bytes(change(whole, rng))
        report = _report(path)
        assert all(len(str(one)) < 2_000 for one in report.problems())


def test_a_flipped_bit_in_a_page_of_parquet_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "train.parquet", table(*_second()))
    metadata = pq.read_metadata(path)
    data = bytearray(path.read_bytes())
    for index in range(0, metadata.num_columns, 5):
        chunk = metadata.row_group(0).column(index)
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        damaged = data.copy()
        damaged[start + chunk.total_compressed_size - 3] ^= 4
        path.write_bytes(damaged)
        assert "DS-FILE-001" in _report(path).num_by_code()


def test_a_small_file_of_too_many_rows_is_not_read(tmp_path: Path) -> None:
    bomb = pa.table({"utterance_id": pa.nulls(6_000_000, pa.string())})
    path = write(tmp_path / "train.parquet", bomb)
    assert _report(path).num_by_code() == {"DS-FILE-002": 1}


# What is not as the collection's manifest says, and why.
KNOWN_DIFFERENCES = {
    "arrow/ok.parquet": "a whole file, and not of our columns: DS-COLUMN-001",
    "arrow/null_id.parquet": "its column is called id, so what is missing is utterance_id",
}


def _manifest() -> list[dict[str, str]]:
    path = BADCORPUS / "manifest.jsonl"
    if not path.exists():
        return []
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [entry for entry in entries if entry["group"] == "arrow" and "feature" not in entry["file"]]


@pytest.mark.skipif(not BADCORPUS.exists(), reason="the collection of damaged files is not here")
def test_each_damaged_table_gets_its_verdict() -> None:
    differences = []
    for entry in _manifest():
        assert kind_of(BADCORPUS / entry["file"]) == "dataset"
        codes = set(_report(BADCORPUS / entry["file"]).num_by_code()) - {"DS-COLUMN-001"}
        if bool(codes) != (entry["verdict"] == "reject"):
            differences.append(entry["file"])
    assert set(differences) <= KNOWN_DIFFERENCES.keys()


# The set of ids


def test_the_set_of_ids_forgets_nothing_and_takes_little_room() -> None:
    seen = SeenIds()
    names = [f"G00002_{n // 1000:02d}_07_{n % 1000:03d}" for n in range(50_000)]
    assert {seen.add(name, index % 4) for index, name in enumerate(names)} == {None}
    assert [seen.add(name) for name in names] == [index % 4 for index in range(50_000)]
    assert len(seen) == 50_000
    assert seen.num_bytes <= 24 * 50_000
