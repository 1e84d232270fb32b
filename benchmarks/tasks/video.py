"""A clip to RGB frames, all ways in one process and on the same files: ours, and the limits.

Groups: `8 frames, 1 thread` and `8 frames, 2 threads` (evenly spaced, 224 × 224), `middle frame`, `all frames`
(both 224 × 224), `all frames, full size`, and `inside an episode` (8 frames of a stretch of 4.4 s).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.data import CLIP_SECONDS
from benchmarks.measure import Task, run_interleaved
from emotalk_data import VideoClip

if TYPE_CHECKING:
    from numpy.typing import NDArray

Call = Callable[[int], object]

SIZE = (224, 224)
NUM_FRAMES = 8
_MAX_SECONDS_OF_A_TURN = 0.5
_NUM_WINDOWS = 32


class Inputs:
    """The data of one sitting.

    Attributes:
        clips: paths of the clips, all of one length.
        episode: path of the long video.
        num_frames: of each clip.
        chosen: numbers of 8 evenly spaced frames, as `VideoClip.frames()` chooses them.
    """

    def __init__(self, folder: Path) -> None:
        self.clips = [str(path) for path in sorted((folder / "clips").iterdir())]
        self.episode = str(folder / "episode.mp4")
        self.num_frames = VideoClip(path=self.clips[0]).num_frames
        self.chosen = [int(index) for index in np.arange(0, self.num_frames, self.num_frames / NUM_FRAMES)]

    @cached_property
    def windows(self) -> list[float]:
        """Starts of utterances in the episode, in seconds, at random."""
        import av

        with av.open(self.episode) as file:
            seconds = (file.duration or 0) / av.time_base
        rng = random.Random(0)  # noqa: S311  # places, not secrets
        return [round(rng.uniform(0, seconds - CLIP_SECONDS), 2) for _ in range(_NUM_WINDOWS)]

    @staticmethod
    def moments(start: float) -> list[float]:
        """Return the times of 8 evenly spaced frames of an utterance, each inside its frame."""
        return [start + CLIP_SECONDS * number / NUM_FRAMES + 0.001 for number in range(NUM_FRAMES)]


def measure(folder: str, rounds: str, num_items: str) -> dict[str, Any]:
    """Run all tasks interleaved and return results and facts as plain values."""
    from benchmarks.tasks.video_peers import peer_tasks

    inputs = Inputs(Path(folder))
    tasks = [*_ours(inputs), *peer_tasks(inputs), *_limits(inputs)]
    results = run_interleaved(
        tasks, rounds=int(rounds), num_items=int(num_items), seconds_per_round=_MAX_SECONDS_OF_A_TURN
    )
    return {"results": {name: asdict(result) for name, result in results.items()}, "facts": _facts(inputs)}


def _ours(inputs: Inputs) -> list[Task]:
    clips = inputs.clips

    def of(group: str, **how: Any) -> Task:
        return Task(
            f"{group}/ours",
            "ours",
            lambda: lambda item: VideoClip(path=clips[item % len(clips)]).frames(**how),
        )

    def window() -> Call:
        paths = [f"{inputs.episode}#t={start:g},{start + CLIP_SECONDS:g}" for start in inputs.windows]
        return lambda item: VideoClip(path=paths[item % len(paths)]).frames(NUM_FRAMES, size=SIZE)

    middle, every = [inputs.num_frames // 2], range(inputs.num_frames)
    return [
        of("8 frames, 1 thread", num=NUM_FRAMES, size=SIZE),
        of("8 frames, 2 threads", num=NUM_FRAMES, size=SIZE, num_threads=2),
        of("middle frame", indices=middle, size=SIZE),
        of("all frames", indices=every, size=SIZE),
        of("all frames, full size", indices=every),
        Task("inside an episode/ours", "ours", window),
    ]


def _limits(inputs: Inputs) -> list[Task]:
    """What libav takes on its own: to read the packets, and to decode them without making pictures."""

    def demux(item: int) -> object:
        import av

        with av.open(inputs.clips[item % len(inputs.clips)]) as file:
            return sum(packet.size for packet in file.demux(video=0))

    def decode(item: int) -> object:
        import av

        with av.open(inputs.clips[item % len(inputs.clips)]) as file:
            file.streams.video[0].codec_context.thread_count = 1
            return sum(1 for _ in file.decode(video=0))

    return [
        Task("8 frames, 1 thread/libav: packets read, nothing decoded", "limit", lambda: demux),
        Task("8 frames, 1 thread/libav: every frame decoded, no RGB", "limit", lambda: decode),
        Task("all frames/libav: every frame decoded, no RGB", "limit", lambda: decode),
        Task("all frames, full size/libav: every frame decoded, no RGB", "limit", lambda: decode),
    ]


def _facts(inputs: Inputs) -> dict[str, float]:
    """Compare our frames with those of a full decode, for every way of choosing them."""
    differing = 0
    noise: list[float] = []
    for path in inputs.clips[:3]:
        want, times = _decode_everything(path)
        clip = VideoClip(path=path)
        middle, number = len(want) // 2, np.arange(len(want))
        seconds = [0.0, 0.3 * clip.duration_seconds, clip.duration_seconds - 0.02]
        choices: list[tuple[dict[str, Any], Any]] = [
            ({"num": NUM_FRAMES}, inputs.chosen),
            ({"num": NUM_FRAMES, "num_threads": 2}, inputs.chosen),
            ({"indices": [middle]}, [middle]),
            ({"indices": number}, number),
            ({"at_seconds": seconds}, [int(np.searchsorted(times, s + 1e-9) - 1) for s in seconds]),
            ({"frame_rate": 2}, np.searchsorted(times, np.arange(0, clip.duration_seconds, 0.5) + 1e-9) - 1),
        ]
        for options, expected in choices:
            frames = clip.frames(**options)
            differing += int((frames != want[np.asarray(expected)]).any(axis=(1, 2, 3)).sum())
        noise.append(_peer_noise(clip, path, inputs.chosen))
    facts = {"frames_that_differ_from_a_full_decode": differing}
    return facts | ({"psnr_against_torchcodec_224": min(noise)} if noise[0] > 0 else {})


def _decode_everything(path: str) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Decode all frames in order, as PyAV does it by default; the reference."""
    import av

    with av.open(path) as file:
        frames = list(file.decode(video=0))
        times = np.array([frame.time for frame in frames], np.float64)
        return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), times - times[0]


def _peer_noise(clip: VideoClip, path: str, chosen: list[int]) -> float:
    """Return the PSNR in dB of our scaled frames against torchcodec's; 0 where it is not installed."""
    from benchmarks.measure import NotInstalledError
    from benchmarks.tasks.video_peers import open_torchcodec

    try:
        theirs = open_torchcodec(path).get_frames_at(chosen).data.numpy()
    except NotInstalledError:
        return 0.0
    ours = clip.frames(NUM_FRAMES, size=SIZE)
    error = np.square(ours.astype(np.float64) - theirs.transpose(0, 2, 3, 1)).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
