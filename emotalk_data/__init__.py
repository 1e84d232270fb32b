"""EmotionTalk and M3ED, two Chinese multimodal emotion corpora, as Hugging Face datasets.

    from emotalk_data import load_dataset
    ds = load_dataset("emotalk", data_dir="/data/EmotionTalk", split="train")

Names are resolved on first use: `import emotalk_data` loads nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emotalk_data.features.extraction import extract_features
    from emotalk_data.features.feature_set import FeatureSet
    from emotalk_data.load import load_dataset, load_dataset_builder, register
    from emotalk_data.loaders.report import Report
    from emotalk_data.media import (
        Audio,
        AudioClip,
        Video,
        VideoClip,
        cast_media,
        decode_many,
        frames_many,
        rows,
    )
    from emotalk_data.schemas.ids import UtteranceId
    from emotalk_data.validation.validate import validate

    __version__: str

__all__ = [
    "Audio",
    "AudioClip",
    "FeatureSet",
    "Report",
    "UtteranceId",
    "Video",
    "VideoClip",
    "__version__",
    "cast_media",
    "decode_many",
    "extract_features",
    "frames_many",
    "load_dataset",
    "load_dataset_builder",
    "register",
    "rows",
    "validate",
]

_HOMES = {
    "Audio": "emotalk_data.media",
    "AudioClip": "emotalk_data.media",
    "FeatureSet": "emotalk_data.features.feature_set",
    "Report": "emotalk_data.loaders.report",
    "UtteranceId": "emotalk_data.schemas.ids",
    "Video": "emotalk_data.media",
    "VideoClip": "emotalk_data.media",
    "cast_media": "emotalk_data.media",
    "decode_many": "emotalk_data.media",
    "extract_features": "emotalk_data.features.extraction",
    "frames_many": "emotalk_data.media",
    "load_dataset": "emotalk_data.load",
    "load_dataset_builder": "emotalk_data.load",
    "register": "emotalk_data.load",
    "rows": "emotalk_data.media",
    "validate": "emotalk_data.validation.validate",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("emotalk-data")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'emotalk_data' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
