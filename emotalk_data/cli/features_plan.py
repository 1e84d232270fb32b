"""What an extraction would make, and with which weights: `emotalk features extract --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from emotalk_data._optional import installed_version
from emotalk_data.cli.output import echo, pairs, printable, progress, size
from emotalk_data.errors import EmotalkError, ModelError
from emotalk_data.features.encoders.packages import absent_packages

if TYPE_CHECKING:
    import datasets

    from emotalk_data.features.hook import Utterance
    from emotalk_data.features.recipes.catalogue import Recipe
    from emotalk_data.features.running.rows import Source
    from emotalk_data.schemas.feature_spec import FeatureSpec, FrameChoice

__all__ = ["tell_plan"]

_MAX_MEASURED: Final = 32
_BYTES: Final = {"float32": 4, "float16": 2}
_FRAME_SECONDS: Final = 0.02  # of HuBERT and its kin, and of Whisper


class _Expected(NamedTuple):
    rows: int  # that have what is encoded
    frames: int
    measured: int


def tell_plan(
    recipe: Recipe,
    spec: FeatureSpec,
    rows: datasets.Dataset | datasets.DatasetDict,
    options: Mapping[str, Any],
    *,
    level: tuple[str, ...],
    rows_per_shard: int,
) -> bool:
    """Print what an extraction would make, and with which weights; say whether these are there, and the packages.

    Args:
        recipe: which one.
        spec: its spec as it would be carried out.
        rows: of the corpus.
        options: `model_path` and `revision`.
        level: what would be kept.
        rows_per_shard: rows a file.
    """
    from emotalk_data.features.running.plan import plan_shards
    from emotalk_data.features.running.rows import read_source

    source = read_source(rows)
    progress("measuring …")
    expected = _measure(source, spec)
    dims, num_bytes = recipe.published_dims, _BYTES[spec.storage]
    vectors = {"utterance": expected.rows, "frame": expected.frames}
    total = sum(vectors[one] * dims * num_bytes for one in level)
    weights, is_there = _weights(recipe, spec, options)
    absent = absent_packages(spec)
    pairs(
        [
            ("recipe", recipe.name),
            ("encoder", f"{printable(spec.model)}, {weights}"),
            *([("needs", absent)] if absent else []),
            ("licence", recipe.licence),
            (
                "utterances",
                f"{source.num_rows:,}, about {expected.rows:,} of them with {_WHAT[spec.modality]}",
            ),
            ("vectors", f"{dims:,} numbers each, {spec.storage}, calculated in {spec.compute}"),
            ("frames", f"about {expected.frames:,}{'' if 'frame' in level else ', not kept'}"),
            ("files", f"{len(plan_shards(source, rows_per_shard)):,}"),
            ("size", f"about {size(total)}"),
        ],
        indent=0,
    )
    echo(f"Estimated from {expected.measured:,} rows; nothing was written.")
    if not expected.rows and spec.modality == "video" and source.corpus == "m3ed":
        echo("M3ED releases no video: give --episodes-dir, your own episodes.", fg="yellow")
    return is_there and not absent


_WHAT: Final = {"text": "text", "audio": "sound", "video": "pictures"}


def _weights(recipe: Recipe, spec: FeatureSpec, options: Mapping[str, Any]) -> tuple[str, bool]:
    """Say which weights would be taken, and whether they are there. Nothing is downloaded."""
    if recipe.weights == "package":
        return f"opensmile {installed_version('opensmile') or ''}".rstrip(), True
    if options["model_path"] is not None:
        return _in_folder(spec, options["model_path"])
    if recipe.weights == "folder":
        raise ModelError(f"{spec.model}: {recipe.weights_note} That is --model-path.")
    from huggingface_hub import constants, errors, try_to_load_from_cache

    wanted = options["revision"]
    try:
        found = try_to_load_from_cache(spec.model, "config.json", revision=wanted)
    except errors.HFValidationError:
        found = None
    if isinstance(found, str):
        return f"revision {Path(found).parent.name}, in the Hub's cache", True
    at = f"revision {printable(wanted)}, " if wanted else ""
    if constants.HF_HUB_OFFLINE:
        return f"{at}not in the Hub's cache, and HF_HUB_OFFLINE is set", False
    return f"{at}not in the Hub's cache: it would be downloaded", True


def _in_folder(spec: FeatureSpec, model_path: Path) -> tuple[str, bool]:
    from emotalk_data.features.encoders.weights import find_weights

    try:
        found = find_weights(spec.model, model_path=model_path)
    except EmotalkError as error:
        return f"and {error}", False
    return f"revision {found.revision}, weights {found.digest}, in {printable(str(found.folder))}", True


def _measure(source: Source, spec: FeatureSpec) -> _Expected:
    """Count frames of some utterances, from headers alone, and extrapolate."""
    from emotalk_data.features.running.rows import is_missing

    places = [(split, row) for split in source.splits.values() for row in range(len(split))]
    num_measured = min(len(places), _MAX_MEASURED)
    rows = frames = 0
    for number in range(num_measured):
        split, row = places[number * len(places) // num_measured]
        utterance = split.utterance(row)
        if is_missing(utterance, spec):
            continue
        try:
            frames += _frames(utterance, spec)
        except EmotalkError:
            continue  # damaged: it would be null
        rows += 1
    scale = len(places) / num_measured
    return _Expected(round(rows * scale), round(frames * scale), num_measured)


def _frames(utterance: Utterance, spec: Any) -> int:
    """Return about how many vectors an utterance has."""
    if spec.modality == "text":
        text = utterance.text_raw if spec.text_column == "text_raw" else utterance.text
        return len(text or "")
    if spec.modality == "video":
        pictures = _pictures(utterance, spec.frames)
        return pictures // 2 if "videomae" in spec.model.lower() else pictures
    if spec.backend == "opensmile" or utterance.audio is None:
        return 1
    if getattr(spec, "states", "") == "decoder_start":
        return 2
    seconds = utterance.audio.duration_seconds
    if spec.backend == "speech":
        seconds = spec.exact_seconds or min(seconds, spec.max_seconds or seconds)
        if spec.padding == "counted" and spec.chunk_seconds and seconds > spec.chunk_seconds:
            seconds = -(-seconds // spec.chunk_seconds) * spec.chunk_seconds
    return max(round(seconds / _FRAME_SECONDS), 1)


def _pictures(utterance: Utterance, choice: FrameChoice) -> int:
    if choice.num is not None or utterance.video is None:
        return choice.num or 0
    if choice.rate is not None:
        return max(round(utterance.video.duration_seconds * choice.rate), 1)
    return int(utterance.video.num_frames)
