"""A clip to RGB frames, as others do it: the same frames, scaled while or after they are decoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.data import CLIP_SECONDS
from benchmarks.measure import Task, peer

if TYPE_CHECKING:
    from benchmarks.tasks.video import Inputs

Call = Callable[[int], object]

_SIDE = 224


def peer_tasks(inputs: Inputs) -> list[Task]:
    """Return the peers' tasks, group by group."""
    every, middle = list(range(inputs.num_frames)), [inputs.num_frames // 2]
    groups = (
        ("8 frames, 1 thread", inputs.chosen, 1, True),
        ("8 frames, 2 threads", inputs.chosen, 2, True),
        ("middle frame", middle, 1, True),
        ("all frames", every, 1, True),
        ("all frames, full size", every, 1, False),
    )
    return [
        *(
            _torchcodec(inputs, group, chosen, num_threads, mode, is_scaled=is_scaled)
            for group, chosen, num_threads, is_scaled in groups
            for mode in ("exact", "approximate")
        ),
        *(_decord(inputs, *group) for group in groups),
        *(_pyav(inputs, *group) for group in groups),
        *(_torchcodec_window(inputs, mode) for mode in ("exact, kept open", "approximate, kept open")),
        _torchcodec_window(inputs, "approximate, opened each time"),
        Task("inside an episode/decord2, kept open", "peer", lambda: _decord_window(inputs)),
        Task("inside an episode/PyAV seek", "peer", lambda: _pyav_window(inputs)),
    ]


def open_torchcodec(path: str, *, mode: str = "exact", num_threads: int = 1, is_scaled: bool = True) -> Any:
    """Open a torchcodec decoder that scales to 224 × 224 in its filter graph, where it can.

    Raises:
        NotInstalledError: torchcodec is missing or broken.
    """
    decoders = peer("torchcodec.decoders")
    options: dict[str, Any] = {"seek_mode": mode, "num_ffmpeg_threads": num_threads}
    if is_scaled:
        options["transforms"] = [peer("torchcodec.transforms").Resize((_SIDE, _SIDE))]
    return decoders.VideoDecoder(path, **options)


def _torchcodec(
    inputs: Inputs, group: str, chosen: list[int], num_threads: int, mode: str, *, is_scaled: bool
) -> Task:
    is_all = len(chosen) == inputs.num_frames

    def prepare() -> Call:
        open_torchcodec(inputs.clips[0], mode=mode, is_scaled=is_scaled)

        def call(item: int) -> object:
            path = inputs.clips[item % len(inputs.clips)]
            decoder = open_torchcodec(path, mode=mode, num_threads=num_threads, is_scaled=is_scaled)
            # `get_all_frames` fails in approximate mode: it counts one frame too many from the header.
            frames = decoder.get_frames_in_range(0, len(chosen)) if is_all else decoder.get_frames_at(chosen)
            return frames.data

        return call

    return Task(f"{group}/torchcodec, {mode}", "peer", prepare)


def _decord(inputs: Inputs, group: str, chosen: list[int], num_threads: int, is_scaled: bool) -> Task:
    def prepare() -> Call:
        reader = peer("decord").VideoReader
        size = {"width": _SIDE, "height": _SIDE} if is_scaled else {}

        def call(item: int) -> object:
            path = inputs.clips[item % len(inputs.clips)]
            return reader(path, num_threads=num_threads, **size).get_batch(chosen).asnumpy()

        return call

    return Task(f"{group}/decord2", "peer", prepare)


def _pyav(inputs: Inputs, group: str, chosen: list[int], num_threads: int, is_scaled: bool) -> Task:
    """Make the task for PyAV: decode in order until the last frame that is wanted, convert those."""

    def prepare() -> Call:
        av = peer("av")
        wanted, last = set(chosen), max(chosen)
        size = {"width": _SIDE, "height": _SIDE} if is_scaled else {}

        def call(item: int) -> object:
            found = []
            with av.open(inputs.clips[item % len(inputs.clips)]) as file:
                stream = file.streams.video[0]
                stream.thread_type = "AUTO" if num_threads > 1 else "NONE"
                stream.codec_context.thread_count = num_threads
                for number, frame in enumerate(file.decode(stream)):
                    if number in wanted:
                        found.append(frame.to_ndarray(format="rgb24", **size))
                    if number == last:
                        break
            return np.stack(found)

        return call

    return Task(f"{group}/PyAV, in order", "peer", prepare)


def _torchcodec_window(inputs: Inputs, how: str) -> Task:
    mode, _, keeping = how.partition(", ")

    def prepare() -> Call:
        windows = inputs.windows
        kept = open_torchcodec(inputs.episode, mode=mode)

        def call(item: int) -> object:
            decoder = kept if keeping == "kept open" else open_torchcodec(inputs.episode, mode=mode)
            return decoder.get_frames_played_at(inputs.moments(windows[item % len(windows)])).data

        return call

    return Task(f"inside an episode/torchcodec, {how}", "peer", prepare)


def _decord_window(inputs: Inputs) -> Call:
    windows = inputs.windows
    reader = peer("decord").VideoReader(inputs.episode, width=_SIDE, height=_SIDE, num_threads=1)
    rate = reader.get_avg_fps()

    def call(item: int) -> object:
        moments = inputs.moments(windows[item % len(windows)])
        return reader.get_batch([int(moment * rate) for moment in moments]).asnumpy()

    return call


def _pyav_window(inputs: Inputs) -> Call:
    av = peer("av")
    windows = inputs.windows

    def call(item: int) -> object:
        start = windows[item % len(windows)]
        moments = inputs.moments(start)
        found = []
        with av.open(inputs.episode) as file:
            stream = file.streams.video[0]
            file.seek(int(start / stream.time_base), stream=stream)
            for frame in file.decode(stream):
                # Frames are 0.04 s long here, so a moment lies in the frame that began less than that ago.
                if moments and frame.time > moments[0] - 0.04:
                    found.append(frame.to_ndarray(format="rgb24", width=_SIDE, height=_SIDE))
                    moments.pop(0)
                if not moments or frame.time > start + CLIP_SECONDS:
                    break
        return np.stack(found)

    return call
