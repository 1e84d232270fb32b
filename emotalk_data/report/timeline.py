"""Dialogues on a time line: a lane for each speaker, coloured by emotion, and the transcript beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.report.corpus import Corpus, drawn
from emotalk_data.report.palette import emotion_key
from emotalk_data.report.shown_text import seconds, shown
from emotalk_data.report.timeline_places import place_utterances
from emotalk_data.views.columns import column

__all__ = ["Dialogue", "Lane", "Line", "Mark", "Strip", "timelines"]

_MAX_LINES: Final = 200  # of one dialogue
_MAX_ID_CHARS: Final = 80
_NOTHING: Final = ("no label", "none")  # how null is written, and its name in the style
_ORDER: Final = ("utterance_number", "utterance_id")
_SHOWN_COLUMNS: Final = (
    "utterance_id",
    "speaker_id",
    "speaker_name",
    "text",
    "start_seconds",
    "end_seconds",
)


@dataclass(frozen=True)
class Mark:
    """One utterance on a lane; `x` and `width` in percent of the time line.

    Attributes:
        line: its place in the transcript.
        label: the emotion, as the corpus writes it; "no label" for null.
        key: its name in the style.
        told: what a screen reader says of it.
    """

    line: int
    x: float
    width: float
    label: str
    key: str
    told: str


@dataclass(frozen=True)
class Lane:
    """The utterances of one speaker."""

    speaker: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Strip:
    """The same utterances by the label of another modality."""

    modality: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Line:
    """One utterance of the transcript.

    Attributes:
        lane: place of the speaker's lane.
        time: when it begins, as the page shows it; "" where its times are null.
        label: the emotion that the lane shows; "no label" for null.
        key: its name in the style.
        others: modality, label and style name of each label that differs from it.
    """

    speaker: str
    lane: int
    time: str
    text: str
    utterance_id: str
    label: str
    key: str
    others: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Dialogue:
    """One dialogue.

    Attributes:
        is_timed: places are seconds; else every utterance has the same width, in the order of their numbers.
        num_left_out: utterances beyond the first 200.
    """

    dialogue_id: str
    split: str
    is_timed: bool
    ticks: tuple[tuple[float, str], ...]
    lanes: tuple[Lane, ...]
    strips: tuple[Strip, ...]
    lines: tuple[Line, ...]
    num_left_out: int


def timelines(corpus: Corpus, num: int) -> tuple[Dialogue, ...]:
    """Return some dialogues, the same ones for the same ids: as many of each split as there is room for.

    Args:
        corpus: the data.
        num: how many; fewer where there are not so many.
    """
    chosen = _choose(corpus, num)
    ids = column(corpus.whole, "dialogue_id")
    rows = np.flatnonzero(np.asarray(pc.is_in(ids, pa.array([name for name, _ in chosen], ids.type)), bool))
    parts: dict[tuple[str, int], list[int]] = {one: [] for one in chosen}
    for row, name in zip(rows, ids.take(pa.array(rows)).to_pylist(), strict=True):
        key = (name, int(corpus.split_of[row]))
        if key in parts:
            parts[key].append(int(row))
    return tuple(_dialogue(corpus, name, split, parts[name, split]) for name, split in chosen)


def _choose(corpus: Corpus, num: int) -> list[tuple[str, int]]:
    """Return dialogue ids and places of their splits: in turn from each split, by a hash of the id."""
    ids = column(corpus.whole, "dialogue_id").combine_chunks()
    heaps: list[list[str]] = []
    for place in range(len(corpus.splits)):
        inside = pc.unique(ids.filter(pa.array(corpus.split_of == place))).drop_null().to_pylist()
        heaps.append(sorted(inside, key=lambda name: (drawn("timeline", name), name), reverse=True))
    chosen: list[tuple[str, int]] = []
    while len(chosen) < num and any(heaps):
        for place, heap in enumerate(heaps):
            if heap and len(chosen) < num:
                chosen.append((heap.pop(), place))
    return sorted(chosen, key=lambda one: (one[1], one[0]))


def _dialogue(corpus: Corpus, name: str, split: int, rows: Sequence[int]) -> Dialogue:
    order = _spoken(corpus, rows)
    kept = order[:_MAX_LINES]
    told = _read(corpus, kept)
    speakers = [_speaker(*pair) for pair in zip(told["speaker_id"], told["speaker_name"], strict=True)]
    lanes = sorted(set(speakers))
    places, ticks = place_utterances(told["start_seconds"], told["end_seconds"])
    labels = [_labels(corpus, row) for row in kept]
    main = "multimodal" if "multimodal" in corpus.labels else next(iter(corpus.labels), "")
    lines = tuple(
        Line(
            speaker=speaker,
            lane=lanes.index(speaker),
            time=seconds(start) if ticks else "",
            text=shown(text),
            utterance_id=shown(utterance_id, _MAX_ID_CHARS),
            label=given.get(main, _NOTHING)[0],
            key=given.get(main, _NOTHING)[1],
            others=_others(main, given),
        )
        for speaker, start, text, utterance_id, given in zip(
            speakers, told["start_seconds"], told["text"], told["utterance_id"], labels, strict=True
        )
    )
    marks = {modality: _marks(modality, lines, labels, places) for modality in (main, *corpus.labels)}
    return Dialogue(
        dialogue_id=shown(name, _MAX_ID_CHARS),
        split=corpus.split_names[split],
        is_timed=bool(ticks),
        ticks=ticks,
        lanes=tuple(
            Lane(speaker, tuple(one for one in marks[main] if lines[one.line].lane == lane))
            for lane, speaker in enumerate(lanes)
        ),
        strips=tuple(
            Strip(modality, of)
            for modality, of in marks.items()
            if modality != main and any(one.key != "none" for one in of)
        ),
        lines=lines,
        num_left_out=len(order) - len(kept),
    )


def _spoken(corpus: Corpus, rows: Sequence[int]) -> list[int]:
    """Return the rows in the order in which they were spoken."""
    taken = pa.array(rows, pa.int64())
    numbers, ids = (column(corpus.whole, name).take(taken).to_pylist() for name in _ORDER)
    keys = [
        (one is None, one or 0, name or "", row) for one, name, row in zip(numbers, ids, rows, strict=True)
    ]
    return [key[-1] for key in sorted(keys)]


def _read(corpus: Corpus, rows: Sequence[int]) -> dict[str, list[Any]]:
    """Return what is shown of some rows; a column that the data has not is null throughout."""
    taken = pa.array(rows, pa.int64())
    return {
        name: column(corpus.whole, name).take(taken).to_pylist() if corpus.has(name) else [None] * len(rows)
        for name in _SHOWN_COLUMNS
    }


def _speaker(speaker_id: str | None, name: str | None) -> str:
    """Return "A 林小禾", "07", or "unknown"."""
    parts = [shown(one, _MAX_ID_CHARS) for one in (speaker_id, name) if one]
    return " ".join(parts) or "unknown"


def _labels(corpus: Corpus, row: int) -> dict[str, tuple[str, str]]:
    """Return each modality's label and its name in the style."""
    given = {}
    for modality, labels in corpus.labels.items():
        name = labels.name(row)
        given[modality] = _NOTHING if name is None else (name, emotion_key(name))
    return given


def _others(main: str, given: Mapping[str, tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
    """Return the labels of the other modalities that differ from the main one."""
    return tuple(
        (modality, *one)
        for modality, one in given.items()
        if modality != main and one not in (_NOTHING, given.get(main))
    )


def _marks(
    modality: str,
    lines: Sequence[Line],
    labels: Sequence[Mapping[str, tuple[str, str]]],
    places: Sequence[tuple[float, float]],
) -> tuple[Mark, ...]:
    marks = []
    for number, (line, given, (x, width)) in enumerate(zip(lines, labels, places, strict=True)):
        label, key = given.get(modality, _NOTHING)
        when = f", {line.time}" if line.time else ""
        told = f"{number + 1}. {line.speaker}{when}, {label}: {line.text or 'no transcript'}"
        marks.append(Mark(number, x, width, label, key, told))
    return tuple(marks)
