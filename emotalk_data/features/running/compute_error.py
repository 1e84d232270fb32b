"""What calculating in half precision costs: a few utterances encoded in both ways."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emotalk_data.errors import EmotalkError, ExtractionError, ModelError
from emotalk_data.features.running.extractors import Asked, make_ready
from emotalk_data.features.running.failures import one_line
from emotalk_data.features.running.outcomes import make_row
from emotalk_data.features.running.plan import has_shards
from emotalk_data.features.running.rows import Source, is_missing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from emotalk_data.features.hook import FeatureExtractor, Utterance
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["ComputeError", "compute_error_line", "has_compute_error", "measure_compute_error"]

_NUM_MEASURED: Final = 8


class ComputeError(NamedTuple):
    """How far vectors of utterances are from those in float32.

    Attributes:
        worst: the largest 1 - cosine.
        mean: their mean.
        num_measured: utterances.
        device: what calculated.
    """

    worst: float
    mean: float
    num_measured: int
    device: str


def has_compute_error(asked: Asked, path: Path) -> bool:
    """Return whether there is something to measure, and to say: half precision, and no shard in the folder yet.

    A set that is begun has been measured, and an object of the caller's calculates as it likes.
    """
    return asked.extractor is None and asked.spec.compute != "float32" and not has_shards(path)


def compute_error_line(source: Source, asked: Asked) -> str:
    """Measure what calculating in `asked.spec.compute` costs, and say it in a line; or why it was not measured.

    Raises:
        ModelError: the encoder cannot be loaded, and not for want of memory: the run would say the same.
        OptionError: there is no such device.
        MissingDependencyError: a package is missing.
    """
    compute = asked.spec.compute
    try:
        found = measure_compute_error(source, asked)
    except (ExtractionError, ModelError, RuntimeError, MemoryError) as error:
        if isinstance(error, ModelError) and "memory" not in str(error):
            raise
        return f"{compute}: its error against float32 was not measured: {one_line(str(error))}"
    return (
        f"{compute} against float32, {found.num_measured} utterances on {found.device}: 1 - cosine of their "
        f"vectors is {found.mean:.1e} on average, {found.worst:.1e} at worst."
    )


def measure_compute_error(source: Source, asked: Asked, *, num_measured: int = _NUM_MEASURED) -> ComputeError:
    """Encode some utterances in float32 and as a spec says, one by one on the same device.

    Args:
        source: the rows; utterances are evenly spread over them.
        asked: the encoder.
        num_measured: how many utterances, where there are so many that can be encoded.

    Raises:
        EmotalkError: the encoder cannot be built, or nothing could be encoded.
    """
    chosen = _evenly(source, asked.spec, num_measured)
    found: list[dict[str, NDArray[np.float32]]] = []
    for compute in ("float32", asked.spec.compute):
        spec = asked.spec.model_copy(update={"compute": compute})
        ready = make_ready(asked._replace(spec=spec))
        found.append(_vectors(ready.extractor, chosen))
        name = ready.name
        del ready
        gc.collect()  # the next one may need its memory, and some networks hold themselves
    exact, rounded = found
    both = [utterance_id for utterance_id in exact if utterance_id in rounded]
    if not both:
        raise ExtractionError("none of the utterances that were tried could be encoded.")
    distances = [_distance(exact[utterance_id], rounded[utterance_id]) for utterance_id in both]
    return ComputeError(max(distances), float(np.mean(distances)), len(distances), name)


def _evenly(source: Source, spec: FeatureSpec, count: int) -> list[Utterance]:
    """Return utterances that have what is encoded, evenly spread."""
    splits = list(source.splits.values())
    places = [(split, row) for split in splits for row in range(len(split))]
    spread = (places[number * len(places) // (4 * count)] for number in range(4 * count))
    found: dict[str, Utterance] = {}
    for split, row in spread:
        utterance = split.utterance(row)
        if not is_missing(utterance, spec):
            found[utterance.utterance_id] = utterance
    kept = list(found.values())
    return [kept[number * len(kept) // count] for number in range(count)] if len(kept) > count else kept


def _vectors(extractor: FeatureExtractor[Any], chosen: list[Utterance]) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of the utterances of which one could be made, by their ids."""
    found: dict[str, NDArray[np.float32]] = {}
    for utterance in chosen:
        try:
            (encoded,) = extractor.extract([extractor.prepare(utterance)])
        except EmotalkError:
            continue  # the run will say of it what is wrong
        spec = extractor.spec.model_copy(update={"storage": "float32"})
        row = make_row(utterance.utterance_id, None, encoded, spec, ("utterance",))
        if row.pooled is not None:
            found[utterance.utterance_id] = row.pooled
    return found


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    left, right = one.astype(np.float64), other.astype(np.float64)
    length = float(np.linalg.norm(left) * np.linalg.norm(right))
    return max(0.0, 1.0 - float(left @ right) / length) if length else 0.0
