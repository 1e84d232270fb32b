"""The data that is measured on: sound, pictures and a release around them, made up and never kept.

Sound is noise over a tone. Pictures are a texture under a moving camera with a little noise, so that they
cost as much to decode as those of a room; they have B-frames, which is what x264 writes unless told otherwise.
"""

from __future__ import annotations

import tarfile
import wave
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotalk_data.testing import make_fullsize_emotalk

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "CLIP_SECONDS",
    "SAMPLING_RATE",
    "save_as_arrow",
    "write_clips",
    "write_episode",
    "write_release",
    "write_tar",
    "write_wavs",
]

CLIP_SECONDS = 4.4
SAMPLING_RATE = 44_100
_FRAME_RATE = 25
_WIDTH, _HEIGHT = 640, 480
_KEYFRAME_EVERY = 250  # x264's own default: a clip of 4.4 s has one key frame
_MARGIN = 160  # pixels the camera can move
_MIN_SECONDS, _MAX_SECONDS = 1.5, 7.3  # an utterance of EmotionTalk has 4.4 s on average


def write_wavs(folder: Path, count: int, *, num_channels: int = 1, is_varied: bool = False) -> list[Path]:
    """Write PCM16 wavs at 44.1 kHz, each with a content of its own.

    Args:
        folder: made if absent.
        count: files to write.
        num_channels: of each file.
        is_varied: lengths are spread evenly over 1.5 to 7.3 s; otherwise each has 4.4 s.
    """
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    seconds = np.arange(10 * SAMPLING_RATE) / SAMPLING_RATE
    tone = 0.3 * np.sin(2 * np.pi * 220.0 * seconds)[:, None] + rng.normal(
        0, 0.05, (len(seconds), num_channels)
    )
    samples = np.round(tone * 32_767).astype("<i2")
    lengths = np.linspace(_MIN_SECONDS, _MAX_SECONDS, count) if is_varied else np.full(count, CLIP_SECONDS)
    rng.shuffle(lengths)
    paths = [folder / f"{index:04d}.wav" for index in range(count)]
    for path, length in zip(paths, lengths, strict=True):
        first = int(rng.integers(len(samples) - round(_MAX_SECONDS * SAMPLING_RATE)))
        with wave.open(str(path), "wb") as file:
            file.setnchannels(num_channels)
            file.setsampwidth(2)
            file.setframerate(SAMPLING_RATE)
            file.writeframes(samples[first : first + round(length * SAMPLING_RATE)].tobytes())
    return paths


def write_tar(files: Sequence[Path], target: Path) -> list[str]:
    """Pack files into one tar and return the path of each as this package writes it."""
    with tarfile.open(target, "w") as archive:
        for file in files:
            archive.add(file, f"wav/{file.name}")
    return [f"tar://wav/{file.name}::{target}" for file in files]


def save_as_arrow(files: Sequence[Path], folder: Path) -> datasets.Dataset:
    """Save a table of stock `datasets` with the files' bytes in it, and open it as a user would."""
    import datasets

    datasets.disable_progress_bars()
    rows = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    table = datasets.Dataset.from_dict({"audio": rows}).cast_column("audio", datasets.Audio(decode=False))
    table.save_to_disk(str(folder))
    return datasets.load_from_disk(str(folder))


def write_release(root: Path, wavs: Sequence[Path], videos: Sequence[Path] = ()) -> Path:
    """Make a release of EmotionTalk whose media are these files, as hard links, over and over in their order."""
    make_fullsize_emotalk(root, num_utterances=len(wavs), media="shared")
    for tree, sources in (("Audio/wav", wavs), ("Multimodal/mp4", videos)):
        paths = sorted((root / tree).rglob("*.*")) if sources else []
        for index, path in enumerate(paths):
            path.unlink()
            path.hardlink_to(sources[index % len(sources)])
    return root


def write_clips(folder: Path, count: int, *, seconds: float = CLIP_SECONDS) -> list[Path]:
    """Write H.264 clips of 640 × 480 at 25 frames a second, with B-frames, without sound."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:02d}.mp4" for index in range(count)]
    for seed, path in enumerate(paths):
        _encode(path, round(seconds * _FRAME_RATE), seed)
    return paths


def write_episode(path: Path, *, seconds: float, part_seconds: float = 30.0) -> Path:
    """Write a long video by encoding one part and copying its packets until `seconds` are reached."""
    import av

    part = path.with_name("part.mp4")
    _encode(part, round(min(part_seconds, seconds) * _FRAME_RATE), seed=99)
    with av.open(str(part)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets: list[Any] = [packet for packet in source.demux(video=0) if packet.size]
        shifts = [(packet.pts, packet.dts) for packet in packets]
        length = sum(packet.duration for packet in packets)
        for copy in range(max(1, round(seconds / part_seconds))):
            for packet, (pts, dts) in zip(packets, shifts, strict=True):
                packet.pts, packet.dts = pts + copy * length, dts + copy * length
                packet.stream = stream
                # The muxer rescales a packet's times in place.
                packet.time_base = source.streams.video[0].time_base
                target.mux(packet)
    part.unlink()
    return path


def _encode(path: Path, num_frames: int, seed: int) -> None:
    import av

    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(
            "libx264", rate=_FRAME_RATE, options={"preset": "veryfast", "crf": "23"}
        )
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        stream.codec_context.gop_size = _KEYFRAME_EVERY
        stream.codec_context.max_b_frames = 3
        stream.codec_context.time_base = Fraction(1, _FRAME_RATE)
        for index, planes in enumerate(_pictures(num_frames, seed)):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = index
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _pictures(num_frames: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield yuv420p pictures, uint8 of shape (3/2 height, width): a view that wanders over a large texture."""
    import numpy as np

    rng = np.random.default_rng(seed)
    height, width = _HEIGHT + _MARGIN, _WIDTH + _MARGIN
    texture = sum(
        np.kron(rng.normal(0, 12, (height // cell, width // cell)), np.ones((cell, cell)))
        for cell in (80, 20, 4)
    )
    texture = np.clip(texture + 128, 20, 230).astype(np.int16)
    noise = rng.normal(0, 3.0, (8, _HEIGHT, _WIDTH)).astype(np.int16)
    phase = rng.uniform(0, 6.28)
    planes = np.full((_HEIGHT * 3 // 2, _WIDTH), 128, np.uint8)
    for index in range(num_frames):
        top = round((1 + np.sin(phase + index / 25)) * (_MARGIN - 1) / 2)
        left = round((1 + np.cos(phase + index / 40)) * (_MARGIN - 1) / 2)
        view = texture[top : top + _HEIGHT, left : left + _WIDTH] + noise[index % len(noise)]
        planes[:_HEIGHT] = np.clip(view, 0, 255)
        yield planes
