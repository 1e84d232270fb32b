"""`emotalk.toml`: what a rule passes over, and that nothing in it is silently without effect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.known.config import Config, read_config

_FILE = "Text/json/G00003/G00003_01/G00003_01_13/G00003_01_13_002.json"


def _problem(code: str = "ET-TEXT-001", file: str = _FILE, count: int = 1) -> Problem:
    return Problem(code, file, "content", "unpaired overlap marks", "[over/]…[/over]", count=count)


def _write(folder: Path, text: str) -> Path:
    path = folder / "lab.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _rule(text: str, folder: Path) -> Config:
    return read_config(_write(folder, f'[[validate.ignore]]\nreason = "known"\n{text}\n'))


@pytest.mark.parametrize(
    ("rule", "code", "file", "why"),
    [
        ('codes = ["ET-TEXT-001"]', "ET-TEXT-001", _FILE, "config"),
        ('codes = ["ET-TEXT-001"]', "ET-TEXT-002", _FILE, None),
        ('codes = ["ET-TAR-*", "ET-TEXT-*"]', "ET-TEXT-002", _FILE, "config"),
        ('codes = ["ET-TAR-*"]', "ET-TEXT-001", _FILE, None),
        ('codes = ["*"]', "M3-TIME-001", "annotation.json", "config"),
        ('paths = ["Text/json/G00003/**"]', "ET-JSON-001", _FILE, "config"),
        ('paths = ["Text/json/G00004/**", "**/*_002.json"]', "ET-JSON-001", _FILE, "config"),
        ('paths = ["Text/json/G00004/**"]', "ET-JSON-001", _FILE, None),
        ('paths = ["**/*_002.json"]', "ET-JSON-001", f"Text.tar::{_FILE}", "config"),
        ('codes = ["ET-TEXT-001"]\npaths = ["Text/**"]', "ET-TEXT-001", _FILE, "config"),
        ('codes = ["ET-TEXT-001"]\npaths = ["Text/**"]', "ET-TEXT-001", "Audio/a.json", None),
        ('codes = ["ET-TEXT-001"]\npaths = ["Text/**"]', "ET-TEXT-002", _FILE, None),
    ],
)
def test_a_rule_passes_over_its_codes_in_its_files(
    rule: str, code: str, file: str, why: str | None, tmp_path: Path
) -> None:
    assert _rule(rule, tmp_path).screen(_problem(code, file)) == why


def test_a_report_counts_what_a_rule_passed_over(tmp_path: Path) -> None:
    report = Report("emotalk", screen=_rule('codes = ["ET-TEXT-*"]', tmp_path).screen)
    for code in ("ET-TEXT-001", "ET-TEXT-001", "ET-TEXT-003", "ET-JSON-001"):
        report.add(_problem(code, count=2))
    assert report.num_by_code() == {"ET-JSON-001": 2}
    assert report.passed_over == {"config": {"ET-TEXT-001": 4, "ET-TEXT-003": 2}}


def test_rules_that_passed_nothing_over_are_told(tmp_path: Path) -> None:
    config = read_config(
        _write(
            tmp_path,
            '[[validate.ignore]]\ncodes = ["ET-TEXT-001"]\nreason = "marks"\n'
            '[[validate.ignore]]\ncodes = ["ET-TEXT-*"]\npaths = ["Audio/**"]\nreason = "mended in v2"\n',
        )
    )
    assert len(config.unused_rules()) == 2
    config.screen(_problem())
    assert [str(rule) for rule in config.unused_rules()] == ["ET-TEXT-* in Audio/** (mended in v2)"]
    config.screen(_problem("ET-TEXT-003", "Audio/a.json"))
    assert config.unused_rules() == []


def test_the_file_of_the_current_folder_is_read_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = read_config()
    assert (config.rules, config.strict, config.path) == ((), False, None)
    assert config.screen(_problem()) is None
    (tmp_path / "emotalk.toml").write_text("[validate]\nstrict = true\n", encoding="utf-8")
    config = read_config()
    assert (config.rules, config.strict, config.path) == ((), True, "emotalk.toml")
    assert read_config(_write(tmp_path, "")).strict is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'codes = ["ET-TEXT-01"]',
            r"ignore\[0\]\.codes\[0\] = 'ET-TEXT-01' names no problem code; did you mean",
        ),
        ('codes = ["et-text-001"]', "did you mean ET-TEXT-001 or"),
        ('codes = ["ET-TEXT-001", "ET-TXT-*"]', r"codes\[1\] = 'ET-TXT-\*' .*did you mean ET-TEXT-\*"),
        ('codes = ["beauty"]', r"'beauty' names no problem code\.$"),
        ('codes = "ET-TEXT-001"', "codes = 'ET-TEXT-001' is not a list"),
        ("codes = []", r"codes = \[\] is an empty list; leave the key out to mean all"),
        ("paths = []", r"paths = \[\] is an empty list"),
        ("codes = [1]", r"codes\[0\] = 1 is not a string"),
        ('codes = [""]', r"codes\[0\] = '' is empty"),
        ("", "names neither codes nor paths"),
        ('paths = ["/data/**"]', r"paths\[0\] = '/data/\*\*' begins with /; names are relative"),
        ('path = ["a"]', r"ignore\[0\]\.path is not a known key; expected \[validate\] with strict"),
        ("paths = [1, 2]", r"paths\[0\] = 1 is not a string \(1 more such\)\.$"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        _rule(text, tmp_path)
    assert caught.value.path == str(tmp_path / "lab.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[validate.ignore]]\ncodes = ["*"]', r"ignore\[0\]\.reason is missing; say why"),
        ('[[validate.ignore]]\ncodes = ["*"]\nreason = ""', r"reason = '' is empty"),
        ('[validate]\nstrict = "yes"', "strict = 'yes' is neither true nor false"),
        ("validate = 3", "validate = 3 is not a table"),
        ('[[ignore]]\ncodes = ["*"]', "ignore is not a known key"),
        ("[validate]\nignore = [3]", r"ignore\[0\] = 3 is not a table"),
        ('[validate.ignore]\ncodes = ["*"]', "validate.ignore = .* is not a list"),
        ("[validate\n", r"is not TOML in UTF-8: .*\(at line 1, column 10\)"),
        ("a = 2026-99-99", "is not TOML in UTF-8"),
        (f"a = {'1' * 5_000}", "is not TOML in UTF-8"),
        ("a = " + "[" * 5_000, "nested too deeply"),
        ("#" * (1 << 20) + "\n", "has more than 1,048,576 bytes"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        read_config(_write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gbk.toml").write_bytes('reason = "旧"'.encode("gbk"))
    with pytest.raises(OptionError, match=r"is not TOML in UTF-8: 'utf-8' codec can't decode"):
        read_config(tmp_path / "gbk.toml")
    with pytest.raises(OptionError, match=r"cannot read the configuration .*: No such file or directory"):
        read_config(tmp_path / "none.toml")
    with pytest.raises(OptionError, match=r"cannot read the configuration .*: Is a directory"):
        read_config(tmp_path)
    with pytest.raises(OptionError, match=r"cannot read the configuration .*null byte"):
        read_config("a\0b")


def test_the_examples_of_the_documentation_are_configurations(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    config = read_config(_write(tmp_path, blocks[0]))
    assert config.screen(_problem()) == "config"
    member = "Video.tar::Video/json/G00003/G00003_01_13_002.json"
    assert config.screen(_problem("ET-LABEL-003", member)) == "config"
    assert (config.unused_rules(), config.strict) == ([], True)
