"""Flags are asked for by name; for what is never shared there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.features import CallableSpec
from emotalk_data.hub.guard import FLAGS, judge
from tests.feature_shards import SPEC
from tests.hub.guard.folders import LICENCES, corpus_table, staged_features, staged_table


@pytest.mark.parametrize(
    "flag",
    [
        "speaker-embeddings",
        "raw-media",
        "audio",
        "face-crops",
        "face_embeddings",
        "videos",
        "images",
        "thumbnails",
        "waveforms",
        "Pictures",
    ],
)
def test_asking_for_media_says_that_there_is_no_such_flag(tmp_path: Path, flag: str) -> None:
    with pytest.raises(
        OptionError, match=r"there is no flag .* are never shared, whatever is allowed"
    ) as caught:
        judge(staged_features(tmp_path), visibility="private", allow=[flag])
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("flag", ["everything", "transcript", "", 3, None])
def test_an_unknown_flag_lists_those_that_there_are(tmp_path: Path, flag: Any) -> None:
    with pytest.raises(
        OptionError, match="the flags are transcripts, captions, frame-features, m3ed-private, no-mo"
    ):
        judge(staged_features(tmp_path), visibility="private", allow=[flag])


def test_flags_are_several_names_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected several names"):
        judge(staged_features(tmp_path), visibility="private", allow="transcripts")


def test_a_visibility_is_one_of_three(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected private, gated, public"):
        judge(staged_features(tmp_path), visibility="secret")  # type: ignore[arg-type]


def test_only_flags_that_were_needed_are_recorded(tmp_path: Path) -> None:
    judgement = judge(staged_features(tmp_path), visibility="private", allow=FLAGS, encoder_licences=LICENCES)
    judgement.raise_if_refused()
    assert dict(judgement.flags) == {}


@pytest.mark.parametrize("revision", [None, "local"])
def test_without_a_revision_of_the_model_a_flag_is_needed(tmp_path: Path, revision: str | None) -> None:
    staged = staged_features(tmp_path, SPEC.model_copy(update={"revision": revision}))
    (refused,) = judge(staged, visibility="private", encoder_licences=LICENCES).refusals
    assert (refused.flag, refused.what) == ("no-model-revision", "revision")
    allowed = judge(staged, visibility="private", allow=["no-model-revision"], encoder_licences=LICENCES)
    allowed.raise_if_refused()
    assert dict(allowed.flags) == {"no-model-revision": FLAGS["no-model-revision"]}


def test_each_flag_lets_through_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    captions = [{"speaker": "一位女性。", "style": None, "emotion": None, "overall": ["一句"]}] * 8
    own = CallableSpec(name="own", model="own", input="audio", num_dims=4)
    folders = {
        "transcripts": staged_table(tmp_path / "1", corpus_table("emotalk", ["utterance_id", "text"])),
        "captions": staged_table(
            tmp_path / "2", corpus_table("emotalk", ["utterance_id", "captions"], captions=captions)
        ),
        "frame-features": staged_features(tmp_path / "3", levels=("frame",)),
        "m3ed-private": staged_features(tmp_path / "4", corpus="m3ed"),
        "no-model-revision": staged_features(tmp_path / "5", own),
    }
    assert folders.keys() == FLAGS.keys()
    for needed, staged in folders.items():
        for flag in FLAGS:
            judgement = judge(
                staged, visibility="private", allow=[flag], encoder_licences={**LICENCES, "own": "mit"}
            )
            assert judgement.is_allowed is (flag == needed)
            assert {one.flag for one in judgement.refusals} == (set() if flag == needed else {needed})
