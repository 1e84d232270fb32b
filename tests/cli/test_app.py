"""The command itself: verbs found late, exit codes, one line for an error, terminals of every kind."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from emotalk_data.cli import main
from emotalk_data.cli.app import VERBS, emotalk

if TYPE_CHECKING:
    from .conftest import Invoke, Run

HEAVY = (
    "numpy",
    "datasets",
    "pyarrow",
    "av",
    "soundfile",
    "soxr",
    "pydantic",
    "pandas",
    "torch",
    "huggingface_hub",
)


def test_importing_the_command_imports_nothing_heavy(environment: dict[str, str]) -> None:
    code = "import sys, emotalk_data.cli; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "click" in loaded
    assert not loaded & set(HEAVY)
    assert not [
        name for name in loaded if name.startswith("emotalk_data.cli.") and name.split(".")[2] in VERBS
    ]


def test_help_imports_no_verb(environment: dict[str, str]) -> None:
    code = (
        "import sys; from emotalk_data.cli import main; code = main(['--help']);"
        "print('LOADED', *[n for n in sys.modules if n.startswith('emotalk_data.')]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.rpartition("LOADED ")[2].split()
    assert sorted(loaded) == [
        "emotalk_data._lazy",
        "emotalk_data.cli",
        "emotalk_data.cli.app",
        "emotalk_data.cli.output",
        "emotalk_data.errors",
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_the_table_of_short_helps_says_what_each_verb_says(verb: str) -> None:
    command = emotalk.get_command(click.Context(emotalk), verb)
    assert command is not None
    assert command.name == verb
    assert command.get_short_help_str(limit=200) == VERBS[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_each_help_page_is_its_golden_text(
    verb: str, invoke: Invoke, golden: Callable[[str, str], None]
) -> None:
    result = invoke(verb, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    golden(f"help_{verb}.txt", result.stdout)


def test_the_first_help_page_is_its_golden_text(invoke: Invoke, golden: Callable[[str, str], None]) -> None:
    golden("help.txt", invoke("--help").stdout)


def test_without_a_verb_the_help_is_shown(run: Run) -> None:
    bare, asked = run(), run("--help")
    assert bare.returncode == asked.returncode == 0
    assert bare.stdout == asked.stdout
    assert bare.stderr == asked.stderr == ""


def test_version_is_one_line(run: Run) -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("emotalk ")
    assert done.stdout.count("\n") == 1


def test_a_misspelt_verb_gets_a_suggestion(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["valdate", "x"]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert (
        captured.err
        == "emotalk: error: there is no verb 'valdate'; did you mean 'validate'?\nTry 'emotalk --help'.\n"
    )


def test_a_verb_like_no_other_gets_the_list(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["xyzzy"]) == 2
    assert "expected one of demo, info, download" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--frobnicate"], "No such option"),
        (["sample", "emotalk"], "Missing argument 'DIR'"),
        (["sample", "iemocap", "x"], "Invalid value for"),
        (["validate", "x", "--limit", "-1"], "Invalid value for '--limit'"),
    ],
)
def test_wrong_usage_is_exit_2_and_names_the_help(
    words: list[str], expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert first.startswith("emotalk: error: ")
    assert expected in first
    assert second.startswith("Try 'emotalk")


def test_an_error_of_ours_is_one_line_on_stderr_and_exit_2(run: Run, tmp_path: Path) -> None:
    done = run("validate", tmp_path / "nothing")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("emotalk: error: ")
    assert done.stderr.count("\n") == 1
    assert "nothing" in done.stderr


def test_an_error_message_cannot_steer_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "/no\x1b[31mwhere\nelse"]) == 2
    err = capfd.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_an_error_of_the_system_is_one_line(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert main(["sample", "emotalk", str(tmp_path / "file" / "below")]) == 2
    err = capfd.readouterr().err
    assert err.startswith("emotalk: error: ")
    assert err.count("\n") == 1


def test_a_defect_is_one_line_that_says_how_to_see_more(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise KeyError("of nobody")

    monkeypatch.setattr("emotalk_data.validation.validate.validate_all", fail)
    assert main(["validate", "x"]) == 2
    err = capfd.readouterr().err
    assert "unexpected KeyError" in err
    assert "EMOTALK_TRACEBACK=1" in err
    assert err.count("\n") == 1
    monkeypatch.setenv("EMOTALK_TRACEBACK", "1")
    with pytest.raises(KeyError, match="of nobody"):
        main(["validate", "x"])


def test_a_missing_package_sends_to_the_doctor(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "emotalk_data.validation.validate", None)
    assert main(["validate", "x"]) == 2
    assert "Run `emotalk doctor`." in capfd.readouterr().err


def test_an_interrupt_is_exit_130_without_a_traceback(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    command = [sys.executable, "-m", "emotalk_data", "sample", "emotalk", str(folder), "--utterances", "600"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not folder.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == "emotalk: interrupted\n"


def test_a_reader_that_leaves_ends_the_command_quietly(environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "emotalk_data", "--help"]
    done = subprocess.run(
        command, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == ""


def test_head_gets_its_line_and_nobody_complains(environment: dict[str, str]) -> None:
    line = f'"{sys.executable}" -m emotalk_data info | head -1'
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "EmotionTalk (emotalk)\n"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_output_is_exit_2(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "emotalk_data", "--help"]
        done = subprocess.run(
            command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "emotalk: error: No space left on device\n"


def test_an_ascii_terminal_gets_escapes_not_an_error(run: Run, m3ed_dir: Path, tmp_path: Path) -> None:
    done = run("validate", tmp_path / "语料", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 2
    assert done.stderr.isascii()
    assert "\\u8bed\\u6599" in done.stderr
    done = run("validate", m3ed_dir, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.isascii()


def _output_on_a_terminal(words: list[str], environment: dict[str, str]) -> str:
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "emotalk_data", *words]
    done = subprocess.run(command, env=environment, stdout=its, stderr=subprocess.DEVNULL, check=False)
    os.close(its)
    parts = []
    try:
        while part := os.read(ours, 65_536):
            parts.append(part)
    except OSError:
        pass  # how Linux says that the other end is closed
    finally:
        os.close(ours)
    assert done.returncode == 0
    return b"".join(parts).decode()


def test_colour_is_for_terminals_that_want_it(environment: dict[str, str], clean_dir: Path, run: Run) -> None:
    words = ["validate", str(clean_dir)]
    assert "\x1b[" in _output_on_a_terminal(words, environment)
    assert "\x1b" not in _output_on_a_terminal(words, {**environment, "NO_COLOR": "1"})
    assert "\x1b" not in _output_on_a_terminal(words, {**environment, "TERM": "dumb"})
    assert "\x1b" not in run(*words).stdout


def test_the_shell_can_complete_verbs(run: Run) -> None:
    done = run(env={"_EMOTALK_COMPLETE": "bash_complete", "COMP_WORDS": "emotalk val", "COMP_CWORD": "1"})
    assert done.stdout.split() == ["plain,validate"]
