"""`emotalk splits`: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emotalk_data.errors import OptionError, ReleaseNotFoundError, SchemaError
from emotalk_data.load import load_dataset
from emotalk_data.schemas.split_file import SplitFile, load_split_file
from emotalk_data.testing import make_emotalk

if TYPE_CHECKING:
    from .conftest import Invoke


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six components of the speaker graph."""
    return make_emotalk(
        tmp_path_factory.mktemp("release") / "EmotionTalk", num_utterances=120, media=False
    ).root


def test_leaks_of_the_official_splits_are_shown_and_end_with_1(invoke: Invoke, release: Path) -> None:
    result = invoke("splits", "audit", "emotalk", "--data-dir", release)
    assert result.exit_code == 1, result.exception
    assert result.stdout.startswith("split audit of emotalk: 1 leak\n")
    assert "leak  validation and test share 2 speakers\n" in result.stdout


def test_splits_that_share_nothing_end_with_0(invoke: Invoke, m3ed_dir: Path) -> None:
    result = invoke("splits", "audit", "--data-dir", m3ed_dir)
    assert result.exit_code == 0, result.exception
    assert "split audit of m3ed: no split shares speakers, series, dialogues, utterances" in result.stdout


def test_json_tells_the_same(invoke: Invoke, release: Path) -> None:
    result = invoke("splits", "audit", "emotalk", "--data-dir", release, "--format", "json")
    assert result.exit_code == 1
    (audit,) = json.loads(result.stdout)
    assert (audit["splits_of"], audit["is_clean"]) == ("official splits", False)
    assert audit["findings"][0]["shared"] == ["02", "13"]


def test_what_is_made_is_clean_loads_and_is_what_python_makes(
    invoke: Invoke, release: Path, tmp_path: Path
) -> None:
    from emotalk_data.views.splitting.make_splits import make_splits

    out = tmp_path / "splits.json"
    result = invoke("splits", "make", "emotalk", "--data-dir", release, "--out", out, "--seed", 3)
    assert result.exit_code == 0, result.exception
    frozen = load_split_file(out)
    assert frozen.digest in result.stdout
    official = load_dataset("emotalk", data_dir=release)
    assert frozen == make_splits(official, seed=3)
    audit = invoke("splits", "audit", "emotalk", "--data-dir", release, "--split-file", out)
    assert audit.exit_code == 0, audit.exception
    ds = load_dataset("emotalk", data_dir=release, split_file=out)
    assert list(ds) == ["train", "validation", "test"]


def test_options_reach_the_maker(invoke: Invoke, release: Path, tmp_path: Path) -> None:
    out = tmp_path / "splits.json"
    options = ("--disjoint", "dialogue", "--stratify", "none", "--sizes", "train=0.5,dev=0.5")
    assert invoke("splits", "make", "emotalk", "--data-dir", release, "--out", out, *options).exit_code == 0
    made = load_split_file(out).made
    assert made is not None
    assert made.parameters == {
        "disjoint": "dialogue",
        "stratify": None,
        "seed": 0,
        "sizes": {"train": 0.5, "dev": 0.5},
    }


def test_every_fold_is_audited_unless_one_is_named(invoke: Invoke, release: Path, tmp_path: Path) -> None:
    out = tmp_path / "folds.json"
    made = invoke("splits", "make", "emotalk", "--data-dir", release, "--out", out, "--folds", 3)
    assert made.exit_code == 0, made.exception
    result = invoke("splits", "audit", "--data-dir", release, "--split-file", out)
    assert result.exit_code == 0, result.exception
    assert [line for line in result.stdout.splitlines() if line.startswith("fold")] == [
        "fold 0",
        "fold 1",
        "fold 2",
    ]
    one = invoke(
        "splits", "audit", "--data-dir", release, "--split-file", out, "--fold", 1, "--format", "json"
    )
    assert [audit["splits_of"] for audit in json.loads(one.stdout)] == ["fold 1"]
    assert isinstance(
        invoke("splits", "audit", "--data-dir", release, "--split-file", out, "--fold", "x").exception,
        OptionError,
    )
    without = invoke(
        "splits", "make", "emotalk", "--data-dir", release, "--out", tmp_path / "two.json", "--folds", 2,
        "--no-validation",
    )  # fmt: skip
    assert without.exit_code == 0, without.exception
    assert list(load_split_file(tmp_path / "two.json").folds[0].splits) == ["train", "test"]


def test_a_leak_in_one_fold_ends_with_1(invoke: Invoke, release: Path, tmp_path: Path) -> None:
    out = tmp_path / "folds.json"
    options = ("--disjoint", "dialogue", "--folds", 3)
    assert invoke("splits", "make", "emotalk", "--data-dir", release, "--out", out, *options).exit_code == 0
    assert invoke("splits", "audit", "--data-dir", release, "--split-file", out).exit_code == 1


