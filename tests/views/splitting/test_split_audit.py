"""The audit of splits: what is shared, by how many rows, and how labels differ."""

from __future__ import annotations

import json
import math
from itertools import combinations
from random import Random

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotalk_data.errors import OptionError
from emotalk_data.testing import EmotalkSample
from emotalk_data.views.splitting.split_audit import SplitAudit, audit_splits

from ..real_tables import needs_tables, real_emotalk
from .small_corpora import emotalk_rows, m3ed_rows

LONG = "你能不能明天带我回去"


def _kinds(audit: SplitAudit) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(finding.severity, finding.kind, finding.splits) for finding in audit.findings]


def _labelled(dialogue: str, speaker: str, *emotions: int | None) -> datasets.Dataset:
    return emotalk_rows({dialogue: [speaker] * len(emotions)}, emotions=emotions)


def _clean(dialogue: str, speaker: str, *texts: str | None) -> datasets.Dataset:
    return emotalk_rows({dialogue: [speaker] * len(texts)}, texts=texts, emotions=[0] * len(texts))


@needs_tables
def test_the_official_splits_of_emotiontalk_share_two_speakers() -> None:
    audit = audit_splits(real_emotalk())
    assert not audit.is_clean
    (leak,) = audit.leaks
    assert (leak.kind, leak.splits, leak.shared) == ("speaker", ("validation", "test"), ("02", "13"))
    assert leak.num_rows == {"validation": 955, "test": 793}
    assert leak.shares == {"validation": 955 / 1_908, "test": 793 / 1_929}
    assert [(one.name, one.num_rows, one.num_groups, one.num_speakers) for one in audit.splits] == [
        ("train", 15_413, 11, 13),
        ("validation", 1_908, 2, 4),
        ("test", 1_929, 2, 4),
    ]
    assert sum(one.num_dialogues for one in audit.splits) == 742
    # One transcript of eight characters or more is in two splits, out of 14,945 different ones.
    assert [one.shared for one in audit.findings if one.kind == "transcript"] == [("没事儿没事儿没事儿",)]
    assert "955 rows of validation (50.1%); 793 rows of test (41.1%)" in str(audit)


