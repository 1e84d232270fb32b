"""Every sample and every frame: what decoding finds that the header does not show."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from emotalk_data.archives import open_source
from emotalk_data.errors import AudioError, LimitError, VideoError
from emotalk_data.loaders.report import Report
from emotalk_data.media.audio_decode import probe
from emotalk_data.media.wav_samples import wav_bytes
from emotalk_data.schemas.problems import Problem
from emotalk_data.testing.media import numbered_video_bytes, pcm16_wav_bytes
from emotalk_data.validation.media import decode
from emotalk_data.validation.media.checker import MediaChecker
from emotalk_data.validation.media.decode import decode_pictures, decode_sound

RATE = 16_000


def noise(num_samples: int = RATE, num_channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (num_channels, num_samples))


def video(**options: Any) -> bytes:
    return numbered_video_bytes(**{"num_frames": 20, "width": 32, "height": 32, "bframes": 0, **options})


def look(tmp_path: Path, data: bytes, name: str, *, is_decoded: bool = True) -> list[Problem]:
    path = tmp_path / name
    path.write_bytes(data)
    report = Report("emotalk")
    checker = MediaChecker(report, decode=is_decoded)
    (checker.video if name.endswith(".mp4") else checker.audio)(str(path), name)
    return [problem for problem in report.problems() if problem.code != "AV-AUDIO-008"]


def decoded(samples: np.ndarray, *, sample_format: Any = "f32") -> Any:
    source = open_source(data=wav_bytes(samples, RATE, sample_format=sample_format))
    facts = probe(source)
    return decode_sound(source, facts, 0, facts.num_samples)


@pytest.mark.parametrize("num_channels", [1, 2, 8])
def test_the_peak_is_that_of_all_blocks(num_channels: int) -> None:
    samples = noise((1 << 20) // num_channels + 777, num_channels)
    samples[-1, -1] = -0.75  # in the second block
    sound = decoded(samples)
    assert sound.is_finite
    assert sound.peak == pytest.approx(0.75, abs=1e-6)
    assert sound.mean_peak == pytest.approx(np.abs(samples.mean(axis=0)).max(), abs=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_no_number_is_found_and_the_peak_is_of_the_others(
    tmp_path: Path, value: float
) -> None:
    samples = noise()
    samples[0, 9_000] = value
    sound = decoded(samples)
    assert not sound.is_finite
    assert 0.4 < sound.peak <= 0.5
    (problem,) = look(tmp_path, wav_bytes(samples, RATE), "a.wav")
    assert str(problem) == "warning AV-AUDIO-011 a.wav is NaN or infinite in places; expected finite samples"


def test_integers_that_were_written_as_floats_are_a_warning(tmp_path: Path) -> None:
    (problem,) = look(tmp_path, wav_bytes(noise() * 32_768, RATE), "a.wav")
    assert (problem.code, problem.json_path, problem.expected) == ("AV-AUDIO-011", "peak", "at most 1")


@pytest.mark.parametrize(
    ("samples", "found"),
    [
        (np.zeros((2, RATE)), ["silent throughout"]),
        (np.concatenate([noise(), -noise()]), ["silent when its channels are mixed"]),
        (np.concatenate([noise(), noise()]), []),
        (np.full((1, RATE), 1 / 32_768), []),
    ],
    ids=["zeros", "opposite", "equal", "very soft"],
)
def test_silence_is_a_note(tmp_path: Path, samples: np.ndarray, found: list[str]) -> None:
    problems = look(tmp_path, pcm16_wav_bytes(samples, RATE), "a.wav")
    assert [problem.found for problem in problems] == found
    assert all(problem.code == "AV-AUDIO-012" for problem in problems)


def test_a_flac_that_was_cut_is_found_by_decoding_only(tmp_path: Path) -> None:
    content = io.BytesIO()
    soundfile.write(content, noise()[0], RATE, format="FLAC")
    cut = content.getvalue()[:-500]
    assert look(tmp_path, cut, "a.flac", is_decoded=False) == []
    (problem,) = look(tmp_path, cut, "a.flac")
    assert problem.code == "AV-AUDIO-010"
    source = open_source(data=cut)
    facts = probe(source)
    with pytest.raises(AudioError, match="cannot be read as sound"):
        decode_sound(source, facts, 0, facts.num_samples)


def test_of_a_long_sound_two_minutes_are_decoded() -> None:
    samples = np.zeros((1, 121 * 8_000))
    samples[0, -1] = 1.0
    source = open_source(data=wav_bytes(samples, 8_000))
    facts = probe(source)
    assert decode_sound(source, facts, 0, facts.num_samples).peak == 0.0
    assert decode_sound(source, facts, 8_000, facts.num_samples).peak == 1.0


def test_all_frames_are_counted() -> None:
    pictures = decode_pictures(open_source(data=video(bframes=2, num_frames=33)))
    assert pictures.seconds == pytest.approx(33 / 25)
    assert pictures[1:] == (33, None, False)


def test_a_window_is_decoded_alone() -> None:
    data = bytearray(video(num_frames=50, gop=10))
    damaged = _packets(bytes(data))[45]
    data[damaged[0] + 4 : sum(damaged)] = b"\x00" * (damaged[1] - 4)
    with pytest.raises(VideoError, match="damaged"):
        decode_pictures(open_source(data=bytes(data)))
    assert decode_pictures(open_source(data=bytes(data), path="x.mp4#t=0.4,1.2")).num_frames == 20


def _packets(data: bytes, kind: str = "video") -> list[tuple[int, int]]:
    """Return where the packets of a stream lie: (position, size), in bytes."""
    with av.open(io.BytesIO(data), mode="r", format="mov") as container:
        stream = getattr(container.streams, kind)[0]
        return [(packet.pos or 0, packet.size) for packet in container.demux(stream) if packet.size]


def test_a_damaged_packet_is_found_by_decoding_only(tmp_path: Path) -> None:
    data = bytearray(video())
    position, size = _packets(bytes(data))[0]
    data[position + 4 : position + size] = bytes((37 * place + 11) % 251 | 1 for place in range(size - 4))
    assert look(tmp_path, bytes(data), "a.mp4", is_decoded=False) == []
    (problem,) = look(tmp_path, bytes(data), "a.mp4")
    assert problem.code == "AV-VIDEO-008"


def test_frames_that_do_not_come_out_are_counted(tmp_path: Path) -> None:
    data = bytearray(video(num_frames=10, gop=5, audio=False))
    (first, size), (second, second_size), *_ = _packets(bytes(data))
    # A predicted picture in the place of the first key frame, filled up: nothing can be shown before the next.
    rest = size - second_size - 4
    filler = rest.to_bytes(4, "big") + b"\x0c" + b"\xff" * (rest - 2) + b"\x80"
    data[first : first + size] = bytes(data[second : second + second_size]) + filler
    assert look(tmp_path, bytes(data), "a.mp4", is_decoded=False) == []
    (problem,) = look(tmp_path, bytes(data), "a.mp4")
    assert problem.code == "AV-VIDEO-009"
    assert "5 of 10 frames" in problem.found


def test_a_damaged_sound_track_is_told_apart_from_damaged_pictures(tmp_path: Path) -> None:
    data = bytearray(video())
    for position, size in _packets(bytes(data), "audio"):
        data[position : position + size] = b"\xff" * size
    (problem,) = look(tmp_path, bytes(data), "a.mp4")
    assert (problem.code, problem.json_path) == ("AV-VIDEO-010", "sound track")


def test_two_frames_at_one_time_are_a_warning(tmp_path: Path) -> None:
    data = bytearray(video(num_frames=6, bframes=2, audio=False))
    at = data.index(b"ctts")
    offsets = [at + 16 + 8 * entry for entry in range(int.from_bytes(data[at + 8 : at + 12], "big"))]
    for offset in offsets:  # as many ticks of composition as brings each of them onto its neighbour, in turn
        changed = bytearray(data)
        ticks = int.from_bytes(data[offset : offset + 4], "big")
        changed[offset : offset + 4] = (ticks + 512).to_bytes(4, "big")
        problems = look(tmp_path, bytes(changed), "a.mp4")
        if problems:
            assert [problem.code for problem in problems] == ["AV-VIDEO-011"]
            assert problems[0].found.startswith("a video with two frames at ")
            return
    pytest.fail("no change made two frames share a time")


def test_more_than_any_utterance_has_is_refused_before_the_first_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = video(audio=False)
    monkeypatch.setattr(decode, "_MAX_PIXELS", 20 * 32 * 32)
    assert decode_pictures(open_source(data=data)).num_frames == 20
    monkeypatch.setattr(decode, "_MAX_PIXELS", 20 * 32 * 32 - 1)
    with pytest.raises(LimitError, match="20 frames of 32x32"):
        decode_pictures(open_source(data=data))
    monkeypatch.setattr(decode, "_MAX_CLIP_BYTES", len(data) - 1)
    with pytest.raises(LimitError, match=rf"{len(data)} bytes; the limit is {len(data) - 1}"):
        decode_pictures(open_source(data=data))
