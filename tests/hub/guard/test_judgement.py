"""A judgement shows the whole table in 100 columns, and its error says what to do in 500 characters."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from emotalk_data.errors import PublishRefusedError
from emotalk_data.hub.guard import judge
from emotalk_data.hub.guard.flags import FLAGS
from emotalk_data.hub.guard.judgement import Decision, refusal
from emotalk_data.hub.staged import Staged
from tests.hub.guard.folders import LICENCES, corpus_table, staged_features, staged_table

CAPTIONS = [{"speaker": "一位女性。", "style": None, "emotion": None, "overall": ["一句"]}] * 8
TABLE = """\
config  place                    what            class        decision
set     config                   built           record       allowed
set     column utterance_id      string          labels       allowed
set     column emotion           int64           labels       allowed
set     column text              string          transcripts  refused; transcripts?
set     column captions.speaker  string          captions     allowed by captions
set     column captions.style    string          captions     allowed by captions
set     column captions.emotion  string          captions     allowed by captions
set     column captions.overall  string          captions     allowed by captions
set     column loudness          binary          media        refused
set     1 shard                  footers, bytes  record       allowed

Refused: 2 of 10, gated
  - set, column text: what is said, and the marks in it.
    Clause: CC BY-NC-SA 4.0, 2(a)(1): shared “for NonCommercial purposes only”; the authors' release
    is gated, so who reads what was derived from it agrees to the same.
    Flag that lets it through: transcripts.
  - set, column loudness: binary holds bytes: sound or pictures; there is no flag for it.
    Clause: CC BY-NC-SA 4.0, 2(b)(1): “publicity, privacy, and/or other similar personality rights”
    are not licensed; the release is gated by its authors.
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Staged:
    table = corpus_table("emotalk", ["utterance_id", "emotion", "text", "captions"], captions=CAPTIONS)
    return staged_table(tmp_path, table.append_column("loudness", pa.array([b"RIFF"] * 8)))


def test_the_table_is_as_it_was(mixed: Staged) -> None:
    text = str(judge(mixed, visibility="gated", allow=["captions"]))
    assert text.startswith(TABLE)
    assert max(map(len, text.splitlines())) <= 100
    assert "Flags used\n  - captions: EmotionTalk's captions" in text
    assert "Licence: cc-by-nc-sa-4.0" in text


def test_long_names_stay_in_100_columns(tmp_path: Path) -> None:
    name = "a_column_with_a_very_long_name_" * 20
    table = corpus_table("emotalk", ["utterance_id"]).append_column(name, pa.array([{"b" * 200: b"x"}] * 8))
    text = str(judge(staged_table(tmp_path, table), visibility="private"))
    assert max(map(len, text.splitlines()[:4])) <= 100


def test_the_error_names_the_first_its_clause_and_what_to_do(mixed: Staged) -> None:
    judgement = judge(mixed, visibility="gated", allow=["captions"])
    with pytest.raises(PublishRefusedError) as caught:
        judgement.raise_if_refused()
    text = str(caught.value)
    assert text.startswith("'set: column loudness' may not be shared (gated): binary holds bytes")
    for part in ("there is no flag for it", "CC BY-NC-SA 4.0", "and 1 more. Leave it out;", "--dry-run"):
        assert part in text
    assert "transcripts" not in text  # allowing them would not be enough
    assert len(text) < 500
    assert str(pickle.loads(pickle.dumps(caught.value))) == text  # noqa: S301  our own


def test_the_error_names_flags_where_they_are_enough(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id", "text", "captions"], captions=CAPTIONS)
    judgement = judge(staged_table(tmp_path, table), visibility="gated")
    with pytest.raises(PublishRefusedError) as caught:
        judgement.raise_if_refused()
    text = str(caught.value)
    assert text.startswith("'set: column text' may not be shared (gated): what is said")
    assert "Allow it by name (transcripts, captions), or leave it out;" in text
    assert len(text) < 500


def test_sound_in_an_unknown_folder_is_named_before_that_it_is_unknown(tmp_path: Path) -> None:
    table = pa.table({"loudness": pa.array([b"RIFF"] * 8)})
    judgement = judge(staged_table(tmp_path, table, "unknown", None), visibility="private")
    assert judgement.refusals[0].place == "config"
    with pytest.raises(PublishRefusedError, match=r"^'set: column loudness' may not be shared"):
        judgement.raise_if_refused()


@pytest.mark.parametrize("flag", [None, "transcripts"])
def test_the_error_is_short_whatever_it_quotes(flag: str | None) -> None:
    one = Decision(
        config="c" * 300, place="p" * 300, what="", redistribution="unknown", is_allowed=False, flag=flag,
        clause="x" * 300, reason="r" * 300,
    )  # fmt: skip
    refusals = tuple(replace(one, flag=name) for name in FLAGS) if flag else (one,) * 1_000
    assert len(str(refusal(refusals, "private"))) < 500


def test_it_can_be_written_as_json(mixed: Staged) -> None:
    judgement = judge(mixed, visibility="gated", allow=["captions"])
    values = json.loads(json.dumps(judgement.to_dict()))
    assert values["is_allowed"] is False
    assert values["flags"].keys() == {"captions"}
    assert len(values["decisions"]) == len(judgement.decisions)
    assert values["licence"]["id"] == "cc-by-nc-sa-4.0"


def test_the_same_folder_is_judged_the_same(mixed: Staged) -> None:
    first, second = (judge(mixed, visibility="gated") for _ in range(2))
    assert first == second


def test_every_column_has_a_decision_and_every_decision_a_clause(tmp_path: Path) -> None:
    staged = staged_features(tmp_path, levels=("utterance", "frame"))
    judgement = judge(staged, visibility="private", encoder_licences=LICENCES)
    places = {one.place for one in judgement.decisions}
    assert {f"column {name}" for name in staged.configs[0].features} <= places
    assert all(one.clause and one.reason for one in judgement.decisions)
