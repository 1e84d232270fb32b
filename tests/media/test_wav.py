from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.archives.source import open_source
from emotalk_data.errors import AudioError, SpanError
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.wav import read_header
from emotalk_data.media.wav_plain import plain_header
from emotalk_data.media.wav_samples import read_pcm, wav_bytes

FORMS = [("WAV", f"PCM_{form}") for form in ("U8", "16", "24", "32")] + [
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAVEX", "PCM_16"),
    ("WAVEX", "PCM_24"),
    ("WAVEX", "FLOAT"),
    ("RF64", "PCM_16"),
    ("RF64", "PCM_24"),
]
BADCORPUS = Path(__file__).parents[3] / "shared" / "badcorpus"


def written(form: str, subtype: str, samples: np.ndarray, endian: str = "FILE", rate: int = 16_000) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, subtype=subtype, format=form, endian=endian)
    return buffer.getvalue()


def wav(
    fmt: bytes, data: bytes, *, data_bytes: int | None = None, before: bytes = b"", kind: bytes = b"RIFF"
) -> bytes:
    """A wav by hand; `before` is put between fmt and data."""
    size = len(data) if data_bytes is None else data_bytes
    body = (
        b"WAVE"
        + b"fmt "
        + struct.pack("<I", len(fmt))
        + fmt
        + before
        + b"data"
        + struct.pack("<I", size)
        + data
    )
    return kind + struct.pack("<I", len(body)) + body


def pcm_fmt(
    channels: int = 1, rate: int = 16_000, bits: int = 16, align: int | None = None, tag: int = 1
) -> bytes:
    align = channels * bits // 8 if align is None else align
    return struct.pack("<HHIIHH", tag, channels, rate, (rate * align) % 2**32, align, bits)


def header_of(data: bytes) -> Any:
    return read_header(open_source(data=data))


@given(
    form=st.sampled_from(FORMS),
    endian=st.sampled_from(["FILE", "BIG"]),
    channels=st.integers(1, 8),
    length=st.integers(1, 300),
    span=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    seed=st.integers(0, 2**16),
)
def test_every_span_equals_soundfile_bit_by_bit(
    form: Any, endian: Any, channels: Any, length: Any, span: Any, seed: Any
) -> None:
    if form[0] != "WAV":
        endian = "FILE"
    samples = np.random.default_rng(seed).uniform(-1.2, 1.2, (length, channels))
    data = written(form[0], form[1], samples, endian)
    source = open_source(data=data)
    header = read_header(source)
    assert (header.num_channels, header.num_samples) == (channels, length)
    start, stop = sorted(min(edge, length) for edge in span)
    expected = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)[0][start:stop].T
    got = read_pcm(source, header, start, stop - start)
    assert got.dtype == np.float32
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, expected)


def test_extreme_integers_and_odd_floats_equal_soundfile() -> None:
    edges = np.array([-(2**31), 2**31 - 1, -1, 0, 1, 2**30 + 1], dtype="<i4")
    floats = np.array([np.inf, -np.inf, np.nan, 1e300, -1e-300, 1 + 2**-40], dtype="<f8")
    for fmt, data in ((pcm_fmt(bits=32), edges.tobytes()), (pcm_fmt(bits=64, tag=3), floats.tobytes())):
        content = wav(fmt, data)
        source = open_source(data=content)
        got = read_pcm(source, read_header(source), 0, 6)
        np.testing.assert_array_equal(got[0], soundfile.read(io.BytesIO(content), dtype="float32")[0])


def test_a_file_on_disk_gives_the_same_as_its_bytes(make_wav: Callable[..., Path]) -> None:
    path = make_wav(num_channels=2, subtype="PCM_24")
    on_disk, in_memory = open_source(path=str(path)), open_source(data=path.read_bytes())
    header = read_header(on_disk)
    assert header == read_header(in_memory)
    np.testing.assert_array_equal(read_pcm(on_disk, header, 7, 99), read_pcm(in_memory, header, 7, 99))


def test_chunks_of_odd_length_before_the_samples_are_passed_over() -> None:
    before = b"LIST" + struct.pack("<I", 5) + b"abcde\0" + b"junk" + struct.pack("<I", 9000) + b"\0" * 9000
    header = header_of(wav(pcm_fmt(), b"\1\2" * 400, before=before))
    assert header.num_samples == 400
    assert header.data_offset > 9000


