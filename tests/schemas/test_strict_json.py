from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotalk_data.errors import DecodeError, LimitError
from emotalk_data.schemas.strict_json import BOM, MAX_RECORD_BYTES, read_json

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text()
documents = st.recursive(
    scalars,
    lambda child: st.lists(child, max_size=5) | st.dictionaries(st.text(), child, max_size=5),
    max_leaves=20,
)


def strict(raw: bytes) -> Any:
    """The standard library, told to be as strict as the standard."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(items)) != len(items):
            raise ValueError("a key is given twice")
        return dict(items)

    def refuse(word: str) -> None:
        raise ValueError(word)

    text = raw.decode("utf-8")
    if text.startswith("\ufeff\ufeff"):
        raise ValueError("a second byte-order mark")
    document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=pairs, parse_constant=refuse)
    json.dumps(document, ensure_ascii=False).encode("utf-8")  # fails at half a surrogate pair
    return document


@given(documents, st.booleans(), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_valid_documents_are_read_as_the_standard_library_reads_them(
    document: Any, is_ascii: bool, indent: int | str | None, has_bom: bool
) -> None:
    text = json.dumps(document, ensure_ascii=is_ascii, indent=indent)
    raw = BOM * has_bom + text.replace("\n", "\r\n").encode("utf-8")
    found = read_json(raw, file="a.json")
    assert found == document
    assert repr(found) == repr(strict(raw))


@given(documents, st.data())
def test_a_damaged_document_gets_the_verdict_of_a_strict_standard_library(
    document: Any, data: st.DataObject
) -> None:
    raw = bytearray(json.dumps(document, ensure_ascii=data.draw(st.booleans())).encode("utf-8"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from(
                [b"", b"\xff", b'"', b"]", b"[", b",", b"\0", b"0", b"N", b"\\u", b"\\ud800", b"\xed\xa0\x80"]
            )
        )
    try:
        expected = strict(bytes(raw))
    except ValueError:
        with pytest.raises(DecodeError, match=r"^a\.json is not strict JSON: "):
            read_json(bytes(raw), file="a.json")
    else:
        assert repr(read_json(bytes(raw), file="a.json")) == repr(expected)


RECORD = '{"emotion_result": "neutral", "content": "我明天再来。"}'


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\t\r\n", "the file is empty"),
        (BOM, "the file is empty"),
        (BOM + BOM + b"1", "expected value"),
        (b'{"a": "\x01"}', "control character"),
        (b'{"a": "\n"}', "control character"),
        (RECORD.encode()[:-20], "EOF while parsing|is not UTF-8"),
        (RECORD.encode()[:-4], "is not UTF-8"),
        (RECORD.encode() + b"}}", "trailing characters"),
        (RECORD.encode() * 2, "trailing characters"),
        (RECORD.encode() + b"\n" + RECORD.encode(), "trailing characters at line 2"),
        (RECORD.encode() + b"\0", "trailing characters"),
        (RECORD.encode("utf-16"), "it looks like UTF-16"),
        (RECORD.encode("utf-16-le"), "it looks like UTF-16 or UTF-32 without a byte-order mark"),
        (RECORD.encode("utf-16-be"), "it looks like UTF-16 or UTF-32 without a byte-order mark"),
        (RECORD.encode("utf-32"), "it looks like UTF-16"),
        (RECORD.encode("gbk"), "byte 42 is not UTF-8"),
        (b'{"a": "\xc0\xaf"}', "byte 7 is not UTF-8"),  # overlong
        (b'{"a": "\xed\xa0\x80"}', "byte 7 is not UTF-8"),  # a surrogate written as UTF-8
        (rb'{"a": "\ud800"}', "half of a surrogate pair"),
        (rb'{"a": "\udc00"}', "half of a surrogate pair"),
        (rb'{"a": "\ud800\u0041"}', "half of a surrogate pair"),
        (rb'{"\ud800": 1}', "half of a surrogate pair"),
        (b'{"emotion_result": "sad", "emotion_result": "sad"}', 'duplicate key "emotion_result"'),
        (rb'{"emotion_result": "sad", "emotion\u005fresult": "happy"}', 'duplicate key "emotion_result"'),
        (b'{"m": {"d1": {}, "d1": {"x": 1}}}', 'duplicate key "d1"'),
        (b'[{"a": 1, "a": 2}]', 'duplicate key "a"'),
        (b'{"a": NaN}', "near '.*NaN"),
        (b'{"a": Infinity}', "near '.*Infinity"),
        (b'{"a": -Infinity}', "near '.*-Infinity"),
        (b'{"a": 1,}', "trailing comma"),
        (b"[1,]", "trailing comma"),
        (b"{'a': 1}", "it looks like a Python literal"),
        (b"{a: 1}", "key must be a string"),
        (b"// a comment\n1", "expected value"),
        (b"01", "invalid number"),
        (b"+1", "expected value"),
        (b".5", "expected value"),
        (b"1.", "EOF while parsing"),
        (b"0x10", "trailing characters"),
        (b"9" * 5_000, "number out of range"),
        (b"True", "expected value"),
        (b"<html></html>", "it looks like an HTML or XML page"),
        (b"PK\x03\x04", "it looks like a zip file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git-LFS pointer"),
        (b"\xc2\xa01", "expected value"),  # a no-break space is no white space of JSON
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        (b'{"a":' * 990 + b"1" + b"}" * 990, "nested too deep"),
        (b"[" * 500_000, "nested too deep"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=rf"^a\.json is not strict JSON: .*({reason})") as caught:
        read_json(raw, file="a.json")
    assert caught.value.path == "a.json"
    assert str(caught.value).endswith("Write it again as UTF-8 JSON.")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    ("raw", "document"),
    [
        (b"null", None),
        (b'{"a":[null,1,2]}', {"a": [None, 1, 2]}),
        (rb'"\ud83d\ude00\u4e2d\/"', "😀中/"),
        (b'"\x7f"', "\x7f"),
        (b"-0", 0),
        (b"9223372036854775808", 2**63),
        (b"1E+2", 100.0),
        (b"1e400", math.inf),  # the standard sets no range; the models refuse what is not finite
        (b'{"__class__": 1, "__init__": {}}', {"__class__": 1, "__init__": {}}),
        (b" \r\n[ ]\t", []),
    ],
)
def test_odd_and_valid_documents_are_read(raw: bytes, document: Any) -> None:
    assert read_json(raw, file="a.json") == document


def nested(depth: int, innermost: bytes) -> bytes:
    return (
        b'{"a":[' * (depth // 2) + b"[" * (depth % 2) + innermost + b"]" * (depth % 2) + b"]}" * (depth // 2)
    )


@pytest.mark.parametrize("innermost", [b"", b"1", b'"[[[["'])
def test_a_document_may_be_32_levels_deep_and_no_deeper(innermost: bytes) -> None:
    read_json(nested(32, innermost), file="a.json")
    for depth in (33, 34, 150):
        with pytest.raises(DecodeError, match="nested deeper than 32 levels"):
            read_json(nested(depth, innermost), file="a.json")


def test_brackets_in_strings_and_side_by_side_are_not_depth() -> None:
    assert read_json(b'"' + b"[" * 1000 + b'"', file="a.json") == "[" * 1000
    assert read_json(b"[" + b"[]," * 1000 + b"{}]", file="a.json") == [[]] * 1000 + [{}]


def test_a_document_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(LimitError, match=r"^a\.json has more than 1,048,576 bytes") as caught:
        read_json(b"x" * (MAX_RECORD_BYTES + 1), file="a.json")
    assert caught.value.path == "a.json"
    with pytest.raises(LimitError, match="more than 3 bytes"):
        read_json(b"null", file="a.json", max_bytes=3)
    assert read_json(b"null", file="a.json", max_bytes=4) is None
    assert read_json(b'"' + b"x" * (MAX_RECORD_BYTES - 2) + b'"', file="a.json") == "x" * (
        MAX_RECORD_BYTES - 2
    )


@given(st.binary())
def test_any_bytes_are_json_or_a_decode_error(raw: bytes) -> None:
    try:
        expected = strict(raw)
    except ValueError:
        with pytest.raises(DecodeError, match="not strict JSON"):
            read_json(raw, file="a.json")
    else:
        assert read_json(raw, file="a.json") == expected
