"""The ways in which a download fails, each with its own error, whole, in `golden/`.

To write them anew: EMOTALK_GOLDEN=write.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from emotalk_data.errors import (
    HubAccessError,
    HubError,
    HubLoginError,
    HubNotFoundError,
    HubOfflineError,
    HubUnreachableError,
)
from emotalk_data.load import load_dataset
from emotalk_data.testing.hub_double import Fault
from tests.gated_release import CANARY, EXPIRED, REPO, STRANGER, Gated

GOLDEN = Path(__file__).parent / "golden" / "errors.txt"


def _offline(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.on_hub.sign_in(CANARY)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def _unreachable(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.on_hub.sign_in(CANARY)
    gated.hub.faults.append(Fault(status=503, times=None, body=b"the Hub is being moved"))


def _gone(gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    gated.on_hub.sign_in(CANARY)
    gated.hub.delete_repo(REPO)


def _signed_in_as(token: str | None) -> Callable[[Gated, pytest.MonkeyPatch], None]:
    return lambda gated, _: gated.on_hub.sign_in(token)


CASES: dict[str, tuple[type[HubError], Callable[[Gated, pytest.MonkeyPatch], None], dict[str, str]]] = {
    "no token": (HubLoginError, _signed_in_as(None), {}),
    "an expired token": (HubLoginError, _signed_in_as(EXPIRED), {}),
    "an unknown token": (HubLoginError, _signed_in_as("hf_nobodyNOBODYnobody"), {}),
    "not let in": (HubAccessError, _signed_in_as(STRANGER), {}),
    "offline": (HubOfflineError, _offline, {}),
    "no such revision": (HubNotFoundError, _signed_in_as(CANARY), {"revision": "v9"}),
    "no such repository": (HubNotFoundError, _gone, {}),
    "unreachable": (HubUnreachableError, _unreachable, {}),
}


def _message(gated: Gated, monkeypatch: pytest.MonkeyPatch, case: str) -> str:
    kind, prepare, options = CASES[case]
    prepare(gated, monkeypatch)
    with pytest.raises(kind, match="cannot ") as error:
        load_dataset("emotalk", revision=options.get("revision"))
    assert type(error.value) is kind
    return str(error.value)


@pytest.mark.parametrize("case", CASES)
def test_each_failure_says_what_to_do(gated: Gated, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    message = _message(gated, monkeypatch, case)
    known = {}
    if GOLDEN.exists():
        texts = GOLDEN.read_text(encoding="utf-8").split("\n\n")
        known = dict(text.strip().split("\n", 1) for text in texts if text.strip())
    if os.environ.get("EMOTALK_GOLDEN") == "write":
        known[f"# {case}"] = message
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(
            "\n\n".join(f"{name}\n{text}" for name, text in known.items()) + "\n", encoding="utf-8"
        )
    assert message == known[f"# {case}"]
    assert " … " not in message  # nothing was cut
    for way in ("data_dir was not given", "`hf download", "data_dir=DIR", "emotalk sample emotalk DIR"):
        assert way in message


def test_the_golden_file_has_the_cases_and_no_others() -> None:
    names = [line[2:] for line in GOLDEN.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    assert names == list(CASES)


def test_what_emotalk_home_had_is_told_too(
    gated: Gated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTALK_HOME", str(tmp_path))
    with pytest.raises(HubLoginError, match=r"\$EMOTALK_HOME \('.*'\) has no folder emotalk"):
        load_dataset("emotalk")
    monkeypatch.setenv("EMOTALK_HOME", str(tmp_path / ("long" * 60)))
    with pytest.raises(
        HubLoginError, match=r"`hf auth login`.*By hand: `hf download .*data_dir=DIR\."
    ) as error:
        load_dataset("emotalk")
    assert " … " not in str(error.value)  # a way that does not fit is left out, and nothing is cut


def test_a_download_that_was_refused_leaves_no_pin(gated: Gated) -> None:
    gated.on_hub.sign_in(STRANGER)
    with pytest.raises(HubAccessError, match="was not let in"):
        load_dataset("emotalk")
    newer = gated.hub.commit(REPO, {"Video.tar": None})
    gated.on_hub.sign_in(CANARY)
    load_dataset("emotalk", split="test")
    assert (gated.folder / "refs" / "emotalk_data").read_text() == newer
