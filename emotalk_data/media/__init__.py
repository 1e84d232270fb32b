"""HOW BYTES BECOME SOUND AND PICTURES: lazy clips, and the `datasets` columns that hold them.

    Audio, Video            column types; stored and published exactly as the stock ones of `datasets`
    AudioClip, VideoClip    what a row holds: nothing is read until something is asked of it
    MediaClip               what both have in common: a mapping over `bytes` and `path`
    decode_many, frames_many    the sound, and the pictures, of a batch in one padded array
    rows                    rows that read a column when it is asked for
    cast_media              turn stock columns, as read back from Parquet, into ours

    clip ── audio ── audio_span ── audio_decode ─┬─ wav, wav_samples    PCM, read by position
      │                                          ├─ (soundfile)         FLAC, Ogg, MP3, compressed wav
      │                                          └─ audio_container     sound in MP4, Matroska …, by PyAV
      └──── video ── video_frames ─┬─ open_containers    long videos stay open between two windows
                                   ├─ video_index        which packets there are, and when they are shown
                                   └─ video_decode       those that are needed, by PyAV (or torchcodec)

Names are resolved on first use: importing this package imports neither datasets, nor PyAV, nor soundfile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data.media.audio import AudioClip
    from emotalk_data.media.audio_batch import AudioBatch, decode_many
    from emotalk_data.media.clip import MediaClip
    from emotalk_data.media.features import Audio, Video, cast_media
    from emotalk_data.media.row_access import Rows, rows
    from emotalk_data.media.video import VideoClip
    from emotalk_data.media.video_batch import FrameBatch, frames_many

__all__ = [
    "Audio",
    "AudioBatch",
    "AudioClip",
    "FrameBatch",
    "MediaClip",
    "Rows",
    "Video",
    "VideoClip",
    "cast_media",
    "decode_many",
    "frames_many",
    "rows",
]

_MODULES = {
    "Audio": ".features",
    "AudioBatch": ".audio_batch",
    "AudioClip": ".audio",
    "FrameBatch": ".video_batch",
    "MediaClip": ".clip",
    "Rows": ".row_access",
    "Video": ".features",
    "VideoClip": ".video",
    "cast_media": ".features",
    "decode_many": ".audio_batch",
    "frames_many": ".video_batch",
    "rows": ".row_access",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
