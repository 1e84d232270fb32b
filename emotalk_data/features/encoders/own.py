"""An encoder of the user's own, from one function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from emotalk_data.errors import ExtractionError, OptionError, quote
from emotalk_data.features.encoders.function_digest import Function, source_digest, unwrapped
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.media.audio import checked_rate
from emotalk_data.schemas.encoder_spec import FeatureModality, Pooling
from emotalk_data.schemas.feature_spec import CallableSpec

__all__ = ["CallableEncoder", "from_callable"]

Param: TypeAlias = str | int | float | bool | None

_SOURCE_DIGEST: Final = "source_digest"


class _Input(NamedTuple):
    value: Any  # what the function is given
    middle_seconds: float | None


def from_callable(
    function: Function,
    *,
    name: str,
    input: FeatureModality,
    num_dims: int,
    model: str | None = None,
    sampling_rate: int | None = None,
    num_frames: int | None = None,
    frame_rate: float | None = None,
    pooling: Pooling = "mean",
    params: Mapping[str, Param] | None = None,
) -> CallableEncoder:
    """Return an extractor that calls a function for each utterance, one at a time, in one thread.

    The function is given, for `input`

        "text"     the text without markup, str
        "audio"    samples at `sampling_rate`, mono, float32, shape (samples,)
        "video"    pictures, RGB, uint8, shape (frames, height, width, 3)

    and returns a vector, shape (D,), which is the utterance's only frame; or vectors, shape (T, D); or a pair of
    them and the middle of each in seconds, shape (T,). `ExtractionError` says that there is nothing to encode.
    Decoding is done before, on several threads.

    Args:
        function: the encoder.
        name: of the feature set, such as `loudness`: small letters, digits, `_`, `.`, `-` and `/`.
        input: what it encodes.
        num_dims: D.
        model: what it is made from, such as the id of a checkpoint; the function's own name if omitted.
        sampling_rate: in Hz, for sound, where it is needed.
        num_frames: so many pictures, chosen as `VideoClip.frames(num)` does.
        frame_rate: so many pictures a second; without either, 8 are chosen.
        pooling: how an utterance's vectors become one: `mean`, `first` or `last`.
        params: anything else that decides its numbers: a version, a threshold. They are kept in the spec, beside
            a digest of the function's source, where that can be read, and of values bound to it: by a partial, a
            closure, defaults, or as simple globals. What it calls and what objects hold is in no digest.

    Raises:
        OptionError: an argument that cannot be, or that does not go with `input`.
    """
    if not callable(function):
        raise OptionError(f"function is {quote(function)}; expected something to call")
    if pooling == "given":
        raise OptionError(
            "pooling is 'given', and a function gives frames alone; expected 'mean', 'first' or 'last'"
        )
    given = {"sampling_rate": sampling_rate, "num_frames": num_frames, "frame_rate": frame_rate}
    chosen = _checked(input, {key: value for key, value in given.items() if value is not None})
    source = source_digest(function)
    found = {**chosen, **({} if source is None else {_SOURCE_DIGEST: source})}
    if not isinstance(params, Mapping | None):
        raise OptionError(f"params is {quote(params)}; expected names to values")
    for key, value in (params or {}).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise OptionError(f"params has {quote(key)}: {value}; expected a finite number")
    taken = sorted(set(found) & set(params or {}))
    if taken:
        raise OptionError(f"params has {taken}, which are recorded anyway; use other names")
    try:
        spec = CallableSpec(
            name=name,
            model=model if model is not None else _name_of(function),
            input=input,
            num_dims=num_dims,
            pooling=pooling,
            params={**(params or {}), **found},
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"][:2]))
        raise OptionError(f"{field} is {quote(first['input'])}: {first['msg']}") from error
    return CallableEncoder(function, spec)


class CallableEncoder:
    """An extractor made by `from_callable`.

    Args:
        function: the encoder.
        spec: what was given.
    """

    def __init__(self, function: Function, spec: CallableSpec) -> None:
        self._function = function
        self._spec = spec

    @property
    def spec(self) -> CallableSpec:
        """What decides its numbers."""
        return self._spec

    def size_seconds(self, utterance: Utterance) -> float:
        """Return the length of sound or pictures in seconds, or the number of characters."""
        if self._spec.input == "text":
            return float(len(utterance.text or ""))
        clip = utterance.audio if self._spec.input == "audio" else utterance.video
        return clip.duration_seconds if clip is not None else 0.0

    def prepare(self, utterance: Utterance) -> _Input:
        """Return what the function is given.

        Raises:
            MediaError: sound or pictures are damaged.
            ExtractionError: they are missing, or the text is empty.
        """
        kind, params = self._spec.input, self._spec.params
        value = getattr(utterance, kind)
        if value is None:
            raise ExtractionError(f"{kind} is missing")
        if kind == "text":
            if not value.strip():
                raise ExtractionError("the text is empty")
            return _Input(value, None)
        middle = value.duration_seconds / 2
        if kind == "audio":
            return _Input(value.decode(sampling_rate=params["sampling_rate"], mono=True)[0], middle)
        return _Input(value.frames(params.get("num_frames"), frame_rate=params.get("frame_rate")), middle)

    def extract(self, batch: Sequence[_Input]) -> list[Encoded]:
        """Return what the function makes of each utterance, float32, shape (T, D).

        Raises:
            ExtractionError: it returned nothing for one, or raised this error itself.
            OptionError: it returned something of another shape or type.
        """
        return [self._encoded(self._function(one.value), one.middle_seconds) for one in batch]

    def _encoded(self, returned: Any, middle_seconds: float | None) -> Encoded:
        is_pair = isinstance(returned, tuple) and len(returned) == 2 and not all(map(_is_number, returned))
        found, times = returned if is_pair else (returned, None)
        values = self._numbers(found)
        if values.ndim == 1:
            # One vector is of the whole utterance.
            times = times if times is not None or middle_seconds is None else [middle_seconds]
            values = values[np.newaxis]
        if values.ndim != 2 or values.shape[1] != self._spec.num_dims:
            raise OptionError(
                f"the function of {self._spec.name!r} returned an array of shape {np.shape(found)}; expected "
                f"({self._spec.num_dims},) or (T, {self._spec.num_dims})"
            )
        if not len(values):
            raise ExtractionError("the function returned no vector")
        seconds = None if times is None else self._numbers(times)
        if seconds is not None and seconds.shape != (len(values),):
            raise OptionError(
                f"the function of {self._spec.name!r} returned seconds of shape {seconds.shape}; expected "
                f"({len(values)},), one for each vector"
            )
        return Encoded(values, seconds)

    def _numbers(self, found: ArrayLike) -> NDArray[np.float32]:
        """Return an array of its own, for a function may use its own again."""
        try:
            array = np.asarray(found)
        except ValueError:  # lists of different lengths
            array = np.empty(0, object)
        if array.dtype.kind not in "fiub":
            raise OptionError(
                f"the function of {self._spec.name!r} returned {quote(found)}; expected an array of numbers, or "
                "a pair of one and seconds"
            )
        with np.errstate(over="ignore"):  # infinity is found later, and makes the row null
            return array.astype(np.float32)


def _checked(kind: Any, given: dict[str, Any]) -> dict[str, Param]:
    """Return the options of a modality."""
    allowed = {"text": set(), "audio": {"sampling_rate"}, "video": {"num_frames", "frame_rate"}}
    if not isinstance(kind, str) or kind not in allowed:
        raise OptionError(f"input is {quote(kind)}; expected 'text', 'audio' or 'video'")
    other = sorted(set(given) - allowed[kind])
    if other:
        raise OptionError(f"{other[0]} is given, and input is {kind!r}; leave it out")
    if kind == "audio" and not given:
        raise OptionError(
            "sampling_rate is missing, and files differ in theirs; give what the function expects"
        )
    if len(given) > 1:
        raise OptionError("num_frames and frame_rate are two ways to choose pictures; give one of them")
    if kind == "video" and not given:
        given = {"num_frames": 8}
    return {name: _checked_number(name, value) for name, value in given.items()}


def _checked_number(name: str, value: Any) -> int | float:
    if name == "sampling_rate":
        return checked_rate(value)
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if name == "num_frames" and whole and value > 0:
        return int(value)
    if name == "frame_rate" and (whole or isinstance(value, float)) and 0 < value < math.inf:
        return float(value)
    raise OptionError(f"{name} is {quote(value)}; expected a number above 0")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or getattr(value, "ndim", None) == 0


def _name_of(function: Function) -> str:
    inner = unwrapped(function)
    return str(getattr(inner, "__qualname__", type(inner).__qualname__))
