"""`emotalk info`: what is known of a corpus, and what of it is here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emotalk_data.errors import OptionError, ReleaseNotFoundError
from emotalk_data.testing import make_emotalk

if TYPE_CHECKING:
    from .conftest import Invoke


def test_without_data_both_corpora_are_told_in_short(invoke: Invoke) -> None:
    result = invoke("info")
    assert result.exit_code == 0
    for text in ("EmotionTalk (emotalk)", "M3ED (m3ed)", "15,413", "17,427", "CC BY-NC-SA 4.0", "not set"):
        assert text in result.stdout
    assert "utterance_number" not in result.stdout


def test_one_corpus_is_told_with_its_columns(invoke: Invoke) -> None:
    result = invoke("info", "m3ed")
    assert result.exit_code == 0
    for text in ("episode_start_seconds", "Happy, Neutral, Sad, Disgust, Anger, Fear, Surprise", "Licence"):
        assert text in result.stdout
    assert "EmotionTalk (emotalk)" not in result.stdout


def test_json_tells_every_column_of_the_table(invoke: Invoke) -> None:
    from emotalk_data.builder.features import emotalk_features

    values = json.loads(invoke("info", "emotalk", "--format", "json").stdout)["emotalk"]
    assert set(values["columns"]) == set(emotalk_features())
    assert values["published_split_sizes"] == {"train": 15_413, "validation": 1_908, "test": 1_929}
    assert values["data"] is None


def test_what_is_here_is_counted_as_its_maker_counts(invoke: Invoke, tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path / "release", num_utterances=24)
    result = invoke("info", "--data-dir", sample.root, "--format", "json")
    assert result.exit_code == 0, result.exception
    data = json.loads(result.stdout)["emotalk"]["data"]
    assert Path(data["cache_dir"]).is_dir()
    for split, counts in data["splits"].items():
        ids = sample.split_ids(split)
        truth = [sample.by_id[utterance_id] for utterance_id in ids]
        assert counts["rows"] == len(ids)
        assert counts["dialogues"] == len({utterance.dialogue_id for utterance in truth})
        assert counts["speakers"] == len({utterance.speaker_id for utterance in truth})
        for name, of in (
            ("text", "text"),
            ("multimodal", "multimodal"),
            ("sound", "wav"),
            ("pictures", "mp4"),
        ):
            assert counts["present"][name] == sum(of in utterance.presence for utterance in truth), name
        labels = [utterance.labels["multimodal"] or "null" for utterance in truth]
        assert {name: n for name, n in counts["emotions"].items() if n} == {
            name: labels.count(name) for name in labels
        }


def test_a_release_of_one_split_counts_nothing_in_the_others(invoke: Invoke, tmp_path: Path) -> None:
    make_emotalk(tmp_path / "release", num_utterances=2, media=False)
    result = invoke("info", "--data-dir", tmp_path / "release", "--format", "json")
    assert result.exit_code == 0, result.exception
    splits = json.loads(result.stdout)["emotalk"]["data"]["splits"]
    assert {split: counts["rows"] for split, counts in splits.items()} == {
        "train": 2,
        "validation": 0,
        "test": 0,
    }
    assert splits["test"]["present"] == dict.fromkeys(splits["train"]["present"], 0)
    assert not any(splits["test"]["emotions"].values())
    assert invoke("info", "--data-dir", tmp_path / "release").exit_code == 0


def test_m3ed_with_its_episodes_has_pictures(invoke: Invoke, m3ed_dir: Path) -> None:
    result = invoke("info", "m3ed", "--data-dir", m3ed_dir, "--episodes-dir", m3ed_dir / "episodes")
    assert result.exit_code == 0, result.exception
    assert "pictures" in result.stdout
    assert f"emotalk validate {m3ed_dir} lists the problems." in result.stdout
    values = json.loads(invoke("info", "--data-dir", m3ed_dir, "--format", "json").stdout)
    assert values["m3ed"]["data"]["splits"]["train"]["present"]["pictures"] == 0


def test_the_home_of_releases_is_looked_into(
    invoke: Invoke, clean_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTALK_HOME", str(clean_dir.parent))
    values = json.loads(invoke("info", "--format", "json").stdout)
    assert values["emotalk"]["data"]["data_dir"] == str(clean_dir)
    assert values["m3ed"]["data"] is None


def test_a_release_that_is_not_there_could_not_be_told(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("info", "emotalk", "--data-dir", tmp_path / "nothing")
    assert isinstance(result.exception, ReleaseNotFoundError)


def test_episodes_belong_to_m3ed(invoke: Invoke, tmp_path: Path) -> None:
    assert isinstance(invoke("info", "emotalk", "--episodes-dir", tmp_path).exception, OptionError)
