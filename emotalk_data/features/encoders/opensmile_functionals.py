"""Acoustic functionals of openSMILE, such as the 1,582 numbers of IS10: one vector an utterance."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data._optional import installed_version, require
from emotalk_data.errors import ExtractionError, ModelError, OptionError, quote
from emotalk_data.features.hook import Encoded, Utterance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.schemas.feature_spec import OpensmileSpec

__all__ = ["OpensmileEncoder"]

_PURPOSE: Final = "extract acoustic functionals"
_SUFFIX: Final = ".conf"
_LONGEST_NEEDED_SECONDS: Final = 2.0
_FULL_SCALE: Final = 32_767 / 32_768  # of 16 bits, in which openSMILE takes its samples


class _Functionals(NamedTuple):
    values: NDArray[np.float32]  # (D,)
    middle_seconds: float
    notes: tuple[str, ...]


class OpensmileEncoder:
    """openSMILE: functionals of a whole utterance, which are its only frame.

    openSMILE calculates on the CPU, in float32, from samples of 16 bits. It does so in `prepare`, on several
    utterances at once: each gets an openSMILE of its own, and the numbers are those of one thread, bit for bit.

    Args:
        spec: what decides its numbers; `model` is the name of a configuration that comes with openSMILE, or your
            own for `config_path`.
        config_path: a configuration of your own, whose functionals are at the level `func`.
        device: taken for the sake of the other encoders, and not used.

    Raises:
        ModelError: openSMILE has no such configuration, or cannot load it; or number of values, release or
            configuration are others than the spec says.
        OptionError: `compute` is another than float32, or `pooling` is `given`.
        MissingDependencyError: openSMILE is not installed.
    """

    def __init__(
        self,
        spec: OpensmileSpec,
        *,
        config_path: str | os.PathLike[str] | None = None,
        device: str = "cpu",  # noqa: ARG002
    ) -> None:
        if spec.compute != "float32":
            raise OptionError(f"compute is {spec.compute!r}; openSMILE calculates in 'float32' alone")
        if spec.pooling == "given":
            raise OptionError("pooling is 'given'; expected 'mean', which is the one vector that there is")
        root = _config_folder()
        path = _config_of(spec.model, root) if config_path is None else Path(config_path)
        self._smile = _smile(path)
        found = {
            "num_dims": int(self._smile.num_features),
            "revision": f"opensmile {installed_version('opensmile')}",
            "weights_digest": _digest(path, root),
        }
        for field, value in found.items():
            expected = getattr(spec, field)
            if expected not in (None, value):
                raise ModelError(
                    f"{field} of {spec.name} is {quote(expected)}, and {path.name} of the installed openSMILE "
                    f"gives {quote(value)}. Install the release that the spec was made with."
                )
        self._fewest = _fewest_samples(self._smile, spec.sampling_rate)
        self._spec = spec.model_copy(update=found)

    @property
    def spec(self) -> OpensmileSpec:
        """What decides its numbers; the digest is that of the configuration's files."""
        return self._spec

    @property
    def names(self) -> tuple[str, ...]:
        """What openSMILE calls its numbers, in their order."""
        return tuple(self._smile.feature_names)

    def size_seconds(self, utterance: Utterance) -> float:
        """Return the length of an utterance's sound, from its header."""
        return utterance.audio.duration_seconds if utterance.audio is not None else 0.0

    def prepare(self, utterance: Utterance) -> _Functionals:
        """Decode an utterance's sound, and calculate.

        Raises:
            AudioError: the sound is damaged.
            ExtractionError: it is missing, too short, not finite, or openSMILE finds no value for it.
        """
        if utterance.audio is None:
            raise ExtractionError("sound is missing")
        rate = self._spec.sampling_rate
        samples = utterance.audio.decode(sampling_rate=rate, mono=True)
        num_samples = samples.shape[1]
        if num_samples < self._fewest:
            raise ExtractionError(
                f"{num_samples / rate:.3f} s of sound are too short for {self._spec.model}, which needs "
                f"{self._fewest / rate:.3f} s"
            )
        if not np.isfinite(samples).all():
            raise ExtractionError("some samples are infinite or not a number")
        # Beyond full scale openSMILE's conversion to 16 bits would wrap around: loudest becomes its opposite.
        num_beyond = int(((samples > 1.0) | (samples < -1.0)).sum())
        notes = (f"{num_beyond} samples beyond full scale were set to it",) if num_beyond else ()
        values = _functionals(self._smile, np.clip(samples, -1.0, _FULL_SCALE), rate)
        num_missing = int(np.isnan(values).sum())
        if num_missing:
            raise ExtractionError(f"openSMILE finds no value for {num_missing} of its {len(values)} numbers")
        return _Functionals(values, num_samples / rate / 2, notes)

    def extract(self, batch: Sequence[_Functionals]) -> list[Encoded]:
        """Return each vector as one frame, float32, shape (1, D), at the middle of the utterance."""
        return [
            Encoded(one.values[np.newaxis], np.array([one.middle_seconds]), notes=one.notes) for one in batch
        ]


