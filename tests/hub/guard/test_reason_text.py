"""Reasons and notes that the library writes go through; bytes in letters do not, whatever stands between them."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from emotalk_data.hub.guard import FLAGS, judge
from emotalk_data.hub.guard.reason_text import ReasonScan, find_in_reason
from emotalk_data.hub.staging.feature_shards import LEFT_OUT_REASON
from tests.feature_shards import make_rows
from tests.hub.guard.folders import IDS, LICENCES, staged_features
from tests.hub.guard.planted import tone, wav_bytes

# As encoders, the running of features and the exports word them; with file names and figures as they come.
REASONS = [
    "missing: the row has no sound",
    "missing: zeros, which M3ED's authors wrote where there was no sound, picture or text",
    "missing: the released file does not have this utterance",
    "unreadable: 'G00002_01_08_002.wav' cannot be read as sound: it has 12 bytes, and a header has 44.",
    "unreadable: member 'Audio/wav/G00002/G00002_01/G00002_01_08/G00002_01_08_002.wav' of Audio.tar is cut: "
    "1,024 of 152,364 bytes. Expected all of them. Download Audio.tar again.",
    "unreadable: multimodal/Multimodal/mp4/G00008/G00008_01/G00008_01_11/G00008_01_11_002.mp4: Invalid data",
    f"unreadable: Audio.tar has the digest sha256:{'3f' * 32}, and {'9a' * 32} was expected",
    "not_finite: numbers up to 70123.4 do not fit float16; store float32",
    "not_finite: the encoder gave numbers that are infinite or not a number",
    "encoder: its frames are float64, shape (1, 3, 224, 224); expected floats, shape (T, 768)",
    "encoder: its spec says that it gives the utterance's vector, and it gave none",
    "encoder: RuntimeError: The size of tensor a (197) must match the size of tensor b (577) at non-singleton "
    "dimension 1",
    "encoder: RuntimeError: CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle, opa, "
    "opb, m, n, k, &alpha, a, lda, b, ldb, &beta, c, ldc)`",
    "memory: OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of "
    "139.81 GiB of which 3.50 MiB is free. Including non-PyTorch memory, this process has 139.79 GiB memory in…",
    "encoder: BaseModelOutputWithPoolingAndCrossAttentions object has no attribute last_hidden_state",
    "encoder: ImportError: libcudnn_ops_infer.so.8: cannot open shared object file: No such file or directory",
    "encoder: AssertionError",
    "refused: the tokenizer gives token 30522, and the encoder has vectors for 21128: they do not belong "
    "together. Take the tokenizer of the weights.",
    "refused: the sound has 12 samples at 16000 Hz, and one frame needs 400",
    "refused: no face in any of 64 frames",
    "refused: the text is “A”, and 10 µs ≥ 3 × 2° − ½ of café…",
    f"encoder: {LEFT_OUT_REASON}",
]
NOTES = [
    "cut at 30 s",
    "cut at 510 tokens of 1,024",
    "3 of 64 frames without a face",
    "5 frames; the last is repeated to make 8",
    "the last picture is repeated to make 16",
    "the sound is silent: all samples are zero",
    "filled up with zeros from 0.012 s to 30 s",
    "7 of 12 frames are of padding alone, and counted",
    "12 samples beyond full scale were set to it",
    "2 of 9 tokens unknown to the tokenizer",
]


def coded(kind: str) -> str:
    data = np.random.default_rng(0).bytes(400)
    if kind == "base64, PCM":
        return base64.urlsafe_b64encode(tone()[4_000:].tobytes()).decode()[:300]
    return {
        "base64": base64.b64encode(data).decode(),
        "base32": base64.b32encode(data).decode(),
        "base85": base64.b85encode(data).decode(),
        "ascii85": base64.a85encode(data).decode(),
        "hex": data.hex(),
        "decimals": "".join(map(str, data)),
        "sixteen letters": data.hex().translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop")),
        "signs": data.hex().translate(str.maketrans("0123456789abcdef", "!#$%&()*+,-.:;<=")),
        "Braille": "".join(chr(0x2800 + one) for one in data),
        "Latin with accents": "".join(chr(0xC0 + one % 64) for one in data),
        "arrows and marks": "".join("‘’“”…–—†‡•"[one % 10] for one in data),
        "mathematical letters": "".join(chr(0x1D400 + one) for one in data),
    }[kind][:300]


CODED = [
    "base64", "base64, PCM", "base32", "base85", "ascii85", "hex", "decimals", "sixteen letters", "signs",
    "Braille", "Latin with accents", "arrows and marks", "mathematical letters",
]  # fmt: skip


def between(text: str, every: int, separator: str) -> str:
    return separator.join(text[start : start + every] for start in range(0, len(text), every))[:390]


@pytest.mark.parametrize("text", [*REASONS, *NOTES])
def test_what_the_library_writes_goes_through(text: str) -> None:
    assert find_in_reason(text) is None


def test_all_of_them_together_go_through(tmp_path: Path) -> None:
    """As notes of one row, as reasons of many rows, and in a set."""
    assert ReasonScan().add(NOTES) is None
    scan = ReasonScan()
    for number in range(300):
        words = REASONS[number % len(REASONS)].replace("G00002", f"G{number:05d}")
        assert scan.add([f"{words} {number}"]) is None
    assert scan.finish() is None
    rows = make_rows(IDS["emotalk"])
    rows[1] = rows[1]._replace(notes=tuple(NOTES))
    rows[2:] = [row._replace(frames=None, error=error, notes=()) for row, error in
                zip(rows[2:], REASONS[3:], strict=False)]  # fmt: skip
    judge(
        staged_features(tmp_path, rows=rows), visibility="gated", encoder_licences=LICENCES
    ).raise_if_refused()


@pytest.mark.parametrize("every", [3, 7, 60, 400])
@pytest.mark.parametrize("separator", [",", " ", ", ", ".", "/ "])
@pytest.mark.parametrize("kind", CODED)
def test_bytes_in_letters_are_found_whatever_stands_between(kind: str, separator: str, every: int) -> None:
    found = find_in_reason(between(coded(kind), every, separator))
    assert found is not None
    assert found.kind in ("media", "path")


@pytest.mark.parametrize("kind", ["base64", "base32", "base85"])
def test_a_few_letters_a_row_are_put_together(kind: str) -> None:
    text = coded(kind) * 60
    scan = ReasonScan()
    found = [scan.add([f"{text[start : start + 40]}"]) for start in range(0, 20 * 240, 40)]
    assert any(found) or scan.finish() is not None


def test_a_row_has_few_notes_and_not_many_letters() -> None:
    assert ReasonScan().add(["cut at 10 s"] * 64) is None
    found = ReasonScan().add(["cut at 10 s"] * 65)
    assert found is not None
    assert "65 notes" in found.reason
    found = ReasonScan().add(["the sound is silent: all samples are zero"] * 64 + ["x"] * 0)
    assert found is None
    found = ReasonScan().add(["the sound is silent, and so is what comes after it. " * 7] * 12)
    assert found is not None
    assert "4,368 characters" in found.reason


@pytest.mark.parametrize(
    "between_signs", ["", " ", "\u3000", "\u200b", "\u2060", "\u00ad", "\u200d ", "a", ", "]
)
def test_a_transcript_in_a_note_is_found_whatever_stands_between(between_signs: str) -> None:
    found = find_in_reason(between_signs.join("我没想到你今天会来"))
    assert found is not None


@pytest.mark.parametrize("text", ["ㄨㄛˇ ㄇㄟˊ", "ソウデスカ", "ｿｳﾃﾞｽｶ", "⼈⼝", "사람", "𠀀 𠀁"])
def test_other_writing_of_the_east_is_found_too(text: str) -> None:
    assert find_in_reason(text) is not None


def test_words_hide_nothing_behind_them(tmp_path: Path) -> None:
    """A flag lets a quoted transcript through, and not what other rows, notes or shards hold."""
    for number in (1, 3, 7):  # in the same row group, in another, in another shard
        rows = make_rows(IDS["emotalk"])
        rows[0] = rows[0]._replace(notes=("the text is '嗯嗯'",))
        staged = staged_features(tmp_path / f"good{number}", rows=rows)
        assert judge(staged, visibility="gated", allow=["transcripts"], encoder_licences=LICENCES).is_allowed
        rows[number] = rows[number]._replace(notes=(base64.b64encode(wav_bytes()).decode()[:380],))
        staged = staged_features(tmp_path / f"bad{number}", rows=rows)
        (found,) = judge(staged, visibility="gated", allow=FLAGS, encoder_licences=LICENCES).refusals
        assert (found.place, found.redistribution, found.flag) == ("column notes", "media", None)
