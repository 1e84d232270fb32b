from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path
from typing import get_args

import pytest

import emotalk_data
from emotalk_data.schemas.codes import CODES, Severity
from emotalk_data.schemas.problems import Problem

PACKAGE = Path(emotalk_data.__file__).parent
CODE = re.compile(r"(ET|M3|AV|DS|FS)-[A-Z]+-\d{3}")


def codes_in_the_package() -> dict[str, set[str]]:
    """Every code that a string of the package's source names, and the files that do."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name == "codes":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, set()).add(path.relative_to(PACKAGE).as_posix())
    return found


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_the_published_form_and_says_what_to_do(code: str) -> None:
    assert CODE.fullmatch(code)
    assert CODES[code].severity in get_args(Severity)
    assert CODES[code].meaning.endswith(".")
    assert CODES[code].remedy.endswith(".")
    assert CODES[code].example.strip()
    assert "\n" not in CODES[code].example


def test_every_code_that_the_package_uses_is_listed() -> None:
    unlisted = {code: files for code, files in codes_in_the_package().items() if code not in CODES}
    assert unlisted == {}


def test_every_listed_code_is_used() -> None:
    assert set(CODES) - set(codes_in_the_package()) == set()


def test_a_problem_is_one_line_that_says_what_and_where() -> None:
    problem = Problem("ET-LABEL-001", "a.json", "data[2].emotion", "'hapy'", "one of […]", "G00001_01_01_001")
    assert str(problem) == "error ET-LABEL-001 a.json: data[2].emotion is 'hapy'; expected one of […]"
    assert str(problem._replace(json_path="", count=3)).startswith("error ET-LABEL-001 a.json is 'hapy'; ")
    assert str(problem._replace(count=3)).endswith(" (3 times)")
    assert problem.severity == "error"
    assert pickle.loads(pickle.dumps(problem)) == problem  # noqa: S301  # our own bytes


def test_a_file_named_by_what_a_terminal_obeys_is_escaped() -> None:
    text = str(Problem("ET-JSON-003", "a\x1b[2J\u202e\n.json", "", "None", "one JSON object"))
    assert text == r"error ET-JSON-003 a\x1b[2J\u202e\n.json is None; expected one JSON object"