def test_one_group_at_a_time_is_left_out(invoke: Invoke, release: Path, tmp_path: Path) -> None:
    from emotalk_data.views.splitting.make_splits import leave_one_group_out

    out = tmp_path / "groups.json"
    words = ("splits", "make", "emotalk", "--data-dir", release, "--out", out, "--leave-one-out")
    result = invoke(*words, "group")
    assert result.exit_code == 0, result.exception
    made = load_split_file(out)
    assert made == leave_one_group_out(load_dataset("emotalk", data_dir=release))
    named = ("splits", "audit", "--data-dir", release, "--split-file", out, "--fold", made.folds[1].name)
    assert invoke(*named).stdout.startswith(f"fold {made.folds[1].name} {made.folds[1].name}\n")
    for option in (("--seed", 1), ("--no-validation",), ("--disjoint", "speaker"), ("--folds", 3)):
        refused = invoke(*words, "group", *option)
        assert refused.exit_code == 2
        assert f"{option[0]} is not for --leave-one-out" in refused.stderr


def test_a_fold_that_is_named_by_a_number_is_found_by_its_name(
    invoke: Invoke, release: Path, tmp_path: Path
) -> None:
    official = load_dataset("emotalk", data_dir=release)
    test = sorted(set(official["test"]["dialogue_id"]))
    others = sorted({one for name in ("train", "validation") for one in official[name]["dialogue_id"]})
    folds = [
        {"name": "1", "splits": {"train": others, "test": test}},
        {"name": "0", "splits": {"train": test, "test": others}},
    ]
    SplitFile(corpus="emotalk", folds=folds).save(tmp_path / "folds.json")
    words = ("splits", "audit", "--data-dir", release, "--split-file", tmp_path / "folds.json")
    (audit,) = json.loads(invoke(*words, "--fold", "1", "--format", "json").stdout)
    assert audit["splits"][1]["num_rows"] == official["test"].num_rows


def test_the_corpus_of_a_split_file_is_known(
    invoke: Invoke, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "splits.json"
    assert invoke("splits", "make", "emotalk", "--data-dir", release, "--out", out).exit_code == 0
    monkeypatch.setenv("EMOTALK_HOME", str(release.parent))
    result = invoke("splits", "audit", "--split-file", out)
    assert result.exit_code == 0, result.exception


def test_other_splits_are_not_overwritten(invoke: Invoke, release: Path, tmp_path: Path) -> None:
    out = tmp_path / "splits.json"
    words = ("splits", "make", "emotalk", "--data-dir", release, "--out", out, "--disjoint", "dialogue")
    assert invoke(*words).exit_code == 0
    before = out.read_bytes()
    assert invoke(*words).exit_code == 0
    refused = invoke(*words, "--seed", 1)
    assert isinstance(refused.exception, OptionError)
    assert out.read_bytes() == before
    assert invoke(*words, "--seed", 1, "--overwrite").exit_code == 0
    assert out.read_bytes() != before


def test_what_could_not_run_is_told(invoke: Invoke, release: Path, tmp_path: Path) -> None:
    assert invoke("splits", "audit").exit_code == 2
    assert "give CORPUS, --data-dir, or --split-file" in invoke("splits", "audit").stderr
    assert "--fold is a fold of --split-file" in invoke("splits", "audit", "emotalk", "--fold", 1).stderr
    assert isinstance(invoke("splits", "audit", "emotalk").exception, ReleaseNotFoundError)
    assert "Missing option '--out'" in invoke("splits", "make", "emotalk").stderr
    wrong = invoke("splits", "make", "emotalk", "--out", tmp_path / "x.json", "--sizes", "train:0.5")
    assert wrong.exit_code == 2
    assert "'train:0.5' is not like train=0.8." in wrong.stderr
    twice = invoke("splits", "make", "emotalk", "--out", tmp_path / "x.json", "--sizes", "a=0.4,a=0.5,b=0.5")
    assert "'a' is there twice." in twice.stderr
    broken = tmp_path / "broken.json"
    values = SplitFile(corpus="emotalk", folds=[{"splits": {"train": ["G00001_01"]}}]).to_dict()
    values["folds"][0]["splits"]["train"].append("G00001_02")
    broken.write_text(json.dumps(values), encoding="utf-8")
    result = invoke("splits", "audit", "--data-dir", release, "--split-file", broken)
    assert isinstance(result.exception, SchemaError)


def test_too_few_speakers_are_told_and_nothing_is_written(
    invoke: Invoke, clean_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "splits.json"
    result = invoke("splits", "make", "emotalk", "--data-dir", clean_dir, "--out", out)
    assert isinstance(result.exception, OptionError)
    assert "there are 2 components of the speaker graph, and none can be cut" in str(result.exception)
    assert not out.exists()


@pytest.mark.parametrize(
    "words", [("splits",), ("splits", "--help"), ("splits", "audit", "--help"), ("splits", "make", "--help")]
)
def test_help_is_there_for_each_command(invoke: Invoke, words: tuple[str, ...]) -> None:
    result = invoke(*words)
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 120
