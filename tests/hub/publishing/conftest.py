"""A lab that may write, what it publishes, and an interpreter that has everything but this package."""

from __future__ import annotations

import os
import site
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.hub.publishing import sending
from emotalk_data.testing.hub_double import HubDouble, Request
from tests.feature_shards import BOTH, make_rows, write_set
from tests.hub_double_fixtures import OnHub

TOKEN = "hf_canary0123456789abcdefghij"  # noqa: S105  # of the double
REPO = "lab/emotalk-hubert"
CONFIGS = ("tiny_hubert", "tiny_hubert_frames")
ROWS = {"train": 10, "validation": 3, "test": 4}
ALLOWED: dict[str, Any] = {
    "allow": ["frame-features"],
    "encoder_licences": {"example/tiny-hubert": "mit"},
}
"""What the guard needs to be told of the set below: it has frames, and its encoder is nobody's."""


def make_set(folder: Path, *, seed: int = 0, num_train: int = 10, **options: Any) -> Path:
    """Write a set of both levels and three splits, train in several shards and with two null rows."""
    ids = [f"G00002_01_11_{number:03d}" for number in range(num_train)]
    write_set(folder, make_rows(ids, failed=(3, 5), seed=seed), **{"levels": BOTH, **options})
    for split, group in (("validation", "G00001_01_02"), ("test", "G00003_02_05")):
        rows = make_rows([f"{group}_{number:03d}" for number in range(ROWS[split])], seed=seed + 1)
        write_set(folder, rows, split=split, **{"levels": BOTH, **options})
    return folder


@pytest.fixture
def feature_set(tmp_path: Path) -> Path:
    return make_set(tmp_path / "a set")


@pytest.fixture
def lab(on_hub: OnHub) -> OnHub:
    """A double of which this process is signed in as `lab`, who may write. Large files go by LFS."""
    return _signed_in(on_hub)


@pytest.fixture
def xet_lab(on_xet_hub: OnHub) -> OnHub:
    """The same, where large files go by Xet."""
    return _signed_in(on_xet_hub)


@pytest.fixture(params=["lab", "xet_lab"])
def either_lab(request: pytest.FixtureRequest) -> OnHub:
    """Both, one after the other."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, OnHub)
    return found


def _signed_in(on_hub: OnHub) -> OnHub:
    import datasets

    on_hub.hub.add_account("lab", token=TOKEN)
    on_hub.sign_in(TOKEN)
    datasets.disable_progress_bars()  # tests/conftest.py puts them back
    return on_hub


@pytest.fixture
def not_reloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the reading by plain `datasets` out, which takes seconds, where a test is about another step."""
    monkeypatch.setattr(sending, "reload_rows", lambda *_: 0)


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client waits 1, 2, 4 … s between its own attempts: here it does not."""
    from emotalk_data.hub_client import limits

    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(limits, "LONGEST_WAIT_SECONDS", 0.0)


def changes(hub: HubDouble, since: int = 0) -> list[Request]:
    """Return the requests that change something, or would."""
    return [one for one in hub.requests[since:] if one.method not in ("GET", "HEAD")]


def own_commits(hub: HubDouble, repo_id: str = REPO) -> list[str]:
    """Return the titles of the commits, but for the first one, which the Hub makes."""
    return [commit.title for commit in hub.repo(repo_id).commits][1:]


RunPlain = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def plain_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter of a virtual environment with all packages of this one, but not this package.

    Its packages are links to those of here, one by one, so it does not matter how this package is installed.
    """
    root = tmp_path_factory.mktemp("plain")
    links = root / "links"
    links.mkdir()
    folders = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    for folder in filter(os.path.isdir, folders):
        for name in os.listdir(folder):
            if not (name.lower().lstrip("_").startswith("emotalk") or name.endswith(".pth")):
                link = links / name
                if not link.is_symlink():
                    link.symlink_to(Path(folder) / name)
    venv.create(root / "env", with_pip=False)
    (own,) = (root / "env" / "lib").glob("python*/site-packages")
    (own / "packages.pth").write_text(f"{links}\n", encoding="utf-8")
    python = root / "env" / "bin" / "python"
    code = "import datasets, emotalk_data"
    refused = subprocess.run(
        [python, "-P", "-c", code], capture_output=True, text=True, check=False, cwd=root, env=_bare()
    )
    assert refused.returncode == 1
    assert "No module named 'emotalk_data'" in refused.stderr
    return python


@pytest.fixture
def run_plain(plain_python: Path, tmp_path: Path) -> RunPlain:
    """Run code in `plain_python`, with the Hub of a double."""

    def run(hub: HubDouble, code: str, *words: object, token: str | None = TOKEN) -> Any:
        environment = {
            **hub.environment(token, tmp_path / "plain home"),
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        }
        return subprocess.run(
            [plain_python, "-P", "-c", code, *map(str, words)],
            env={**_bare(), **{name: value for name, value in environment.items() if name != "PYTHONPATH"}},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
