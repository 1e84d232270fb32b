"""What calculating in half precision costs: a few utterances encoded in both ways, before the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from emotalk_data.cli.output import echo, one_line, progress
from emotalk_data.errors import EmotalkError

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from numpy.typing import NDArray

    from emotalk_data.features.hook import FeatureExtractor, Utterance
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["ComputeError", "measure_compute_error", "tell_compute_error"]

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


def tell_compute_error(
    spec: FeatureSpec, rows: datasets.Dataset | datasets.DatasetDict, options: Mapping[str, Any]
) -> None:
    """Print what calculating in `spec.compute` costs; or why that could not be measured.

    Args:
        spec: of the run.
        rows: of the run.
        options: its `model_path`, `revision` and `device`.
    """
    progress(f"measuring what {spec.compute} costs …")
    try:
        found = measure_compute_error(
            spec,
            rows,
            model_path=options["model_path"],
            revision=options["revision"],
            device=options["device"],
        )
    except (EmotalkError, RuntimeError, MemoryError) as error:  # float32 may not fit where half of it does
        echo(f"{spec.compute}: its error against float32 was not measured: {one_line(str(error))[:200]}")
        return
    echo(
        f"{spec.compute} against float32, {found.num_measured} utterances on {found.device}: 1 - cosine of their "
        f"vectors is {found.mean:.1e} on average, {found.worst:.1e} at worst."
    )


def measure_compute_error(
    spec: FeatureSpec,
    rows: datasets.Dataset | datasets.DatasetDict,
    *,
    model_path: Any = None,
    revision: str | None = None,
    device: str = "auto",
    num_measured: int = _NUM_MEASURED,
) -> ComputeError:
    """Encode some utterances in float32 and as a spec says, one by one on the same device.

    Args:
        spec: of the run.
        rows: of the run; utterances are evenly spread over them.
        model_path: as for `build_extractor`.
        revision: likewise.
        device: `auto`, or as torch names it.
        num_measured: how many utterances, where there are so many that can be encoded.

    Raises:
        EmotalkError: the encoder cannot be built, or nothing could be encoded.
    """
    import numpy as np

    from emotalk_data.errors import ExtractionError
    from emotalk_data.features.running.extractors import asked_for, make_ready

    chosen = _evenly(rows, spec, num_measured)
    found: list[dict[str, NDArray[np.float32]]] = []
    for compute in ("float32", spec.compute):
        asked = asked_for(spec, model_path=model_path, revision=revision, device=device, compute=compute)
        ready = make_ready(asked)
        found.append(_vectors(ready.extractor, chosen))
        name = ready.name
        del ready  # the next one may need its memory
    exact, rounded = found
    both = [utterance_id for utterance_id in exact if utterance_id in rounded]
    if not both:
        raise ExtractionError("none of the utterances that were tried could be encoded.")
    distances = [_distance(exact[utterance_id], rounded[utterance_id]) for utterance_id in both]
    return ComputeError(max(distances), float(np.mean(distances)), len(distances), name)


def _evenly(rows: datasets.Dataset | datasets.DatasetDict, spec: FeatureSpec, count: int) -> list[Utterance]:
    """Return utterances that have what is encoded, evenly spread."""
    from emotalk_data.features.running.rows import is_missing, read_source

    splits = list(read_source(rows).splits.values())
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
    from emotalk_data.features.running.outcomes import make_row

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
    import numpy as np

    left, right = one.astype(np.float64), other.astype(np.float64)
    length = float(np.linalg.norm(left) * np.linalg.norm(right))
    return max(0.0, 1.0 - float(left @ right) / length) if length else 0.0
