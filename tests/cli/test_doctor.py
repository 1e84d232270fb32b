"""`emotalk doctor`: what works, what does not, and the command that mends it."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emotalk_data.cli.checks import CORE_PACKAGES
from emotalk_data.cli.probes import Probe, probe, probe_all

if TYPE_CHECKING:
    from .conftest import Invoke, Run

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_packages_looked_at_are_those_declared() -> None:
    declared = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    assert dict(line.split(">=") for line in declared) == CORE_PACKAGES


def test_a_sound_installation_is_exit_0_and_shows_no_token(run: Run, tmp_path: Path, clean_dir: Path) -> None:
    canary = "hf_canaryCANARYcanary"
    home = {"HF_TOKEN": canary, "EMOTALK_HOME": str(clean_dir.parent), "HF_HOME": str(tmp_path)}
    done = run("doctor", env=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The core works" in done.stdout
    for name in (
        *CORE_PACKAGES,
        "PCM wav",
        "libsndfile",
        "FFmpeg",
        "H.264",
        "GB free",
        "torch",
        "scikit-learn",
        "Jinja2",
        "torchvision",
        "transformers",
        "timm",
        "sentence-transformers",
        "opensmile",
        "ray",
        "GPU",
    ):
        assert name in done.stdout
    assert re.search(r"ok +EmotionTalk +EmotionTalk: Audio, Multimodal, Text, Video", done.stdout)
    assert "set in the environment" in done.stdout
    assert canary not in done.stdout


@pytest.fixture
def no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """No optional packages are looked at, but torch and torchcodec: the others take seconds."""
    monkeypatch.setattr("emotalk_data.cli.extras.EXTRAS", {})
    monkeypatch.setattr("emotalk_data.cli.checks.EXTRAS", {})


@pytest.mark.usefixtures("no_extras")
def test_a_broken_package_is_exit_1_with_the_command_that_mends_it(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "for the other process"
    other.mkdir()
    (other / "torch.py").write_text("__version__ = '9'\nclass cuda:\n    device_count = lambda: 0")
    monkeypatch.setenv("PYTHONPATH", str(other))
    (tmp_path / "soxr.py").write_text("raise ImportError('libsoxr.so.0: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "soxr", raising=False)
    result = invoke("doctor", "--format", "json")
    assert result.exit_code == 1
    values = json.loads(result.stdout)
    assert values["is_ok"] is False
    faults = {
        check["name"]: check for check in values["checks"] if check["is_core"] and check["state"] != "ok"
    }
    assert set(faults) == {"soxr", "resampling"}
    assert faults["soxr"]["state"] == "broken"
    assert "libsoxr.so.0" in faults["soxr"]["found"]
    assert 'pip install --upgrade "soxr>=0.5" --force-reinstall' in faults["soxr"]["remedy"]
    text = invoke("doctor").stdout
    assert "2 parts of the core do not work. To mend:" in text


def test_an_unwritable_cache_and_an_old_package_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    from emotalk_data.cli import checks

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "file")
    (cache,) = checks._cache()
    assert (cache.state, cache.is_core) == ("broken", True)
    assert "cannot be written" in cache.found
    old = checks._package("click", "99")
    assert old.state == "broken"
    assert "older than 99" in old.found
    absent = checks._package("no-such-package-here", "1")
    assert (absent.state, absent.found) == ("absent", "not installed")


@pytest.mark.usefixtures("no_extras")
def test_a_gpu_counts_when_torch_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emotalk_data.cli import checks

    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho Accelerator 9000\n")
    program.chmod(0o755)
    (tmp_path / "torchcodec.py").write_text("raise RuntimeError('Could not load libtorchcodec')")
    module = "\n".join(
        [
            "class cuda:",
            "    device_count = lambda: {}",
            "    get_device_name = 'GPU {{}}'.format",
            "__version__ = '9'",
        ]
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = {}
    for number in (0, 2):
        (tmp_path / "torch.py").write_text(module.format(number))
        found[number] = {check.name: check for check in checks._optional()}
    assert found[2]["GPU"].state == "ok"
    assert found[2]["GPU"].found == "2: GPU 0, GPU 1"
    assert found[0]["GPU"].state == "broken"
    assert found[0]["GPU"].found == "Accelerator 9000, which torch does not see"
    assert found[0]["torchcodec"].state == "broken"
    assert "Could not load libtorchcodec" in found[0]["torchcodec"].found
    assert not any(check.is_core for check in found[0].values())


def test_what_imports_a_broken_package_is_not_tried_and_says_which_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emotalk_data.cli import checks, extras

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "torch.py").write_text("__version__ = '9'\nclass cuda:\n    device_count = lambda: 0")
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    (tmp_path / "timm.py").write_text("raise SystemError('was tried')")
    kept = {name: extras.EXTRAS[name] for name in ("torchvision", "timm")}
    monkeypatch.setattr(extras, "EXTRAS", kept)
    monkeypatch.setattr(checks, "EXTRAS", kept)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    found = {check.name: check for check in checks._optional()}
    assert found["torchvision"].state == found["timm"].state == "broken"
    assert "operator torchvision::nms does not exist" in found["torchvision"].found
    assert "belongs to this torch" in found["torchvision"].remedy
    assert found["timm"].found.startswith("torchvision does not work; ")
    assert found["timm"].remedy == "mend torchvision first"


def test_a_probe_says_why_there_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "works.py").write_text("print('chatter')")
    (tmp_path / "breaks.py").write_text("raise OSError('libfoo.so: undefined symbol')")
    (tmp_path / "dies.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (tmp_path / "hangs.py").write_text("import time; time.sleep(600)")
    assert probe("import works; answer = dict(version='1')") == {"version": "1"}
    assert probe("import absent_package") == "not installed"
    assert "undefined symbol" in probe("import breaks")
    assert "signal 11" in probe("import dies")
    assert "did not end within 1 s" in probe("import hangs", timeout_seconds=1)


def test_one_process_tries_all_and_what_is_broken_stops_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "dies.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (tmp_path / "leaves.py").write_text("import os; os._exit(3)")
    (tmp_path / "breaks.py").write_text("raise OSError('libfoo.so: undefined symbol')")
    (tmp_path / "tired.py").write_text("import first\nraise SystemExit('was tried')")
    (tmp_path / "spoilt.py").write_text(
        "import sys\nif 'first' in sys.modules: raise ImportError('not with first')"
    )
    (tmp_path / "first.py").write_text("import os; print('chatter', end=''); pid = os.getpid()")
    process = "import first; answer = dict(pid=first.pid)"
    found = probe_all(
        {
            "first": Probe(process),
            "absent": Probe("import absent_package; answer = {}"),
            "breaks": Probe("import breaks; answer = {}"),
            "needs": Probe("import tired; answer = {}", needs="breaks"),
            "spoilt": Probe("import spoilt; answer = {}"),
            "second": Probe(process),
            "dies": Probe("import dies; answer = {}"),
            "leaves": Probe("import leaves; answer = {}"),
            "third": Probe(process),
        }
    )
    assert list(found) == ["first", "absent", "breaks", "spoilt", "second", "dies", "leaves", "third"]
    assert found["first"] == found["second"] != found["third"]
    assert found["absent"] == "not installed"
    assert "undefined symbol" in found["breaks"]
    assert found["spoilt"] == {}  # alone it works
    assert "signal 11" in found["dies"]
    assert found["leaves"] == "installed, and its import ends the process: no message"