def test_the_container_of_20_bit_samples_is_read_as_24_bits() -> None:
    tail = struct.pack("<HHI", 22, 20, 0) + b"\1\0" + bytes.fromhex("000000001000800000aa00389b71")
    fmt = struct.pack("<HHIIHH", 0xFFFE, 1, 16_000, 48_000, 3, 24) + tail
    assert header_of(wav(fmt, b"\0" * 1200)).sample_format == "i24"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wav(pcm_fmt(), b"\0" * 10, data_bytes=100), "cut: the header declares 50 frames, the file holds 5"),
        (wav(pcm_fmt(), b"\0" * 11, data_bytes=100), "cut inside a frame"),
        (wav(pcm_fmt(), b"\0" * 100, data_bytes=0), "0 bytes of samples and 100 follow"),
        (wav(pcm_fmt(), b""), "zero frames"),
        (wav(pcm_fmt(), b"\0" * 11), "not a whole number of 2-byte frames"),
        (wav(pcm_fmt(align=4), b"\0" * 8), "block align is 4"),
        (wav(pcm_fmt(align=0, tag=7), b"\0" * 8), "block align is 0"),
        (wav(pcm_fmt(channels=0), b"\0" * 8), "0 channels"),
        (wav(pcm_fmt(channels=9), b"\0" * 18), "9 channels; expected 1 to 8"),
        (wav(pcm_fmt(rate=7999), b"\0" * 8), "7999 Hz; expected 8000 to 192000"),
        (wav(pcm_fmt(rate=192_001), b"\0" * 8), "192001 Hz"),
        (wav(pcm_fmt(bits=0), b"\0" * 8), "0 bits per sample"),
        (wav(pcm_fmt(bits=12), b"\0" * 8), "12 bits per sample; expected 8, 16, 24 or 32"),
        (wav(pcm_fmt(bits=16, tag=3), b"\0" * 8), "16 bits per sample; expected 32 or 64"),
        (wav(pcm_fmt()[:10], b"\0" * 8), "fmt chunk is too short"),
        (wav(pcm_fmt(tag=0xFFFE), b"\0" * 8), "names no known sample format"),
        (wav(pcm_fmt(), b"", before=b"LIST\xff\xff\xff\x7f"), "beyond the end of the file"),
        (wav(pcm_fmt(), b"", before=b"note\0\0\0\0" * 70), "within the first 64 chunks"),
        (wav(pcm_fmt(), b"\0" * 8)[:36], "no data chunk"),
        (b"RIFF\0\0\0\0WAVE", "no fmt chunk"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "no fmt chunk"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcdfmt \x10\0\0\0" + pcm_fmt(), "fmt chunk comes after the data"),
        (b"RIFFxxxxAVI ", "not RIFF/WAVE"),
    ],
)
def test_a_header_that_disagrees_with_itself_or_the_file_is_refused(data: Any, message: Any) -> None:
    with pytest.raises(AudioError, match=message) as caught:
        header_of(data)
    assert len(str(caught.value)) <= 500


def test_the_64_bit_sizes_of_rf64_are_bounded_by_the_file() -> None:
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 2**60, 2**60, 2**59, 0)
    body = (
        b"WAVE" + ds64 + b"fmt " + struct.pack("<I", 16) + pcm_fmt() + b"data\xff\xff\xff\xff" + b"\0" * 800
    )
    with pytest.raises(AudioError, match=f"declares {2**59} frames, the file holds 400"):
        header_of(b"RF64\xff\xff\xff\xff" + body)


@pytest.mark.parametrize("cut", range(44))
def test_a_header_cut_anywhere_is_refused(cut: Any) -> None:
    with pytest.raises(AudioError, match="cannot be read as wav"):
        header_of(written("WAV", "PCM_16", np.zeros(100))[:cut])


@given(st.binary(max_size=60), st.integers(0, 43))
def test_a_damaged_header_is_refused_or_read_but_never_a_crash(damage: Any, offset: Any) -> None:
    data = bytearray(written("WAV", "PCM_16", np.zeros(100)))
    data[offset : offset + len(damage)] = damage
    try:
        header = header_of(bytes(data))
    except AudioError:
        return
    assert header.data_offset + header.data_bytes <= len(data)


