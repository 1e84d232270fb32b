"""What the splits of a corpus share, and how their labels differ: `audit_splits`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Final

import datasets
import numpy as np

from emotalk_data.errors import OptionError
from emotalk_data.views.columns import label_ids
from emotalk_data.views.splitting.near_duplicates import MIN_CHARS, comparable, near_pairs
from emotalk_data.views.splitting.split_findings import (
    Finding,
    Kind,
    LabelShift,
    Severity,
    SplitAudit,
    SplitSummary,
)
from emotalk_data.views.splitting.split_rows import Coded, SplitRows, read_split_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SplitAudit", "audit_splits"]

_LABEL_COLUMNS: Final = ("emotion", "emotion_text", "emotion_audio", "emotion_video")


def audit_splits(data: datasets.DatasetDict) -> SplitAudit:
    """Find what the splits of a corpus share.

    Shared speakers, groups (M3ED: series), dialogues and utterances are leaks. Notes: transcripts of eight
    characters or more that are the same or nearly the same in two splits; shorter ones, which everybody says;
    labels that are null.

    Args:
        data: two splits or more, such as `load_dataset("emotalk", data_dir=…)`.

    Raises:
        OptionError: not a dict of two splits or more of one corpus, or an id is missing.
    """
    rows = read_split_rows(data)
    if len(rows.splits) < 2:
        raise OptionError(
            "there is one split; expected two or more in a dict, as load_dataset gives without `split`."
        )
    summaries = tuple(_summaries(rows))
    findings = [*_shared_ids(rows), *_shared_transcripts(rows), *_without_label(summaries)]
    return SplitAudit(
        corpus=rows.corpus,
        splits=summaries,
        findings=tuple(sorted(findings, key=lambda finding: finding.severity != "leak")),
        shifts=tuple(_shifts(summaries)),
    )


def _shared_ids(rows: SplitRows) -> Iterator[Finding]:
    kinds: list[tuple[Kind, Coded]] = [
        ("speaker", rows.people),
        ("group" if rows.corpus == "emotalk" else "series", rows.groups),
        ("dialogue", rows.dialogues),
        ("utterance", rows.utterances),
    ]
    for pair in combinations(range(len(rows.splits)), 2):
        for kind, coded in kinds:
            first, second = (coded.codes[rows.split == number] for number in pair)
            shared = np.intersect1d(first, second)
            if len(shared):
                affected = np.isin(coded.codes, shared)
                yield _finding(rows, "leak", kind, pair, coded.named(shared), affected)


def _shared_transcripts(rows: SplitRows) -> Iterator[Finding]:
    """Compare the transcripts; the markup is out of `text` already."""
    if any("text" not in dataset.column_names for dataset in rows.splits.values()):
        return
    texts = [comparable(text or "") for text in rows.column("text").to_pylist()]
    names = sorted({text for text in texts if text})
    place = {text: number for number, text in enumerate(names)}
    codes = np.array([place.get(text, -1) for text in texts], np.int64)
    near = _near(names)
    for pair in combinations(range(len(rows.splits)), 2):
        first, second = ({*codes[rows.split == number].tolist()} - {-1} for number in pair)
        met = {code for code in first if near.get(code, set()) & second}
        met |= {code for code in second if near.get(code, set()) & first}
        short = {code for code in first & second if code not in near}
        kinds: list[tuple[Kind, set[int]]] = [("transcript", met), ("short transcript", short)]
        for kind, shared in kinds:
            if shared:
                chosen = sorted(shared)
                said = tuple(names[code] for code in chosen)
                yield _finding(rows, "note", kind, pair, said, np.isin(codes, chosen))


def _near(names: list[str]) -> dict[int, set[int]]:
    """Return for each text that is long enough those that say nearly the same, itself among them."""
    long = [code for code, name in enumerate(names) if len(name) >= MIN_CHARS]
    near = {code: {code} for code in long}
    for one, other in near_pairs([names[code] for code in long]):
        near[long[one]].add(long[other])
        near[long[other]].add(long[one])
    return near


def _finding(
    rows: SplitRows,
    severity: Severity,
    kind: Kind,
    pair: tuple[int, ...],
    shared: tuple[str, ...],
    affected: NDArray[np.bool_],
) -> Finding:
    names = list(rows.splits)
    counts = {names[number]: int((affected & (rows.split == number)).sum()) for number in pair}
    shares = {name: number / rows.splits[name].num_rows for name, number in counts.items()}
    return Finding(severity, kind, tuple(names[number] for number in pair), shared, counts, shares)


def _label_columns(rows: SplitRows) -> list[str]:
    """Return the columns of labels that every split has."""
    return [
        name
        for name in _LABEL_COLUMNS
        if all(isinstance(one.features.get(name), datasets.ClassLabel) for one in rows.splits.values())
    ]


def _summaries(rows: SplitRows) -> Iterator[SplitSummary]:
    columns = _label_columns(rows)
    for number, (name, dataset) in enumerate(rows.splits.items()):
        inside = rows.split == number
        yield SplitSummary(
            name=name,
            num_rows=dataset.num_rows,
            num_dialogues=len(np.unique(rows.dialogues.codes[inside])),
            num_groups=len(np.unique(rows.groups.codes[inside])),
            num_speakers=len(np.unique(rows.people.codes[inside])),
            labels={column: _count_labels(dataset, column) for column in columns},
        )


def _count_labels(dataset: datasets.Dataset, column: str) -> dict[str | None, int]:
    ids, names = label_ids(dataset, column), dataset.features[column].names
    counts = np.bincount(ids[ids >= 0], minlength=len(names)).tolist()
    return {**dict(zip(names, counts, strict=True)), None: int((ids < 0).sum())}


def _without_label(summaries: tuple[SplitSummary, ...]) -> Iterator[Finding]:
    for one in summaries:
        for column, counts in one.labels.items():
            if nulls := counts[None]:
                shares = {one.name: nulls / one.num_rows}
                yield Finding("note", "label", (one.name,), (column,), {one.name: nulls}, shares)


def _shifts(summaries: tuple[SplitSummary, ...]) -> Iterator[LabelShift]:
    for first, second in combinations(summaries, 2):
        for column in first.labels:
            shares = [_shares(one.labels[column]) for one in (first, second)]
            shift = _distances(*shares) if all(shares) else (None, None)
            yield LabelShift(column, (first.name, second.name), *shift)


def _shares(counts: dict[str | None, int]) -> dict[str, float]:
    """Return the shares of the labels among rows that have one; nothing without such rows."""
    given = {label: number for label, number in counts.items() if label is not None}
    total = sum(given.values())
    return {label: number / total for label, number in given.items()} if total else {}


def _distances(p: dict[str, float], q: dict[str, float]) -> tuple[float, float]:
    """Return total variation distance and Jensen-Shannon divergence in bits."""
    labels = sorted({*p, *q})
    pairs = [(p.get(label, 0.0), q.get(label, 0.0)) for label in labels]
    variation = sum(abs(a - b) for a, b in pairs) / 2
    bits = sum(share * math.log2(2 * share / (a + b)) for a, b in pairs for share in (a, b) if share) / 2
    return variation, max(bits, 0.0)  # rounding may leave a hair less than nothing
