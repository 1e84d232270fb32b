"""The Croissant 1.1 description of a dataset repository: what is in it, in a form that search engines read.

It describes the same Parquet shards as the card. Written as a plain dict, so that mlcroissant is not needed.
"""

from __future__ import annotations

from typing import Any, Final

import datasets

from emotalk_data.builder.base import SCHEMA_VERSION
from emotalk_data.hub.card import SPLITS
from emotalk_data.hub.columns import COLUMN_MEANINGS
from emotalk_data.hub.corpora import CorpusFacts

__all__ = ["CONFORMS_TO", "croissant"]

CONFORMS_TO: Final = "http://mlcommons.org/croissant/1.1"

_FILES: Final = "shards"
_ROWS: Final = "utterances"
_SPLITS: Final = "splits"

_TERMS: Final = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field",
    "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset",
    "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
    "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip

# The vocabulary that the specification prescribes for version 1.1.
_CONTEXT: Final = {
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
    "float64": "cr:Float64",
}


def croissant(corpus: CorpusFacts) -> dict[str, Any]:
    """Return the description as a JSON-LD document."""
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": corpus.pretty_name,
        "description": corpus.summary,
        "url": corpus.homepage,
        "citeAs": corpus.citation,
        "creator": [{"@type": "sc:Person", "name": name} for name in corpus.creators],
        "inLanguage": ["zh"],
        "keywords": list(corpus.tags),
        "license": corpus.licence_url or corpus.licence_text,
        "version": SCHEMA_VERSION,
        "distribution": [
            {
                "@type": "cr:FileSet",
                "@id": _FILES,
                "name": _FILES,
                "description": "Parquet shards, named after their split.",
                "encodingFormat": "application/x-parquet",
                "includes": "data/*.parquet",
            }
        ],
        "recordSet": [_splits(), _rows(corpus)],
    }
    return document


def _splits() -> dict[str, Any]:
    field_id = f"{_SPLITS}/name"
    return {
        "@type": "cr:RecordSet",
        "@id": _SPLITS,
        "name": _SPLITS,
        "description": "The names of the splits.",
        "dataType": "cr:Split",
        "key": {"@id": field_id},
        "field": [{"@type": "cr:Field", "@id": field_id, "name": "name", "dataType": "sc:Text"}],
        "data": [{field_id: split} for split in SPLITS],
    }


def _rows(corpus: CorpusFacts) -> dict[str, Any]:
    meanings = COLUMN_MEANINGS[corpus.name]
    split: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{_ROWS}/split",
        "name": "split",
        "description": "The split, from the name of the shard; not a column.",
        "dataType": "sc:Text",
        "references": {"field": {"@id": f"{_SPLITS}/name"}},
        "source": {
            "fileSet": {"@id": _FILES},
            "extract": {"fileProperty": "filename"},
            "transform": {"regex": f"^({'|'.join(SPLITS)})-.*\\.parquet$"},
        },
    }
    columns = [
        {**_field(name, feature, column=name, json_path=""), "description": meanings[name] + _labels(feature)}
        for name, feature in corpus.features.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": _ROWS,
        "name": _ROWS,
        "description": "One utterance a row.",
        "key": {"@id": f"{_ROWS}/utterance_id"},
        "field": [split, *columns],
    }


def _field(place: str, feature: Any, *, column: str, json_path: str) -> dict[str, Any]:
    """Describe a column, or a part of one.

    Args:
        place: path of the field below the record set, with slashes.
        feature: what the column holds.
        column: name of the column in the shards.
        json_path: where in the column's value the field lies; empty for all of it.
    """
    field: dict[str, Any] = {"@type": "cr:Field", "@id": f"{_ROWS}/{place}", "name": place.rpartition("/")[2]}
    if isinstance(feature, datasets.List):
        field |= {"isArray": True, "arrayShape": "-1"}
        feature = feature.feature
    if isinstance(feature, dict):
        field["subField"] = [
            _field(
                f"{place}/{name}", part, column=column, json_path=f"{json_path}.{name}" if json_path else name
            )
            for name, part in feature.items()
        ]
        return field
    source: dict[str, Any] = {"fileSet": {"@id": _FILES}, "extract": {"column": column}}
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