def _config_folder() -> Path:
    module = require("opensmile", extra="opensmile", purpose=_PURPOSE)
    return Path(str(module.__file__)).parent / "core" / "config"


def _config_of(name: str, root: Path) -> Path:
    """Return the configuration of a name, which is that of its file."""
    known = {path.stem: path for path in sorted(root.rglob(f"*{_SUFFIX}"))}
    if name not in known:
        raise ModelError(
            f"openSMILE comes with no configuration {quote(name)}; expected one of {', '.join(sorted(known))}; "
            "or give the file of your own as config_path."
        )
    return known[name]


def _smile(path: Path) -> Any:
    module = require("opensmile", extra="opensmile", purpose=_PURPOSE)
    if not path.is_file():
        raise ModelError(f"there is no configuration of openSMILE at {quote(str(path))}.", path=str(path))
    level = module.FeatureLevel.Functionals.value
    try:
        # The level by its name, for a set that is no member of openSMILE's list.
        return module.Smile(feature_set=str(path), feature_level=level, loglevel=0)
    except Exception as error:  # openSMILE has one class for all faults, which is not public
        raise ModelError(
            f"openSMILE cannot load {quote(str(path))}: {error}. Expected a configuration that makes the level "
            f"{level!r} from the level 'wave'.",
            path=str(path),
        ) from error


def _functionals(smile: Any, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return the numbers of one signal, shape (D,); NaN where openSMILE gives none."""
    try:
        found = smile(samples, rate)
    except UserWarning:  # "Segment too short, filling with NaN", where warnings are errors
        return np.full(smile.num_features, np.nan, np.float32)
    except Exception as error:
        raise ExtractionError(f"openSMILE failed: {error}") from error
    if found.shape[2] != 1:
        raise ExtractionError(f"openSMILE gave {found.shape[2]} vectors; expected one of the whole utterance")
    return np.array(found[0, :, 0], np.float32)


def _fewest_samples(smile: Any, rate: int) -> int:
    """Return how many samples are enough: openSMILE gives NaN and a warning for fewer, and does not say."""
    enough, too_few = int(_LONGEST_NEEDED_SECONDS * rate), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        while enough - too_few > 1:
            middle = (enough + too_few) // 2
            values = _functionals(smile, np.zeros((1, middle), np.float32), rate)
            enough, too_few = (enough, middle) if np.isnan(values).all() else (middle, too_few)
    return enough


def _digest(path: Path, root: Path) -> str:
    """Return the digest of a configuration, and of all that come with openSMILE: they include each other."""
    digest = blake2b(digest_size=16)
    for file in (path, *sorted(root.rglob(f"*{_SUFFIX}*"))):
        name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
        content = file.read_bytes()
        digest.update(f"{len(name)}:{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()
