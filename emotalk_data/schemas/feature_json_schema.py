"""The footer of a feature set's shard as JSON Schema: how the set was made, for people without Python."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final, get_args

from pydantic import BaseModel

from emotalk_data.schemas.encoder_spec import EncoderSpec
from emotalk_data.schemas.feature_shard import FOOTER_KEY, ShardCounts, ShardRecord
from emotalk_data.schemas.feature_spec import FeatureSpec, FrameChoice
from emotalk_data.schemas.json_schema import DIALECT

__all__ = ["feature_shard_json_schema"]

_TITLE: Final = "a feature set: the footer of a shard"
_FIELD: Final = re.compile(r"^    (\w+): (.*)$")


def feature_shard_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of what stands in a shard's Parquet metadata, under the key `emotalk-features`."""
    schema = ShardRecord.model_json_schema()
    models: dict[str, type[BaseModel]] = {model.__name__: model for model in _models()}
    for name, part in {"ShardRecord": schema, **schema["$defs"]}.items():
        meanings = _meanings(models[name])
        part["description"] = (inspect.getdoc(models[name]) or "").partition("\n")[0]
        for field, value in part["properties"].items():
            value.pop("title", None)  # "Num Rows" says nothing that is not known
            if field in meanings:
                value["description"] = meanings[field]
    schema["description"] = f"JSON in the metadata of the Parquet file, under the key {FOOTER_KEY!r}."
    return {**schema, "$schema": DIALECT, "$id": "urn:emotalk-data:schema:feature-shard", "title": _TITLE}


def _models() -> list[type[BaseModel]]:
    specs = get_args(get_args(FeatureSpec)[0])
    return [ShardRecord, ShardCounts, FrameChoice, *specs]


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a model, and of the one it is made of, say of each field."""
    found: dict[str, str] = {}
    for one in (EncoderSpec, model) if issubclass(model, EncoderSpec) else (model,):
        name = ""
        for line in (inspect.getdoc(one) or "").partition("Attributes:\n")[2].splitlines():
            if match := _FIELD.match(line):
                name = match[1]
                found[name] = match[2]
            elif name and line.strip():
                found[name] += f" {line.strip()}"
    return found
