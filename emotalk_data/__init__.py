"""EmotionTalk and M3ED, two Chinese multimodal emotion corpora, as Hugging Face datasets.

    from emotalk_data import load_dataset
    ds = load_dataset("emotalk", data_dir="/data/EmotionTalk", split="train")

Names are resolved on first use: `import emotalk_data` loads nothing heavy.
"""

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data._version import __version__
    from emotalk_data.features.extraction import extract_features
    from emotalk_data.features.feature_set import FeatureSet
    from emotalk_data.hub.publishing.make_public import make_public
    from emotalk_data.hub.publishing.publish import publish
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
    "make_public",
    "publish",
    "register",
    "rows",
    "validate",
]

_MODULES = {
    "Audio": ".media",
    "AudioClip": ".media",
    "FeatureSet": ".features.feature_set",
    "Report": ".loaders.report",
    "UtteranceId": ".schemas.ids",
    "Video": ".media",
    "VideoClip": ".media",
    "__version__": "._version",
    "cast_media": ".media",
    "decode_many": ".media",
    "extract_features": ".features.extraction",
    "frames_many": ".media",
    "load_dataset": ".load",
    "load_dataset_builder": ".load",
    "make_public": ".hub.publishing.make_public",
    "publish": ".hub.publishing.publish",
    "register": ".load",
    "rows": ".media",
    "validate": ".validation.validate",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
