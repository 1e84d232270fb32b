"""What was hidden in a set is found, and refused with a reason of its own."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from emotalk_data.errors import PublishRefusedError
from emotalk_data.hub.guard import FLAGS, judge
from emotalk_data.hub.staged import Staged
from tests.hub.guard.folders import LICENCES
from tests.hub.guard.planted import PLANTED, Planted

LICENCES_OF_ALL = {
    **LICENCES,
    "speechbrain/spkrec-ecapa-voxceleb": "apache-2.0",
    "mine": "mit",
    "/home/me/models/hubert": "mit",
}


@pytest.mark.parametrize("planted", PLANTED, ids=[one.name for one in PLANTED])
def test_what_is_planted_is_refused_with_a_reason_of_its_own(tmp_path: Path, planted: Planted) -> None:
    staged = planted.make(tmp_path)
    judgement = judge(
        staged, visibility="private", allow=set(FLAGS) - {"transcripts"}, encoder_licences=LICENCES_OF_ALL
    )
    found = [one for one in judgement.refusals if one.place == planted.place and planted.says in one.reason]
    assert found, f"{planted.place}: {planted.says}\n{judgement}"
    assert found[0].redistribution == planted.redistribution
    assert found[0].clause
    if planted.redistribution in ("media", "recognition"):
        assert found[0].flag is None
        assert "there is no flag for it" in found[0].reason
    with pytest.raises(PublishRefusedError, match="may not be shared") as caught:
        judgement.raise_if_refused()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("planted", PLANTED, ids=[one.name for one in PLANTED])
def test_nothing_else_of_the_set_is_refused(tmp_path: Path, planted: Planted) -> None:
    """So that each test above is of what it plants: the same set without it goes through."""
    judgement = judge(
        planted.make(tmp_path),
        visibility="private",
        allow=set(FLAGS) - {"transcripts"},
        encoder_licences=LICENCES_OF_ALL,
    )
    places = {one.place.split(".")[0] for one in judgement.refusals}
    # What an encoder is called stands in the footer of each shard too.
    of_footers = {
        one for one in places if one.startswith("file train") and planted.place.startswith("encoder")
    }
    assert places - of_footers == {planted.place.split(".")[0]}, str(judgement)


def test_reasons_differ(tmp_path: Path) -> None:
    seen: dict[str, str] = {}
    for number, planted in enumerate(PLANTED):
        judgement = judge(
            planted.make(tmp_path / str(number)), visibility="private", encoder_licences=LICENCES_OF_ALL
        )
        (reason, *_) = [one.reason for one in judgement.refusals if one.place == planted.place]
        assert reason
        seen[planted.name] = f"{planted.place}: {reason}"
    assert len(set(seen.values())) >= 20 + len(PLANTED) // 4


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    planted = next(one for one in PLANTED if one.name == "media beside the shards")
    staged = planted.make(tmp_path)
    path = staged.folder / "hubert" / "cover.jpg"
    path.unlink()
    os.mkfifo(path)
    judgement = judge(staged, visibility="private", encoder_licences=LICENCES)
    assert any("no regular file" in one.reason for one in judgement.refusals)


OF_TABLES = [one for one in PLANTED if one.make.__qualname__.startswith("_column")]


@pytest.mark.parametrize("planted", OF_TABLES, ids=[one.name for one in OF_TABLES])
def test_in_files_that_say_nothing_of_themselves_it_is_found_too(tmp_path: Path, planted: Planted) -> None:
    built = planted.make(tmp_path)
    config = dataclasses.replace(built.configs[0], kind="unknown", corpus=None)
    judgement = judge(Staged(folder=built.folder, configs=(config,)), visibility="private", allow=FLAGS)
    places = {one.place for one in judgement.refusals}
    assert {"config", "column utterance_id", "column emotion"} < places
    column = next(one for one in judgement.refusals if one.place == planted.place)
    # Of columns that are all unknown a type is no longer another than it should be.
    assert planted.says in column.reason or planted.name == "another type"
