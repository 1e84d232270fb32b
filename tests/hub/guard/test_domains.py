"""Known columns hold what such columns hold: numbers of their domain, short lists, one row for an utterance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotalk_data.hub.guard import FLAGS, judge
from emotalk_data.hub.guard.row_ids import RowIds
from emotalk_data.hub.staged import Staged
from tests.feature_shards import make_rows
from tests.hub.guard.folders import IDS, LICENCES, Corpus, corpus_table, staged_features, staged_table
from tests.hub.guard.planted import tone

PCM = tone()
ANNOTATION = dict.fromkeys(("modality", "annotator", "emotion", "confidence", "sentiment"))
GOOD = {"modality": "audio", "annotator": 5, "emotion": 6, "confidence": 0.9, "sentiment": -2}


def refused(staged: Staged) -> dict[str, str]:
    judgement = judge(staged, visibility="private", allow=FLAGS, encoder_licences=LICENCES)
    return {one.place.removeprefix("column "): one.reason for one in judgement.refusals}


def of_corpus(folder: Path, corpus: Corpus, **values: Any) -> dict[str, str]:
    names = [name for name in values if name != "utterance_id"]
    return refused(
        staged_table(folder, corpus_table(corpus, ["utterance_id", *names], **values), corpus=corpus)
    )


def annotated(**changes: Any) -> dict[str, Any]:
    return {"annotations": [[GOOD | changes]] * 8}


# corpus, values, the place of the finding, what it says
OUTSIDE: list[tuple[Corpus, dict[str, Any], str, str]] = [
    ("emotalk", {"emotion": [7] * 8}, "emotion", "not of 0 to 6"),
    ("emotalk", {"emotion_audio": [-1] * 8}, "emotion_audio", "not of 0 to 6"),
    ("emotalk", annotated(emotion=7), "annotations.emotion", "not of 0 to 6"),
    ("emotalk", annotated(annotator=21), "annotations.annotator", "not of 1 to 20"),
    ("emotalk", annotated(annotator=0), "annotations.annotator", "not of 1 to 20"),
    ("emotalk", annotated(confidence=0.3000001), "annotations.confidence", "none of 0.1, 0.3, 0.5, 0.7, 0.9"),
    ("emotalk", annotated(confidence=float("nan")), "annotations.confidence", "none of 0.1"),
    ("emotalk", annotated(sentiment=3), "annotations.sentiment", "not of -2 to 2"),
    ("emotalk", {"annotations": [[GOOD] * 81] * 8}, "annotations", "81 items; it has at most 80"),
    (
        "emotalk",
        {"annotations": [[ANNOTATION | {"annotator": int(one)} for one in PCM[:8_000]]] * 8},
        "annotations",
        "8,000 items",
    ),
    (
        "emotalk",
        {"annotations": [[ANNOTATION | {"annotator": int(one)} for one in PCM[:80]]] * 8},
        "annotations.annotator",
        "not of 1 to 20",
    ),
    ("emotalk", {"sentiment": [2.2] * 8}, "sentiment", "not of -2 to 2"),
    ("emotalk", {"sentiment": [float("nan")] * 8}, "sentiment", "not of -2 to 2"),
    ("emotalk", {"start_seconds": [float("inf")] * 8}, "start_seconds", "not of 0 to 86400"),
    ("emotalk", {"end_seconds": [-0.5] * 8}, "end_seconds", "not of 0 to 86400"),
    ("emotalk", {"modalities": [["text"] * 5] * 8}, "modalities", "5 items; it has at most 4"),
    ("emotalk", {"events": [[{"type": "overlap", "start": 5_000}]] * 8}, "events.start", "not of 0 to 4096"),
    ("emotalk", {"events": [[{"type": "overlap", "end": -1}]] * 8}, "events.end", "not of 0 to 4096"),
    ("emotalk", {"events": [[{"type": "crying"}] * 501] * 8}, "events", "501 items"),
    ("emotalk", {"captions": [{"overall": ["低沉"] * 21}] * 8}, "captions.overall", "21 items"),
    ("emotalk", {"utterance_number": [1_000_000] * 8}, "utterance_number", "not of 0 to 999999"),
    ("emotalk", {"utterance_number": [9] * 8}, "utterance_number", "not what the id"),
    ("emotalk", {"speaker_id": ["99"] * 8}, "speaker_id", "not what the id"),
    ("emotalk", {"dialogue_id": ["G00009_01"] * 8}, "dialogue_id", "not what the id"),
    ("emotalk", {"utterance_id": [IDS["emotalk"][0]] * 8}, "utterance_id", "has several rows"),
    ("emotalk", {"utterance_id": [*IDS["emotalk"][:7], None]}, "utterance_id", "a row has no id"),
    ("m3ed", {"emotions": [PCM.tolist()] * 8}, "emotions", "16,000 items; it has at most 7"),
    ("m3ed", {"emotions": [PCM[:7].tolist()] * 8}, "emotions", "not of 0 to 6"),
    ("m3ed", {"annotations": [[{"emotions": [8]}]] * 8}, "annotations.emotions", "not of 0 to 7"),
    ("m3ed", {"annotations": [[{"emotions": [7] * 9}]] * 8}, "annotations.emotions", "9 items"),
    ("m3ed", {"episode": [10_001] * 8}, "episode", "not of 0 to 10000"),
    ("m3ed", {"episode_start_seconds": [1e9] * 8}, "episode_start_seconds", "not of 0 to 86400"),
    ("m3ed", {"series": ["other"] * 8}, "series", "not what the id"),
    (
        "m3ed",
        {"utterance_id": [f"{'a' * 53}_{one}_1" for one in range(8)]},
        "utterance_id",
        "not the utterance_id",
    ),
]


@pytest.mark.parametrize(("corpus", "values", "place", "says"), OUTSIDE)
def test_what_no_corpus_has_is_refused(
    tmp_path: Path, corpus: Corpus, values: dict[str, Any], place: str, says: str
) -> None:
    found = of_corpus(tmp_path, corpus, **values)
    transcripts = {"events"} if corpus == "m3ed" else set()
    assert set(found) - transcripts == {place}, found
    assert says in found[place]


def test_the_ends_of_each_domain_go_through(tmp_path: Path) -> None:
    assert not of_corpus(
        tmp_path / "emotalk",
        "emotalk",
        **annotated(),
        emotion=[0, 6, None, 1, 2, 3, 4, 5],
        sentiment=[-2.0, 2.0, 0.4, -0.6000000000000001, None, 0.0, 1.8, 1.0],
        start_seconds=[0.0] * 8,
        end_seconds=[86_400.0] * 8,
        events=[[{"type": "overlap", "start": None, "end": 4_096}] * 500] * 8,
        captions=[{"speaker": "男", "overall": ["低沉"] * 5}] * 8,
        utterance_number=list(range(1, 9)),
        speaker_id=[one[10:12] for one in IDS["emotalk"]],
        group_id=["G00008"] * 8,
        session_id=["01"] * 8,
        dialogue_id=["G00008_01"] * 8,
    )
    assert not of_corpus(
        tmp_path / "m3ed",
        "m3ed",
        emotions=[[6, 0]] * 8,
        annotations=[[{"modality": "multimodal", "annotator": 3, "emotions": [7, 0]}] * 3] * 8,
        episode=[0] * 8,
        utterance_number=list(range(1, 9)),
        series=["anjia"] * 8,
    )


def test_a_row_a_sample_is_refused(tmp_path: Path) -> None:
    schema = corpus_table("emotalk", ["utterance_id", "utterance_number", "start_seconds"]).schema
    rows = 200
    values = [[IDS["emotalk"][0]] * rows, PCM[:rows].astype("i4"), abs(PCM[:rows]) / 32_768]
    columns = [pa.array(one, field.type) for one, field in zip(values, schema, strict=True)]
    found = refused(staged_table(tmp_path / "one", pa.table(columns, schema=schema)))
    assert "has several rows" in found["utterance_id"]
    found = refused(
        staged_table(tmp_path / "none", pa.table(columns[1:], schema=pa.schema(list(schema)[1:])))
    )
    assert "no column of ids" in found["file train-00000-of-00001.parquet"]


def test_an_id_in_two_shards_is_refused(tmp_path: Path) -> None:
    staged = staged_features(tmp_path, rows=make_rows([*IDS["emotalk"], IDS["emotalk"][0]]))
    assert "'G00008_01_12_001' has several rows" in refused(staged)["utterance_id"]


def splits_of(folder: Path, folds: Sequence[int | None], ids: Sequence[str]) -> dict[str, str]:
    table = pa.table(
        {"fold": pa.array(folds, pa.int32()), "split": ["train"] * len(ids), "dialogue_id": list(ids)}
    )
    return refused(staged_table(folder, table, "splits"))


def test_ids_of_splits_are_unique_in_their_fold(tmp_path: Path) -> None:
    ids = ["G00008_01", "G00008_02"] * 2
    assert not splits_of(tmp_path / "good", [0, 0, 1, 1], ids)
    assert "has several rows" in splits_of(tmp_path / "twice", [0, 0, 0, 1], ids)["dialogue_id"]
    assert "do not follow" in splits_of(tmp_path / "back", [1, 1, 0, 0], ids)["fold"]
    assert "do not follow" in splits_of(tmp_path / "null", [0, 0, None, None], ids)["fold"]
    assert "not of 0 to 9999" in splits_of(tmp_path / "many", [0, 0, 30_000, 30_000], ids)["fold"]


def test_no_corpus_has_as_many_rows_or_series() -> None:
    many = [f"G0000{one // 10_000 % 10}_{one // 100_000:02d}_01_{one % 10_000:04d}" for one in range(100_001)]
    found = RowIds().look(pa.record_batch({"utterance_id": many}))
    assert found is not None
    assert "more than 100,000 rows" in found[1].reason
    for corpus_ids in ([f"x{chr(97 + one % 26)}{chr(97 + one // 26)}_1_1" for one in range(201)],
                       [f"G{one:05d}_01_01_001" for one in range(201)]):  # fmt: skip
        found = RowIds().look(pa.record_batch({"utterance_id": corpus_ids}))
        assert found is not None
        assert "more than 200 groups or series" in found[1].reason
        assert RowIds().look(pa.record_batch({"utterance_id": corpus_ids[:200]})) is None


def test_the_same_ids_again_are_seen_across_row_groups(tmp_path: Path) -> None:
    staged = staged_table(tmp_path, corpus_table("emotalk", ["utterance_id", "emotion"]))
    path = staged.configs[0].shards[0]
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table]), path, row_group_size=8, write_page_checksum=True)
    assert "has several rows" in refused(staged)["utterance_id"]
