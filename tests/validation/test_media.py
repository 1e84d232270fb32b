"""The headers of sound and video files: what is wrong with them, and only that."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotalk_data.loaders.report import Report
from emotalk_data.schemas.codes import CODES
from emotalk_data.schemas.problems import Problem
from emotalk_data.testing.media import numbered_video_bytes, pcm16_wav_bytes
from emotalk_data.validation.media.checker import MediaChecker

BADCORPUS = Path(__file__).parents[3] / "shared" / "badcorpus"
SUFFIXES = (".wav", ".flac")


def noise(num_samples: int = 1_600, num_channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (num_channels, num_samples))


def wav(num_samples: int = 1_600, *, rate: int = 16_000, num_channels: int = 1) -> bytes:
    return pcm16_wav_bytes(noise(num_samples, num_channels), rate)


def patched(data: bytes, offset: int, form: str, value: int) -> bytes:
    return data[:offset] + struct.pack(form, value) + data[offset + struct.calcsize(form) :]


def video(num_frames: int = 5, *, audio: bool = True) -> bytes:
    return numbered_video_bytes(num_frames=num_frames, width=16, height=16, audio=audio, bframes=0)


def look(path: Path | str, *, decode: bool = False, **options: Any) -> list[Problem]:
    report = Report("emotalk")
    checker = MediaChecker(report, decode=decode)
    name = str(path).rpartition("/")[2]
    check = checker.audio if name.endswith(SUFFIXES) else checker.video
    check(str(path), name, **options)
    checker.finish()
    return list(report.problems())


def codes(path: Path | str, **options: Any) -> list[str]:
    return [problem.code for problem in look(path, **options)]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _corpus() -> list[dict[str, str]]:
    manifest = BADCORPUS / "manifest.jsonl"
    if not manifest.exists():
        return []
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["group"] in ("wav", "mp4")]


@pytest.mark.skipif(not _corpus(), reason="the corpus of bad files is not beside this checkout")
@pytest.mark.parametrize("row", _corpus(), ids=lambda row: row["file"])
def test_every_file_of_the_bad_corpus_gets_its_verdict(row: dict[str, str]) -> None:
    problems = look(BADCORPUS / row["file"], decode=True)
    errors = [problem for problem in problems if problem.severity == "error"]
    assert bool(errors) == (row["verdict"] == "reject")
    assert all(problem.code.startswith("AV-") and len(str(problem)) < 500 for problem in problems)
    if row["verdict"] == "accept":
        assert {problem.severity for problem in problems} <= {"note"}


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("decode", [False, True])
def test_a_sound_as_released_has_no_problem(
    tmp_path: Path, rate: int, num_channels: int, decode: bool
) -> None:
    path = write(tmp_path / "a.wav", wav(rate, rate=rate, num_channels=num_channels))
    assert look(path, decode=decode, expected_seconds=1.0) == []


@pytest.mark.parametrize("decode", [False, True])
def test_a_video_as_released_has_no_problem(tmp_path: Path, decode: bool) -> None:
    path = write(tmp_path / "a.mp4", video(25))
    assert look(path, decode=decode, expected_seconds=1.0) == []


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.wav", b"", "AV-AUDIO-001"),
        ("a.wav", b"version https://git-lfs.github.com/spec/v1\n", "AV-AUDIO-001"),
        ("a.wav", patched(wav(), 34, "<H", 24), "AV-AUDIO-002"),
        ("a.wav", patched(wav(), 22, "<H", 0), "AV-AUDIO-002"),
        ("a.wav", patched(wav(), 24, "<I", 1), "AV-AUDIO-002"),
        ("a.wav", wav()[:1_000], "AV-AUDIO-003"),
        ("a.wav", patched(wav(), 40, "<I", 0), "AV-AUDIO-003"),
        ("a.wav", patched(wav()[:44], 40, "<I", 0), "AV-AUDIO-004"),
        ("a.wav", wav(200), "AV-AUDIO-006"),
        ("a.wav", wav(4_800, rate=48_000), "AV-AUDIO-007"),
        ("a.wav", wav(num_channels=6), "AV-AUDIO-007"),
        ("a.wav", patched(wav(), 4, "<I", 0), "AV-AUDIO-009"),
        ("a.wav", wav() + bytes(4_000), "AV-AUDIO-009"),
        ("a.wav", patched(wav(), 28, "<I", 7), "AV-AUDIO-009"),
        ("a.mp4", b"<html></html>", "AV-VIDEO-001"),
        ("a.mp4", b"", "AV-VIDEO-001"),
        ("a.mp4", video()[:1_500], "AV-VIDEO-002"),
        ("a.mp4", video()[:40], "AV-VIDEO-002"),
    ],
)
def test_a_header_that_is_wrong_or_odd_has_its_code_and_no_other(
    tmp_path: Path, name: str, data: bytes, code: str
) -> None:
    assert codes(write(tmp_path / name, data)) == [code]


@pytest.mark.parametrize(
    ("form", "subtype", "found"),
    [
        ("WAV", "PCM_U8", "8-bit PCM"),
        ("WAV", "PCM_24", "24-bit PCM"),
        ("WAV", "FLOAT", "32-bit floating point"),
        ("WAV", "ULAW", "compressed (format 0x0007)"),
        ("FLAC", "PCM_16", "that of a flac file"),
    ],
)
def test_a_sound_that_is_not_16_bit_pcm_is_a_note(
    tmp_path: Path, form: str, subtype: str, found: str
) -> None:
    path = tmp_path / f"a.{form.lower()}"
    soundfile.write(path, noise()[0], 16_000, format=form, subtype=subtype)
    (problem,) = look(path)
    assert (problem.code, problem.json_path, problem.found) == ("AV-AUDIO-008", "format", found)


def test_flac_data_named_wav_is_an_error(tmp_path: Path) -> None:
    content = io.BytesIO()
    soundfile.write(content, noise()[0], 16_000, format="FLAC")
    (problem,) = look(write(tmp_path / "a.wav", content.getvalue()))
    assert str(problem) == (
        "error AV-AUDIO-001 a.wav is unreadable: the content is FLAC, the extension says WAV; "
        "expected a sound file of the kind that its name says"
    )


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.151, []), (0.149, ["AV-AUDIO-005"]), (0.1, ["AV-AUDIO-005"])]
)
def test_a_sound_may_differ_from_its_record_by_the_tolerance(
    tmp_path: Path, seconds: float, expected: list[str]
) -> None:
    path = write(tmp_path / "a.wav", wav(3_200))
    assert codes(path, expected_seconds=seconds) == expected
    assert codes(path, expected_seconds=seconds, tolerance_seconds=0.2) == []


def test_pictures_are_compared_with_their_record(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", video(25))
    assert codes(path, expected_seconds=1.08) == []
    (problem,) = look(path, expected_seconds=2.0, utterance_id="u")
    assert str(problem) == "warning AV-VIDEO-005 a.mp4 is 1.000 s long; expected 2.000 s, as its record has"
    assert problem.utterance_id == "u"


def test_pictures_are_compared_with_the_sound_of_the_same_utterance_where_the_record_has_no_times(
    tmp_path: Path,
) -> None:
    sound, pictures = write(tmp_path / "a.wav", wav(16_000)), write(tmp_path / "a.mp4", video(15))
    found = []
    for owner, seconds in (("u", None), ("another", None), ("u", 0.6)):
        report = Report("emotalk")
        checker = MediaChecker(report)
        checker.audio(str(sound), "a.wav", utterance_id="u")
        checker.video(str(pictures), "a.mp4", utterance_id=owner, expected_seconds=seconds)
        found.append(list(report.num_by_code()))
    assert found == [["AV-VIDEO-006"], [], []]


def test_a_video_without_sound_is_a_note_only_among_others_with_it(tmp_path: Path) -> None:
    silent, sounding = write(tmp_path / "a.mp4", video(audio=False)), write(tmp_path / "b.mp4", video())
    assert look(silent) == []
    report = Report("emotalk")
    checker = MediaChecker(report)
    for path in (silent, sounding):
        checker.video(str(path), path.name, utterance_id=path.stem)
    checker.finish()
    (problem,) = report.problems()
    assert (problem.code, problem.file, problem.utterance_id) == ("AV-VIDEO-007", "a.mp4", "a")


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.wav")
    paths = [
        str(tmp_path / "absent.wav"),
        str(tmp_path / "fifo.wav"),
        "https://example.org/a.wav",
        "tar://a.wav",
    ]
    for path in paths:
        (problem,) = look(path)
        assert problem.code == "AV-FILE-001"
        assert str(tmp_path) not in problem.found


def test_what_is_wrong_does_not_depend_on_the_archive_around_the_file(tmp_path: Path) -> None:
    data = {"good.wav": wav(), "cut.wav": wav()[:1_000], "good.mp4": video(), "cut.mp4": video()[:1_500]}
    archive = tmp_path / "release.tar"
    with tarfile.open(archive, "w") as tar:
        for name, content in data.items():
            tar.add(write(tmp_path / name, content), name)
    for name in data:
        report = Report("emotalk")
        checker = MediaChecker(report, decode=True)
        check = checker.audio if name.endswith(".wav") else checker.video
        check(f"tar://{name}::{archive}", name)
        assert list(report.problems()) == look(tmp_path / name, decode=True)
        assert bool(report.num_problems()) == name.startswith("cut")


def test_a_window_is_judged_and_not_the_episode_around_it(tmp_path: Path) -> None:
    episode = write(tmp_path / "1.mp4", video(50))
    for window, expected in (("0.4,1.2", []), ("1,9", ["AV-FILE-002"]), ("5,6", ["AV-FILE-002"])):
        for decode in (False, True):
            assert codes(f"mediafragment://{episode}#t={window}", decode=decode) == expected
    assert codes(f"{episode}#t=0.4,1.2", expected_seconds=0.8) == []
    assert codes(f"{episode}#t=0.4,1.2", expected_seconds=2.0) == ["AV-VIDEO-005"]
    report = Report("m3ed")
    MediaChecker(report, decode=True).audio(f"{episode}#t=0.5,1.5", "1.mp4", expected_seconds=1.0)
    assert list(report.num_by_code()) == []
    MediaChecker(report).audio(f"{episode}#t=0.5,7", "1.mp4")
    assert list(report.num_by_code()) == ["AV-FILE-002"]


def test_an_episode_may_be_longer_than_an_utterance(tmp_path: Path) -> None:
    path = write(
        tmp_path / "1.mp4",
        numbered_video_bytes(num_frames=130, frame_rate=1, width=16, height=16, audio=False, bframes=0),
    )
    assert codes(path) == ["AV-VIDEO-004"]
    report = Report("m3ed")
    MediaChecker(report).episode(str(path), path.name)
    assert list(report.problems()) == []
    MediaChecker(report).episode(str(write(tmp_path / "2.mp4", path.read_bytes()[:-9])), "2.mp4")
    assert list(report.num_by_code()) == ["AV-VIDEO-002"]


def test_tables_that_point_outside_of_the_file_are_seen_without_reading_a_packet(tmp_path: Path) -> None:
    data = video(audio=False)
    at = data.index(b"stco") + 12
    (problem,) = look(write(tmp_path / "a.mp4", patched(data, at, ">I", 1_000_000)))
    assert (problem.code, problem.found[:19]) == ("AV-VIDEO-002", "cut or damaged: its")


def test_what_is_odd_in_the_same_way_is_one_line(tmp_path: Path) -> None:
    report = Report("emotalk")
    checker = MediaChecker(report)
    for number in range(5):
        path = write(tmp_path / f"{number}.wav", wav(4_800 + number, rate=48_000) + bytes(number + 2))
        checker.audio(str(path), path.name)
    assert [(problem.code, problem.count) for problem in report.problems()] == [
        ("AV-AUDIO-007", 5),
        ("AV-AUDIO-009", 5),
    ]
    assert report.counts["audio_checked"] == 5


def test_nothing_stays_open_and_nothing_grows_with_garbage_collection_off(
    tmp_path: Path, open_files: Callable[[], list[str]]
) -> None:
    paths = [
        write(tmp_path / "a.wav", wav()),
        write(tmp_path / "cut.wav", wav()[:999]),
        write(tmp_path / "a.mp4", video()),
        write(tmp_path / "cut.mp4", video()[:1_500]),
        write(tmp_path / "damaged.mp4", video()[:700] + bytes(300) + video()[1_000:]),
    ]
    gc.disable()
    try:
        for _ in range(4):
            for path in paths:
                look(path, decode=True)
        memory = _resident_bytes()
        for _ in range(60):
            for path in paths:
                look(path, decode=True)
        assert open_files() == []
        assert _resident_bytes() - memory < 16 << 20
    finally:
        gc.enable()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_an_interrupt_ends_decoding(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.mp4", video()), write(tmp_path / "a.wav", wav())]

    def interrupt(*_: object) -> None:
        # It may be lost where FFmpeg reaches a file's end, once in two hundred times: PyAV's compiled code runs
        # Python to make the traceback of its EOFError, and drops what is raised there. One presses again.
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        raise KeyboardInterrupt("enough")

    def look_for_long() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        for _ in range(5_000):  # far longer than that takes
            assert [look(path, decode=True) for path in paths] == [[], []]

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt, match="enough"):
            look_for_long()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_BOMBS = """