def test_the_sample_shares_the_speakers_that_its_truth_shares(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    audit = audit_splits(emotalk)
    by_split = {
        split: {emotalk_sample.by_id[one].speaker_id for one in emotalk_sample.split_ids(split)}
        for split in emotalk
    }
    truth = {
        pair: tuple(sorted(by_split[pair[0]] & by_split[pair[1]]))
        for pair in combinations(emotalk, 2)
        if by_split[pair[0]] & by_split[pair[1]]
    }
    assert {leak.splits: leak.shared for leak in audit.leaks if leak.kind == "speaker"} == truth
    (leak,) = audit.leaks
    assert leak.num_rows["test"] == sum(
        emotalk_sample.by_id[one].speaker_id in leak.shared for one in emotalk_sample.split_ids("test")
    )


def test_m3ed_is_certified_to_share_no_series(m3ed: datasets.DatasetDict) -> None:
    audit = audit_splits(m3ed)
    assert audit.is_clean
    assert "no split shares speakers, series, dialogues, utterances" in str(audit)
    assert [one.num_groups for one in audit.splits] == [2, 1, 1]


def test_everything_that_two_splits_share_is_a_leak() -> None:
    first = emotalk_rows({"G00001_01": ["01", "02"], "G00001_02": ["01"]})
    second = emotalk_rows({"G00001_01": ["01"], "G00004_01": ["05", "05"]})
    audit = audit_splits(datasets.DatasetDict(train=first, test=second))
    leaks = {leak.kind: leak for leak in audit.leaks}
    assert {kind: leak.shared for kind, leak in leaks.items()} == {
        "speaker": ("01",),
        "group": ("G00001",),
        "dialogue": ("G00001_01",),
        "utterance": ("G00001_01_01_001",),
    }
    assert {kind: leak.num_rows for kind, leak in leaks.items()} == {
        "speaker": {"train": 2, "test": 1},
        "group": {"train": 3, "test": 1},
        "dialogue": {"train": 2, "test": 1},
        "utterance": {"train": 1, "test": 1},
    }
    assert leaks["speaker"].shares == {"train": 2 / 3, "test": 1 / 3}


def test_a_series_in_two_splits_is_a_leak_of_m3ed_even_without_a_common_speaker() -> None:
    splits = datasets.DatasetDict(train=m3ed_rows({"anjia_1": ["徐"]}), test=m3ed_rows({"anjia_2": ["房"]}))
    (leak,) = audit_splits(splits).leaks
    assert (leak.kind, leak.shared) == ("series", ("anjia",))
    # The same name in two series is two people.
    splits["test"] = m3ed_rows({"hua_1": ["徐"]})
    assert audit_splits(splits).is_clean


def test_near_duplicates_are_noted_with_the_rows_of_either_side() -> None:
    train = _clean("G00002_01", "07", f"{LONG}。", LONG, "完全不同的一句话在这里", "嗯")
    test = _clean("G00003_01", "13", f"{LONG[1:]}！", "嗯。", None)
    audit = audit_splits(datasets.DatasetDict(train=train, test=test))
    assert audit.is_clean
    assert _kinds(audit) == [
        ("note", "transcript", ("train", "test")),
        ("note", "short transcript", ("train", "test")),
    ]
    near, short = audit.findings
    assert near.shared == (LONG, LONG[1:])
    assert near.num_rows == {"train": 2, "test": 1}
    assert short.shared == ("嗯",)
    assert short.num_rows == {"train": 1, "test": 1}


def test_near_duplicates_inside_one_split_are_nobodys_business() -> None:
    train = _clean("G00002_01", "07", LONG, LONG[1:])
    assert (
        audit_splits(datasets.DatasetDict(train=train, test=_clean("G00003_01", "13", "你好"))).findings == ()
    )


def test_rows_without_a_label_are_noted_and_counted_nowhere_else() -> None:
    splits = datasets.DatasetDict(
        train=_labelled("G00002_01", "07", 0, 0, 1, None), test=_labelled("G00003_01", "13", 0, 1)
    )
    audit = audit_splits(splits)
    (note,) = audit.findings
    assert (note.kind, note.shared, note.num_rows, note.shares) == (
        "label",
        ("emotion",),
        {"train": 1},
        {"train": 0.25},
    )
    assert str(note) == "note  emotion is null in 1 row of train (25.0%)"
    labels = audit.splits[0].labels["emotion"]
    assert (labels["neutral"], labels["happy"], labels["sad"], labels[None]) == (2, 1, 0, 1)
    assert sum(labels.values()) == 4


def test_label_shift_is_as_computed_by_hand() -> None:
    # Shares: 1/2 and 1/2 against 1/4 and 3/4.
    splits = datasets.DatasetDict(
        train=_labelled("G00002_01", "07", 0, 1), test=_labelled("G00003_01", "13", 0, 1, 1, 1)
    )
    (shift,) = audit_splits(splits).shifts
    assert (shift.column, shift.splits) == ("emotion", ("train", "test"))
    assert shift.total_variation == pytest.approx(1 / 4, abs=1e-12)
    p, q, m = (1 / 2, 1 / 2), (1 / 4, 3 / 4), (3 / 8, 5 / 8)
    kl = [sum(a * math.log2(a / b) for a, b in zip(one, m, strict=True)) for one in (p, q)]
    assert shift.jensen_shannon == pytest.approx(sum(kl) / 2, abs=1e-12)


def test_nothing_in_common_is_a_shift_of_one_and_the_same_mixture_of_none() -> None:
    one, other = _labelled("G00002_01", "07", 0), _labelled("G00003_01", "13", 1)
    twice = _labelled("G00004_01", "05", 0, 0)
    empty = _labelled("G00005_01", "06", None)
    splits = datasets.DatasetDict(a=one, b=other, c=twice, d=empty)
    shifts = {
        shift.splits: (shift.total_variation, shift.jensen_shannon) for shift in audit_splits(splits).shifts
    }
    assert shifts["a", "b"] == (1, 1)
    assert shifts["a", "c"] == (0, 0)
    assert shifts["a", "d"] == (None, None)
    assert "no labels" in str(audit_splits(splits))


def test_every_column_of_labels_has_its_shift(emotalk: datasets.DatasetDict) -> None:
    audit = audit_splits(emotalk)
    columns = ("emotion", "emotion_text", "emotion_audio", "emotion_video")
    assert {(shift.splits, shift.column) for shift in audit.shifts} == {
        (pair, column) for pair in combinations(emotalk, 2) for column in columns
    }


@settings(max_examples=20)  # each makes several datasets
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 4)), min_size=3, max_size=20),
    st.randoms(),
)
def test_leaks_are_the_intersections_whatever_the_order_of_rows(
    chosen: list[tuple[int, int, int]], random: Random
) -> None:
    # (split, dialogue, speaker) of each row.
    by_split = {
        name: [(f"G0000{d}_01", f"{s:02d}") for split, d, s in chosen if split == number]
        for number, name in enumerate("abc")
    }
    splits = datasets.DatasetDict()
    for name, rows in by_split.items():
        parts = [emotalk_rows({dialogue: [speaker]}) for dialogue, speaker in rows]
        splits[name] = datasets.concatenate_datasets(parts) if parts else emotalk_rows({})
    audit = audit_splits(splits)
    for pair in combinations("abc", 2):
        for kind, place in (("dialogue", 0), ("speaker", 1)):
            first, second = ({row[place] for row in by_split[name]} for name in pair)
            found = [one for one in audit.leaks if one.kind == kind and one.splits == pair]
            assert [one.shared for one in found] == (
                [tuple(sorted(first & second))] if first & second else []
            )
            for leak in found:
                assert leak.num_rows == {
                    name: sum(row[place] in first & second for row in by_split[name]) for name in pair
                }
    turned = datasets.DatasetDict(
        {name: one.select(random.sample(range(one.num_rows), one.num_rows)) for name, one in splits.items()}
    )
    assert audit_splits(turned) == audit


