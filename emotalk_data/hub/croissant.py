"""The Croissant 1.1 description of a dataset repository: what is in it, in a form that search engines read.

It describes the same Parquet shards as the card.
"""

from __future__ import annotations

from typing import Any, Final

from emotalk_data.builder.base import SCHEMA_VERSION
from emotalk_data.hub.card import SPLITS
from emotalk_data.hub.columns import COLUMN_MEANINGS
from emotalk_data.hub.corpora import CorpusFacts
from emotalk_data.hub.croissant_parts import CONFORMS_TO, CONTEXT, Rows, file_set, row_set, split_set

__all__ = ["CONFORMS_TO", "croissant"]

_UTTERANCES: Final = Rows(
    id="utterances",
    files="shards",
    splits="splits",
    split_names=SPLITS,
    description="One utterance a row.",
    key="utterance_id",
)


def croissant(corpus: CorpusFacts) -> dict[str, Any]:
    """Return the description as a JSON-LD document."""
    return {
        "@context": CONTEXT,
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
        "distribution": [file_set(_UTTERANCES.files, "data/*.parquet")],
        "recordSet": [
            split_set(_UTTERANCES.splits, SPLITS),
            row_set(_UTTERANCES, corpus.features, COLUMN_MEANINGS[corpus.name]),
        ],
    }