import resource, sys
from emotalk_data.loaders.report import Report
from emotalk_data.validation.media.checker import MediaChecker
report = Report("emotalk")
checker = MediaChecker(report, decode=True)
checker.audio(sys.argv[1], "warm.wav")
checker.video(sys.argv[2], "warm.mp4")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[3:]:
    (checker.video if path.endswith(".mp4") else checker.audio)(path, path.rpartition("/")[2])
print(sorted(report.num_by_code()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_files_that_declare_gigabytes_take_little_memory(tmp_path: Path) -> None:
    flac = io.BytesIO()
    soundfile.write(flac, noise()[0], 16_000, format="FLAC")
    lying = bytearray(flac.getvalue())
    lying[21] |= 0x0F  # the upper four of 36 bits
    lying[22:26] = b"\xff\xff\xff\xff"
    bombs = [
        write(tmp_path / "lying.flac", bytes(lying)),
        write(tmp_path / "declared.wav", patched(patched(wav(), 40, "<I", 2**32 - 2), 4, "<I", 2**32 - 1)),
        write(
            tmp_path / "sparse.wav", patched(wav(num_channels=8, rate=192_000)[:44], 40, "<I", 3_000_000_000)
        ),
        write(tmp_path / "samples.mp4", _with_equal_samples(video(audio=False), 50_000_000)),
    ]
    os.truncate(bombs[2], 44 + 3_000_000_000)
    warm = [write(tmp_path / "warm.wav", wav()), write(tmp_path / "warm.mp4", video())]
    done = subprocess.run(
        [sys.executable, "-c", _BOMBS, *map(str, warm + bombs)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found, _, grown = done.stdout.strip().rpartition(" ")
    assert found == str(
        ["AV-AUDIO-003", "AV-AUDIO-006", "AV-AUDIO-007", "AV-AUDIO-009", "AV-AUDIO-012", "AV-VIDEO-004"]
    )
    assert int(grown) < 256 << 10


def _with_equal_samples(data: bytes, count: int) -> bytes:
    """Say in the tables of an mp4 that it has so many samples of one byte."""
    sizes, chunks = data.index(b"stsz"), data.index(b"stsc")
    data = patched(patched(data, sizes + 8, ">I", 1), sizes + 12, ">I", count)
    return patched(data, chunks + 16, ">I", count)


def test_every_code_of_the_registry_has_an_example() -> None:
    known = {code: entry for code, entry in CODES.items() if code.startswith("AV-")}
    assert len(known) == 25
    assert all(entry.example and "\n" not in entry.example for entry in known.values())
