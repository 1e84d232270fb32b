"""The list of columns that are known: the class and type of each, and what its texts have to look like.

Whatever is not on it is refused: the columns of both corpora, of shards of features, and of tables of splits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple, get_args

import pyarrow as pa

from emotalk_data.builder.feature_sets.shards import shard_columns
from emotalk_data.builder.features import emotalk_features, m3ed_features
from emotalk_data.hub.columns import COLUMN_MEANINGS, LABEL_COLUMNS
from emotalk_data.hub.guard.classes import Corpus, RedistributionClass
from emotalk_data.hub.guard.column_domains import FOLDS, MAX_NOTES, Domain, domains_of, lengths_of
from emotalk_data.hub.guard.reason_text import find_in_reason
from emotalk_data.hub.guard.text_scan import Finding, find_in_text
from emotalk_data.hub.staged import StagedConfig
from emotalk_data.schemas.feature_shard import FRAMES_SUFFIX, SECONDS_SUFFIX, FailureCode
from emotalk_data.schemas.ids import EMOTALK_ID_PATTERN, M3ED_ID_PATTERN
from emotalk_data.schemas.labels import M3ED_AGES, M3ED_GENDERS, MODALITIES
from emotalk_data.schemas.transcript import EVENT_TYPES

__all__ = ["AllowedColumn", "CheckText", "allowed_columns"]

CheckText = Callable[[str], "Finding | None"]


class AllowedColumn(NamedTuple):
    """A column that is on the list.

    Attributes:
        redistribution: its class.
        type: of Arrow; large strings and lists are taken for small ones.
        texts: place in the column (empty for itself, dotted below it) -> what is wrong with a text there.
        is_prose: whether its texts are free, such as a reason: words in them need the flag for transcripts.
        numbers: place in the column -> which numbers it may have there. Vectors and frames have none.
        lengths: place in the column -> the longest list there.
    """

    redistribution: RedistributionClass
    type: pa.DataType
    texts: Mapping[str, CheckText] = MappingProxyType({})
    is_prose: bool = False
    numbers: Mapping[str, Domain] = MappingProxyType({})
    lengths: Mapping[str, int] = MappingProxyType({})


_MAX_ID: Final = 100
_MAX_TRANSCRIPT: Final = 4_096
_MAX_NAME: Final = 40
_MAX_SERIES: Final = 40
_SERIES: Final = r"[A-Za-z0-9]+(?:[_-][A-Za-z][A-Za-z0-9]*)*"
_CODES: Final = tuple(f"{code}: " for code in get_args(FailureCode))
_SPLIT_NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,39}"

_TRANSCRIPTS: Final = ("text", "text_raw", "events")
_IDS: Final[Mapping[Corpus, Mapping[str, str]]] = {
    "emotalk": {
        "utterance_id": EMOTALK_ID_PATTERN,
        "dialogue_id": r"G[0-9]{5}_[0-9]{2}",
        "group_id": r"G[0-9]{5}",
        "session_id": r"[0-9]{2}",
        "speaker_id": r"[0-9]{2}",
    },
    "m3ed": {
        "utterance_id": M3ED_ID_PATTERN,
        "dialogue_id": rf"{_SERIES}_(?:0|[1-9][0-9]{{0,5}})",
        "series": _SERIES,
        "speaker_id": r"[A-Z]",
    },
}


def allowed_columns(config: StagedConfig, num_dims: int | None = None) -> Mapping[str, AllowedColumn]:
    """Return the columns that a config may have, by name; none where nothing says what it is.

    Args:
        config: the config.
        num_dims: D, of a feature set whose spec leaves it to the encoder.
    """
    if config.corpus is None or config.kind == "unknown":
        return {}
    if config.kind == "features":
        return _of_features(config, config.corpus, num_dims)
    return _of_splits(config.corpus) if config.kind == "splits" else _of_corpus(config.corpus)


def _of_features(config: StagedConfig, corpus: Corpus, num_dims: int | None) -> dict[str, AllowedColumn]:
    if not config.records:
        return {}
    record = config.records[0]
    name, dims = record.spec.column, record.spec.num_dims or num_dims or 1
    schema = shard_columns(name, dims, record.levels, record.spec.storage)
    classes: dict[str, RedistributionClass] = {
        name: "vectors",
        name + FRAMES_SUFFIX: "frames",
        name + SECONDS_SUFFIX: "frames",
    }
    texts: dict[str, CheckText] = {
        "utterance_id": _matching(_IDS[corpus]["utterance_id"], f"an id of {corpus}"),
        "notes": find_in_reason,
        "error": _code_and_reason,
        "input_digest": _matching(r"[0-9a-f]{32}", "a digest of 32 hexadecimal digits"),
    }
    return {
        field.name: AllowedColumn(
            classes.get(field.name, "labels"),
            field.type,
            {"": texts[field.name]} if field.name in texts else {},
            field.name in ("notes", "error"),
            lengths={"": MAX_NOTES} if field.name == "notes" else {},
        )
        for field in schema
    }


@cache
def _of_splits(corpus: Corpus) -> Mapping[str, AllowedColumn]:
    ids = _IDS[corpus]
    return {
        "fold": AllowedColumn("labels", pa.int32(), numbers={"": FOLDS}),
        "split": AllowedColumn("labels", pa.string(), {"": _matching(_SPLIT_NAME, "the name of a split")}),
        **{
            name: AllowedColumn("labels", pa.string(), {"": _matching(ids[name], f"an id of {corpus}")})
            for name in ("dialogue_id", "utterance_id")
        },
    }


@cache
def _of_corpus(corpus: Corpus) -> Mapping[str, AllowedColumn]:
    features = emotalk_features() if corpus == "emotalk" else m3ed_features()
    schema = features.arrow_schema
    return {
        name: AllowedColumn(
            _class_of(name, corpus),
            schema.field(name).type,
            _texts_of(name, corpus),
            numbers=domains_of(name, features[name]),
            lengths=lengths_of(name),
        )
        for name in features
        if name in COLUMN_MEANINGS[corpus]
    }


def _class_of(name: str, corpus: Corpus) -> RedistributionClass:
    if name in ("audio", "video"):
        return "media"
    if name == "captions":
        return "captions"
    if name in _TRANSCRIPTS:
        return "transcripts"
    # What M3ED says of the people in a series stands in its annotation, as the labels do.
    known = (*LABEL_COLUMNS[corpus], "speaker_name", "age", "gender")
    return "labels" if name in known else "unknown"


def _texts_of(name: str, corpus: Corpus) -> Mapping[str, CheckText]:
    """Return what is wrong with a text of a column; places below a column are dotted."""
    if name in _IDS[corpus]:
        return {"": _matching(_IDS[corpus][name], f"the {name} of an utterance of {corpus}")}
    words: dict[str, tuple[str, Collection[str]]] = {
        "modalities": ("", MODALITIES),
        "annotations": ("modality", MODALITIES),
        "events": ("type", EVENT_TYPES),
        "age": ("", M3ED_AGES.names),
        "gender": ("", M3ED_GENDERS.names),
    }
    if name in words:
        place, known = words[name]
        return {place: _one_of(known)}
    if name in ("text", "text_raw"):
        return {"": _transcript}
    if name == "speaker_name":
        return {"": _name}
    return (
        dict.fromkeys(("speaker", "style", "emotion", "overall"), _transcript) if name == "captions" else {}
    )


def _matching(pattern: str, expected: str) -> CheckText:
    # A dialogue's and an utterance's number are of six digits at most.
    max_chars = _MAX_SERIES + 7 * (pattern.count("(?:0|") + pattern.count("(0|"))
    matches = re.compile(pattern).fullmatch

    def check(text: str) -> Finding | None:
        if len(text) <= max_chars and matches(text):
            return None
        found = find_in_text(text, max_chars=_MAX_ID, may_be_words=False)
        return found or Finding("other", f"a text in it is not {expected}")

    return check


def _one_of(known: Collection[str]) -> CheckText:
    words = frozenset(known)

    def check(text: str) -> Finding | None:
        if text in words:
            return None
        found = find_in_text(text, max_chars=_MAX_ID, may_be_words=False)
        return found or Finding("other", f"a text in it is none of {', '.join(known)}")

    return check


def _code_and_reason(text: str) -> Finding | None:
    found = find_in_reason(text)
    if (found is None or found.kind == "words") and not text.startswith(_CODES):
        return Finding("other", f"a reason in it begins with none of {', '.join(get_args(FailureCode))}")
    return found


def _transcript(text: str) -> Finding | None:
    return find_in_text(text, max_chars=_MAX_TRANSCRIPT, may_be_words=True)


def _name(text: str) -> Finding | None:
    return find_in_text(text, max_chars=_MAX_NAME, may_be_words=True)
