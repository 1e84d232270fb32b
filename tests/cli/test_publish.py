"""`emotalk publish` and `emotalk make-public`: what they print, and how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from emotalk_data.cli import main
from emotalk_data.cli.publishing_options import FLAGS_HELP
from emotalk_data.errors import HubLoginError
from emotalk_data.hub.guard.flags import FLAGS
from emotalk_data.hub.publishing import sending
from tests.feature_shards import make_rows, write_set
from tests.hub_double_fixtures import OnHub

if TYPE_CHECKING:
    from .conftest import Invoke

REPO = "lab/emotalk-hubert"
LICENCE = ("--encoder-licence", "example/tiny-hubert=mit")


@pytest.fixture
def feature_set(tmp_path: Path) -> Path:
    rows = make_rows([f"G00002_01_11_{number:03d}" for number in range(6)], failed=(2,))
    write_set(tmp_path / "hubert", rows)
    write_set(tmp_path / "hubert", make_rows(["G00001_01_02_001"], seed=1), split="test")
    return tmp_path / "hubert"


@pytest.fixture
def lab(on_hub: OnHub, monkeypatch: pytest.MonkeyPatch) -> OnHub:
    on_hub.hub.add_account("lab", token="hf_lab0123456789")  # of the double
    on_hub.sign_in("hf_lab0123456789")
    # Seconds, and tested in tests/hub/publishing.
    monkeypatch.setattr(sending, "reload_rows", lambda *_: 0)
    return on_hub


def masked(text: str, lab: OnHub) -> str:
    """Leave out what depends on versions of libraries and on the port."""
    text = text.replace(lab.hub.endpoint, "https://hub")
    text = re.sub(r"set-[0-9a-f]{12}", "set-0123456789ab", text)
    text = re.sub(r"commit [0-9a-f]{12}", "commit 0123456789ab", text)
    return re.sub(r"\b\d[\d,]* bytes", "N bytes", text)


def test_a_dry_run_is_its_golden_text(
    invoke: Invoke, lab: OnHub, feature_set: Path, golden: Callable[[str, str], None]
) -> None:
    words = ("publish", feature_set, "--to", REPO, *LICENCE, "--dry-run")
    result = invoke(*words, "--allow", "frame-features")
    assert result.exit_code == 0, result.exception
    golden("publish_dry_run.txt", masked(result.stdout, lab))
    refused = invoke(*words)
    assert refused.exit_code == 1
    golden("publish_dry_run_refused.txt", masked(refused.stdout, lab))
    assert lab.hub.find_repo(REPO) is None


def test_publishing_and_opening_are_their_golden_texts(
    invoke: Invoke, lab: OnHub, feature_set: Path, golden: Callable[[str, str], None]
) -> None:
    words = ("publish", feature_set, "--to", REPO, *LICENCE, "--level", "utterance")
    texts = []
    for step in (words, words, ("make-public", REPO, *LICENCE)):
        result = invoke(*step)
        assert result.exit_code == 0, result.exception
        texts.append(masked(result.stdout, lab))
    golden("publish.txt", "\n".join(texts))
    assert texts[1].startswith(f"nothing to do: {REPO} has all of it")
    assert not lab.hub.repo(REPO).private


def test_the_result_for_programs(invoke: Invoke, lab: OnHub, feature_set: Path) -> None:
    result = invoke(
        "publish", feature_set, "--to", REPO, *LICENCE, "--level", "utterance", "--format", "json"
    )
    told = json.loads(result.stdout)
    assert told["commit"] == lab.hub.repo(REPO).branches["main"]
    assert told["configs"] == {"tiny_hubert": {"train": 6, "test": 1}}


def test_configs_have_the_names_that_are_given(invoke: Invoke, lab: OnHub, feature_set: Path) -> None:
    words = ("--to", REPO, *LICENCE, "--level", "utterance", "--tag", "v1")
    result = invoke("publish", f"one={feature_set}", f"two={feature_set}", *words)
    assert result.exit_code == 0, result.exception
    assert {path.partition("/")[0] for path in lab.hub.repo(REPO).files() if "/" in path} == {"one", "two"}
    assert list(lab.hub.repo(REPO).tags) == ["v1"]


def test_a_folder_with_an_equals_sign_is_a_folder(invoke: Invoke, lab: OnHub, feature_set: Path) -> None:
    odd = feature_set.rename(feature_set.with_name("lr=3"))
    words = ("--to", REPO, *LICENCE, "--level", "utterance", "--dry-run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(odd.parent)
        result = invoke("publish", "lr=3", *words)
    assert result.exit_code == 0, result.exception
    assert "tiny_hubert" in result.stdout


def test_what_the_guard_refuses_is_exit_1_and_one_line(
    lab: OnHub, feature_set: Path, capfd: pytest.CaptureFixture[str], own_cache: Path
) -> None:
    assert main(["publish", str(feature_set), "--to", REPO, *LICENCE]) == 1
    err = capfd.readouterr().err
    assert err.startswith("emotalk: refused: 'tiny_hubert_frames: ")
    assert "frame-features" in err
    assert err.count("\n") == 1
    assert lab.hub.find_repo(REPO) is None


def test_without_a_token_it_could_not_run(
    lab: OnHub, feature_set: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lab.sign_in(None)
    assert main(["publish", str(feature_set), "--to", REPO]) == 2
    err = capfd.readouterr().err
    assert err.startswith("emotalk: error: cannot publish lab/emotalk-hubert without a token")
    assert "hf auth login" in err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("publish", "x"), "Missing option '--to'"),
        (("publish", "--to", REPO), "Missing argument 'FOLDER...'"),
        (("publish", "x", "y=z", "--to", REPO), "'x' has no name, and others have"),
        (("publish", "y=a", "y=b", "--to", REPO), "FOLDER names 'y' twice"),
        (
            ("publish", "x", "--to", REPO, "--encoder-licence", "mit"),
            "'mit'; expected NAME=VALUE",
        ),
        (("publish", "x", "--to", REPO, "--token", "hf_x"), "No such option"),
        (("make-public",), "Missing argument 'OWNER/NAME'"),
    ],
)
def test_bad_usage_is_told(invoke: Invoke, words: tuple[str, ...], problem: str) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert problem in result.output


def test_ctrl_c_says_that_the_same_command_goes_on(
    lab: OnHub, feature_set: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sending, "reload_rows", interrupted)
    assert main(["publish", str(feature_set), "--to", REPO, *LICENCE, "--level", "utterance"]) == 130
    assert "nothing is half-published, and the same command goes on" in capfd.readouterr().err


def test_there_is_no_flag_for_what_is_never_shared(invoke: Invoke, lab: OnHub, feature_set: Path) -> None:
    result = invoke("publish", feature_set, "--to", REPO, *LICENCE, "--allow", "faces", "--dry-run")
    assert result.exit_code != 0
    assert "there is no flag 'faces'" in str(result.exception)
    assert not isinstance(result.exception, HubLoginError | click.ClickException)


def test_the_help_names_all_flags(invoke: Invoke) -> None:
    assert dict(FLAGS_HELP).keys() == FLAGS.keys()
    shown = invoke("publish", "--help").stdout
    assert all(f"\n    {flag} " in shown for flag in FLAGS)
