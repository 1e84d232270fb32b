"""`AudioClip`: one utterance's sound, or a window of an episode, read when it is asked for."""

from __future__ import annotations

import base64
import html
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from emotalk_data.archives.source import ByteSource, held_source
from emotalk_data.errors import AudioError, EmotalkError, OptionError
from emotalk_data.media.audio_span import KnownAudio, PreparedAudio, decode_span, examine, plan_span
from emotalk_data.media.clip import MediaClip
from emotalk_data.media.resample import resampled_length
from emotalk_data.media.wav_samples import wav_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AudioClip"]

_MIN_TARGET_RATE, _MAX_TARGET_RATE = 1_000, 384_000
_SMALL_FILE_BYTES = 1 << 20  # read in one go, header and samples together
_INSPECT_SECONDS = 60.0
_MAX_PLAYER_SECONDS = 60.0
_MAX_PLAYER_BYTES = 4_000_000


class AudioClip(MediaClip):
    """Sound that is read when it is asked for.

    `sampling_rate`, `num_channels` and `num_samples` describe what `decode()` returns: the clip's window of
    the source, at the clip's own targets. Without targets they are the source's. They come from the header
    alone and are kept; samples are not. A window (`#t=12.5,15` in the path) behaves as if it had been cut
    into a file of its own: times count from its start.

    Args:
        bytes: the content of a sound file.
        path: a file, or `tar://<member>::<archive>`, either followed by `#t=<start>,<end>` in seconds.
        sampling_rate: resample to this rate, in Hz; None for the source's.
        mono: give the mean of the channels instead of all of them.

    Raises:
        OptionError: `sampling_rate` is not a whole number of 1,000 to 384,000 Hz, or `bytes` or `path` is of
            another type.
    """

    __slots__ = ("_audio", "_mono", "_target_rate")

    _audio: KnownAudio | None

    def __init__(
        self,
        bytes: bytes | bytearray | memoryview | None = None,
        path: str | os.PathLike[str] | None = None,
        *,
        sampling_rate: int | None = None,
        mono: bool = False,
    ) -> None:
        super().__init__(bytes, path)
        self._target_rate = None if sampling_rate is None else checked_rate(sampling_rate)
        self._mono = mono
        self._audio = None

    @property
    def sampling_rate(self) -> int:
        """Samples per second and channel, in Hz, of what `decode()` returns."""
        return self._target_rate or self._known()[0].sampling_rate

    @property
    def num_channels(self) -> int:
        """Channels of what `decode()` returns."""
        return 1 if self._mono else self._known()[0].num_channels

    @property
    def num_samples(self) -> int:
        """Samples per channel of what `decode()` returns."""
        facts, start, stop = self._known()
        return resampled_length(stop - start, facts.sampling_rate, self.sampling_rate)

    @property
    def duration_seconds(self) -> float:
        """Length of the clip's window of the source, in seconds."""
        facts, start, stop = self._known()
        return (stop - start) / facts.sampling_rate

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the file's header and harmless; each begins with a short code and a colon."""
        return self._known()[0].notes

    def decode(
        self,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        *,
        sampling_rate: int | None = None,
        mono: bool = False,
    ) -> NDArray[np.float32]:
        """Decode one span of the clip.

        Samples are in the half-open range [start_seconds, end_seconds); second s is sample
        `round(s * sampling_rate)`. Only the span is read. A resampled span equals the same span of the
        resampled whole within 1e-6: enough is read around it for the filter.

        Args:
            start_seconds: start of the span, from the beginning of the clip.
            end_seconds: end of the span, excluded; the end of the clip if omitted. Up to 0.04 s behind the
                end of the clip count as its end.
            sampling_rate: resample to this rate, in Hz; the clip's own target if omitted.
            mono: give the mean of the channels. A clip that was made mono stays so.

        Returns:
            float32 in [-1, 1], shape (channels, samples), an array of its own. Floating point sources and
            compressed formats may go beyond that range, and are returned as they are.

        Raises:
            SpanError: the span is empty or reversed, or leaves the clip; or the clip's window leaves the source.
            AudioError: not a sound file, damaged, or cut.
            OptionError: `sampling_rate` is not a rate.
            ReleaseError: the file or archive is not there, or cannot be read.
        """
        rate = self._target_rate if sampling_rate is None else checked_rate(sampling_rate)
        with self._held() as source:
            is_whole = start_seconds == 0 and end_seconds is None
            if is_whole and rate is None and source.size_bytes <= _SMALL_FILE_BYTES:
                source.load()  # not for resampling: it runs faster once the bytes are gone
            if self._audio is None:
                self._audio = examine(source)
            span = plan_span(self._audio, start_seconds, end_seconds, rate, source.name)
            return decode_span(source, self._audio, span, mono=mono or self._mono)

    def prepare(
        self, *, sampling_rate: int | None = None, mono: bool = False, keep_open: bool = False
    ) -> PreparedAudio:
        """Read the header: for a batch, every length must be known before there is an array to decode into.

        Args:
            sampling_rate: as for `decode`.
            mono: as for `decode`.
            keep_open: keep the file open until `close` is called on what is returned.

        Raises:
            AudioError: not a sound file, or damaged.
            SpanError: the clip's window leaves the source.
            OptionError: `sampling_rate` is not a rate.
            ReleaseError: the file or archive is not there, or cannot be read.
        """
        rate = self._target_rate if sampling_rate is None else checked_rate(sampling_rate)
        source = self._held()
        try:
            if self._audio is None:
                self._audio = examine(source)
            span = plan_span(self._audio, 0.0, None, rate, source.name)
        except BaseException:
            source.close()
            raise
        if not keep_open:
            source.close()
        return PreparedAudio(source, self._audio, span, mono or self._mono)

    def to_wav_bytes(
        self,
        start_seconds: float = 0.0,
        end_seconds: float | None = None,
        *,
        sampling_rate: int | None = None,
        mono: bool = False,
    ) -> bytes:
        """Return a span as a 16-bit PCM wav file in memory; arguments and errors as for `decode`."""
        samples = self.decode(start_seconds, end_seconds, sampling_rate=sampling_rate, mono=mono)
        return wav_bytes(samples, sampling_rate or self.sampling_rate, sample_format="i16")

    def inspect(self) -> tuple[str, ...]:
        """Decode everything and return `notes` together with what is odd about the samples.

        Codes: `not_finite`, `peak` (outside [-1, 1]), `silent`, and `opposite_phase` (the channels are not
        silent, their mean is, so mono would be).

        Raises:
            AudioError: damaged or cut.
        """
        peak = mean_peak = 0.0
        finite = True
        seconds = 0.0
        while seconds < self.duration_seconds:
            end = seconds + _INSPECT_SECONDS
            samples = self.decode(seconds, end if end < self.duration_seconds else None)
            good = np.isfinite(samples)
            finite = finite and bool(good.all())
            samples[~good] = 0.0
            peak = max(peak, float(np.abs(samples).max()))
            mean_peak = max(mean_peak, float(np.abs(samples.mean(axis=0, dtype=np.float64)).max()))
            seconds = end
        found = {
            "not_finite: some samples are infinite or not a number": not finite,
            f"peak: {peak:.6g} is outside [-1, 1]": peak > 1.0,
            "silent: all samples are zero": peak == 0.0,
            "opposite_phase: the mean of the channels is silent": peak > 0.0 and mean_peak < peak * 1e-4,
        }
        return (*self.notes, *(note for note, holds in found.items() if holds))

    def __getitem__(self, key: str) -> Any:
        """Return `"bytes"` or `"path"` as stored, or what `datasets` users expect of decoded audio.

        `"array"` is the mean of the channels, shape (samples,), as the decoder of `datasets` gives it;
        `"sampling_rate"` is its rate.
        """
        if key == "array":
            return self.decode(mono=True)[0]
        if key == "sampling_rate":
            return self.sampling_rate
        return super().__getitem__(key)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the same as `["array"]`: float32, shape (samples,), unless another dtype is asked for."""
        if copy is False:
            raise ValueError("a clip is decoded into a new array each time; copy=False cannot be had")
        array: NDArray[np.float32] = self["array"]
        return array if dtype is None else array.astype(dtype, copy=False)

    def _repr_html_(self) -> str:
        """Return a player for notebooks; a line of text when the clip is long or cannot be decoded."""
        name = html.escape(repr(self))
        try:
            seconds = self.duration_seconds
            size = self.num_samples * self.num_channels * 2
            if seconds > _MAX_PLAYER_SECONDS or size > _MAX_PLAYER_BYTES:
                return f"<p>{name}: {seconds:.1f} s, too long to be played here; decode a span of it</p>"
            data = base64.b64encode(self.to_wav_bytes()).decode("ascii")
        except EmotalkError as error:
            return f"<p>{name}: {html.escape(error.message)}</p>"
        player = f'<audio controls src="data:audio/wav;base64,{data}"></audio>'
        return f"<figure>{player}<figcaption>{name}</figcaption></figure>"

    def _held(self) -> ByteSource:
        if self._data is None and self._path is None:
            raise AudioError("the clip has neither bytes nor a path, so there is nothing to decode")
        return held_source(data=self._data, path=self._path)

    def _known(self) -> KnownAudio:
        """Return what the header says and the window as source samples; read once, then kept."""
        if self._audio is None:
            with self._held() as held:
                self._audio = examine(held)
        return self._audio


def checked_rate(rate: int) -> int:
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer):
        raise OptionError(f"sampling_rate is {rate!r}; expected a whole number of Hz, such as 16000")
    if not _MIN_TARGET_RATE <= rate <= _MAX_TARGET_RATE:
        raise OptionError(f"sampling_rate is {rate!r}; expected {_MIN_TARGET_RATE} to {_MAX_TARGET_RATE} Hz")
    return int(rate)
