"""`--explain`: every code has all that a maintainer asks of it, here and in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.schemas.codes import CODES
from emotalk_data.validation.known.config import read_config
from emotalk_data.validation.outputs.explain import FAMILIES, codes_of, explain, explanation_of

PAGE = Path(__file__).parents[2] / "docs" / "problems.md"


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_explained_with_everything_about_it(code: str) -> None:
    text = explain(code)
    severity, meaning, remedy, example = CODES[code]
    assert text.startswith(f"{code}  {severity}\n")
    assert example
    for part in (meaning, remedy, example, f'codes = ["{code}"]'):
        assert part in text


def test_every_code_has_its_place_on_the_page_that_its_explanation_names() -> None:
    headings = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(CODES)
    pages = {code: explanation_of(code).page for code in CODES}
    assert pages == {code: f"docs/problems.md#{code.lower()}" for code in CODES}


def test_an_explanation_reads_from_what_it_is_to_what_to_do() -> None:
    assert explain(" et-label-001 ") == (
        "ET-LABEL-001  error\n"
        "\n"
        "An emotion outside the seven words; it is null in the row.\n"
        "\n"
        "Example:\n"
        '  "emotion_result": "hapy"\n'
        "\n"
        "To mend:\n"
        "  Use one of the seven.\n"
        "\n"
        "To live with it, in emotalk.toml:\n"
        "  [[validate.ignore]]\n"
        '  codes = ["ET-LABEL-001"]\n'
        '  reason = "…"\n'
        "\n"
        "See docs/problems.md#et-label-001"
    )


def test_what_an_explanation_says_of_the_configuration_is_one(tmp_path: Path) -> None:
    path = tmp_path / "emotalk.toml"
    path.write_text("\n".join(explanation_of(code).suppress for code in CODES), encoding="utf-8")
    assert [rule.codes for rule in read_config(path).rules] == [(code,) for code in CODES]


def test_the_beginning_of_codes_lists_them_one_a_line() -> None:
    assert explain("all").count("\n") == len(CODES) - 1
    assert codes_of("all") == list(CODES)
    assert codes_of("et-cap-*") == codes_of("ET-CAP") == ["ET-CAP-001", "ET-CAP-002"]
    assert set(codes_of("M3")) == {code for code in CODES if code.startswith("M3-")}
    assert explain("ET-CAP") == (
        "ET-CAP-001  error    Captions that are neither JSON nor a plain literal; null.\n"
        "ET-CAP-002  note     Captions written as a string."
    )


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            "ET-LABLE-001",
            r"^'ET-LABLE-001' is no problem code; did you mean ET-LABEL-001 or .*\? `all` lists them\.$",
        ),
        ("et-text-1", "did you mean ET-TEXT-001 or"),
        ("E", "is no problem code; expected one such as ET-LABEL-003. `all` lists them"),
        ("", "'' is no problem code"),
        ("-", "'-' is no problem code"),
        ("x" * 10_000, "x' is no problem code"),
    ],
)
def test_an_unknown_code_names_the_nearest(wanted: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        explain(wanted)


def test_every_family_of_codes_has_a_name() -> None:
    assert {code[:2] for code in CODES} <= set(FAMILIES)
