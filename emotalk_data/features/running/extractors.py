"""From what a caller gives, a recipe's name or an object of their own, to an encoder that is ready."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from emotalk_data._optional import installed_version
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.encoders.build import build_extractor
from emotalk_data.features.encoders.packages import packages_of
from emotalk_data.features.hook import FeatureExtractor
from emotalk_data.features.recipes.catalogue import Recipe, recipe
from emotalk_data.features.running.devices import device_name, find_device
from emotalk_data.schemas.encoder_spec import Compute, EncoderSpec, Storage
from emotalk_data.schemas.feature_spec import FeatureSpec, checked_spec

if TYPE_CHECKING:
    from emotalk_data.features.encoders.faces import Detector

__all__ = ["Asked", "Ready", "asked_for", "libraries_of", "make_ready"]

_SPECS: Final = get_args(get_args(FeatureSpec)[0])
_RESERVED: Final = ("utterance_id", "notes", "error", "input_digest")
_CORE: Final = ("emotalk-data", "numpy", "pyarrow")
_MEDIA: Final = {"text": (), "audio": ("soundfile", "soxr"), "video": ("av",)}
_ON_CPU: Final = ("opensmile", "callable")


class Asked(NamedTuple):
    """An encoder before it is loaded. May be pickled, where the object may.

    Attributes:
        spec: what was asked for, with the storage of the set.
        extractor: the caller's own object; None for one that is to be built.
        model_path: as in `build_extractor`.
        revision: likewise.
        device: `auto`, or a device.
        detector: likewise.
    """

    spec: FeatureSpec
    extractor: FeatureExtractor[Any] | None
    model_path: str | os.PathLike[str] | None
    revision: str | None
    device: str
    detector: Detector | None


class Ready(NamedTuple):
    """An encoder that is loaded.

    Attributes:
        extractor: the encoder.
        spec: of the set: the encoder's own, with the storage that was asked for.
        device: where it calculates, as torch calls it.
        name: of the device, as a record says it.
    """

    extractor: FeatureExtractor[Any]
    spec: FeatureSpec
    device: str
    name: str


def asked_for(
    given: Any,
    *,
    model_path: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    device: str = "auto",
    compute: str | None = None,
    storage: str | None = None,
    detector: Detector | None = None,
) -> Asked:
    """Return what a caller asks for; nothing is loaded.

    Args:
        given: the name of a recipe, a Recipe, a spec, or an extractor.
        model_path: as in `extract_features`.
        revision: likewise.
        device: likewise.
        compute: likewise.
        storage: likewise.
        detector: likewise.

    Raises:
        OptionError: it is none of these; or an option that cannot be, or does not go with an object.
    """
    for name, value, allowed in (("compute", compute, Compute), ("storage", storage, Storage)):
        if value is not None and value not in get_args(allowed):
            raise OptionError(f"{name} is {quote(value)}; expected one of {', '.join(get_args(allowed))}.")
    extractor = None
    if isinstance(given, str):
        spec: Any = recipe(given).spec
    elif isinstance(given, Recipe):
        spec = given.spec
    elif isinstance(given, EncoderSpec):
        spec = given
    elif isinstance(given, type):
        raise OptionError(
            f"recipe is the class {given.__name__}; expected an object of it: {given.__name__}(...)."
        )
    elif isinstance(given, FeatureExtractor):
        extractor, spec = given, given.spec
        _refuse_for_object(model_path, revision, device, compute, detector)
    else:
        raise OptionError(
            f"recipe is {quote(given)}; expected the name of a recipe, a Recipe, a spec, or an object with "
            "`spec`, `prepare` and `extract`."
        )
    if not isinstance(spec, _SPECS):
        raise OptionError(f"its spec is a {type(spec).__name__}; expected a spec such as CallableSpec.")
    changes = {
        name: value for name, value in (("compute", compute), ("storage", storage)) if value is not None
    }
    spec = checked_spec(spec.model_copy(update=changes))
    if spec.column in _RESERVED:
        raise OptionError(
            f"the features would be called {spec.column!r}, as a column of every set is. Rename it."
        )
    return Asked(spec, extractor, model_path, revision, device, detector)


def make_ready(asked: Asked, *, local_rank: int = 0) -> Ready:
    """Load an encoder.

    Raises:
        OptionError: there is no such device, or an object does not say how long its vectors are.
        ModelError: the weights cannot be found or loaded.
        MissingDependencyError: a package is missing.
    """
    if asked.extractor is not None:
        device = str(getattr(asked.extractor, "device", "cpu"))
        extractor = asked.extractor
    else:
        needs_torch = asked.spec.backend not in _ON_CPU
        device = find_device(asked.device, local_rank=local_rank, needs_torch=needs_torch)
        extractor = build_extractor(
            asked.spec,
            model_path=asked.model_path,
            revision=asked.revision,
            device=device,
            detector=asked.detector,
        )
    spec = extractor.spec.model_copy(update={"storage": asked.spec.storage})
    if spec.num_dims is None:
        raise OptionError(f"the spec of {spec.name} has no num_dims; say how long its vectors are.")
    return Ready(extractor, spec, device, device_name(device))


def libraries_of(spec: FeatureSpec) -> dict[str, str]:
    """Return the versions of what takes part in an encoder's numbers, as far as it is known."""
    packages = (*_CORE, *_MEDIA[spec.modality], *packages_of(spec))
    return {name: version for name in sorted(packages) if (version := installed_version(name)) is not None}


def _refuse_for_object(model_path: Any, revision: Any, device: Any, compute: Any, detector: Any) -> None:
    given = {
        "model_path": model_path,
        "revision": revision,
        "device": None if device == "auto" else device,
        "compute": compute,
        "detector": detector,
    }
    for name, value in given.items():
        if value is not None:
            raise OptionError(
                f"{name} is for recipes: an encoder of your own is taken as it is. Leave it out."
            )
