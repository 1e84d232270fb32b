"""How often each label was given: by modality and split, and M3ED's blends of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emotalk_data.report.corpus import Corpus, Labels
from emotalk_data.report.palette import emotion_key, place_of
from emotalk_data.schemas.labels import M3ED_EMOTIONS
from emotalk_data.views.columns import NO_LABEL, column

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "PERCEIVED",
    "Bar",
    "Blends",
    "LabelPanel",
    "LabelView",
    "Segment",
    "Stack",
    "blends",
    "label_panels",
    "stacks",
]

PERCEIVED: Final = {
    "text": "text alone",
    "audio": "sound alone",
    "video": "silent video",
    "multimodal": "video with sound",
}
"""Modality to what its annotators were given, as the page says it."""

_SHOWN_BLENDS: Final = 10
_LABELLED_SHARE: Final = 0.03  # narrower parts of a bar have no room for a number


@dataclass(frozen=True)
class Bar:
    """One label's bar.

    Attributes:
        label: as the corpus writes it.
        key: its name in the style.
        count: rows.
        share: of the labelled rows, 0 to 1.
        width: length in percent of the chart's width.
        mark: where the share in all splits together lies, in percent of the chart's width.
    """

    label: str
    key: str
    count: int
    share: float
    width: float
    mark: float


@dataclass(frozen=True)
class LabelView:
    """The labels of one modality in one split, or in all.

    Attributes:
        split: its name; "all" for all of them.
        num_labelled: rows with a label; the shares are of these.
        num_null: rows without.
        bars: one for each label, in the order of all charts.
    """

    split: str
    num_labelled: int
    num_null: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class LabelPanel:
    """The labels of one modality: a view of all splits together, then one of each."""

    modality: str
    perceived: str
    views: tuple[LabelView, ...]


@dataclass(frozen=True)
class Segment:
    """One label's part of a bar that stands for 100 %; `x` and `width` are in percent of its length."""

    label: str
    key: str
    count: int
    share: float
    x: float
    width: float
    has_room: bool


@dataclass(frozen=True)
class Stack:
    """One bar that stands for 100 % of the labelled rows."""

    title: str
    subtitle: str
    total: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Blends:
    """How many emotions M3ED's utterances carry at once.

    Attributes:
        num_by_size: number of labels to rows, from 1; key 0 for rows without any.
        most: the most frequent combinations: labels, their style names, rows.
        num_other_kinds: combinations that are not among them.
        num_other_rows: their rows.
        num_main_outside: rows whose main label is not in their blend. Counted, not repaired.
    """

    num_by_size: tuple[tuple[int, int], ...]
    most: tuple[tuple[tuple[str, ...], tuple[str, ...], int], ...]
    num_other_kinds: int
    num_other_rows: int
    num_main_outside: int

    @property
    def num_blended(self) -> int:
        """Rows with two labels or more."""
        return sum(rows for size, rows in self.num_by_size if size > 1)


def label_panels(corpus: Corpus) -> tuple[LabelPanel, ...]:
    """Return a panel for each modality; bars of all panels are to one scale."""
    counted = {modality: _counts(corpus, labels) for modality, labels in corpus.labels.items()}
    shares = [rows / max(rows.sum(), 1) for views in counted.values() for rows, _ in views]
    longest = max((float(share.max(initial=0.0)) for share in shares), default=0.0) or 1.0
    splits = ("all", *corpus.split_names)
    return tuple(
        LabelPanel(
            modality,
            PERCEIVED[modality],
            tuple(
                _view(split, corpus.labels[modality].names, rows, nulls, views[0][0], longest)
                for split, (rows, nulls) in zip(splits, views, strict=True)
            ),
        )
        for modality, views in counted.items()
    )


