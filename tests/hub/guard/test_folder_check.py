"""The folder as it is uploaded holds what was looked through, and no path, token or media in any text."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from emotalk_data.errors import PublishRefusedError
from emotalk_data.hub.guard import Decision, check_folder, judge, refusal
from emotalk_data.hub.set_texts.card import set_card
from emotalk_data.hub.set_texts.croissant import set_croissant
from emotalk_data.hub.staged import CARD_BEGIN, CARD_END, Staged
from emotalk_data.hub.staging.stage import stage
from tests.feature_shards import make_rows, write_set
from tests.hub.guard.folders import IDS, LICENCES
from tests.hub.guard.planted import BASE64

CARD = """---
license: cc-by-nc-sa-4.0
configs:
- config_name: hubert
  data_files:
  - split: train
    path: hubert/data/train-*.parquet
---

# 情感特征

一位读者的说明：见 <https://arxiv.org/abs/2505.23018>, `huggingface_hub`, `hf_transfer` and and/or.

| a | b |
|---|---|
"""


@pytest.fixture
def staged(tmp_path: Path) -> Staged:
    write_set(tmp_path / "set", make_rows(IDS["emotalk"], failed=(1, 2)), levels=("utterance",))
    staged = stage(tmp_path / "set", tmp_path / "staged")
    (staged.folder / "README.md").write_text(CARD, encoding="utf-8")
    (staged.folder / "croissant.json").write_text(json.dumps({"@context": {"@vocab": "https://schema.org/"}}))
    return staged


def refused(staged: Staged) -> dict[str, str]:
    return {one.place: one.reason for one in check_folder(staged) if not one.is_allowed}


def test_what_was_looked_through_goes_through(staged: Staged) -> None:
    decisions = check_folder(staged)
    assert all(one.is_allowed for one in decisions)
    assert {one.place for one in decisions} == {
        f"file {path.relative_to(staged.folder).as_posix()}"
        for path in staged.folder.rglob("*")
        if path.is_file()
    }


def test_the_card_and_croissant_that_we_write_go_through(staged: Staged) -> None:
    judgement = judge(staged, visibility="gated", encoder_licences=LICENCES)
    card = set_card(staged, judgement, "lab/emotalk-hubert", existing=None, tag="v1")
    (staged.folder / "README.md").write_text(card, encoding="utf-8")
    description = set_croissant(staged, judgement, "lab/emotalk-hubert")
    (staged.folder / "croissant.json").write_text(json.dumps(description), encoding="utf-8")
    assert refused(staged) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("token: hf_aB3aB3aB3aB3aB3aB3", "a token of the Hub"),
        ("![face](data:image/png;base64,iVBORw0KGgo=)", "a data: address"),
        (f"<img src='{BASE64}'>", "wav sound in base64"),
        ("hear it: https://example.org/G00008_01_11_002.wav", "the address of a media file"),
    ],
)
def test_what_the_owner_wrote_is_looked_through(staged: Staged, text: str, says: str) -> None:
    with (staged.folder / "README.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    (reason,) = refused(staged).values()
    assert says in reason
    assert "aB3aB3" not in reason


@pytest.mark.parametrize(
    "text",
    [
        "made on /home/me/sets/hubert",
        "![results](https://example.org/figures/results.png)",
        "| " + " | ".join(f"0.{number}" for number in range(10, 60)) + " |",
        "我们的结果见下表。",
    ],
)
def test_figures_tables_and_paths_are_the_owners_to_show(staged: Staged, text: str) -> None:
    with (staged.folder / "README.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    assert refused(staged) == {}


def test_a_path_in_our_own_part_is_refused(staged: Staged) -> None:
    readme = staged.folder / "README.md"
    card = readme.read_text(encoding="utf-8")
    readme.write_text(f"{card}\n{CARD_BEGIN}\nmade on /home/me/sets/hubert\n{CARD_END}\n", encoding="utf-8")
    (reason,) = refused(staged).values()
    assert "it names a path of a machine" in reason


@pytest.mark.parametrize(
    "name", ["notes.txt", "hubert/data/extra.parquet", ".hidden", "hubert/cover.jpg", "audio/a.wav"]
)
def test_a_file_that_was_not_looked_through_is_refused(staged: Staged, name: str) -> None:
    path = staged.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    assert "not one of the files that were looked through" in refused(staged)[f"file {name}"]


def test_links_and_pipes_are_refused(staged: Staged, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.wav").write_bytes(b"RIFF")
    (staged.folder / "more").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(staged.folder / "pipe")
    readme = staged.folder / "README.md"
    readme.unlink()
    readme.symlink_to(tmp_path / "elsewhere" / "a.wav")
    found = refused(staged)
    assert set(found) == {"file more", "file pipe", "file README.md"}
    assert all("no regular file" in reason for reason in found.values())


def test_a_shard_that_is_gone_is_told(staged: Staged) -> None:
    path = staged.configs[0].shards[0]
    path.unlink()
    assert refused(staged) == {f"file {path.name}": "it was there when it was looked through, and is gone"}


def test_a_summary_that_names_a_folder_is_refused(staged: Staged) -> None:
    path = staged.folder / staged.configs[0].name / "features.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "devices": ["/dev/nvidia0", "/home/me"]}))
    (reason,) = refused(staged).values()
    assert "path of a machine" in reason


def test_what_is_no_text_is_refused(staged: Staged) -> None:
    (staged.folder / "README.md").write_bytes(b"\xff\xfe\0")
    (staged.folder / "croissant.json").write_bytes(b"\xff\xd8\xff\xe0")
    assert all("cannot be read as text" in reason for reason in refused(staged).values())
    assert len(refused(staged)) == 2


def test_refusals_become_one_error(staged: Staged) -> None:
    (staged.folder / "a.txt").write_text("x")
    (staged.folder / "b.txt").write_text("x")
    bad: tuple[Decision, ...] = tuple(one for one in check_folder(staged) if not one.is_allowed)
    error = refusal(bad, "private")
    assert isinstance(error, PublishRefusedError)
    assert "file a.txt" in str(error)
    assert "and 1 more" in str(error)
