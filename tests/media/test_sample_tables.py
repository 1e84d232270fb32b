"""Tables that declare more samples than a file can hold are refused before memory is taken for them."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import pytest

from emotalk_data.archives import open_source
from emotalk_data.errors import AudioError, LimitError
from emotalk_data.media import sample_tables
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.sample_tables import excess_of_samples
from emotalk_data.media.video import VideoClip

from .video_files import make_video

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def declaring(data: bytes, table: bytes, count: int) -> bytes:
    """Let the first table of a kind declare so many samples, all alike."""
    at = data.index(table) + 4
    if table == b"trun":
        return data[:at] + struct.pack(">II", 0, count) + data[at + 8 :]
    return data[:at] + struct.pack(">III", 0, 1, count) + data[at + 12 :]


@pytest.mark.parametrize("count", [3_000, 30_000_000, 2**32 - 1])
@pytest.mark.parametrize("table", [b"stsz", b"trun"])
def test_more_samples_than_bytes_are_refused(table: bytes, count: int) -> None:
    whole = make_video(range(20), size=(48, 48), container_options=FRAGMENTED if table == b"trun" else None)
    data = declaring(whole, table, max(count, len(whole)))
    with pytest.raises(LimitError, match=r"tables declare [0-9]+ samples in [0-9]+ bytes; no real file does"):
        VideoClip(bytes=data).frames(1)
    with pytest.raises(AudioError, match="tables declare"):
        AudioClip(bytes=data).decode()


@pytest.mark.parametrize("options", [None, FRAGMENTED])
def test_what_an_encoder_writes_passes(options: dict[str, str] | None) -> None:
    data = make_video(range(50), has_sound=True, container_options=options)
    assert excess_of_samples(open_source(data=data)) is None


def test_pcm_in_a_quicktime_file_has_millions_of_samples_and_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    with av.open(content, "w", format="mov") as output:
        stream = output.add_stream("pcm_s16le", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 9_600), np.int16), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    data = content.getvalue()
    monkeypatch.setattr(sample_tables, "_MAX_SAMPLES", 1_000)
    assert excess_of_samples(open_source(data=data)) is None
    assert AudioClip(bytes=data).num_samples == 4_800
    assert excess_of_samples(open_source(data=data.replace(b"mhlrsoun", b"mhlrvide"))) is not None


@pytest.mark.parametrize("table", [b"moov", b"ftyp", b"mdat"])
def test_damage_of_other_kinds_is_left_to_others(table: bytes) -> None:
    data = make_video(range(5), size=(48, 48))
    at = data.index(table) - 4
    for size in (0, 1, 7, 2**32 - 1):
        damaged = data[:at] + struct.pack(">I", size) + data[at + 4 :]
        assert excess_of_samples(open_source(data=damaged)) is None
    for end in range(0, len(data), 37):
        assert excess_of_samples(open_source(data=data[:end])) is None


def test_a_compressed_index_is_refused() -> None:
    data = make_video(range(5), size=(48, 48))
    at = data.index(b"moov") + 4
    damaged = data[:at] + data[at : at + 4] + b"cmov" + data[at + 8 :]
    assert excess_of_samples(open_source(data=damaged)) == (
        "its index is compressed, which no encoder has done for twenty years"
    )
