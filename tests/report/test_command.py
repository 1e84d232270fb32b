"""`emotalk report`: the page from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from click.testing import CliRunner, Result

from emotalk_data.cli.report import report
from emotalk_data.errors import OptionError
from emotalk_data.testing import EmotalkSample, M3edSample

from .markup import read_markup

PACKAGE_ROOT = str(Path(sys.modules["emotalk_data"].__path__[0]).parent)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def invoke(*args: object) -> Result:
    return CliRunner().invoke(report, list(map(str, args)), prog_name="emotalk report")


def test_a_page_is_written_and_told(emotalk_sample: EmotalkSample, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    result = invoke(emotalk_sample.root, "--out", out, "--samples", 2, "--title", "Mine & yours")
    assert result.exit_code == 0, result.output
    assert result.output == f"{out}: {out.stat().st_size / 1e6:.1f} MB. Open it in a browser.\n"
    markup = read_markup(out.read_text("utf-8"))
    assert markup.named("title")[0].text == "Mine & yours"
    assert len(markup.named("article")) == 2


def test_the_corpus_is_told_from_the_files(m3ed_sample: M3edSample, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    result = invoke(
        m3ed_sample.root, "--out", out, "--episodes-dir", m3ed_sample.episodes_dir, "--samples", 1
    )
    assert result.exit_code == 0, result.output
    markup = read_markup(out.read_text("utf-8"))
    assert markup.named("title")[0].text == "M3ED"
    assert len(markup.named("img")) == 6


def test_without_jinja2_the_extra_is_named_before_anything_is_read(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['jinja2'] = None; from emotalk_data.cli.app import main;"
        "sys.exit(main(['report', *sys.argv[1:]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "no release"), "--out", str(tmp_path / "r.html")],
        env={"PATH": "", "PYTHONPATH": PACKAGE_ROOT, "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "jinja2 is needed to make the page" in done.stderr
    assert "emotalk-data[report]" in done.stderr
    assert not list(tmp_path.iterdir())


def test_no_media_and_force_are_obeyed(emotalk_sample: EmotalkSample, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("mine")
    refused = invoke(emotalk_sample.root, "--out", out, "--no-media")
    assert isinstance(refused.exception, OptionError)
    assert out.read_text() == "mine"
    assert invoke(emotalk_sample.root, "--out", out, "--no-media", "--force").exit_code == 0
    assert not read_markup(out.read_text("utf-8")).named("audio")


def test_episodes_of_emotiontalk_are_refused(emotalk_sample: EmotalkSample, tmp_path: Path) -> None:
    result = invoke(emotalk_sample.root, "--out", tmp_path / "r.html", "--episodes-dir", tmp_path)
    assert isinstance(result.exception, OptionError)
    assert "episodes_dir belongs to M3ED" in str(result.exception)


def test_a_copy_makes_a_page_too(emotalk: datasets.DatasetDict, tmp_path: Path) -> None:
    from emotalk_data.cache import materialise

    materialise(emotalk, tmp_path / "copy")
    out = tmp_path / "report.html"
    result = invoke(tmp_path / "copy", "--out", out, "--samples", 1)
    assert result.exit_code == 0, result.output
    markup = read_markup(out.read_text("utf-8"))
    assert len(markup.named("audio")) == 1
    assert "is not known" in markup.section("reading")
