"""The published schema of a shard's footer: it takes what is written, and explains each field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from emotalk_data.features.running.shard_file import read_footer
from emotalk_data.schemas.feature_json_schema import feature_shard_json_schema
from emotalk_data.schemas.feature_spec import CallableSpec, FrameChoice, VisionSpec

from ..feature_shards import make_rows, write_set

SCHEMA = feature_shard_json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SPECS = [
    CallableSpec(name="own", model="own", input="audio", num_dims=2, params={"seed": 1}),
    VisionSpec(name="clip", model="clip", num_dims=2, frames=FrameChoice(rate=5.0), storage="float16"),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.backend)
def test_a_footer_is_as_the_schema_says(spec: Any, tmp_path: Path) -> None:
    footer = written_footer(spec, tmp_path)
    VALIDATOR.validate(footer)
    for change in ({"num_rows": -1}, {"levels": ["word"]}, {"spec": {**footer["spec"], "backend": "no"}}):
        assert not VALIDATOR.is_valid({**footer, **change}), change
    assert not VALIDATOR.is_valid({name: value for name, value in footer.items() if name != "ids_digest"})


def test_every_field_is_explained() -> None:
    parts = {"footer": SCHEMA, **SCHEMA["$defs"]}
    silent = [
        f"{name}.{field}"
        for name, part in parts.items()
        for field, value in part["properties"].items()
        if not value.get("description") and field != "backend"
    ]
    assert silent == []


def written_footer(spec: Any, folder: Path) -> dict[str, Any]:
    rows = make_rows(["G00001_01_01_001", "G00001_01_01_002"], num_dims=2, failed=[1])
    (path,) = write_set(folder / "set", rows, spec)
    footer = read_footer(path)
    assert footer is not None
    return footer
