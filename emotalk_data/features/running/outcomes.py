"""What an encoder gave for one utterance, checked, pooled and made ready to be stored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emotalk_data.errors import ExtractionError
from emotalk_data.features.hook import Encoded
from emotalk_data.features.running.failures import Failure, one_line
from emotalk_data.features.running.shard_file import ShardRow
from emotalk_data.schemas.feature_shard import Level, ShardCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["MAX_FLOAT16", "check_made", "count_rows", "make_row"]

MAX_FLOAT16: Final = 65_504.0
_MAX_FLOAT32: Final = float(np.finfo(np.float32).max)
_MISSING: Final = "missing: "


def make_row(
    utterance_id: str,
    digest: str | None,
    outcome: Encoded | Failure,
    spec: FeatureSpec,
    levels: tuple[Level, ...],
) -> ShardRow:
    """Return the row of a shard. What cannot be stored as it is becomes a null with the reason."""
    made = outcome if isinstance(outcome, Failure) else _checked(outcome, spec, levels)
    if isinstance(made, Failure):
        return ShardRow(utterance_id, digest, error=str(made))
    frames, pooled, seconds = made
    dtype = np.float16 if spec.storage == "float16" else np.float32
    return ShardRow(
        utterance_id,
        digest,
        notes=tuple(one_line(str(note)) for note in outcome.notes) if isinstance(outcome, Encoded) else (),
        pooled=pooled.astype(np.float32).astype(dtype)
        if pooled is not None and "utterance" in levels
        else None,
        frames=frames.astype(dtype) if "frame" in levels else None,
        seconds=seconds.astype(np.float32) if seconds is not None and "frame" in levels else None,
        num_frames=len(frames),
    )


def count_rows(rows: Iterable[ShardRow]) -> ShardCounts:
    """Count what became of the rows of a shard."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.error is None:
            counts["made"] += 1
            counts["noted"] += bool(row.notes)
            counts["frames"] += row.num_frames
        else:
            counts["missing" if row.error.startswith(_MISSING) else "failed"] += 1
    return ShardCounts(**counts)


def check_made(rows: Iterable[ShardRow], cause: BaseException | None, where: str) -> None:
    """Make sure that something could be made of the first rows that an encoder was given.

    Raises:
        ExtractionError: of none of them: the set-up is wrong, not the utterances.
    """
    reasons: Counter[str] = Counter()
    for row in rows:
        if row.error is None:
            return
        if not row.error.startswith(_MISSING):
            reasons[row.error] += 1
    if reasons:
        reason, count = reasons.most_common(1)[0]
        raise ExtractionError(
            f"nothing could be made of any utterance of {where}, and nothing was written. {count} of "
            f"{reasons.total()} say: {reason}"
        ) from cause


Checked = tuple["NDArray[Any]", "NDArray[Any] | None", "NDArray[Any] | None"]


def _checked(encoded: Any, spec: FeatureSpec, levels: tuple[Level, ...]) -> Checked | Failure:
    """Return frames, pooled vector and times; or what is wrong with them."""
    try:
        frames = np.asarray(encoded.frames)
        given = None if encoded.pooled is None else np.asarray(encoded.pooled)
        seconds = None if encoded.seconds is None else np.asarray(encoded.seconds)
    except Exception as error:  # whatever a hook returned, and whatever that does
        return Failure("encoder", one_line(f"it gave no arrays: {type(error).__name__}: {error}"))
    wrong = _wrong_shape(frames, given, seconds, spec.num_dims) or _wrong_notes(encoded.notes)
    if wrong is not None:
        return Failure("encoder", wrong)
    pooled = _pooled(frames, given, spec) if "utterance" in levels else None
    if isinstance(pooled, Failure):
        return pooled
    largest = [_largest(part) for part in (frames, pooled) if part is not None]
    if not all(map(math.isfinite, largest)):
        return Failure("not_finite", "the encoder gave numbers that are infinite or not a number")
    stored = max(largest if "frame" in levels else largest[1:])
    if spec.storage == "float16" and stored > MAX_FLOAT16:
        return Failure("not_finite", f"numbers up to {stored:.6g} do not fit float16; store float32")
    if stored > _MAX_FLOAT32:
        return Failure("not_finite", f"numbers up to {stored:.6g} do not fit float32")
    return frames, pooled, seconds


def _wrong_shape(
    frames: NDArray[Any], given: NDArray[Any] | None, seconds: NDArray[Any] | None, num_dims: int | None
) -> str | None:
    if frames.ndim != 2 or frames.shape[1] != num_dims or not np.issubdtype(frames.dtype, np.floating):
        return f"its frames are {frames.dtype}, shape {frames.shape}; expected floats, shape (T, {num_dims})"
    if not len(frames):
        return "it gave no frames at all; expected one or more"
    if given is not None and (given.shape != (num_dims,) or not np.issubdtype(given.dtype, np.floating)):
        return (
            f"it gave a vector of {given.dtype} and shape {given.shape}; expected floats, shape ({num_dims},)"
        )
    if seconds is not None and (seconds.shape != (len(frames),) or not _are_times(seconds)):
        return f"its times are {seconds.dtype}, shape {seconds.shape}; expected {len(frames)} finite numbers"
    return None


def _wrong_notes(notes: Any) -> str | None:
    if isinstance(notes, tuple | list) and all(isinstance(note, str) for note in notes):
        return None
    return f"its notes are a {type(notes).__name__}; expected a tuple of texts"


def _largest(values: NDArray[Any]) -> float:
    """Return the largest absolute value; infinity and NaN come through, and nothing is copied."""
    return float(np.maximum(values.max(), -values.min()))


def _are_times(seconds: NDArray[Any]) -> bool:
    kinds = np.floating, np.integer
    return any(np.issubdtype(seconds.dtype, kind) for kind in kinds) and bool(
        (np.abs(seconds) <= _MAX_FLOAT32).all()
    )


def _pooled(frames: NDArray[Any], given: NDArray[Any] | None, spec: FeatureSpec) -> NDArray[Any] | Failure:
    """Return one vector. The mean is taken in float64: a sum of many float32 would lose digits."""
    if given is not None:
        return given
    if spec.pooling == "given":
        return Failure("encoder", "its spec says that it gives the utterance's vector, and it gave none")
    if spec.pooling == "mean":
        mean: NDArray[np.float64] = frames.mean(axis=0, dtype=np.float64)
        return mean
    one: NDArray[Any] = frames[0 if spec.pooling == "first" else -1]
    return one
