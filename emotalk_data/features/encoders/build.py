"""From a spec to the encoder that it describes, with its weights."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from emotalk_data.errors import ModelError, OptionError, quote
from emotalk_data.features.encoders.packages import check_packages
from emotalk_data.features.encoders.weights import LOCAL_REVISION, Weights, find_weights
from emotalk_data.features.recipes.catalogue import list_recipes
from emotalk_data.schemas.encoder_spec import EncoderSpec
from emotalk_data.schemas.feature_spec import checked_spec

if TYPE_CHECKING:
    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.hook import FeatureExtractor
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["build_extractor"]


class _Backend(NamedTuple):
    """Where an encoder is.

    Attributes:
        module: in `emotalk_data.features.encoders`.
        encoder: name of the class.
        has_weights: whether it is given weights.
        has_detector: whether it may be given a detector of faces.
    """

    module: str
    encoder: str
    has_weights: bool = True
    has_detector: bool = False


_BACKENDS: Final = {
    "speech": _Backend("speech", "SpeechEncoder"),
    "whisper": _Backend("whisper", "WhisperEncoder"),
    "opensmile": _Backend("opensmile_functionals", "OpensmileEncoder", has_weights=False),
    "text": _Backend("text", "TextEncoder"),
    "sentence": _Backend("sentence", "SentenceEncoder"),
    "vision": _Backend("vision", "VisionEncoder", has_detector=True),
    "timm": _Backend("timm_images", "TimmEncoder", has_detector=True),
    "densenet": _Backend("densenet", "DenseNetEncoder", has_detector=True),
}

_OF_ONE_FILE: Final = ("timm", "densenet")


def build_extractor(
    spec: FeatureSpec,
    *,
    model_path: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    device: str = "cpu",
    detector: Detector | None = None,
) -> FeatureExtractor[Any]:
    """Load the encoder that a spec describes.

    Its own `spec` also says `num_dims`, `revision` and `weights_digest`. A spec that says the last two already,
    as that of a feature set does, gets those weights or an error.

    Args:
        spec: such as `recipe("clean/chinese-hubert-base").spec`.
        model_path: a folder with the weights, as `save_pretrained` writes it; for timm and DenseNet also one
            file. If omitted they are taken from the Hub's cache, or downloaded.
        revision: a branch, tag or commit on the Hub.
        device: such as `cpu`, `cuda` or `cuda:1`.
        detector: finds faces, for encoders of pictures; what they encode is then cut out.

    Raises:
        OptionError: an argument that this encoder does not take, or that cannot be.
        ModelError: the weights cannot be found or loaded, or are others than the spec says.
        MissingDependencyError: a package of its extra is not installed; said before weights are downloaded.
    """
    backend = _backend_of(spec)
    spec = checked_spec(spec)
    _check_types(model_path, revision)
    options: dict[str, Any] = {}
    if detector is not None and not backend.has_detector:
        raise OptionError(f"{spec.name} encodes {spec.modality}: a detector of faces has no place there.")
    if backend.has_detector:
        options["detector"] = detector
    module = importlib.import_module(f"emotalk_data.features.encoders.{backend.module}")
    encoder = getattr(module, backend.encoder)
    built: FeatureExtractor[Any]
    if not backend.has_weights:
        if model_path is not None or revision is not None:
            raise OptionError(f"{spec.name} has no weights: leave out model_path and revision.")
        built = encoder(spec, device=device, **options)
    else:
        built = encoder(spec, _find(spec, model_path, revision), device=device, **options)
    return built


def _backend_of(spec: FeatureSpec) -> _Backend:
    if not isinstance(spec, EncoderSpec):
        raise OptionError(f"spec is {quote(spec)}; expected a spec, such as recipe('m3ed/is10').spec.")
    if spec.backend == "callable":
        raise OptionError(
            f"{spec.name} is an encoder of your own: nothing here can build it. Give the object itself, with its "
            "prepare and extract, in place of its spec."
        )
    return _BACKENDS[spec.backend]


def _check_types(model_path: Any, revision: Any) -> None:
    if not isinstance(model_path, str | os.PathLike | None):
        raise OptionError(f"model_path is {quote(model_path)}; expected the path of a folder.")
    if not isinstance(revision, str | None) or revision == "":
        raise OptionError(f"revision is {quote(revision)}; expected a branch, tag or commit on the Hub.")


def _find(spec: FeatureSpec, model_path: str | os.PathLike[str] | None, revision: str | None) -> Weights:
    """Return the weights that a spec and the arguments ask for.

    Raises:
        MissingDependencyError: nothing could be done with them.
        ModelError: they are nowhere, or others than the spec says.
    """
    if model_path is None:
        _refuse_without_folder(spec)
        if revision is None and spec.revision == LOCAL_REVISION:
            raise ModelError(
                f"{spec.name} was made with weights of a plain folder. Give that folder as model_path."
            )
        revision = revision or spec.revision
    elif spec.backend not in _OF_ONE_FILE and Path(model_path).is_file():
        raise ModelError(
            f"model_path={quote(str(model_path))} is a file, and {spec.name} needs the folder that it is in, "
            "with config.json and the other small files.",
            path=str(model_path),
        )
    check_packages(spec)  # weights may be gigabytes to download
    weights = find_weights(spec.model, model_path=model_path, revision=revision)
    if spec.weights_digest not in (None, weights.digest):
        raise ModelError(
            f"the weights in {quote(str(weights.folder))} are not those of {spec.name}: their digest is "
            f"{weights.digest}, and the spec says {spec.weights_digest}. Give the folder or the revision that it "
            "was made with.",
            path=str(weights.folder),
        )
    return weights


def _refuse_without_folder(spec: FeatureSpec) -> None:
    """Some encoders cannot be had from the Hub; or something else is there, which would load and mean nothing."""
    for known in list_recipes():
        if known.spec.model == spec.model and known.weights == "folder":
            raise ModelError(
                f"{spec.model}: {known.weights_note} That is model_path=FOLDER, or --model-path."
            )
    if spec.backend == "densenet":
        raise ModelError(f"{spec.name} has no weights on the Hub. Give your checkpoint as model_path.")
