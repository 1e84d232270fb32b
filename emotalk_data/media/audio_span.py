"""One span of a sound file: which samples of it are read, and how they become what was asked for."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from emotalk_data.errors import SpanError
from emotalk_data.media.audio_decode import probe, read_samples
from emotalk_data.media.audio_facts import AudioFacts
from emotalk_data.media.resample import resample, resampled_length, source_span, to_mono
from emotalk_data.media.scratch import scratch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emotalk_data.archives.source import ByteSource

__all__ = ["KnownAudio", "PreparedAudio", "Span", "decode_span", "examine", "plan_span"]

# One frame of 25 fps video, the resolution of M3ED's times: an end may lie this far behind the audio's end.
_END_TOLERANCE_SECONDS = 0.04


class KnownAudio(NamedTuple):
    """What a clip's header says, and which source samples the clip is: `[start, stop)`."""

    facts: AudioFacts
    start: int
    stop: int


class Span(NamedTuple):
    """Samples `[first, last)` of a clip, counted at `sampling_rate`, in Hz."""

    first: int
    last: int
    sampling_rate: int


class PreparedAudio(NamedTuple):
    """A whole clip that is ready to be decoded."""

    source: ByteSource
    known: KnownAudio
    span: Span
    mono: bool

    @property
    def shape(self) -> tuple[int, int]:
        """(channels, samples) of what `decode` gives."""
        channels = 1 if self.mono else self.known.facts.num_channels
        return channels, self.span.last - self.span.first

    def decode(self, *, out: NDArray[np.float32]) -> None:
        """Write the samples into `out`, of shape `shape`.

        Raises:
            AudioError: damaged or cut.
        """
        decode_span(self.source, self.known, self.span, mono=self.mono, out=out)

    def close(self) -> None:
        """Close the file, if it was kept open."""
        self.source.close()


def examine(source: ByteSource) -> KnownAudio:
    """Read the header, and turn the source's time window into samples.

    Raises:
        AudioError: not a sound file, or damaged.
        SpanError: the window leaves the file.
    """
    facts = probe(source)
    if source.window is None:
        return KnownAudio(facts, 0, facts.num_samples)
    start, end = source.window
    return KnownAudio(facts, *_samples(start, end, facts.num_samples, facts.sampling_rate, source.name))


def plan_span(
    known: KnownAudio, start_seconds: float, end_seconds: float | None, rate: int | None, name: str
) -> Span:
    """Say which samples of a clip a range in seconds is, at `rate` (the source's if None).

    Raises:
        SpanError: the range is empty or reversed, or leaves the clip.
    """
    old_rate = known.facts.sampling_rate
    length = known.stop - known.start
    if rate is None or rate == old_rate:
        rate = old_rate
    else:
        length = resampled_length(length, old_rate, rate)
    return Span(*_samples(start_seconds, end_seconds, length, rate, name), rate)


def decode_span(
    source: ByteSource, known: KnownAudio, span: Span, *, mono: bool, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Decode one span of a clip, reading no more than it takes.

    Args:
        source: the whole file.
        known: what `examine` said of it.
        span: what `plan_span` said.
        mono: give the mean of the channels.
        out: where to write the samples, float32 of shape (channels, samples); a new array if omitted.

    Returns:
        float32, shape (channels, samples).

    Raises:
        AudioError: damaged or cut.
    """
    first, last, rate = span
    facts, start, stop = known
    old_rate = facts.sampling_rate
    is_mixed = mono and facts.num_channels > 1
    if rate == old_rate:
        if not is_mixed:
            return read_samples(source, facts, start + first, start + last, out=out)
        samples = to_mono(read_samples(source, facts, start + first, start + last))
    else:
        read_first, read_last, offset = source_span(first, last, stop - start, old_rate, rate)
        shape = facts.num_channels, read_last - read_first
        # Only PCM is decoded straight into memory that is given.
        with scratch(shape) if facts.header is not None else nullcontext() as memory:
            samples = read_samples(source, facts, start + read_first, start + read_last, out=memory)
            samples = resample(to_mono(samples) if is_mixed else samples, old_rate, rate)
        samples = samples[:, first - offset : last - offset]
    if out is None:
        return samples
    out[...] = samples
    return out


def _samples(start: float, end: float | None, length: int, rate: int, name: str) -> tuple[int, int]:
    """Turn a range in seconds into one in samples, `[first, last)`, that lies within `length`."""
    if start == 0 and end is None and length > 0:
        return 0, length
    if not (math.isfinite(start) and (end is None or math.isfinite(end))):
        raise SpanError(f"[{start!r}, {end!r}) s is no time range", path=name)
    first = round(start * rate)
    last = length if end is None else round(end * rate)
    if length < last <= length + _END_TOLERANCE_SECONDS * rate:
        last = length
    if first < 0 or last > length:
        problem = f"leaves the audio, which has {length / rate:.6g} s"
    elif first >= last:
        problem = f"is empty: it holds no sample at {rate} Hz"
    else:
        return first, last
    until = "the end" if end is None else f"{end:.6g}"
    raise SpanError(f"the span [{start:.6g}, {until}) s of {_short(name)} {problem}", path=name)


def _short(name: str) -> str:
    return repr(name) if len(name) <= 160 else repr("…" + name[-160:])
