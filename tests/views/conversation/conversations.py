"""Made-up conversations as datasets with the columns of M3ED, for tests of what looks at dialogues."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import datasets
import pyarrow as pa
from hypothesis import strategies as st

from emotalk_data.builder.features import m3ed_features
from emotalk_data.schemas.labels import M3ED_EMOTIONS

__all__ = ["Line", "conversation", "line", "lines", "several_dialogues"]


class Line(NamedTuple):
    """One utterance; its id is `<dialogue>_<number>`."""

    dialogue: str
    number: int
    speaker: str | None
    emotion: str | None

    @property
    def utterance_id(self) -> str:
        return f"{self.dialogue}_{self.number}"


def line(text: str) -> Line:
    """Read `anjia_1_2 A Happy`; `-` is null."""
    utterance_id, *rest = text.split()
    dialogue, _, number = utterance_id.rpartition("_")
    speaker, emotion = (None if word == "-" else word for word in rest)
    return Line(dialogue, int(number), speaker, emotion)


def lines(text: str) -> list[Line]:
    """Read one utterance a line."""
    return [line(one) for one in text.strip().splitlines()]


def conversation(said: list[Line]) -> datasets.Dataset:
    """Return the utterances as rows in the order given; what a line does not tell is null."""
    features = m3ed_features()
    schema = features.arrow_schema
    columns = {
        "utterance_id": [one.utterance_id for one in said],
        "dialogue_id": [one.dialogue for one in said],
        "series": [one.dialogue.rpartition("_")[0] for one in said],
        "speaker_id": [one.speaker for one in said],
        "utterance_number": [one.number for one in said],
        "text": [f"words of {one.utterance_id}" for one in said],
        "emotion": [None if one.emotion is None else M3ED_EMOTIONS.id(one.emotion) for one in said],
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(len(said), field.type)
        for field in schema
    ]
    table = pa.Table.from_arrays(arrays, schema=schema)
    # Given, because working it out takes longer than everything that is tested.
    fingerprint = hashlib.blake2b(repr(said).encode(), digest_size=8).hexdigest()
    return datasets.Dataset(table, info=datasets.DatasetInfo(features=features), fingerprint=fingerprint)


@st.composite
def several_dialogues(draw: st.DrawFn, *, nulls: bool = True) -> list[Line]:
    """Draw up to four dialogues of up to three speakers, with gaps in their numbers, in any order of rows."""
    emotions = st.sampled_from(["Happy", "Neutral", "Sad", *([None] if nulls else [])])
    said = []
    for dialogue in draw(st.lists(st.sampled_from(["a_1", "a_2", "a_10", "b_1"]), unique=True)):
        numbers = draw(st.lists(st.integers(1, 30), min_size=1, max_size=12, unique=True))
        said += [Line(dialogue, number, draw(st.sampled_from("ABC")), draw(emotions)) for number in numbers]
    return draw(st.permutations(said))