def stacks(corpus: Corpus) -> tuple[Stack, ...]:
    """Return the bars of the first screen: one for each modality, or each split where there is one modality."""
    labelled = {m: labels for m, labels in corpus.labels.items() if (labels.ids != NO_LABEL).any()}
    if len(labelled) > 1:
        return tuple(
            _stack(modality, PERCEIVED[modality], labels, np.ones(corpus.num_rows, bool))
            for modality, labels in labelled.items()
        )
    rows = [(name, corpus.split_of == place) for place, name in enumerate(corpus.split_names)]
    return tuple(
        _stack(name, "", labels, keep)
        for labels in labelled.values()
        for name, keep in rows
        if (labels.ids[keep] != NO_LABEL).any()
    )


def blends(corpus: Corpus) -> Blends | None:
    """Count M3ED's blends; None where the data has no such column. The order inside a blend does not count."""
    if not corpus.has("emotions"):
        return None
    lists: list[list[int | None] | None] = column(corpus.whole, "emotions").to_pylist()
    sets = [tuple(sorted({one for one in ids or () if one not in (None, NO_LABEL)})) for ids in lists]
    kinds = Counter(ids for ids in sets if len(ids) > 1)
    order = sorted(kinds, key=lambda ids: (-kinds[ids], ids))
    names = corpus.labels["multimodal"].names if "multimodal" in corpus.labels else M3ED_EMOTIONS.names
    main = corpus.labels["multimodal"].ids if "multimodal" in corpus.labels else ()
    most = []
    for ids in order[:_SHOWN_BLENDS]:
        labels = tuple(names[one] if 0 <= one < len(names) else f"label {one}" for one in ids)
        most.append((labels, tuple(emotion_key(label) for label in labels), kinds[ids]))
    return Blends(
        num_by_size=tuple(sorted(Counter(map(len, sets)).items())),
        most=tuple(most),
        num_other_kinds=len(order[_SHOWN_BLENDS:]),
        num_other_rows=sum(kinds[ids] for ids in order[_SHOWN_BLENDS:]),
        num_main_outside=sum(
            1 for ids, one in zip(sets, main, strict=False) if ids and one != NO_LABEL and int(one) not in ids
        ),
    )


def _counts(corpus: Corpus, labels: Labels) -> list[tuple[NDArray[np.int64], int]]:
    """Return rows by label and rows without one, of all splits and then of each."""
    views = []
    for place in (None, *range(len(corpus.splits))):
        ids = labels.ids if place is None else labels.ids[corpus.split_of == place]
        rows = np.bincount(ids[ids != NO_LABEL], minlength=len(labels.names))
        views.append((rows, int(np.count_nonzero(ids == NO_LABEL))))
    return views


def _in_order(names: Sequence[str]) -> list[int]:
    """Return the ids of labels in the order of all charts."""
    return sorted(range(len(names)), key=lambda label: (place_of(emotion_key(names[label])), label))


def _view(
    split: str,
    names: Sequence[str],
    rows: NDArray[np.int64],
    nulls: int,
    all_rows: NDArray[np.int64],
    longest: float,
) -> LabelView:
    total, whole = int(rows.sum()), int(all_rows.sum())
    bars = []
    for label in _in_order(names):
        share = int(rows[label]) / max(total, 1)
        mark = int(all_rows[label]) / max(whole, 1)
        bars.append(
            Bar(
                label=names[label],
                key=emotion_key(names[label]),
                count=int(rows[label]),
                share=share,
                width=round(100 * share / longest, 3),
                mark=round(100 * mark / longest, 3),
            )
        )
    return LabelView(split, total, nulls, tuple(bars))


def _stack(title: str, subtitle: str, labels: Labels, keep: NDArray[np.bool_]) -> Stack:
    ids = labels.ids[keep]
    rows = np.bincount(ids[ids != NO_LABEL], minlength=len(labels.names))
    total = int(rows.sum())
    segments, before = [], 0
    for label in _in_order(labels.names):
        count = int(rows[label])
        share = count / max(total, 1)
        segments.append(
            Segment(
                label=labels.names[label],
                key=emotion_key(labels.names[label]),
                count=count,
                share=share,
                x=round(100 * before / max(total, 1), 3),
                width=round(100 * share, 3),
                has_room=share >= _LABELLED_SHARE,
            )
        )
        before += count
    return Stack(title, subtitle, total, tuple(segments))
