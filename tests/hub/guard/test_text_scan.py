"""Media in letters, paths, tokens and words are found in strings; ids, reasons and transcripts are left alone."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotalk_data.hub.guard import judge
from emotalk_data.hub.guard.allowed_columns import allowed_columns
from emotalk_data.hub.guard.text_scan import find_in_text, media_magic
from emotalk_data.schemas.ids import EMOTALK_ID_PATTERN, M3ED_ID_PATTERN
from tests.hub.guard.folders import Corpus, corpus_table, staged_table

HEADERS = st.builds(
    lambda size, rate, channels, samples: (
        struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            36 + size,
            b"WAVE",
            b"fmt ",
            16,
            1,
            channels,
            rate,
            2 * rate * channels,
            2 * channels,
            16,
            b"data",
            size,
        )
        + samples
    ),
    st.integers(0, 2**31),
    st.integers(1, 384_000),
    st.integers(1, 8),
    st.binary(max_size=200),
)
NESTINGS = st.lists(st.sampled_from(["list", "struct", "map"]), max_size=4)


@given(HEADERS, st.booleans(), st.sampled_from(["", "audio: ", '{"a": "', "\n", "见"]))
def test_base64_of_a_wav_is_found_wherever_it_begins(wav: bytes, is_for_urls: bool, before: str) -> None:
    encode = base64.urlsafe_b64encode if is_for_urls else base64.b64encode
    found = find_in_text(before + encode(wav).decode(), max_chars=10_000, may_be_words=True)
    assert found is not None
    assert found.kind == "media"
    assert "wav sound in base64" in found.reason


@given(HEADERS)
def test_hexadecimal_digits_of_a_wav_are_found(wav: bytes) -> None:
    for text in (wav.hex(), wav.hex(" "), wav.hex(":"), wav.hex().upper()):
        found = find_in_text(text, max_chars=10_000, may_be_words=True)
        assert found is not None
        assert found.kind == "media"


@given(HEADERS, NESTINGS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_base64_of_a_wav_is_found_at_any_depth(
    tmp_path_factory: pytest.TempPathFactory, wav: bytes, nesting: list[str]
) -> None:
    value: object = base64.b64encode(wav).decode()
    kind: pa.DataType = pa.string()
    for one in nesting:
        if one == "list":
            value, kind = [value], pa.list_(kind)
        elif one == "struct":
            value, kind = {"x": value}, pa.struct([("x", kind)])
        else:
            value, kind = [("k", value)], pa.map_(pa.string(), kind)
    table = corpus_table("emotalk", ["utterance_id"]).append_column("facts", pa.array([value] * 8, kind))
    judgement = judge(staged_table(tmp_path_factory.mktemp("deep"), table), visibility="private")
    assert any("wav sound in base64" in one.reason for one in judgement.refusals), str(judgement)


@given(st.from_regex(EMOTALK_ID_PATTERN, fullmatch=True))
def test_ids_of_emotiontalk_are_never_refused(utterance_id: str) -> None:
    check_id("emotalk", utterance_id)


@given(st.from_regex(M3ED_ID_PATTERN, fullmatch=True).filter(lambda one: len(one) <= 54))
def test_ids_of_m3ed_are_never_refused(utterance_id: str) -> None:
    check_id("m3ed", utterance_id)


def check_id(corpus: Corpus, utterance_id: str) -> None:
    from emotalk_data.hub.guard.allowed_columns import _of_corpus

    assert _of_corpus(corpus)["utterance_id"].texts[""](utterance_id) is None


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=400))
def test_transcripts_are_left_alone_where_there_may_be_words(text: str) -> None:
    assert find_in_text(text, max_chars=4_096, may_be_words=True) is None
    found = find_in_text(text, max_chars=4_096, may_be_words=False)
    assert (found is not None and found.kind == "words") is (len(text) > 1)


@given(st.text(max_size=300))
def test_any_text_gets_an_answer_and_the_same_twice(text: str) -> None:
    first = find_in_text(text, max_chars=100, may_be_words=False)
    assert find_in_text(text, max_chars=100, may_be_words=False) == first
    assert first is None or len(first.reason) < 200


HARMLESS = [
    "cut at 10 s",
    "3 of 64 frames without a face",
    "missing: the row has no sound",
    "(2, 768) and/or (T, D)",
    "encoder: RuntimeError: shape '[1, 2, -1]' is invalid for input of size 5",
    "a0" * 16,
    "0" * 64,
    "sha256:" + "ab" * 32,
    "TencentGameMate/chinese-hubert-base",
    "16 kHz/mono",
    "hf_transfer",
    "hf_hub_download",
    "https://example.org/a/b?c=d",
    "BaseModelOutputWithPoolingAndCrossAttentionsForSequenceClassification",
    "data/train-00000-of-00003.parquet",
    "-" * 400,
    "| " + " | ".join(["---"] * 60) + " |",
    "unreadable: G00008_01_11_002.wav: it was cut",
    "the values are 0.5, 0.25, 0.125",
    "numpy 2.4.1, torch 2.13.0",
    "[over/]",
    "50 % of 1/2/3",
    "NVIDIA H200 (143,771 MiB)",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_texts_are_left_alone(text: str) -> None:
    assert find_in_text(text, max_chars=1_000, may_be_words=False) is None


PLACES = [
    "/home/me/a.wav",
    "read /mnt/data/x",
    "~/set/a.npy",
    "C:\\data\\a",
    "\\\\server\\share",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("text", PLACES)
def test_places_on_a_machine_are_found(text: str) -> None:
    found = find_in_text(text, max_chars=1_000, may_be_words=True)
    assert found is not None
    assert found.kind == "path"


def test_a_token_is_found_and_not_repeated() -> None:
    token = "hf_" + "aB3" * 11
    found = find_in_text(f"logged in with {token}.", max_chars=1_000, may_be_words=True)
    assert found is not None
    assert found.kind == "token"
    assert token not in found.reason


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "wav sound"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP picture"),
        (b"\0\0\0\x18ftypmp42", "MP4 media"),
        (b"fLaC\0\0\0\x22", "FLAC sound"),
        (b"OggS\0\x02", "Ogg sound"),
        (b"ID3\x04\0", "MP3 sound"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\x1aE\xdf\xa3", "Matroska video"),
        (b"\x93NUMPY\x01", "a numpy array"),
        (b"PK\x03\x04", "a zip"),
        (b"\x1f\x8b\x08\0", "gzip data"),
        (b"plain text, no more", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_media(head: bytes, name: str | None) -> None:
    assert media_magic(head) == name


def test_a_text_of_megabytes_takes_no_time_that_grows_with_it(tmp_path: Path) -> None:
    """What is longer than any text that may be shared is refused after its first 64 KB."""
    table = corpus_table("emotalk", ["utterance_id", "text"], text=["好 " * 2_000_000] * 8)
    judgement = judge(staged_table(tmp_path, table), visibility="private", allow=["transcripts"])
    (refused,) = judgement.refusals
    assert "4,000,000 characters; such a text has at most 4,096" in refused.reason


def test_what_is_no_corpus_has_no_columns(tmp_path: Path) -> None:
    staged = staged_table(tmp_path, corpus_table("emotalk", ["utterance_id"]), corpus=None)
    assert allowed_columns(staged.configs[0]) == {}
