"""Damaged and hostile files are refused; nothing of pyarrow comes through, and nothing ends the process."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotalk_data.errors import PublishRefusedError
from emotalk_data.hub.guard import FLAGS, Judgement, judge
from emotalk_data.hub.staged import Staged
from emotalk_data.schemas.feature_shard import FOOTER_KEY
from tests.feature_shards import SPEC, make_rows, write_set
from tests.hub.guard.folders import (
    IDS,
    LICENCES,
    corpus_table,
    features_config,
    staged_features,
    staged_table,
)


def judged(staged: Staged) -> Judgement:
    return judge(staged, visibility="private", allow=FLAGS, encoder_licences=LICENCES)


@pytest.mark.parametrize("num_bytes", [0, 3, 12, 500, -1, -9])
def test_a_cut_file_is_refused(tmp_path: Path, num_bytes: int) -> None:
    staged = staged_features(tmp_path)
    path = staged.configs[0].shards[0]
    path.write_bytes(path.read_bytes()[:num_bytes])
    with pytest.raises(PublishRefusedError, match="cannot be read as what it should be"):
        judged(staged).raise_if_refused()


def test_a_changed_bit_of_a_page_is_noticed_and_none_of_any_ends_the_process(tmp_path: Path) -> None:
    staged = staged_features(tmp_path)
    path = staged.configs[0].shards[0]
    whole = path.read_bytes()
    vector = np.asarray(pq.read_table(path)["tiny_hubert"][0].as_py(), "f4").tobytes()
    start = whole.index(vector)
    of_values = range(start, start + len(vector))
    for place in [*of_values, *range(0, len(whole), 40), *range(len(whole) - 40, len(whole))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        is_allowed = judged(staged).is_allowed
        # Elsewhere there are bits that decide nothing, such as those of a digest of sources.
        assert not is_allowed or place not in of_values
    path.write_bytes(whole)
    judged(staged).raise_if_refused()


def test_something_else_under_the_name_is_refused(tmp_path: Path) -> None:
    staged = staged_features(tmp_path)
    for content in (b"PAR1" * 100, b"RIFF0000WAVE" * 100, b"<html>" * 100):
        staged.configs[0].shards[0].write_bytes(content)
        assert not judged(staged).is_allowed


def test_a_missing_shard_is_refused(tmp_path: Path) -> None:
    staged = staged_features(tmp_path)
    staged.configs[0].shards[0].unlink()
    assert any("no regular file" in one.reason for one in judged(staged).refusals)


def test_a_config_without_shards_is_refused(tmp_path: Path) -> None:
    staged = staged_features(tmp_path)
    config = dataclasses.replace(staged.configs[0], splits={}, records=())
    places = {one.place for one in judged(Staged(folder=tmp_path, configs=(config,))).refusals}
    assert {"config", "shards"} <= places


def test_shards_of_no_corpus_are_refused(tmp_path: Path) -> None:
    judgement = judged(staged_features(tmp_path, corpus=None))
    config = judgement.decisions[0]
    assert not config.is_allowed
    assert "whose utterances" in config.reason
    assert judgement.licence.name == "not-known"


def test_shards_of_another_corpus_than_the_config_s_are_refused(tmp_path: Path) -> None:
    staged = staged_features(tmp_path, corpus="m3ed")
    config = dataclasses.replace(staged.configs[0], corpus="emotalk")
    reasons = {one.place: one.reason for one in judged(Staged(folder=tmp_path, configs=(config,))).refusals}
    assert "another corpus" in reasons["footers"]
    assert "is not an id of emotalk" in reasons["column utterance_id"]


def test_shards_of_different_settings_are_refused(tmp_path: Path) -> None:
    rows = make_rows(IDS["emotalk"])
    one = write_set(tmp_path / "hubert", rows[:4], levels=("utterance",))
    other = write_set(
        tmp_path / "hubert",
        rows[4:],
        SPEC.model_copy(update={"pooling": "first"}),
        ("utterance",),
        split="test",
    )
    (tmp_path / "hubert" / "plan.json").write_text('{"version": 1, "splits": {}}')
    config = features_config(tmp_path / "hubert", [*one, *other], "emotalk")
    refused = judged(Staged(folder=tmp_path, configs=(config,))).refusals
    assert any("different settings" in one.reason for one in refused)


def test_a_footer_that_says_other_numbers_than_there_are_is_refused(tmp_path: Path) -> None:
    staged = staged_features(tmp_path)
    path = staged.configs[0].shards[0]
    said = json.loads(pq.read_metadata(path).metadata[FOOTER_KEY.encode()])
    table = pq.read_table(path)
    number = table.schema.get_field_index("tiny_hubert")
    wide = pa.array(np.zeros((len(table), 9), "f4").tolist(), pa.list_(pa.float32(), 9))
    table = table.set_column(number, "tiny_hubert", wide)
    with pq.ParquetWriter(path, table.schema, write_page_checksum=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({FOOTER_KEY: json.dumps(said)})
    reasons = [one.reason for one in judged(staged).refusals]
    assert any("expected vectors of 4 numbers" in one for one in reasons)
    assert any("it is float[9], and not float[4]" in one for one in reasons)


def test_nulls_without_end_take_no_memory(tmp_path: Path) -> None:
    """A null vector takes no room in a file; 2,000 of them would take 8 GB."""
    wide = pa.list_(pa.float32(), 1_000_000)
    empty = pa.FixedSizeListArray.from_arrays(pa.array([], pa.float32()), type=wide)
    path = tmp_path / "set" / "data" / "train-00000-of-00001.parquet"
    table = corpus_table("emotalk", ["utterance_id"]).slice(0, 0).append_column("x", empty)
    staged = staged_table(tmp_path, table)
    with pq.ParquetWriter(path, table.schema, write_page_checksum=True) as writer:
        ids = pa.array(IDS["emotalk"][:1])
        for _ in range(30):
            writer.write_table(pa.table({"utterance_id": ids, "x": pa.nulls(1, wide)}, schema=table.schema))
    before = pa.total_allocated_bytes()
    judgement = judged(staged)
    assert not judgement.is_allowed
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_names_that_a_terminal_would_obey_are_escaped(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id"]).append_column("a\x1b[31mb\u202ec", pa.array([1] * 8))
    judgement = judged(staged_table(tmp_path, table))
    assert "\x1b" not in str(judgement)
    assert "\u202e" not in str(judgement)
    with pytest.raises(PublishRefusedError) as caught:
        judgement.raise_if_refused()
    assert "\x1b" not in str(caught.value)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    twice = pa.Table.from_arrays(
        [*table.columns, table["emotion"]], names=["utterance_id", "emotion", "emotion"]
    )
    judgement = judged(staged_table(tmp_path, twice))
    assert any(one.place == "column emotion" for one in judgement.refusals), str(judgement)


def test_a_column_with_a_dot_in_its_name_hides_nothing(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id"]).append_column("a.b", pa.array(["见" * 40] * 8))
    judgement = judged(staged_table(tmp_path, table))
    assert any(one.place == "column a.b" and "Chinese text" in one.reason for one in judgement.refusals)


def test_a_damaged_set_says_what_its_columns_hold_all_the_same(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id"]).append_column("x", pa.array([b"RIFF"] * 8))
    staged = staged_table(tmp_path, table)
    path = staged.configs[0].shards[0]
    data = bytearray(path.read_bytes())
    data[40] ^= 255
    path.write_bytes(bytes(data))
    reasons = " ".join(one.reason for one in judged(staged).refusals)
    assert "holds bytes" in reasons
    assert "cannot be read" in reasons
