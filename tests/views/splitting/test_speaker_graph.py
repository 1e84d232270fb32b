"""Components of the speaker graph: who is connected with whom by dialogues."""

from __future__ import annotations

from random import Random

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.testing import EmotalkSample
from emotalk_data.views.splitting.speaker_graph import Component, speaker_components

from ..real_tables import needs_tables, real_emotalk
from .small_corpora import emotalk_rows, m3ed_rows


def test_speakers_are_connected_by_dialogues_also_through_others() -> None:
    ds = emotalk_rows(
        {
            "G00001_01": ["01", "02", "01"],
            "G00002_01": ["07", "08"],
            "G00003_01": ["02", "13"],
            "G00003_02": ["13"],
            "G00004_01": ["05"],
        }
    )
    assert speaker_components(ds) == (
        Component(("01", "02", "13"), ("G00001", "G00003"), ("G00001_01", "G00003_01", "G00003_02"), 6),
        Component(("07", "08"), ("G00002",), ("G00002_01",), 2),
        Component(("05",), ("G00004",), ("G00004_01",), 1),
    )


@needs_tables
def test_emotiontalk_has_five_components() -> None:
    components = speaker_components(real_emotalk())
    assert [one.num_utterances for one in components] == [12_551, 2_701, 1_479, 1_383, 1_136]
    assert [one.speakers for one in components] == [
        ("05", "06", "07", "08", "09", "10", "11", "12", "14"),
        ("01", "02", "13", "15"),
        ("18", "19"),
        ("16", "17"),
        ("20", "21"),
    ]
    # The official validation is G00001 and G00012, test G00003 and G00015.
    assert components[1].groups == ("G00001", "G00003", "G00012")


def test_a_dataset_and_its_splits_together_have_the_same_components(emotalk: datasets.DatasetDict) -> None:
    whole = datasets.concatenate_datasets(list(emotalk.values()))
    assert (
        speaker_components(emotalk) == speaker_components(whole) == speaker_components(whole.shuffle(seed=3))
    )


def test_the_components_of_a_sample_are_those_of_its_truth(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    components = speaker_components(emotalk)
    assert sum(one.num_utterances for one in components) == len(emotalk_sample.utterances)
    assert sorted(speaker for one in components for speaker in one.speakers) == sorted(
        {utterance.speaker_id for utterance in emotalk_sample.utterances}
    )
    # G00001, G00003 and G00012 share speakers, as released.
    assert ("01", "02", "13", "15") in {one.speakers for one in components}


@settings(max_examples=40)
@given(st.lists(st.sets(st.integers(0, 9), min_size=1, max_size=3), min_size=1, max_size=12), st.randoms())
def test_components_are_what_flooding_the_graph_finds(meetings: list[set[int]], random: Random) -> None:
    ds = emotalk_rows(
        {f"G00001_{n:02d}": [f"{who:02d}" for who in sorted(meeting)] for n, meeting in enumerate(meetings)}
    )
    order = list(range(ds.num_rows))
    random.shuffle(order)
    components = speaker_components(ds.select(order))
    flooded = set()
    for start in set().union(*meetings):
        reached = {start}
        for _ in meetings:
            for meeting in meetings:
                if meeting & reached:
                    reached |= meeting
        flooded.add(tuple(f"{who:02d}" for who in sorted(reached)))
    assert {one.speakers for one in components} == flooded
    assert sum(one.num_utterances for one in components) == ds.num_rows
    assert [one.num_utterances for one in components] == sorted(
        (one.num_utterances for one in components), reverse=True
    )


def test_people_of_m3ed_are_known_by_series_and_name() -> None:
    ds = m3ed_rows(
        {"anjia_1": ["房似锦", "朱闪闪"], "anjia_2": ["朱闪闪"], "anjia_3": ["徐"], "hua_1": ["徐"]}
    )
    assert [(one.speakers, one.groups, one.num_utterances) for one in speaker_components(ds)] == [
        (("anjia/房似锦", "anjia/朱闪闪"), ("anjia",), 3),
        (("anjia/徐",), ("anjia",), 1),
        (("hua/徐",), ("hua",), 1),
    ]


def test_somebody_without_a_name_may_be_anybody_of_the_series() -> None:
    ds = m3ed_rows(
        {"anjia_1": ["房似锦"], "anjia_2": [None], "anjia_3": ["徐"], "hua_1": ["徐"], "hua_2": ["王"]}
    )
    assert [(one.speakers, one.num_utterances) for one in speaker_components(ds)] == [
        (("anjia/?", "anjia/徐", "anjia/房似锦"), 3),
        (("hua/徐",), 1),
        (("hua/王",), 1),
    ]


def test_no_component_of_m3ed_leaves_its_series(m3ed: datasets.DatasetDict) -> None:
    components = speaker_components(m3ed)
    assert all(len(one.groups) == 1 for one in components)
    assert sum(one.num_utterances for one in components) == sum(m3ed.num_rows.values())


def test_no_rows_have_no_components(emotalk: datasets.DatasetDict) -> None:
    assert speaker_components(emotalk["train"].select([])) == ()


def test_a_component_prints_itself_and_goes_to_json() -> None:
    (component,) = speaker_components(emotalk_rows({"G00001_01": ["01", "02"]}))
    assert str(component) == "utterances 2, dialogues 1, speakers 01 02, in G00001"
    assert component.to_dict() == {
        "speakers": ["01", "02"],
        "groups": ["G00001"],
        "dialogues": ["G00001_01"],
        "num_utterances": 2,
    }


def test_what_is_no_corpus_is_refused(emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict) -> None:
    with pytest.raises(OptionError, match=r"the dict of splits is empty"):
        speaker_components(datasets.DatasetDict())
    with pytest.raises(OptionError, match=r"the data is a list; expected a datasets\.Dataset"):
        speaker_components([])
    with pytest.raises(OptionError, match=r"of different corpora: \{'a': 'emotalk', 'b': 'm3ed'\}"):
        speaker_components(datasets.DatasetDict(a=emotalk["train"], b=m3ed["train"]))
    with pytest.raises(OptionError, match=r"has no column 'dialogue_id'"):
        speaker_components(emotalk["train"].remove_columns("dialogue_id"))
    ds = emotalk_rows({"G00001_01": ["01", "02"]})
    broken = datasets.Dataset.from_dict({**ds.to_dict(), "speaker_id": ["01", None]}, features=ds.features)
    with pytest.raises(OptionError, match=r"speaker_id is null in row 1 of all splits"):
        speaker_components(broken)


def test_a_component_prints_a_line_whatever_its_speakers_are_called() -> None:
    (component,) = speaker_components(m3ed_rows({"anjia_1": ["徐\x1b[31m", *(f"人{n}" for n in range(30))]}))
    shown = str(component)
    assert "\x1b" not in shown
    assert len(shown) < 160
    assert " more, in anjia" in shown
    assert len(component.speakers) == 31
