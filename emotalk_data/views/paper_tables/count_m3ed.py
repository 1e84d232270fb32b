"""The numbers that M3ED's authors published, counted on a dataset."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pyarrow.compute as pc

from emotalk_data.views.columns import column
from emotalk_data.views.conversation.emotion_shift import Counting, emotion_shift
from emotalk_data.views.paper_tables.counted import (
    Counted,
    CountedRows,
    CountedTable,
    Parts,
    by_part,
    count_kappa,
    count_labels,
    of_total,
)
from emotalk_data.views.paper_tables.published_blends import M3ED_BLENDS, RARE_BLEND
from emotalk_data.views.paper_tables.published_m3ed import M3ED_PUBLISHED

if TYPE_CHECKING:
    import datasets

__all__ = ["M3ED_COLUMNS", "count_m3ed"]

M3ED_COLUMNS: Final = (
    *("utterance_id", "dialogue_id", "series", "speaker_id", "utterance_number"),
    *("emotion", "emotions", "annotations"),
)
"""The columns that are read."""


def count_m3ed(parts: Parts) -> dict[str, CountedTable]:
    """Count what the authors published, by name of the table."""
    tables = M3ED_PUBLISHED.tables
    return {
        "counts": by_part(parts, tables["counts"], _counts),
        "shift": by_part(parts, tables["shift"], _shift),
        "inertia": of_total(parts, tables["inertia"], _inertia),
        "emotions": by_part(parts, tables["emotions"], lambda part: count_labels(part, "emotion")),
        "agreement": by_part(parts, tables["agreement"], _agreement),
        "blends": of_total(parts, tables["blends"], _blends),
        "combinations": by_part(parts, tables["combinations"], _combinations),
    }


def _counts(part: datasets.Dataset) -> CountedRows:
    shift = emotion_shift(part)
    num_dialogues = shift.num_dialogues
    averages = {
        "turns a dialogue": shift.num_turns,
        "utterances a dialogue": part.num_rows,
    }
    return {
        "TV series": Counted(pc.count_distinct(column(part, "series")).as_py()),
        "dialogues": Counted(num_dialogues),
        "turns": Counted(shift.num_turns),
        "utterances": Counted(part.num_rows),
        **{
            row: Counted(number / num_dialogues) if num_dialogues else Counted(None, "no dialogue")
            for row, number in averages.items()
        },
    }


def _shift(part: datasets.Dataset) -> CountedRows:
    rows: dict[str, Counted] = {}
    countings: tuple[Counting, ...] = ("published", "clean")
    for counting in countings:
        shift = emotion_shift(part, counting=counting)
        rows["inter-turn shift"] = Counted(shift.inter_shift.total())
        rows["inter-turn inertia"] = Counted(shift.inter_inertia.total())
        rows[f"intra-turn shift, {counting}"] = Counted(shift.intra_shift.total())
        rows[f"intra-turn inertia, {counting}"] = Counted(shift.intra_inertia.total())
    return rows


def _inertia(part: datasets.Dataset) -> CountedTable:
    shift = emotion_shift(part, counting="published")
    columns = {"between turns": shift.inter_inertia, "inside turns": shift.intra_inertia}
    return {
        column: {name: Counted(pairs[name, name]) for name in shift.names}
        for column, pairs in columns.items()
    }


def _agreement(part: datasets.Dataset) -> CountedRows:
    return {"kappa": count_kappa(part, "multimodal")}


def _count_blends(part: datasets.Dataset) -> Counter[str]:
    """Return how often each combination of two emotions or more is a final label, `Anger,Disgust`."""
    lists = column(part, "emotions")
    several = pc.fill_null(pc.greater(pc.list_value_length(lists), 1), False)
    names = part.features["emotions"].feature.names
    blends: list[list[int]] = lists.filter(several).to_pylist()
    return Counter(",".join(names[label] for label in blend) for blend in blends)


def _blends(part: datasets.Dataset) -> CountedTable:
    numbers = list(_count_blends(part).values())
    kept = [number for number in numbers if number >= RARE_BLEND]
    rows = {"all": numbers, "seen five times or more": kept}
    return {
        "utterances": {row: Counted(sum(of)) for row, of in rows.items()},
        "combinations": {row: Counted(len(of)) for row, of in rows.items()},
    }


def _combinations(part: datasets.Dataset) -> CountedRows:
    counts = _count_blends(part)
    rows = {name: Counted(counts.pop(name, 0)) for name in M3ED_BLENDS}
    return rows | {name: Counted(number) for name, number in sorted(counts.items())}
