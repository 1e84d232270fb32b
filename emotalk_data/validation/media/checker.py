"""`MediaChecker`: what is wrong with the sound and video files of a release.

    headers    path ─ source ─ probe / open_video ─ against itself, the record, what releases have
    decoding                        └─ every sample, every packet, every frame (`decode`)

Each file is opened, looked at and closed before the next. A header is at most a few kilobytes of wav, or the
index of an mp4; nothing of the samples is read for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, cast

from emotalk_data.archives import ByteRange, ByteSource, open_source
from emotalk_data.errors import LimitError, MediaError, PathError, ReleaseError, SpanError
from emotalk_data.loaders.report import Report
from emotalk_data.media.audio_decode import probe
from emotalk_data.media.audio_facts import AudioFacts
from emotalk_data.media.video_packets import MAX_SECONDS
from emotalk_data.validation.media.decode import Sound, decode_pictures, decode_sound
from emotalk_data.validation.media.faults import Fault, audio_fault, file_fault, video_fault
from emotalk_data.validation.media.headers import read_video_facts, sound_oddities, span_seconds

__all__ = ["AUDIO_TOLERANCE_SECONDS", "VIDEO_TOLERANCE_SECONDS", "MediaChecker"]

AUDIO_TOLERANCE_SECONDS: Final = 0.05
"""How far a sound may be from its record. EmotionTalk's are equal to two samples; times that were rounded to a
tenth of a second are off by as much as this, and a lost syllable is three times as long."""

VIDEO_TOLERANCE_SECONDS: Final = 0.1
"""Pictures come in whole frames: one too many or too few at each end, at 25 a second, and a little."""

_MIN_SECONDS: Final = 0.025  # what a feature extractor needs; the shortest vowel has twice that
_END_SECONDS: Final = 0.04  # how far a window of sound may go beyond its end, as `AudioClip` has it
_VIDEO_END_SECONDS: Final = 0.5  # likewise `VideoClip`
_MAX_KEPT: Final = 1_000
_MAX_HELD_BYTES: Final = 32 << 20

_Facts = TypeVar("_Facts")


class _File(NamedTuple):
    """The file that is looked at, and where to report what is wrong with it."""

    report: Report
    path: str
    name: str
    utterance_id: str | None

    def add(self, fault: Fault, part: str = "") -> None:
        """Report something about the file, or about a part of it."""
        code, found, expected = fault
        self.report.problem(code, self.name, part, found, expected, utterance_id=self.utterance_id)

    def open(self, *, is_decoded: bool) -> ByteSource | None:
        """Find its bytes; None, and a problem, when they are not to be had.

        What is decoded is read at once: it is less work, and FFmpeg swallows an interrupt (Ctrl-C) that comes
        while it calls back for more.
        """
        try:
            source = open_source(path=self.path)
            if is_decoded and source.window is None and source.size_bytes <= _MAX_HELD_BYTES:
                return ByteSource(source.read_all(), name=source.name)
            return source
        except (SpanError, ReleaseError, PathError, LimitError) as error:
            self.add(file_fault(error, self.path))
            return None

    def compare(
        self, code: str, seconds: float, expected: float | None, tolerance: float, whose: str = "its record"
    ) -> None:
        """Hold a length against another one, where there is one."""
        if expected is not None and abs(seconds - expected) > tolerance:
            self.add(Fault(code, f"{seconds:.3f} s long", f"{expected:.3f} s, as {whose} has"))


class MediaChecker:
    """Looks at sound and video files, and reports what is wrong with them.

    Args:
        report: takes the problems, and counts the files as `audio_checked` and `video_checked`.
        decode: decode every sample and every frame as well.
    """

    def __init__(self, report: Report, *, decode: bool = False) -> None:
        self._report: Final = report
        self._decode: Final = decode
        self._last_sound: tuple[str | None, float] = (None, 0.0)
        self._num_with_sound = 0
        self._num_soundless = 0
        self._soundless: Final[list[_File]] = []
        self._last_file: ByteRange | None = None
        self._facts_of_last: Final[dict[str, object]] = {}

    def audio(
        self,
        path: str,
        name: str,
        *,
        utterance_id: str | None = None,
        expected_seconds: float | None = None,
        tolerance_seconds: float = AUDIO_TOLERANCE_SECONDS,
    ) -> None:
        """Look at one sound file.

        Args:
            path: as a row has it: a file, or `tar://<member>::<archive>`, with or without a time window.
            name: its name in the release, for the report.
            utterance_id: whose it is.
            expected_seconds: its length by its record, in seconds.
            tolerance_seconds: how much longer or shorter it may be.
        """
        self._report.counts["audio_checked"] += 1
        file = _File(self._report, path, name, utterance_id)
        source = file.open(is_decoded=self._decode)
        if source is None:
            return
        try:
            facts = self._once("sound", probe, source)
            start, stop = span_seconds(source.window, facts.num_samples / facts.sampling_rate, _END_SECONDS)
        except (SpanError, ReleaseError, PathError) as error:
            file.add(file_fault(error, path))
            return
        except (MediaError, LimitError) as error:
            file.add(audio_fault(error))
            return
        seconds = stop - start
        self._last_sound = (utterance_id, seconds)
        file.compare("AV-AUDIO-005", seconds, expected_seconds, tolerance_seconds)
        if not _MIN_SECONDS <= seconds <= MAX_SECONDS:
            length = f"{seconds:.1f} s long" if seconds > 1 else f"{seconds * 1000:.3g} ms long"
            file.add(Fault("AV-AUDIO-006", length, f"{_MIN_SECONDS} to {MAX_SECONDS} s"))
        if source.window is None:  # an episode is not of the release
            for fault, part in sound_oddities(facts, name):
                file.add(fault, part)
        if self._decode:
            sound = _decode_sound(file, source, facts, (start, stop), "AV-AUDIO-010")
            if sound is not None:
                _judge_samples(file, sound, facts)

    def video(
        self,
        path: str,
        name: str,
        *,
        utterance_id: str | None = None,
        expected_seconds: float | None = None,
        tolerance_seconds: float = VIDEO_TOLERANCE_SECONDS,
    ) -> None:
        """Look at one video file; its pictures are compared with the sound file looked at just before.

        The arguments are those of `audio`.
        """
        self._report.counts["video_checked"] += 1
        file = _File(self._report, path, name, utterance_id)
        source = file.open(is_decoded=self._decode)
        if source is None:
            return
        is_decoding = False
        try:
            seconds, has_sound = self._once("pictures", read_video_facts, source)
            if seconds is not None:
                start, stop = span_seconds(source.window, seconds, _VIDEO_END_SECONDS)
                seconds = stop - start
            is_decoding = True
            if self._decode:
                seconds = _decode_pictures(file, source)
        except (SpanError, ReleaseError, PathError) as error:
            file.add(file_fault(error, path))
            return
        except (MediaError, LimitError) as error:
            file.add(video_fault(error, is_decoding=is_decoding))
            return
        if seconds is not None:
            file.compare("AV-VIDEO-005", seconds, expected_seconds, tolerance_seconds)
            owner, sound_seconds = self._last_sound
            # Where the record has times, both were held against them.
            if expected_seconds is None and utterance_id is not None and owner == utterance_id:
                file.compare("AV-VIDEO-006", seconds, sound_seconds, tolerance_seconds, "its sound file")
        self._look_at_sound_track(file, source, has_sound)

    def episode(self, path: str, name: str) -> bool:
        """Look at the header of a whole TV episode; its utterances are windows of it, for `audio` and `video`.

        Args:
            path: the file.
            name: its name, for the report.

        Returns:
            whether its header can be read; if not, each window of it would say the same again.
        """
        self._report.counts["video_checked"] += 1
        file = _File(self._report, path, name, None)
        source = file.open(is_decoded=False)
        if source is None:
            return False
        try:
            read_video_facts(source, is_episode=True)
        except (ReleaseError, PathError) as error:
            file.add(file_fault(error, path))
            return False
        except (MediaError, LimitError) as error:
            file.add(video_fault(error, is_decoding=False))
            return False
        return True

    def finish(self) -> None:
        """Report what is known only when every file has been seen: videos without sound among others with it."""
        if not self._num_with_sound:
            return
        for file in self._soundless:
            file.add(Fault("AV-VIDEO-007", "without sound", "a sound track, as others have"))
        more = self._num_soundless - len(self._soundless)
        if more:
            found = f"{more:,} more videos without sound"
            self._report.problem("AV-VIDEO-007", "…", "", found, "a sound track, as others have", count=more)

    def _once(self, kind: str, read: Callable[[ByteSource], _Facts], source: ByteSource) -> _Facts:
        """Read the header of a file, which for windows of one and the same is done once."""
        file = source.byte_range
        if source.window is None or file is None:
            return read(source)
        if file != self._last_file:
            self._last_file = file
            self._facts_of_last.clear()
        if kind not in self._facts_of_last:
            self._facts_of_last[kind] = read(source)
        return cast("_Facts", self._facts_of_last[kind])

    def _look_at_sound_track(self, file: _File, source: ByteSource, has_sound: bool) -> None:
        if not has_sound:
            self._num_soundless += 1
            if len(self._soundless) < _MAX_KEPT:
                self._soundless.append(file)
            return
        self._num_with_sound += 1
        if not self._decode:
            return
        try:
            facts = self._once("sound", probe, source)
            length = facts.num_samples / facts.sampling_rate
            # A track may be shorter than its pictures; where a window has nothing of it, there is no sound.
            span = span_seconds(source.window, length, float("inf"))
        except SpanError:
            return
        except (MediaError, LimitError) as error:
            file.add(audio_fault(error, code="AV-VIDEO-010"), "sound track")
        except (ReleaseError, PathError) as error:
            file.add(file_fault(error, file.path))
        else:
            # What is odd about its samples is told of the utterance's sound file.
            _decode_sound(file, source, facts, span, "AV-VIDEO-010")


def _decode_sound(
    file: _File, source: ByteSource, facts: AudioFacts, span: tuple[float, float], code: str
) -> Sound | None:
    start, stop = (round(edge * facts.sampling_rate) for edge in span)
    try:
        return decode_sound(source, facts, start, min(stop, facts.num_samples))
    except (MediaError, LimitError) as error:
        file.add(audio_fault(error, code=code), "sound track" if code == "AV-VIDEO-010" else "")
    except (ReleaseError, PathError) as error:
        file.add(file_fault(error, file.path))
    return None


def _decode_pictures(file: _File, source: ByteSource) -> float:
    """Decode all frames; return how long they are on screen, in seconds."""
    pictures = decode_pictures(source)
    if pictures.repeated_seconds is not None:
        found = f"a video with two frames at {pictures.repeated_seconds:.3f} s"
        file.add(Fault("AV-VIDEO-011", found, "one frame at a time"))
    elif pictures.goes_back:
        file.add(Fault("AV-VIDEO-011", "a video with decoding times that go back", "times that go on"))
    return pictures.seconds


def _judge_samples(file: _File, sound: Sound, facts: AudioFacts) -> None:
    if not sound.is_finite:
        file.add(Fault("AV-AUDIO-011", "NaN or infinite in places", "finite samples"))
    # Lossy formats go a bit beyond on their own.
    if sound.peak > 1.0 and facts.header is not None:
        file.add(Fault("AV-AUDIO-011", f"{sound.peak:.6g}", "at most 1"), "peak")
    if sound.peak == 0.0 and sound.is_finite:
        file.add(Fault("AV-AUDIO-012", "silent throughout", "sound"))
    elif sound.cancels:
        file.add(
            Fault("AV-AUDIO-012", "silent when its channels are mixed", "channels that do not cancel out")
        )
