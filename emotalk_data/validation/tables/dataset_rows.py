"""The rows of a built dataset: whether each value may stand where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import quote
from emotalk_data.schemas import m3ed
from emotalk_data.schemas.emotalk import NUM_ANNOTATORS
from emotalk_data.schemas.labels import (
    CONFIDENCES,
    EMOTALK_EMOTIONS,
    M3ED_AGES,
    M3ED_ANNOTATOR_EMOTIONS,
    M3ED_EMOTIONS,
    M3ED_GENDERS,
    MODALITIES,
)
from emotalk_data.schemas.transcript import EVENT_TYPES, clean_transcript
from emotalk_data.validation.tables.dataset_columns import Corpus
from emotalk_data.validation.tables.row_problems import RowProblems, place_in, rows_of, spot

__all__ = ["check_values"]

Columns = Mapping[str, pa.Array]

_LABELS: Final = {
    "emotalk": ("emotion", "emotion_text", "emotion_audio", "emotion_video"),
    "m3ed": ("emotion",),
}
_TIMES: Final = (("start_seconds", "end_seconds"), ("episode_start_seconds", "episode_end_seconds"))


def check_values(columns: Columns, corpus: Corpus, problems: RowProblems) -> None:
    """Check the values of a batch, column by column.

    Args:
        columns: the columns that are there and of the builder's type, by name.
        corpus: whose columns they are.
        problems: takes the findings; it knows which rows these are.
    """
    _check_labels(columns, corpus, problems)
    _check_sentiment(columns, problems)
    _check_words(columns, problems)
    _check_times(columns, problems)
    _check_text(columns, corpus, problems)
    _check_events(columns, problems)
    _check_annotations(columns, corpus, problems)


def _check_labels(columns: Columns, corpus: Corpus, problems: RowProblems) -> None:
    names = EMOTALK_EMOTIONS.names if corpus == "emotalk" else M3ED_EMOTIONS.names
    for column in _LABELS[corpus]:
        if column in columns:
            rows = rows_of(_outside(columns[column], 0, len(names) - 1))
            problems.add("DS-LABEL-001", rows, column, spot(columns[column], rows), _ids_of(names))
    if "emotions" in columns:
        flat, parents = _flatten(columns["emotions"])
        _add_items(problems, "DS-LABEL-001", parents, "emotions", "", flat, _bad_labels(flat, names), names)


def _check_sentiment(columns: Columns, problems: RowProblems) -> None:
    if "sentiment" in columns:
        values = columns["sentiment"]
        rows = rows_of(_outside(values, -2, 2))
        problems.add("DS-SENT-001", rows, "sentiment", spot(values, rows), "a number from -2 to 2, or null")


def _check_words(columns: Columns, problems: RowProblems) -> None:
    for column, names in (("age", M3ED_AGES.names), ("gender", M3ED_GENDERS.names)):
        if column in columns:
            rows = rows_of(_is_none_of(columns[column], names))
            problems.add("DS-WORD-001", rows, column, spot(columns[column], rows), f"one of {list(names)}")
    if "modalities" in columns:
        flat, parents = _flatten(columns["modalities"])
        _add_words(problems, parents, "modalities", "", flat, MODALITIES)


def _check_times(columns: Columns, problems: RowProblems) -> None:
    """Times in seconds: not negative, finite, and no end before its start."""
    for pair in _TIMES:
        for column in pair:
            if column in columns:
                rows = rows_of(_outside(columns[column], 0, 1e6))
                expected = "seconds, 0 or more"
                problems.add("DS-TIME-001", rows, column, spot(columns[column], rows), expected)
        if pair[0] in columns and pair[1] in columns:
            starts, ends = columns[pair[0]], columns[pair[1]]
            rows = rows_of(pc.less(ends, starts))
            _add_reversed(problems, rows, pair[1], starts, ends)


def _add_reversed(
    problems: RowProblems, rows: list[int], column: str, starts: pa.Array, ends: pa.Array
) -> None:
    def found(number: int) -> str:
        row = rows[number]
        return f"{starts[row].as_py()} to {ends[row].as_py()}"

    problems.add("DS-TIME-001", rows, column, found, "an end after the start")


def _check_text(columns: Columns, corpus: Corpus, problems: RowProblems) -> None:
    """The clean text is what cleaning the raw one gives; only a few transcripts have any markup."""
    if "text" not in columns or "text_raw" not in columns:
        return
    texts, raws = columns["text"], columns["text_raw"]
    differs = pc.or_(pc.not_equal(texts, raws).fill_null(False), pc.xor(pc.is_null(texts), pc.is_null(raws)))
    rows = [row for row in rows_of(differs) if not _is_cleaned(texts[row].as_py(), raws[row].as_py(), corpus)]
    expected = "text_raw without its markup" if corpus == "emotalk" else "the same as text_raw"
    problems.add("DS-TEXT-002", rows, "text", spot(texts, rows), expected)


def _is_cleaned(text: str | None, raw: str | None, corpus: Corpus) -> bool:
    if text is None or raw is None or corpus != "emotalk":
        return text == raw
    return clean_transcript(raw).text == text


def _check_events(columns: Columns, problems: RowProblems) -> None:
    """A mark is a span of characters of the clean text. Its start or end may be null: it is half open then."""
    if "events" not in columns:
        return
    flat, parents = _flatten(columns["events"])
    _add_words(problems, parents, "events", "type", pc.struct_field(flat, "type"), EVENT_TYPES)
    if "text" not in columns or not len(flat):
        return
    lengths = pc.utf8_length(columns["text"]).fill_null(0).to_numpy(zero_copy_only=False)[parents]
    starts, ends = (_as_floats(pc.struct_field(flat, name)) for name in ("start", "end"))
    bad = (starts < 0) | (ends < 0) | (starts > lengths) | (ends > lengths) | (starts > ends)
    items = np.flatnonzero(bad)
    values = [pc.struct_field(flat, name) for name in ("start", "end")]

    def found(number: int) -> str:
        return f"[{', '.join(str(value[int(items[number])].as_py()) for value in values)})"

    problems.add(
        "DS-TEXT-001",
        parents[items],
        place_in(parents, "events", items),
        found,
        lambda number: f"a span inside the text of {int(lengths[items[number]])} characters",
    )


def _check_annotations(columns: Columns, corpus: Corpus, problems: RowProblems) -> None:
    if "annotations" not in columns:
        return
    flat, parents = _flatten(columns["annotations"])
    _add_words(problems, parents, "annotations", "modality", pc.struct_field(flat, "modality"), MODALITIES)
    if corpus == "m3ed":
        names = M3ED_ANNOTATOR_EMOTIONS.names
        inner, inner_parents = _flatten(pc.struct_field(flat, "emotions"))
        bad = np.unique(inner_parents[_bad_labels(inner, names)])
        _add_items(problems, "DS-LABEL-001", parents, "annotations", "emotions", flat, bad, names)
        counts = np.bincount(parents, minlength=len(columns["annotations"]))
        _add_counts(problems, counts, np.full(len(counts), m3ed.NUM_ANNOTATORS), "")
        return
    names = EMOTALK_EMOTIONS.names
    emotions, confidences, sentiments = (
        pc.struct_field(flat, name) for name in ("emotion", "confidence", "sentiment")
    )
    checks: tuple[tuple[str, str, pa.Array, list[int], Sequence[Any]], ...] = (
        ("DS-LABEL-001", "emotion", emotions, _bad_labels(emotions, names), names),
        (
            "DS-CONF-001",
            "confidence",
            confidences,
            rows_of(_is_none_of(confidences, CONFIDENCES)),
            CONFIDENCES,
        ),
        ("DS-SENT-001", "sentiment", sentiments, rows_of(_outside(sentiments, -2, 2)), (-2, -1, 0, 1, 2)),
    )
    for code, field, values, items, allowed in checks:
        _add_items(problems, code, parents, "annotations", field, values, items, allowed)
    _check_counts(columns, pc.struct_field(flat, "modality"), parents, problems)


def _check_counts(columns: Columns, modalities: pa.Array, parents: np.ndarray, problems: RowProblems) -> None:
    """Five annotators for each modality that the row has, none for one that it has not."""
    if "modalities" not in columns:
        return
    listed, listed_parents = _flatten(columns["modalities"])
    num_rows = len(columns["modalities"])
    for modality in MODALITIES:
        is_of = _mask(pc.equal(modalities, modality))
        counts = np.bincount(parents[is_of], minlength=num_rows)
        has = np.bincount(listed_parents[_mask(pc.equal(listed, modality))], minlength=num_rows) > 0
        _add_counts(problems, counts, np.where(has, NUM_ANNOTATORS, 0), modality)


def _add_counts(problems: RowProblems, counts: np.ndarray, expected: np.ndarray, modality: str) -> None:
    rows = np.flatnonzero(counts != expected)
    of = f" of {modality}" if modality else ""
    problems.add(
        "DS-DATA-001",
        rows,
        "annotations",
        lambda number: f"{counts[rows[number]]} annotators{of}",
        lambda number: f"{expected[rows[number]]}" if expected[rows[number]] else f"0: it has no {modality}",
    )


def _add_words(
    problems: RowProblems,
    parents: np.ndarray,
    column: str,
    field: str,
    values: pa.Array,
    words: Sequence[str],
) -> None:
    bad = rows_of(pc.or_(_is_none_of(values, words).fill_null(False), pc.is_null(values)))
    _add_items(problems, "DS-WORD-001", parents, column, field, values, bad, words)


def _add_items(
    problems: RowProblems,
    code: str,
    parents: np.ndarray,
    column: str,
    field: str,
    values: pa.Array,
    bad: Any,
    allowed: Sequence[Any],
) -> None:
    """Hand on findings about items of a list column, at their places in it."""
    items = np.asarray(bad, dtype=np.int64)

    def found(number: int) -> str:
        value = values[int(items[number])].as_py()
        return quote(value.get(field) if isinstance(value, dict) else value)

    expected = _ids_of(allowed) if code == "DS-LABEL-001" else f"one of {list(allowed)}"
    problems.add(code, parents[items], place_in(parents, column, items, field), found, expected)


def _flatten(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return the items of a list column one after the other, and the row of each."""
    return column.flatten(), pc.list_parent_indices(column).to_numpy(zero_copy_only=False)


def _outside(values: pa.Array, low: float, high: float) -> pa.Array:
    """Return where a number is outside [low, high] or none at all; null where there is none."""
    bad = pc.or_(pc.less(values, low), pc.greater(values, high))
    return pc.or_(bad, pc.is_nan(values)) if pa.types.is_floating(values.type) else bad


def _bad_labels(values: pa.Array, names: Sequence[str]) -> list[int]:
    return rows_of(_outside(values, 0, len(names) - 1))


def _is_none_of(values: pa.Array, allowed: Sequence[Any]) -> pa.Array:
    """Return where a value is none of some; null where there is none."""
    is_known = pc.is_in(values, value_set=pa.array(list(allowed), values.type))
    return pc.and_(pc.invert(is_known), pc.is_valid(values))


def _mask(values: pa.Array) -> np.ndarray:
    mask: np.ndarray = values.fill_null(False).to_numpy(zero_copy_only=False)
    return mask


def _as_floats(values: pa.Array) -> np.ndarray:
    """Return integers as float64, NaN for null: no comparison with it is true."""
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _ids_of(names: Sequence[Any]) -> str:
    return f"an id from 0 to {len(names) - 1}, or null"
