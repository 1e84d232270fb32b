"""HOW BYTES BECOME SOUND AND PICTURES: lazy clips, and the `datasets` columns that hold them.

    Audio, Video            column types; stored and published exactly as the stock ones of `datasets`
    AudioClip, VideoClip    what a row holds: nothing is read until something is asked of it
    MediaClip               what both have in common: a mapping over `bytes` and `path`
    decode_many             the sound of a batch, in one padded array
    rows                    rows that read a column when it is asked for
    cast_media              turn stock columns, as read back from Parquet, into ours

    clip ── audio ── audio_span ── audio_decode ─┬─ wav, wav_samples    PCM, read by position
      │                                          ├─ (soundfile)         FLAC, Ogg, MP3, compressed wav
      │                                          └─ audio_container     sound in MP4, Matroska …, by PyAV
      └──── video ── …                                                  pictures, by PyAV

Names are resolved on first use: importing this package imports neither datasets, nor PyAV, nor soundfile.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emotalk_data.media.audio import AudioClip
    from emotalk_data.media.audio_batch import AudioBatch, decode_many
    from emotalk_data.media.clip import MediaClip
    from emotalk_data.media.features import Audio, Video, cast_media
    from emotalk_data.media.row_access import Rows, rows
    from emotalk_data.media.video import VideoClip

__all__ = [
    "Audio",
    "AudioBatch",
    "AudioClip",
    "MediaClip",
    "Rows",
    "Video",
    "VideoClip",
    "cast_media",
    "decode_many",
    "rows",
]

_MODULES = {
    "Audio": "features",
    "AudioBatch": "audio_batch",
    "AudioClip": "audio",
    "MediaClip": "clip",
    "Rows": "row_access",
    "Video": "features",
    "VideoClip": "video",
    "cast_media": "features",
    "decode_many": "audio_batch",
    "rows": "row_access",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
