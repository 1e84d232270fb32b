"""What our Croissant 1.1 descriptions have in common: the vocabulary, splits, and rows of Parquet shards.

Plain dicts, so that mlcroissant is not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import datasets

__all__ = ["CONFORMS_TO", "CONTEXT", "Rows", "file_set", "row_set", "split_set"]

CONFORMS_TO: Final = "http://mlcommons.org/croissant/1.1"

_TERMS: Final = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field",
    "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset",
    "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
    "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip

# The vocabulary that the specification prescribes for version 1.1.
CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}

_VALUE_TYPES: Final = {
    "string": "sc:Text",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
    "float16": "cr:Float16",
    "float32": "cr:Float32",
    "float64": "cr:Float64",
}


class Rows(NamedTuple):
    """A table that a description tells of.

    Attributes:
        id: of its record set.
        files: id of the file set with its shards.
        splits: id of the record set with the names of its splits.
        split_names: these names.
        description: a sentence.
        key: column that no two rows have alike; None where there is none.
    """

    id: str
    files: str
    splits: str
    split_names: tuple[str, ...]
    description: str
    key: str | None


def file_set(place: str, includes: str) -> dict[str, Any]:
    """Describe Parquet shards.

    Args:
        place: id of the file set.
        includes: pattern of their paths.
    """
    return {
        "@type": "cr:FileSet",
        "@id": place,
        "name": place,
        "description": "Parquet shards, named after their split.",
        "encodingFormat": "application/x-parquet",
        "includes": includes,
    }


def split_set(place: str, names: Iterable[str]) -> dict[str, Any]:
    """Describe the names of splits.

    Args:
        place: id of the record set.
        names: of the splits, in their order.
    """
    field_id = f"{place}/name"
    return {
        "@type": "cr:RecordSet",
        "@id": place,
        "name": place,
        "description": "The names of the splits.",
        "dataType": "cr:Split",
        "key": {"@id": field_id},
        "field": [{"@type": "cr:Field", "@id": field_id, "name": "name", "dataType": "sc:Text"}],
        "data": [{field_id: split} for split in names],
    }


def row_set(rows: Rows, features: Mapping[str, Any], meanings: Mapping[str, str]) -> dict[str, Any]:
    """Describe the rows of shards: their split, and every column.

    Args:
        rows: ids and names.
        features: the columns.
        meanings: a sentence of each column.
    """
    name = "split" if "split" not in features else "split_of_shard"
    split: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{rows.id}/{name}",
        "name": name,
        "description": "The split, from the name of the shard; not a column.",
        "dataType": "sc:Text",
        "references": {"field": {"@id": f"{rows.splits}/name"}},
        "source": {
            "fileSet": {"@id": rows.files},
            "extract": {"fileProperty": "filename"},
            "transform": {"regex": f"^({'|'.join(rows.split_names)})-.*\\.parquet$"},
        },
    }
    columns = [
        {
            **_field(rows, name, feature, column=name, json_path=""),
            "description": meanings.get(name, "") + _labels(feature),
        }
        for name, feature in features.items()
    ]
    described = {
        "@type": "cr:RecordSet",
        "@id": rows.id,
        "name": rows.id,
        "description": rows.description,
        "field": [split, *columns],
    }
    return described if rows.key is None else {**described, "key": {"@id": f"{rows.id}/{rows.key}"}}


def _field(rows: Rows, place: str, feature: Any, *, column: str, json_path: str) -> dict[str, Any]:
    """Describe a column, or a part of one.

    Args:
        rows: the table.
        place: path of the field below the record set, with slashes.
        feature: what the column holds.
        column: name of the column in the shards.
        json_path: where in the column's value the field lies; empty for all of it.
    """
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{rows.id}/{place}",
        "name": place.rpartition("/")[2],
    }
    shape: list[str] = []
    while isinstance(feature, datasets.List):
        shape.append(str(feature.length))  # -1: any
        feature = feature.feature
    if shape:
        field |= {"isArray": True, "arrayShape": ",".join(shape)}
    if isinstance(feature, dict):
        field["subField"] = [
            _field(
                rows,
                f"{place}/{name}",
                part,
                column=column,
                json_path=f"{json_path}.{name}" if json_path else name,
            )
            for name, part in feature.items()
        ]
        return field
    source: dict[str, Any] = {"fileSet": {"@id": rows.files}, "extract": {"column": column}}
    if isinstance(feature, datasets.Audio | datasets.Video):
        json_path = "bytes"
    if json_path:
        source["transform"] = {"jsonPath": json_path}
    return {**field, "dataType": _data_type(feature), "source": source}


def _data_type(feature: Any) -> str:
    if isinstance(feature, datasets.Audio):
        return "sc:AudioObject"
    if isinstance(feature, datasets.Video):
        return "sc:VideoObject"
    return _VALUE_TYPES[feature.dtype]  # a ClassLabel's is int64


def _labels(feature: Any) -> str:
    """Return the meaning of a ClassLabel's integers, as the end of a description."""
    while isinstance(feature, datasets.List):
        feature = feature.feature
    if not isinstance(feature, datasets.ClassLabel):
        return ""
    return f" Labels: {', '.join(f'{number} {name}' for number, name in enumerate(feature.names))}."
