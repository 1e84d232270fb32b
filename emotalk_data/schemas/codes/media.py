"""Codes of sound and picture files, of either corpus."""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import Code, error, note, warning

__all__ = ["MEDIA_CODES"]

MEDIA_CODES: Final[dict[str, Code]] = {
    # Either kind.
    "AV-FILE-001": error(
        "A sound or picture file that cannot be opened or read; it cannot be decoded.",
        "Check that it is there, its permissions, and the archive around it.",
        "Audio/wav/…/G00001_01_01_001.wav may not be read",
    ),
    "AV-FILE-002": error(
        "A time window that leaves its sound or pictures; it cannot be decoded.",
        "Check the times, and that the episode is the one they were made for.",
        "episode_01.mp4#t=3000,3002 of an episode of 2,700 s",
    ),
    # Sound, by its header.
    "AV-AUDIO-001": error(
        "Not a sound file, or not the kind that its name says; it cannot be decoded.",
        "Fetch it again, or give it the right extension.",
        "a Git LFS pointer or FLAC data named x.wav",
    ),
    "AV-AUDIO-002": error(
        "A sound file whose header contradicts itself or what can be; it cannot be decoded.",
        "Write the file again.",
        "16-bit samples labelled as 24-bit",
    ),
    "AV-AUDIO-003": error(
        "A sound file that holds less than its header declares; it cannot be decoded.",
        "It was cut, or never finished: fetch it again.",
        "a header of 70,400 frames before 35,200",
    ),
    "AV-AUDIO-004": error(
        "A sound file without a sample; it cannot be decoded.", "Fetch it again.", "a wav of 44 bytes"
    ),
    "AV-AUDIO-005": warning(
        "A sound that is longer or shorter than its record says.",
        "Check which of the two is right; a clip of another utterance is likely.",
        "2.31 s, and endTime - startTime is 4.40 s",
    ),
    "AV-AUDIO-006": warning(
        "A sound of a length that no utterance has: under 25 ms, or over 120 s.",
        "Check the file; of a longer one only the first 120 s are decoded here.",
        "a wav of one sample",
    ),
    "AV-AUDIO-007": note(
        "A sampling rate or number of channels that no release has.",
        "Nothing to do; sound is resampled when it is asked for.",
        "48,000 Hz; the releases have 44,100 and 16,000 Hz, mono and stereo",
    ),
    "AV-AUDIO-008": note(
        "A sound that is not 16-bit PCM.",
        "Nothing to do, unless it should be the released file.",
        "a wav of 32-bit floating point samples",
    ),
    "AV-AUDIO-009": note(
        "An oddity of a sound file's header that changes no sample.", "Nothing to do.", "a RIFF size of 0"
    ),
    # Sound, by its samples.
    "AV-AUDIO-010": error(
        "Samples that cannot be decoded (found with --decode).",
        "The file is damaged: fetch it again.",
        "a FLAC cut in the middle",
    ),
    "AV-AUDIO-011": warning(
        "Samples that are NaN, infinite or outside [-1, 1], kept as they are (found with --decode).",
        "Write floating point samples in [-1, 1].",
        "a peak of 16,000: integers written as floats",
    ),
    "AV-AUDIO-012": note(
        "A sound that is silent throughout, or whose channels cancel each other (found with --decode).",
        "Listen to it; what is mixed to mono from it is silence.",
        "a wav of zeros",
    ),
    # Pictures, by their header.
    "AV-VIDEO-001": error(
        "Not a video file; it cannot be decoded.", "Fetch it again.", "a web page named x.mp4"
    ),
    "AV-VIDEO-002": error(
        "A video file that is cut, or whose header cannot be; it cannot be decoded.",
        "Fetch it again, or convert it to H.264 in mp4.",
        "an mp4 that ends before its index",
    ),
    "AV-VIDEO-003": error(
        "A video file without pictures; it cannot be decoded.", "Fetch it again.", "an mp4 with sound only"
    ),
    "AV-VIDEO-004": error(
        "Pictures larger, more, or longer than any utterance's; it is not decoded.",
        "Check what it is. Scale it down, or cut it.",
        "pictures of 8192x8192, or 6 minutes",
    ),
    "AV-VIDEO-005": warning(
        "Pictures that go on for longer or shorter than their record says.",
        "Check which of the two is right; a clip of another utterance is likely.",
        "2.32 s, and endTime - startTime is 4.40 s",
    ),
    "AV-VIDEO-006": note(
        "Pictures longer or shorter than the sound file of the same utterance.",
        "Nothing to do, unless sound and pictures are used side by side.",
        "an mp4 of 4.0 s beside a wav of 4.4 s",
    ),
    "AV-VIDEO-007": note(
        "A video without a sound track, while others have one.",
        "Nothing to do where the sound is in a file of its own.",
        "an mp4 with pictures only",
    ),
    # Pictures, by decoding them.
    "AV-VIDEO-008": error(
        "Packets or frames that are damaged (found with --decode).",
        "Fetch the file again.",
        "a frame that the decoder marks corrupt",
    ),
    "AV-VIDEO-009": error(
        "Fewer frames than the file declares (found with --decode).",
        "It was cut or damaged: fetch it again.",
        "12 of 25 declared frames",
    ),
    "AV-VIDEO-010": error(
        "The sound track of a video cannot be decoded (found with --decode).",
        "Fetch the file again.",
        "AAC data that was overwritten",
    ),
    "AV-VIDEO-011": warning(
        "Frames at the same time, or decoding times that go back (found with --decode).",
        "Write the file again with one time for each frame.",
        "two frames at 0.480 s",
    ),
}
