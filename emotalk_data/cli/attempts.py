"""Decode something of each kind: an installed package says little about its shared libraries.

Each function returns in words what does the work, and raises whatever its package raises.
"""

from __future__ import annotations

import io

__all__ = ["decode_flac", "decode_wav", "find_decoder", "resample"]


def decode_wav() -> str:
    """Decode a PCM wav that was made here."""
    import numpy as np

    from emotalk_data.media import AudioClip
    from emotalk_data.media.wav_samples import wav_bytes

    samples = np.array([[0.0, 0.5, -0.5, 0.25]], dtype=np.float32)
    if not np.allclose(AudioClip(wav_bytes(samples, 16_000)).decode(), samples, atol=1e-4):
        raise ValueError("samples came out other than they went in")
    return "built in: read by position"


def decode_flac() -> str:
    """Decode a FLAC file that was made here."""
    import numpy as np
    import soundfile

    from emotalk_data.media import AudioClip

    buffer = io.BytesIO()
    samples = np.array([0.0, 0.5, -0.5, 0.25], dtype=np.float32)
    soundfile.write(buffer, samples, 16_000, format="FLAC")
    if not np.allclose(AudioClip(buffer.getvalue()).decode()[0], samples, atol=1e-4):
        raise ValueError("samples came out other than they went in")
    mp3 = "" if "MP3" in soundfile.available_formats() else " (too old for MP3, which PyAV then reads)"
    return f"soundfile {soundfile.__version__}, libsndfile {soundfile.__libsndfile_version__}{mp3}"


def resample() -> str:
    """Resample silence from 44.1 to 16 kHz."""
    import numpy as np
    import soxr

    if len(soxr.resample(np.zeros(441, dtype=np.float32), 44_100, 16_000)) != 160:
        raise ValueError("the resampled length is wrong")
    return f"soxr {soxr.__version__}"


def find_decoder(decoders: tuple[str, ...]) -> str:
    """Find one of several video decoders in the FFmpeg that PyAV brings."""
    import av

    for decoder in decoders:
        try:
            name = av.Codec(decoder, "r").name
        except ValueError:  # UnknownCodecError is one
            continue
        return f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}, decoder {name}"
    raise ValueError(f"the FFmpeg inside PyAV {av.__version__} has no decoder for it")
