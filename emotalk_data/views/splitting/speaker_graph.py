"""The speaker graph: who talked with whom, and so which rows can be parted without sharing a speaker.

Speakers are the nodes, and two are joined when they talk in the same dialogue. A dialogue has two speakers, and
some speakers talk with several others: what is connected must stay in one split.

    01 ── 02 ── 13 ── 15       G00001, G00003, G00012: one component, and EmotionTalk's official validation
                               (G00001, G00012) and test (G00003) cut through it
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import datasets
import numpy as np

from emotalk_data.errors import printable
from emotalk_data.views.splitting.split_rows import Coded, SplitRows, read_split_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Component", "component_of_rows", "speaker_components"]

_MAX_CHARS: Final = 45  # EmotionTalk's largest component has nine speakers; M3ED's may have dozens


@dataclass(frozen=True)
class Component:
    """Speakers who are connected by dialogues, and all that they say.

    Attributes:
        speakers: EmotionTalk's ids; for M3ED `<series>/<speaker_name>`. Sorted, as all here.
        groups: EmotionTalk's groups, or M3ED's series.
        dialogues: ids of all their dialogues.
        num_utterances: rows of those dialogues.
    """

    speakers: tuple[str, ...]
    groups: tuple[str, ...]
    dialogues: tuple[str, ...]
    num_utterances: int

    def to_dict(self) -> dict[str, Any]:
        """Return the values, JSON ready."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    def __str__(self) -> str:
        return (
            f"utterances {self.num_utterances:,}, dialogues {len(self.dialogues):,}, "
            f"speakers {_listed(self.speakers)}, in {_listed(self.groups)}"
        )


def speaker_components(data: datasets.Dataset | datasets.DatasetDict) -> tuple[Component, ...]:
    """Return the connected components of the speaker graph, the largest first.

    M3ED: a speaker without a name may be anybody of the series, and is taken to be everybody of it.

    Args:
        data: a dataset, or a dict of splits, which are taken together.

    Raises:
        OptionError: something else, or an id is missing.
    """
    rows = read_split_rows(data)
    coded = component_of_rows(rows)
    found = []
    for code in range(len(coded.names)):
        inside = coded.codes == code
        found.append(
            Component(
                speakers=rows.people.named(rows.people.codes[inside]),
                groups=rows.groups.named(rows.groups.codes[inside]),
                dialogues=rows.dialogues.named(rows.dialogues.codes[inside]),
                num_utterances=int(inside.sum()),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.num_utterances, one.speakers)))


def component_of_rows(rows: SplitRows) -> Coded:
    """Return the component of each row, named by its speakers joined with `+`."""
    people = rows.people.codes
    edges = [(rows.dialogues.codes, people)]
    nameless = np.array([name.endswith("/?") for name in rows.people.names], bool)
    if rows.corpus == "m3ed" and nameless.any():
        series = np.unique(rows.groups.codes[nameless[people]])
        inside = np.isin(rows.groups.codes, series)
        # Behind the dialogues' numbers: one more meeting for each of these series.
        edges.append((rows.groups.codes[inside] + len(rows.dialogues.names), people[inside]))
    meetings = np.concatenate([meeting for meeting, _ in edges])
    speakers = np.concatenate([speaker for _, speaker in edges])
    roots = _connected(meetings, speakers, len(rows.people.names))
    members: defaultdict[int, list[str]] = defaultdict(list)
    for name, root in zip(rows.people.names, roots, strict=True):
        members[root].append(name)
    names = sorted("+".join(speakers) for speakers in members.values())
    place = {name: number for number, name in enumerate(names)}
    of_person = np.array([place["+".join(members[root])] for root in roots], np.int64)
    return Coded(of_person[people], tuple(names))


def _listed(names: tuple[str, ...]) -> str:
    """Return as many names as fit beside each other; a name may hold anything, blanks too."""
    shown: list[str] = []
    for name in map(printable, names):
        if shown and len(" ".join([*shown, name])) > _MAX_CHARS:
            return f"{' '.join(shown)} and {len(names) - len(shown):,} more"
        shown.append(name if len(name) <= _MAX_CHARS else f"{name[:_MAX_CHARS]}…")
    return " ".join(shown)


def _connected(meetings: NDArray[np.int64], speakers: NDArray[np.int64], num_speakers: int) -> list[int]:
    """Return for each speaker the smallest number among those it is connected with: union and find."""
    parents = list(range(num_speakers))

    def root_of(node: int) -> int:
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    first: dict[int, int] = {}
    for meeting, speaker in np.unique(np.stack([meetings, speakers], axis=1), axis=0).tolist():
        low, high = sorted((root_of(first.setdefault(meeting, speaker)), root_of(speaker)))
        parents[high] = low
    return [root_of(node) for node in range(num_speakers)]
