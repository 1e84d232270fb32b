"""The README and the documentation do what they say: their blocks run, their links lead somewhere.

```python     runs; the blocks of one page share their names and one working directory. With `>>>`, what is
              printed has to be what the page shows (`...` stands for anything).
```console    lines that begin with `$ ` run, and print what the page shows. Only `emotalk`, and `echo $?`.
```text       is shown and does not run
<!-- not run: why -->    before a block: it does not run, and is in NOT_RUN below
"""

from __future__ import annotations

import doctest
import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import pytest

from emotalk_data.testing import make_emotalk, make_m3ed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)]
LANGUAGES = {"python", "console", "text", "json", "bibtex", "toml", "yaml"}
NOT_RUN = {
    "README.md": [
        "it installs packages",
        "it installs packages and runs these tests",
        "it needs weights",
        "it needs an account on the Hub; docs/publishing/publish-your-features.md runs the same against a double",
    ],
    "docs/contributing.md": ["it installs packages and runs these tests", "it builds these pages"],
    "docs/features/extracting.md": ["it needs weights"],
    "docs/features/your-own-encoder.md": ["it needs weights", "it needs weights"],
    "docs/tutorial.md": ["it installs packages", "it needs an account"],
}
SAMPLE_UTTERANCES = 24  # as `emotalk sample` is called in README and tutorial

_FENCE = re.compile(r"(`{3,})\s*([^\s`]*)")
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"#+ (.+)")
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_SHELL = 'emotalk() { "$PYTHON" -m emotalk_data "$@"; }\n'


class Block(NamedTuple):
    """A fenced block of a page, with the number of its first line."""

    language: str
    text: str
    line: int
    not_run: str | None


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page in their order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number, reason = 0, None
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence:
            end = next(i for i in range(number + 1, len(lines)) if lines[i].startswith(fence[1]))
            yield Block(fence[2], "\n".join(lines[number + 1 : end]) + "\n", number + 2, reason)
            number, reason = end, None
        elif lines[number].strip():
            match = _NOT_RUN.fullmatch(lines[number].strip())
            reason = match[1] if match else None
        number += 1


def prose_of(page: Path) -> str:
    """Return a page without its fenced blocks and inline code."""
    text = re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "code", text)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def runs(block: Block) -> bool:
    return block.language in ("python", "console") and block.not_run is None


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Releases as `emotalk sample` makes them; M3ED's episodes lie in `tv/`, where their owner keeps them."""
    root = tmp_path_factory.mktemp("samples")
    make_emotalk(root / "EmotionTalk", num_utterances=SAMPLE_UTTERANCES)
    make_m3ed(root / "RUCM3ED")
    (root / "RUCM3ED" / "episodes").rename(root / "tv")
    return root


@pytest.fixture
def workplace(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the samples in it, and a cache of its own."""
    place, cache = tmp_path / "work", tmp_path / "cache"
    shutil.copytree(samples, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(cache))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)  # read when datasets was imported
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("EMOTALK_HOME", str(place))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PYTHON", sys.executable)
    return place


@pytest.mark.parametrize("page", [page for page in PAGES if any(map(runs, blocks_of(page)))], ids=name_of)
def test_every_block_of_the_page_runs_and_prints_what_is_shown(page: Path, workplace: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        for block in filter(runs, blocks_of(page)):
            where = f"{name_of(page)}:{block.line}"
            if block.language == "console":
                run_console(block, where, workplace)
            elif ">>> " in block.text:
                run_session(block, where, names)
            else:
                exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), names)  # noqa: S102  # the page is ours
    finally:
        # A page that points this process at a double of the Hub, and fails before its last block.
        for value in names.values():
            if isinstance(value, ExitStack):
                value.close()


def run_session(block: Block, where: str, names: dict[str, Any]) -> None:
    """Run a block with `>>>` prompts, and compare what it prints."""
    test = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line - 1)
    complaints: list[str] = []
    runner = doctest.DocTestRunner(optionflags=_OPTIONS, verbose=False)
    runner.run(test, out=complaints.append, clear_globs=False)
    assert not complaints, "".join(complaints)
    names.update(test.globs)


def run_console(block: Block, where: str, workplace: Path) -> None:
    """Run the commands of a block, and compare what each prints where the page shows it."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{where}: a console block begins with `$ `"
    code = 0
    for part, following in zip(parts[1:], [*parts[2:], ""], strict=True):
        command, _, want = part.partition("\n")
        if command == "echo $?":
            got = f"{code}\n"
        else:
            code, got = run_command(command, where, workplace)
            is_code_shown = following.startswith("echo $?")
            assert code == 0 or is_code_shown, f"{where}: `{command}` exited {code}:\n{got}"
        if want.strip():
            same = doctest.OutputChecker().check_output(want, got, _OPTIONS)
            assert same, f"{where}: `{command}` printed\n{got}\nand the page shows\n{want}"


def run_command(command: str, where: str, workplace: Path) -> tuple[int, str]:
    assert command.startswith("emotalk "), (
        f"{where}: {command!r} cannot run here; show it as text, or say why"
    )
    done = subprocess.run(
        ["bash", "-c", _SHELL + command],
        cwd=workplace,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_blocks_are_in_a_language_that_runs_or_that_cannot() -> None:
    odd = [
        f"{name_of(page)}:{block.line} {block.language!r}"
        for page in PAGES
        for block in blocks_of(page)
        if block.language not in LANGUAGES and not block.language.startswith("{")
    ]
    assert not odd


def test_blocks_that_do_not_run_are_listed_here_with_their_reasons() -> None:
    found = {name_of(page): [block.not_run for block in blocks_of(page) if block.not_run] for page in PAGES}
    assert {page: reasons for page, reasons in found.items() if reasons} == NOT_RUN


def test_json_blocks_are_json() -> None:
    blocks = [block for page in PAGES for block in blocks_of(page) if block.language == "json"]
    assert all(isinstance(json.loads(block.text), dict) for block in blocks)


def test_generated_parts_are_what_the_code_says() -> None:
    pages = runpy.run_path(str(DOCS / "generate.py"))["generated_pages"]()
    assert pages, "no generated part was found"
    stale = [name_of(page) for page, text in pages.items() if page.read_text(encoding="utf-8") != text]
    assert not stale, f"{stale} are out of date: run `python docs/generate.py`"


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    lines = re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = [match[1] for line in lines.splitlines() if (match := _HEADING.fullmatch(line))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose_of(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the project"
        assert not anchor or anchor in anchors_of(target), f"{link}: no such heading"


def test_every_column_says_in_format_md_where_it_comes_from() -> None:
    from emotalk_data.builder.features import emotalk_features, m3ed_features

    text = (DOCS / "format.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    assert set(emotalk_features()) | set(m3ed_features()) <= rows


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("sphinx", "furo", "myst_parser")),
    reason="sphinx, furo or myst-parser is not installed",
)
def test_sphinx_builds_the_pages_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-d",
        str(tmp_path / "d"),
    ]
    done = subprocess.run(
        [*command, str(DOCS), str(tmp_path / "html")], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "tutorial.html").is_file()
