"""EXTRACTION HOOKS: features of pretrained encoders, made by a run that can be stopped, kept with their source.

    extract_features          encodes every utterance of a dataset into a folder; goes on where it was stopped
    FeatureSet                opens such a folder: as a dataset, as arrays, beside the rows of a corpus
    recipe, list_recipes      what the papers' authors computed, and how to compute it well
    FeatureExtractor          the hook: how an encoder of your own is plugged in
    from_callable             a hook out of one function
    import_m3ed_features      the features that M3ED's authors released

    hook               what an encoder is given, and gives
    recipes            the recipes, as data
    encoders           one module a backend
    running            rows to shards: batches, threads, memory, ranks
    exporting          sets as other projects read them
    feature_set, extraction

Names are resolved on first use: importing this package imports nothing heavy. Encoders need the extra `features`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data.features.encoders.build import build_extractor
    from emotalk_data.features.encoders.own import from_callable
    from emotalk_data.features.exporting.m3ed_pickle import import_m3ed_features
    from emotalk_data.features.extraction import extract_features
    from emotalk_data.features.feature_set import FeatureSet
    from emotalk_data.features.hook import (
        Encoded,
        FeatureExtractor,
        SizedExtractor,
        Utterance,
        WeighedExtractor,
    )
    from emotalk_data.features.recipes.catalogue import Recipe, list_recipes, recipe
    from emotalk_data.schemas.feature_spec import (
        CallableSpec,
        DenseNetSpec,
        FeatureSpec,
        FrameChoice,
        OpensmileSpec,
        SentenceSpec,
        SpeechSpec,
        TextSpec,
        TimmSpec,
        VisionSpec,
        WhisperSpec,
    )

_SPECS = "emotalk_data.schemas.feature_spec"
_HOOK = ".hook"
_CATALOGUE = ".recipes.catalogue"
_MODULES = {
    "CallableSpec": _SPECS,
    "DenseNetSpec": _SPECS,
    "Encoded": _HOOK,
    "FeatureExtractor": _HOOK,
    "FeatureSet": ".feature_set",
    "FeatureSpec": _SPECS,
    "FrameChoice": _SPECS,
    "OpensmileSpec": _SPECS,
    "Recipe": _CATALOGUE,
    "SentenceSpec": _SPECS,
    "SizedExtractor": _HOOK,
    "SpeechSpec": _SPECS,
    "TextSpec": _SPECS,
    "TimmSpec": _SPECS,
    "Utterance": _HOOK,
    "VisionSpec": _SPECS,
    "WeighedExtractor": _HOOK,
    "WhisperSpec": _SPECS,
    "build_extractor": ".encoders.build",
    "extract_features": ".extraction",
    "from_callable": ".encoders.own",
    "import_m3ed_features": ".exporting.m3ed_pickle",
    "list_recipes": _CATALOGUE,
    "recipe": _CATALOGUE,
}

__all__ = [
    "CallableSpec",
    "DenseNetSpec",
    "Encoded",
    "FeatureExtractor",
    "FeatureSet",
    "FeatureSpec",
    "FrameChoice",
    "OpensmileSpec",
    "Recipe",
    "SentenceSpec",
    "SizedExtractor",
    "SpeechSpec",
    "TextSpec",
    "TimmSpec",
    "Utterance",
    "VisionSpec",
    "WeighedExtractor",
    "WhisperSpec",
    "build_extractor",
    "extract_features",
    "from_callable",
    "import_m3ed_features",
    "list_recipes",
    "recipe",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
