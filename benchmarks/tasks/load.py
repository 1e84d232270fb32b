"""From files to tables, validation and start-up: ours, the peers', and the floors below both.

Each returns how many rows, files or samples it had.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.tasks.clock import start

_SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def json_loop(root: str) -> int:
    """The floor: open and parse every annotation file, and do nothing with it."""
    files = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
    files = [name for name in files if name.endswith(".json")]
    start()
    for name in files:
        with open(name, encoding="utf-8") as file:
            json.load(file)
    return len(files)


def stat_loop(root: str) -> int:
    """The floor of a warm load: list every folder and ask for the time of every annotation file."""
    start()
    count = 0
    pending = [root]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    entry.stat()
                    count += 1
                elif entry.is_dir():
                    pending.append(entry.path)
    return count


def cold_load(root: str, cache: str) -> int:
    """`load_dataset` with an empty cache."""
    return _load(root, cache)


def warm_load(root: str, cache: str) -> int:
    """`load_dataset` once more: the release is listed, no JSON is read."""
    return _load(root, cache)


def _load(root: str, cache: str) -> int:
    import datasets

    from emotalk_data import load_dataset

    datasets.disable_progress_bars()
    start()
    rows = load_dataset("emotalk", data_dir=root, cache_dir=cache)
    return sum(rows.num_rows.values())


def audiofolder(root: str, cache: str) -> int:
    """The peer: stock `datasets` over the wavs, with a metadata file that has id, text and label ready-made."""
    import datasets
    import torchcodec.decoders  # noqa: F401  # what stock Audio needs; its import is not measured either

    datasets.disable_progress_bars()
    start()
    rows = datasets.load_dataset("audiofolder", data_dir=root, cache_dir=cache)
    return sum(rows.num_rows.values())


def first_clip(root: str, cache: str) -> int:
    """Everything a fresh process does until it has decoded samples, imports included (cache is warm)."""
    from emotalk_data import load_dataset

    rows = load_dataset("emotalk", data_dir=root, cache_dir=cache, split="validation")
    return int(rows[0]["audio"].decode().shape[-1])


def first_clip_stock(parquet: str) -> int:
    """The same with stock `datasets` and a Parquet file that holds the paths."""
    import datasets
    import torchcodec.decoders  # noqa: F401  # stock Audio imports it on the first row; here it says who is missing

    rows = datasets.load_dataset(
        "parquet", data_files=parquet, split="train", cache_dir=str(Path(parquet).parent)
    )
    return int(rows[0]["audio"]["array"].shape[-1])


def validate(root: str) -> int:
    """`emotalk_data.validate`: every check of a release's annotations, names and sums."""
    from emotalk_data.validation.validate import validate

    start()
    return validate(root).counts["records_found"]


def check_jsonschema(root: str, limit: str) -> int:
    """The peer: the command `check-jsonschema`, run in this process so that its start is not measured."""
    from check_jsonschema import main  # type: ignore[import-untyped]  # ships no types

    batches = [(schema, files) for schema, files in _records(root, int(limit))]
    start()
    for schema, files in batches:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = main(["--schemafile", str(schema), *files], standalone_mode=False)
        assert not status, said.getvalue()[-500:]
    return sum(len(files) for _, files in batches)


def jsonschema(root: str, limit: str) -> int:
    """The peer: `json.load` and a validator of `jsonschema` made once for each schema."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

    return _validate_with(Draft202012Validator, root, limit)


def jsonschema_rs(root: str, limit: str) -> int:
    """The peer in Rust: `json.load` and a compiled validator of `jsonschema-rs`."""
    from jsonschema_rs import validator_for

    return _validate_with(validator_for, root, limit)


def _validate_with(compile_schema: Callable[[Any], Any], root: str, limit: str) -> int:
    batches = [
        (compile_schema(json.loads(schema.read_bytes())), files)
        for schema, files in _records(root, int(limit))
    ]
    start()
    for validator, files in batches:
        for name in files:
            with open(name, encoding="utf-8") as file:
                assert validator.is_valid(json.load(file)), name
    return sum(len(files) for _, files in batches)


def _records(root: str, limit: int) -> Iterator[tuple[Path, list[str]]]:
    """Yield each modality's published schema and its first `limit` records."""
    for modality in ("Text", "Audio", "Video", "Multimodal"):
        files = sorted(map(str, Path(root, modality, "json").rglob("*.json")))
        yield _SCHEMAS / f"emotalk-{modality.lower()}.schema.json", files[:limit]


def import_package() -> int:
    """`import emotalk_data`."""
    import emotalk_data  # noqa: F401

    return 0


def import_datasets() -> int:
    """`import datasets`: the floor of whatever returns a `datasets.Dataset`."""
    import datasets  # noqa: F401

    return 0


def nothing() -> int:
    """A bare interpreter, to take off the others."""
    return 0