def test_oddities_are_noted_and_the_samples_are_read() -> None:
    data = bytearray(wav(pcm_fmt(rate=16_001), b"\0" * 20) + b"tail" * 3)
    data[4:8] = struct.pack("<I", 99)
    data[28:32] = struct.pack("<I", 7)
    header = header_of(bytes(data))
    assert [note.partition(":")[0] for note in header.notes] == [
        "riff_size",
        "byte_rate",
        "sampling_rate",
        "short",
    ]
    assert header.num_samples == 10


@pytest.mark.parametrize(("start", "count"), [(-1, 5), (0, 101), (100, 1), (5, -1)])
def test_samples_outside_the_file_or_compressed_are_refused(start: int, count: int) -> None:
    source = open_source(data=written("WAV", "PCM_16", np.zeros(100)))
    with pytest.raises(SpanError, match="are not within 100"):
        read_pcm(source, read_header(source), start, count)
    coded = open_source(data=written("WAV", "ULAW", np.zeros(100)))
    with pytest.raises(AudioError, match="compressed samples; expected PCM"):
        read_pcm(coded, read_header(coded), 0, 1)


def test_a_file_that_shrinks_after_its_header_was_read_is_an_error(make_wav: Callable[..., Path]) -> None:
    path = make_wav()
    clip = AudioClip(path=str(path))
    assert clip.num_samples == 8_000
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AudioError, match="changed since its header was read"):
        clip.decode()


@pytest.mark.parametrize("shape", [(50,), (1, 50), (3, 51)])
def test_samples_written_as_a_float_wav_come_back_unchanged(shape: Any) -> None:
    samples = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    data = wav_bytes(samples, 44_100)
    assert data == wav_bytes(samples, 44_100)
    back, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    assert rate == 44_100
    np.testing.assert_array_equal(back.T, np.atleast_2d(samples))
    assert [note.partition(":")[0] for note in header_of(data).notes] == ["short"]


def test_samples_written_with_16_bits_are_clipped_and_rounded() -> None:
    data = wav_bytes(np.array([2.0, -2.0, 0.5, np.nan], dtype=np.float32), 16_000, sample_format="i16")
    assert soundfile.read(io.BytesIO(data), dtype="int16")[0].tolist() == [32767, -32768, 16384, 0]


def bad_cases() -> list[dict[str, str]]:
    if not BADCORPUS.exists():
        return []
    lines = (BADCORPUS / "manifest.jsonl").read_text("utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["group"] == "wav"]


@pytest.mark.skipif(not BADCORPUS.exists(), reason="the corpus of bad files is not here")
@pytest.mark.parametrize("case", bad_cases(), ids=lambda case: Path(case["file"]).stem)
def test_the_corpus_of_bad_files_gets_its_verdicts(case: Any) -> None:
    clip = AudioClip(path=str(BADCORPUS / case["file"]))
    if case["verdict"] == "reject":
        with pytest.raises(AudioError, match=Path(case["file"]).name):
            clip.decode()
    else:
        assert bool(clip.inspect()) == (case["verdict"] == "accept_warn")


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from([(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (1, 12), (2, 4)]),
    channels=st.integers(0, 9),
    rate=st.sampled_from([8_000, 16_000, 44_100, 12_345, 4_000]),
    num_samples=st.sampled_from([0, 1, 100, 1_200]),
    lies=st.dictionaries(st.sampled_from(["riff", "data", "align", "byte_rate"]), st.integers(-3, 3)),
    tail=st.sampled_from([b"", b"x", b"LIST\x04\0\0\0abcd"]),
)
def test_the_plain_header_is_read_as_the_general_way_reads_it(
    kind: tuple[int, int], channels: int, rate: int, num_samples: int, lies: dict[str, int], tail: bytes
) -> None:
    tag, bits = kind
    align = channels * bits // 8
    size = num_samples * align
    data = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size + (size & 1) + lies.get("riff", 0), b"WAVE", b"fmt ", 16, tag, channels, rate),
        *(rate * align + lies.get("byte_rate", 0) & 0xFFFFFFFF, max(align + lies.get("align", 0), 0), bits),
        *(b"data", max(size + lies.get("data", 0), 0)),
    )
    data += bytes(size + (size & 1)) + tail
    plain = plain_header(data[:4096], len(data))
    if plain is None:
        return
    assert plain == read_header(open_source(data=data))
    assert plain.notes == ()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32"])
def test_what_other_programs_write_has_the_plain_header(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, np.zeros((800, 1)), 16_000, subtype=subtype)
    data = path.read_bytes()
    assert plain_header(data, len(data)) == read_header(open_source(data=data))
