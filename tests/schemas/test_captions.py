from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import CaptionError
from emotalk_data.schemas.captions import CAPTION_KEYS, MAX_CAPTION_CHARS, parse_caption_text

CAPTIONS: dict[str, str | None] = {
    "speaker": "年轻女性",
    "style": 'it\'s "calm"',
    "emotion": "中性",
    "overall": None,
}

caption_objects = st.dictionaries(
    st.text(max_size=20), st.none() | st.text(max_size=60), max_size=8
)  # st.text gives no surrogates


@given(caption_objects)
def test_captions_written_as_repr_or_as_json_are_read_as_they_were(captions: dict[str, str | None]) -> None:
    assert parse_caption_text(repr(captions)) == captions
    assert parse_caption_text(f"  {captions!r}\n") == captions
    assert parse_caption_text(json.dumps(captions)) == captions
    assert parse_caption_text(json.dumps(captions, ensure_ascii=False, indent=1)) == captions


def test_the_eight_keys_are_the_papers() -> None:
    assert (
        *("spe_cap", "style_cap", "emo_cap"),
        *("caption_1", "caption_2", "caption_3", "caption_4", "caption_5"),
    ) == CAPTION_KEYS


def test_strings_that_stand_side_by_side_are_one_string() -> None:
    assert parse_caption_text("{'speaker': 'a' 'b'}") == {"speaker": "ab"}


def test_an_unknown_escape_is_kept_and_warns_of_nothing() -> None:
    # A DeprecationWarning in Python 3.11 and a SyntaxWarning later; warnings are errors in these tests.
    assert parse_caption_text(r"{'speaker': '\d'}") == {"speaker": r"\d"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("f'{__import__(\"os\")}'", "is not a dict"),
        ("{'speaker': f'{1}'}", "'speaker' is not a plain string but a Python JoinedStr"),
        ("{'speaker': (lambda: 1)()}", "not a plain string but a Python Call"),
        ("9**9**9**9", "is not a dict"),
        ("{'speaker': 9**9**9**9}", "not a plain string but a Python BinOp"),
        ("{'speaker': 1+2j}", "not a plain string but a Python BinOp"),
        ("{'speaker': b'abc'}", "not a plain string but a Python Constant"),
        ("{'speaker': 1_000}", "not a plain string but a Python Constant"),
        ("{'speaker': True}", "not a plain string but a Python Constant"),
        ("{'speaker': ['a']}", "not a plain string but a Python List"),
        ("{'speaker', 'style'}", "is a Python Set, not a dict"),
        ("{x: x for x in 'ab'}", "is a Python DictComp, not a dict"),
        ("{**{'a': 'b'}}", "a key of the caption string .* is not a plain string"),
        ("set()", "is not a dict"),
        ("dict(speaker='a')", "is not a dict"),
        ("{[]: 1}", "a key of the caption string .* is not a plain string"),
        ("{1: 'a'}", "a key of the caption string .* is not a plain string"),
        ("{'speaker': 'a', 'speaker': 'b'}", "gives 'speaker' twice"),
        ('{"speaker": "a", "speaker": "b"}', "gives 'speaker' twice"),
        ("[" * 150 + "]" * 150, "is not a dict"),
        ("{'a': " + "[" * 150 + "]" * 150 + "}", "not a plain string but a Python List"),
        ("{'speaker': 'it's', 'style': 'b'}", "neither JSON nor a Python literal"),
        ("｛‘speaker’： ‘a’｝", r"is not a dict \(it has full-width punctuation\)"),
        ("{‘speaker’: ‘a’}", r"neither JSON nor a Python literal: .* \(it has full-width punctuation\)"),
        (r"{'speaker': '\ud800'}", "'speaker' holds half a surrogate pair"),
        (r'{"speaker": "\ud800"}', "'speaker' holds half a surrogate pair"),
        (r"{'\udfff': 'a'}", r"'\\udfff' holds half a surrogate pair"),
        ("{'speaker': " + "9" * 5000 + "}", "neither JSON nor a Python literal"),
        ("她平静地说话", "is not a dict"),
        ("nan", r"is not a dict \(pandas writes a missing value as nan\)"),
        ("", "is not a dict"),
        ("{'speaker': nan, 'style': 'b'}", "'speaker' is not a plain string but a Python Name"),
        ("{'speaker': null, 'style': true}", "'speaker' is not a plain string but a Python Name"),
        ('{"speaker": 1}', "'speaker' is 1; expected a string or null"),
        ('{"speaker": {"a": "b"}}', "expected a string or null"),
        ('["a"]', "is not a dict"),
        ("{'a': 'b'}; import os", "neither JSON nor a Python literal"),
        ("{'a': (yield)}", "not a plain string but a Python Yield"),
        ("{'a': 'b\0'}", "neither JSON nor a Python literal"),
        ("{'a': await b}", "not a plain string but a Python Await"),
    ],
)
def test_what_is_no_dict_of_strings_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(CaptionError, match=reason):
        parse_caption_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "{'a': " + "-" * 19_000 + "1}",
        "{'a': " + "not " * 4_900 + "1}",
        "{'a': a" + ".a" * 9_000 + "}",
        "{'a': a" + "()" * 9_000 + "}",
        "{'a': 1" + "+1" * 9_000 + "}",
        "{'a': " + "9**" * 6_000 + "9}",
        "{'a': " + "lambda:" * 2_000 + "1}",
        "{'a': f'{" + "1+" * 3_000 + "1}'}",
        "{'a':" * 3_000 + "1" + "}" * 3_000,
        "{" * 19_000,
        '{"a":' * 3_900 + "1",
    ],
)
def test_a_deep_expression_is_refused_and_exhausts_nothing(text: str) -> None:
    assert len(text) <= MAX_CAPTION_CHARS
    with pytest.raises(CaptionError, match="caption"):
        parse_caption_text(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "1" + "+1" * 50_000, "{'a': '" + "b" * 4_000_000 + "'}"])
def test_a_long_string_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(CaptionError, match=r"has [\d,]+ characters; expected at most 20,000"):
        parse_caption_text(text)


def test_nothing_that_a_caption_says_is_ever_done(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    touch = f"open({str(canary)!r}, 'w')"
    texts = [
        touch,
        f"__import__('os').system('touch {canary}')",
        f"{{'speaker': {touch}}}",
        f"{{{touch}: 'a'}}",
        f"{{'speaker': f'{{{touch}}}'}}",
        f"{{'speaker': (lambda: {touch})()}}",
        f"{{'speaker': [x for x in [{touch}]]}}",
        f"{{**{touch}}}",
        f"{{'a': 'b'}}\n{touch}",
        f"{{'a': (x := {touch})}}",
    ]
    watched: list[str] = []
    armed = True

    def watch(event: str, _: tuple[Any, ...]) -> None:
        if armed and event in ("open", "exec", "os.system", "subprocess.Popen", "import", "socket.connect"):
            watched.append(event)

    sys.addaudithook(watch)
    for text in texts:
        reason = ""
        try:
            parse_caption_text(text)
        except CaptionError as error:
            reason = error.message
        assert "caption" in reason
    armed = False
    assert watched == []
    assert not canary.exists()


@given(st.text() | st.text("{}'\":,ab \\ud8\n").map("{{{}".format))
def test_any_other_string_is_a_caption_error_with_a_printable_message(text: str) -> None:
    reason = ""
    try:
        captions = parse_caption_text(text)
    except CaptionError as error:
        reason = error.message
    else:
        assert all(isinstance(value, str | None) for value in captions.values())
    assert all(c.isprintable() or c == "\n" for c in reason)
    assert len(reason) <= 500