def test_an_empty_split_shares_nothing(emotalk: datasets.DatasetDict) -> None:
    audit = audit_splits(datasets.DatasetDict(train=emotalk["train"], test=emotalk["train"].select([])))
    assert audit.is_clean
    assert audit.splits[1].num_rows == 0


def test_it_prints_a_table_that_fits_a_page_and_goes_to_json(emotalk: datasets.DatasetDict) -> None:
    audit = audit_splits(emotalk)
    text = str(audit)
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith("split audit of emotalk: 1 leak\n")
    values = json.loads(json.dumps(audit.to_dict(), ensure_ascii=False, allow_nan=False))
    assert values["is_clean"] is False
    assert values["findings"][0]["kind"] == "speaker"
    assert sum(values["splits"][0]["labels"]["emotion"].values()) == emotalk["train"].num_rows
    assert audit._repr_html_().startswith("<pre>split audit")


def test_text_of_the_data_cannot_command_a_terminal_nor_a_page() -> None:
    said = "<b>\x1b[31m一二三四五六七八九十"
    train, test = _clean("G00002_01", "07", said), _clean("G00003_01", "13", said)
    audit = audit_splits(datasets.DatasetDict({"tr\x1bain": train, "<test>": test}))
    assert "\x1b" not in str(audit)
    assert "<test>" not in audit._repr_html_()


def test_one_split_cannot_be_audited(emotalk: datasets.DatasetDict) -> None:
    for data in (emotalk["train"], datasets.DatasetDict(train=emotalk["train"])):
        with pytest.raises(OptionError, match=r"there is one split; expected two or more"):
            audit_splits(data)
