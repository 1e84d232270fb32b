"""Labels of votes are the shares, counts and orders that one gets by hand."""

from __future__ import annotations

import math
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings

from emotalk_data.views.annotators.votes import votes
from emotalk_data.views.labelling.labels import label_report, label_view
from emotalk_data.views.labelling.targets import (
    Target,
    importance,
    mean_confidence,
    mean_confidences,
    num_annotators,
    num_voters,
    to_classes,
    vote_agreement,
    vote_entropy,
)
from emotalk_data.views.labelling.tasks import Task

from ..label_tables import emotalk_table, emotalk_tables, emotalk_votes, m3ed_table, m3ed_tables, m3ed_votes

FOUR_AND_SEVEN: tuple[Task, ...] = ("emotion7", "emotion4")


def _emotalk(*rows: list[dict[str, Any]] | None, emotion: int = 0) -> datasets.Dataset:
    return emotalk_table(emotion=[emotion] * len(rows), annotations=rows)


def _m3ed(*rows: list[dict[str, Any]] | None, emotion: int = 4) -> datasets.Dataset:
    blends = [[emotion]] * len(rows)
    return m3ed_table(emotion=[emotion] * len(rows), emotions=blends, annotations=rows)


def test_a_soft_label_is_the_share_of_the_annotators() -> None:
    votes = emotalk_votes((0, 0.9), (0, 0.1), (0, 0.5), (5, 0.5), (None, 0.5))
    view = label_view(_emotalk(votes), "emotion7", target="soft")
    assert view.features["label"] == datasets.List(datasets.Value("float32"), length=7)
    assert view["label"][0] == [0.75, 0, 0, 0, 0, 0.25, 0]
    assert view["agreement"][0] == 0.75
    assert view["entropy"][0] == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert view["outside"][0] == 0


def test_the_votes_are_those_of_the_modality() -> None:
    both = emotalk_votes((0, 0.9), (0, 0.9)) + emotalk_votes((6, 0.5), modality="audio")
    ds = emotalk_table(emotion=[0], emotion_audio=[0], annotations=[both])
    assert label_view(ds, "emotion7", target="votes")["label"][0] == [2, 0, 0, 0, 0, 0, 0]
    assert label_view(ds, "emotion7", target="votes", modality="audio")["label"][0] == [0, 0, 0, 0, 0, 0, 1]


def test_votes_outside_the_four_classes_are_named_and_the_rest_adds_up_to_one() -> None:
    ds = _emotalk(
        emotalk_votes((0, 0.5), (0, 0.5), (1, 0.5), (4, 0.5), (5, 0.5)), emotalk_votes((6, 0.5)), None
    )
    soft = label_view(ds, "emotion4", target="soft", keep_unlabelled=True)
    assert soft["label"][0] == pytest.approx([2 / 3, 1 / 3, 0, 0])
    assert soft["label"][1:] == [None, None]
    assert soft["outside"][:] == [0.4, 1.0, None]
    assert label_view(ds, "emotion4", target="votes")["label"][:] == [[2, 1, 0, 0]]
    report = label_report(ds, "emotion4", target="soft")
    assert report.left_out == {
        "no label": 0,
        "not one of the four classes": 0,
        "no votes": 1,
        "no vote for a class of the task": 1,
    }
    assert report.class_votes == {"neutral": 2, "happy": 1, "sad": 0, "angry": 0}
    assert report.votes_outside == 2


def test_other_is_no_class_but_the_eighth_number_of_the_votes() -> None:
    ds = _m3ed(m3ed_votes([4, 3], [7], [4]))
    assert label_view(ds, "emotion7", target="votes")["label"][0] == [0, 0, 0, 0, 2, 0, 0, 1]
    soft = label_view(ds, "emotion7", target="soft")
    assert soft["label"][0] == [0, 0, 0, 0, 1, 0, 0]
    assert soft["outside"][0] == pytest.approx(1 / 3)
    assert soft["agreement"][0] == pytest.approx(2 / 3)
    common = label_view(ds, "emotion7", target="votes", harmonised=True)
    assert common["label"][0] == [0, 0, 0, 2, 0, 0, 0, 1]


def test_every_label_of_an_annotator_is_a_vote_for_a_blend() -> None:
    ds = _m3ed(m3ed_votes([4, 3], [3, 4, 7], [4]))
    assert label_view(ds, "multilabel", target="votes")["label"][0] == [0, 0, 0, 2, 3, 0, 0, 1]
    soft = label_view(ds, "multilabel", target="soft")
    assert soft["label"][0] == pytest.approx([0, 0, 0, 2 / 3, 1, 0, 0])
    assert soft["outside"][0] == pytest.approx(1 / 6)


def test_agreement_and_entropy_of_a_blend_are_of_the_first_labels() -> None:
    ds = _m3ed(m3ed_votes([4, 3], [3, 4, 7], [4]))
    for task, target in (("multilabel", "soft"), ("multilabel", "votes"), ("emotion7", "ranked")):
        view = label_view(ds, task, target=target)  # type: ignore[arg-type]
        assert view["agreement"][0] == pytest.approx(2 / 3)
        assert view["entropy"][0] == pytest.approx(-(2 / 3 * math.log(2 / 3) + math.log(1 / 3) / 3))


def test_m3eds_ranking_sums_seven_for_the_first_and_six_for_the_second() -> None:
    # Disgust 7 + 6 + 6, Anger 6 + 7, Fear 7; Other takes the first place of the fourth and is no class.
    ds = _m3ed(
        m3ed_votes([3, 4], [4, 3], [5], [7, 3]),
        m3ed_votes([6, 2], [2, 6]),
        m3ed_votes([4, 0], [4]),
        m3ed_votes([7], [7], [7]),
    )
    view = label_view(ds, "emotion7", target="ranked", keep_unlabelled=True)
    assert view["label"][:] == [[3, 4, 5], [2, 6], [4, 0], None]
    assert view.features["label"].feature.names == ds.features["emotion"].names


