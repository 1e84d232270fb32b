"""The annotators' judgements as arrays are those that the release holds."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.schemas.labels import MODALITIES, Modality
from emotalk_data.testing import EmotalkSample, M3edSample
from emotalk_data.views import votes

from ..label_tables import emotalk_table, emotalk_votes, m3ed_table, m3ed_votes


@pytest.mark.parametrize("modality", MODALITIES)
def test_emotiontalks_votes_are_those_of_the_release(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample, modality: Modality
) -> None:
    train = emotalk["train"].shuffle(seed=1)
    found = votes(train, modality)
    truth = [
        (row, vote.annotator + 1, found.names.index(vote.emotion), vote.confidence, vote.sentiment)
        for row, utterance_id in enumerate(train["utterance_id"])
        for vote in emotalk_sample.by_id[utterance_id].votes
        if vote.modality == modality
    ]
    sentiments = [None if np.isnan(value) else int(value) for value in found.sentiments]
    got = zip(found.rows, found.annotators, found.emotions, found.confidences, sentiments, strict=True)
    assert [(int(r), int(a), int(e), float(c), s) for r, a, e, c, s in got] == truth
    assert not found.ranks.any()
    assert found.num_rows == train.num_rows


def test_m3eds_votes_keep_each_annotators_order_and_other(
    m3ed: datasets.DatasetDict, m3ed_sample: M3edSample
) -> None:
    names = None
    for split in m3ed.values():
        found = votes(split)
        names = found.names
        truth = [
            (row, annotator, names.index(label), rank)
            for row, utterance_id in enumerate(split["utterance_id"])
            for annotator, labels in enumerate(m3ed_sample.by_id[utterance_id].annotations, 1)
            for rank, label in enumerate(labels)
        ]
        got = zip(found.rows, found.annotators, found.emotions, found.ranks, strict=True)
        assert [tuple(map(int, one)) for one in got] == truth
        assert np.isnan(found.confidences).all()
    assert names is not None
    assert names[-1] == "Other"


def test_the_table_has_a_column_for_each_annotator_and_counts_add_up(emotalk: datasets.DatasetDict) -> None:
    found = votes(emotalk["train"])
    table, counts = found.table(), found.counts()
    assert table.shape == (emotalk["train"].num_rows, 5)
    for row in range(len(table)):
        given = [int(one) for one in table[row] if one >= 0]
        assert counts[row].tolist() == [given.count(label) for label in range(7)]
    assert counts.sum() == (table >= 0).sum() == (found.emotions >= 0).sum()


def test_rows_without_votes_are_rows_without_votes(emotalk: datasets.DatasetDict) -> None:
    train = emotalk["train"]
    nothing = train.remove_columns("annotations").add_column(
        "annotations", [None] * train.num_rows, feature=train.features["annotations"]
    )
    found = votes(nothing)
    assert found.num_rows == train.num_rows
    assert len(found.rows) == 0
    assert not found.counts().any()
    assert votes(train.select([])).table().shape == (0, 0)


def test_what_was_not_judged_is_refused(emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict) -> None:
    with pytest.raises(OptionError, match="M3ED was judged from video with sound only"):
        votes(m3ed["train"], "audio")
    with pytest.raises(OptionError, match=r"modality is 'voice'; expected one of"):
        votes(emotalk["train"], "voice")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="no column 'annotations'"):
        votes(emotalk["train"].remove_columns("annotations"))


def _numbered(*annotators: int | None) -> list[dict[str, Any]]:
    given = emotalk_votes(*[(label, 0.5) for label in range(len(annotators))])
    return [{**one, "annotator": number} for one, number in zip(given, annotators, strict=True)]


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        (_numbered(None, 1, 2), r"has an annotator null in row 1; expected a number from 1\.$"),
        (_numbered(1, 0), r"has an annotator 0 in row 1; expected a number from 1\.$"),
        (emotalk_votes((-2, 0.5)), r"holds the label -2 in row 1; expected an id from 0 to 6, or null\.$"),
        (
            _numbered(2, 1, 2),
            r"has two judgements of annotator 2 in row 1; expected one of each annotator\.$",
        ),
        (
            emotalk_votes((0, 0.5), (7, 0.5)),
            r"holds the label 7 in row 1; expected an id from 0 to 6, or null\.$",
        ),
    ],
)
def test_a_judgement_that_has_no_place_is_refused_and_takes_nobody_elses(
    annotations: Any, message: str
) -> None:
    ds = emotalk_table(annotations=[emotalk_votes((0, 0.5)), annotations])
    with pytest.raises(OptionError, match=r"^the column 'annotations' " + message):
        votes(ds)


def test_the_number_and_not_the_place_in_the_list_says_whose_vote_it_is() -> None:
    ds = emotalk_table(annotations=[_numbered(4, 2)])
    assert votes(ds).table().tolist() == [[-1, 1, -1, 0]]


def test_votes_that_were_encoded_anew_are_refused(emotalk: datasets.DatasetDict) -> None:
    with pytest.raises(
        OptionError, match="'annotations' holds the label 8 in row 0; expected an id from 0 to 7"
    ):
        votes(m3ed_table(annotations=[m3ed_votes([8])]))
    test = emotalk["test"].remove_columns("annotations")
    for values in (["a"] * test.num_rows, [[1]] * test.num_rows):
        with pytest.raises(
            OptionError, match=r"'annotations' has the type .*; expected a list of judgements"
        ):
            votes(test.add_column("annotations", values))
