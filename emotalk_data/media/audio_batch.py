"""`decode_many`: the sound of a batch, in one padded array."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emotalk_data.errors import LimitError, OptionError
from emotalk_data.media.audio import AudioClip
from emotalk_data.media.batching import check_threads, checked_clips, memory_for, thread_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.media.audio_span import PreparedAudio

__all__ = ["AudioBatch", "decode_many"]

_MAX_RESULT_BYTES = 4 << 30
# Files that stay open between the look at their headers and the reading of their samples, if all threads of the
# process make a batch at once; a process may often have 1,024. The others of a large batch are opened twice.
_MAX_KEPT_OPEN = 256


class AudioBatch(NamedTuple):
    """The sound of some clips.

    Attributes:
        samples: float32, shape (clips, channels, samples of the longest); zeros behind the end of each clip.
        lengths: int64, shape (clips,): samples of each clip, 0 where there is none.
        sampling_rate: in Hz, of all of them; None when there is no clip.
    """

    samples: NDArray[np.float32]
    lengths: NDArray[np.int64]
    sampling_rate: int | None


def decode_many(
    clips: Sequence[AudioClip | None],
    *,
    sampling_rate: int | None = None,
    mono: bool = False,
    num_threads: int = 1,
    out: NDArray[np.float32] | None = None,
) -> AudioBatch:
    """Decode whole clips into one array, each straight into its row.

    Row k holds what `clips[k].decode(sampling_rate=…, mono=…)` gives, then zeros. `lengths` tells where; a
    None has length 0, so that nobody takes its zeros for silence.

    Args:
        clips: the clips of a batch; None for an utterance without sound.
        sampling_rate: resample to this rate, in Hz; the clips' own target, or the source's rate, if omitted.
        mono: give the mean of the channels.
        num_threads: threads that decode; what they gain is memory bandwidth and, most of all, resampling.
        out: memory to use again: float32, C-contiguous, of any shape. The result is a view of its beginning
            if it is large enough, and a new array if not.

    Raises:
        OptionError: clips of different rates, without `sampling_rate`; of different numbers of channels,
            without `mono`; or an argument that cannot be.
        AudioError: a clip is damaged or cut; of several, the first. Nothing is returned in its place.
        ReleaseError: a file or archive is not there, or cannot be read.
        LimitError: an array above 4 GiB: one clip is far longer than the rest, or the batch is too large.
    """
    check_threads(num_threads)
    clips = checked_clips(clips, AudioClip)

    opened: list[PreparedAudio] = []
    num_kept_open = _MAX_KEPT_OPEN // threading.active_count()

    def prepare(row: int) -> PreparedAudio | None:
        clip = clips[row]
        if clip is None:
            return None
        audio = clip.prepare(sampling_rate=sampling_rate, mono=mono, keep_open=row < num_kept_open)
        opened.append(audio)
        return audio

    with _closing(opened), thread_map(min(num_threads, len(clips))) as apply:
        prepared = list(apply(prepare, range(len(clips))))
        there = [audio for audio in prepared if audio is not None]
        rate, num_channels = _common(there)
        lengths = np.array([0 if audio is None else audio.shape[1] for audio in prepared], np.int64)
        shape = (len(prepared), num_channels, int(lengths.max(initial=0)))
        _check_size(shape)
        samples = memory_for(shape, np.float32, out)

        def fill(row: int) -> None:
            audio, length = prepared[row], lengths[row]
            samples[row, :, length:] = 0.0
            if audio is not None:
                audio.decode(out=samples[row, :, :length])
                audio.close()

        for _ in apply(fill, range(len(prepared))):
            pass
    return AudioBatch(samples, lengths, rate)


@contextmanager
def _closing(opened: Sequence[PreparedAudio]) -> Iterator[None]:
    """Close the files of all that were prepared, however the block ends."""
    try:
        yield
    finally:
        for audio in opened:
            audio.close()


def _common(prepared: Sequence[PreparedAudio]) -> tuple[int | None, int]:
    """Return the rate and the number of channels that all have."""
    rates = sorted({audio.span.sampling_rate for audio in prepared})
    channels = sorted({audio.shape[0] for audio in prepared})
    if len(rates) > 1:
        raise OptionError(f"the clips have rates of {_listed(rates)} Hz; choose one with sampling_rate=")
    if len(channels) > 1:
        raise OptionError(f"the clips have {_listed(channels)} channels; mono=True gives the mean of each")
    return (rates[0] if rates else None), (channels[0] if channels else 1)


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:-1])) + f" and {values[-1]}"


def _check_size(shape: tuple[int, int, int]) -> None:
    if math.prod(shape) * 4 > _MAX_RESULT_BYTES:
        raise LimitError(
            f"{shape[0]} clips padded to {shape[2]:,} samples are more than 4 GiB. Take fewer at a time, or "
            "decode spans of the long ones"
        )