def test_emotiontalks_ranking_is_by_mean_confidence_and_the_lower_id_goes_first_among_equals() -> None:
    ds = _emotalk(
        emotalk_votes((2, 0.5), (2, 0.5), (2, 0.7), (2, 0.7), (3, 0.9)),
        emotalk_votes((5, 0.1), (5, 0.5), (1, 0.3), (0, None)),
        emotalk_votes((0, None)),
    )
    view = label_view(ds, "emotion7", target="ranked", keep_unlabelled=True)
    assert view["label"][:] == [[3, 2], [1, 5], None]
    assert label_report(ds, "emotion7", target="ranked").left_out["no confidence"] == 1


def test_equal_means_of_different_sums_are_equal() -> None:
    assert (0.1 + 0.7) / 2 < (0.3 + 0.5) / 2  # in their last bits only
    ds = _emotalk(emotalk_votes((0, 0.1), (0, 0.7), (1, 0.3), (1, 0.5)))
    assert label_view(ds, "emotion7", target="ranked")["label"][:] == [[0, 1]]


def test_a_ranking_of_four_classes_leaves_out_the_others() -> None:
    ds = _emotalk(emotalk_votes((5, 0.9), (1, 0.5), (0, 0.7)))
    assert label_view(ds, "emotion4", target="ranked")["label"][:] == [[0, 1]]


def test_the_released_label_decides_the_rows_and_the_votes_the_label() -> None:
    ds = emotalk_table(
        emotion=[None, 5, 0],
        annotations=[emotalk_votes((0, 0.5)), emotalk_votes((0, 0.5)), emotalk_votes((3, 0.5))],
    )
    view = label_view(ds, "emotion4", target="votes")
    assert view["utterance_id"][:] == ["u2"]
    assert view["label"][:] == [[0, 0, 0, 1]]


@pytest.mark.parametrize("target", ["soft", "votes", "ranked"])
def test_agreement_and_entropy_are_of_all_votes_whatever_the_task(target: Target) -> None:
    ds = _emotalk(emotalk_votes((0, 0.5), (5, 0.5)), None)
    for task in FOUR_AND_SEVEN:
        view = label_view(ds, task, target=target, keep_unlabelled=True)
        assert view["agreement"][:] == [0.5, None]
        assert view["entropy"][:] == [pytest.approx(math.log(2)), None]


def test_a_hard_label_brings_no_other_column() -> None:
    ds = _emotalk(emotalk_votes((0, 0.5)))
    assert label_view(ds, "emotion7", min_agreement=0.5).column_names == [*ds.column_names, "label"]


def test_classes_are_reordered_and_what_is_none_goes() -> None:
    values = np.array([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(to_classes(values, np.array([1, -1, 0]), 2), [[3, 1], [6, 4]])


@settings(max_examples=25)
@given(emotalk_tables)
def test_emotiontalks_numbers_are_those_of_a_loop(ds: datasets.Dataset) -> None:
    found = votes(ds)
    counts = found.counts()
    shares, entropies, sure = vote_agreement(counts), vote_entropy(counts), mean_confidence(found)
    means = mean_confidences(found)
    for row, judgements in enumerate(ds["annotations"]):
        given = [
            one for one in judgements or [] if one["modality"] == "multimodal" and one["emotion"] is not None
        ]
        labels = [one["emotion"] for one in given]
        assert counts[row].tolist() == [labels.count(label) for label in range(7)]
        if labels:
            parts = [labels.count(label) / len(labels) for label in set(labels)]
            assert shares[row] == max(parts)
            assert entropies[row] == pytest.approx(-sum(part * math.log(part) for part in parts))
        else:
            assert np.isnan(shares[row])
            assert np.isnan(entropies[row])
        confidences = [one["confidence"] for one in given if one["confidence"] is not None]
        expected = sum(confidences) / len(confidences) if confidences else math.nan
        assert sure[row] == pytest.approx(expected, nan_ok=True)
        for label in range(7):
            of_label = [one["confidence"] for one in given if one["emotion"] == label and one["confidence"]]
            assert means[row, label] == pytest.approx(
                sum(of_label) / len(of_label) if of_label else -math.inf
            )


@settings(max_examples=25)
@given(m3ed_tables)
def test_m3eds_numbers_are_those_of_a_loop(ds: datasets.Dataset) -> None:
    found = votes(ds)
    first, anywhere, important, voters = (
        found.counts(),
        num_annotators(found),
        importance(found),
        num_voters(found),
    )
    for row, judgements in enumerate(ds["annotations"]):
        lists = [one["emotions"] for one in judgements or []]
        assert voters[row] == sum(bool(labels) for labels in lists)
        for label in range(8):
            places = [labels.index(label) for labels in lists if label in labels]
            assert first[row, label] == sum(labels[:1] == [label] for labels in lists)
            assert anywhere[row, label] == len(places)
            assert important[row, label] == sum(7 - place for place in places)


@settings(max_examples=25)
@given(emotalk_tables)
def test_soft_labels_are_the_votes_over_their_sum(ds: datasets.Dataset) -> None:
    for task in FOUR_AND_SEVEN:
        soft = label_view(ds, task, target="soft")
        counts = label_view(ds, task, target="votes")
        assert soft["utterance_id"][:] == counts["utterance_id"][:]
        for share, count in zip(soft["label"][:], counts["label"][:], strict=True):
            assert sum(share) == pytest.approx(1, abs=1e-6)
            assert share == pytest.approx([number / sum(count) for number in count], abs=1e-6)
