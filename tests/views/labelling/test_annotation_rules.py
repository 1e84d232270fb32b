"""Rules give for all rows what they give for one, and their agreement with the release is only reported."""

from __future__ import annotations

import html
import json
from typing import Any

import datasets
import pytest
from hypothesis import given, settings

from emotalk_data.errors import OptionError
from emotalk_data.schemas.labels import (
    EMOTALK_EMOTIONS,
    M3ED_ANNOTATOR_EMOTIONS,
    M3ED_EMOTIONS,
    MODALITIES,
    Modality,
)
from emotalk_data.schemas.rules import confidence_weighted, finalise_authors, finalise_paper, mean_rating
from emotalk_data.testing import EmotalkSample, M3edSample
from emotalk_data.views.labelling.annotation_rules import (
    RULES,
    Rule,
    RuleAgreement,
    apply_rule,
    rule_agreement,
)

from ..label_tables import emotalk_table, emotalk_tables, emotalk_votes, m3ed_table, m3ed_tables, m3ed_votes
from ..real_tables import needs_tables, real_emotalk

M3ED_RULES: tuple[Rule, ...] = ("paper", "authors")


def _adds_up(report: RuleAgreement) -> bool:
    assert report.both == report.equal + report.different + report.tied
    assert 0 <= report.tied_with_released <= report.tied
    return report.rows == report.both + report.undecided + report.no_votes + report.no_label


# Against the rules for one row


@settings(max_examples=25)
@given(emotalk_tables)
def test_confidence_weighted_is_the_rule_for_one_row(ds: datasets.Dataset) -> None:
    for modality in ("multimodal", "audio", "text"):
        rows = apply_rule(ds, "confidence_weighted", modality=modality).select_columns(
            ["annotations", "rule_label", "rule_labels", "rule_tied"]
        )
        for row in rows:
            given = [one for one in row["annotations"] or [] if one["modality"] == modality]
            words = [
                None if one["emotion"] is None else EMOTALK_EMOTIONS.names[one["emotion"]] for one in given
            ]
            ids = sorted(
                map(EMOTALK_EMOTIONS.id, confidence_weighted(words, [one["confidence"] for one in given]))
            )
            assert row["rule_labels"] == (ids or None)
            assert row["rule_label"] == (ids[0] if ids else None)
            assert row["rule_tied"] == (len(ids) > 1 if ids else None)


@settings(max_examples=25)
@given(emotalk_tables)
def test_mean_sentiment_is_the_rule_for_one_row(ds: datasets.Dataset) -> None:
    for row in apply_rule(ds, "mean_sentiment").select_columns(["annotations", "rule_sentiment"]):
        given = [one["sentiment"] for one in row["annotations"] or [] if one["modality"] == "multimodal"]
        assert row["rule_sentiment"] == mean_rating(given)


@settings(max_examples=25)
@given(m3ed_tables)
def test_m3eds_rules_are_the_rules_for_one_row(ds: datasets.Dataset) -> None:
    for rule, finalise in zip(M3ED_RULES, (finalise_paper, finalise_authors), strict=True):
        for row in apply_rule(ds, rule).select_columns(
            ["annotations", "rule_label", "rule_labels", "rule_tied"]
        ):
            lists = [
                [M3ED_ANNOTATOR_EMOTIONS.names[label] for label in one["emotions"]]
                for one in row["annotations"] or []
            ]
            outcome = finalise(lists)
            if outcome is None:
                assert [row["rule_label"], row["rule_labels"], row["rule_tied"]] == [None, None, None]
            else:
                assert row["rule_label"] == M3ED_EMOTIONS.id(outcome[0])
                assert row["rule_labels"] == list(map(M3ED_EMOTIONS.id, outcome[1]))
                assert isinstance(row["rule_tied"], bool)


def test_the_annotators_number_orders_the_votes_and_not_their_place_in_the_list() -> None:
    votes = m3ed_votes([0, 2], [2, 0], [6])
    ds = m3ed_table(emotion=[0, 0], annotations=[votes, votes[::-1]])
    assert apply_rule(ds, "authors")["rule_labels"][:] == [[0, 2], [0, 2]]


def test_a_null_label_keeps_its_place() -> None:
    ds = m3ed_table(annotations=[m3ed_votes([None, 4], [4, 3], [3])])
    # Anger 6 + 7, Disgust 6 + 7: without the null, Anger would have 14.
    row = apply_rule(ds, "paper")[0]
    assert (row["rule_label"], row["rule_labels"], row["rule_tied"]) == (3, [3, 4], True)


# Ties


def test_a_tie_of_confidence_goes_to_the_lowest_id_and_is_marked() -> None:
    ds = emotalk_table(
        annotations=[
            emotalk_votes((5, 0.9), (3, 0.9), (0, 0.7)),
            emotalk_votes((5, 0.9), (3, 0.7)),
            emotalk_votes((6, 0.1), (6, 0.7), (1, 0.3), (1, 0.5)),  # 0.4 twice, but for the last bits
            emotalk_votes((0, None)),
            None,
        ]
    )
    view = apply_rule(ds, "confidence_weighted")
    assert view["rule_label"][:] == [3, 5, 1, None, None]
    assert view["rule_labels"][:] == [[3, 5], [5], [1, 6], None, None]
    assert view["rule_tied"][:] == [True, False, True, None, None]


def test_ties_of_m3ed_are_where_the_rule_leaves_the_main_label_to_order() -> None:
    ds = m3ed_table(
        annotations=[
            m3ed_votes([4, 3], [3, 4], [0]),  # 13 and 13; no two put one first
            m3ed_votes([4, 3], [4, 3], [0]),  # 14 and 12; Anger first twice
            m3ed_votes([2, 4, 3], [4, 3], [3, 6, 4]),  # Anger 6 + 7 + 5, Disgust 5 + 6 + 7: both given by all
            m3ed_votes([3, 4], [4, 3], [6, 4]),  # Anger 6 + 7 + 6, and given by all
            m3ed_votes([4], [4], [4]),
        ]
    )
    assert apply_rule(ds, "paper")["rule_tied"][:] == [True, False, True, False, False]
    assert apply_rule(ds, "authors")["rule_tied"][:] == [True, False, True, False, False]


def test_only_the_labels_that_tie_are_among_the_tied() -> None:
    votes = m3ed_votes([4, 2, 5], [2, 4, 5], [0])  # Sad and Anger 13 each, Fear 10; nobody's first twice
    ds = m3ed_table(emotion=[2, 4, 5, 0], annotations=[votes] * 4)
    assert apply_rule(ds, "paper")["rule_labels"][0] == [2, 4, 5]
    paper = rule_agreement(ds, "paper")
    assert (paper.tied, paper.tied_with_released) == (4, 2)
    # The authors' code takes the first of the blend that was given: nothing but the order sets Fear back.
    authors = rule_agreement(ds, "authors")
    assert (authors.tied, authors.tied_with_released) == (4, 3)


# Agreement with the release


def test_equal_different_tied_and_missing_are_told_apart() -> None:
    one, tie = emotalk_votes((3, 0.9), (0, 0.5)), emotalk_votes((3, 0.9), (0, 0.9))
    unsure = emotalk_votes((1, None))
    cases: list[tuple[int | None, Any]] = [(3, one), (0, one), (None, one), (3, tie), (0, tie), (6, tie)]
    cases += [(None, None), (1, None), (1, unsure)]
    ds = emotalk_table(emotion=[label for label, _ in cases], annotations=[votes for _, votes in cases])
    report = rule_agreement(ds, "confidence_weighted")
    assert (report.rows, report.both) == (9, 5)
    assert (report.equal, report.different) == (1, 1)
    assert (report.tied, report.tied_with_released) == (3, 2)
    assert (report.no_label, report.no_votes, report.undecided) == (1, 2, 1)
    assert report.share_equal == 0.2
    assert _adds_up(report)
    assert report.names == EMOTALK_EMOTIONS.names
    pairs = {(3, 3): 1, (0, 3): 1, (3, 0): 1, (0, 0): 1, (6, 0): 1}
    assert report.confusion == tuple(
        tuple(pairs.get((row, place), 0) for place in range(7)) for row in range(7)
    )


def test_a_blend_is_compared_without_its_order_and_apart_from_the_main_label() -> None:
    votes = m3ed_votes([4, 3], [4, 3], [4])
    ds = m3ed_table(
        emotion=[4, 3, 4, 4, None], emotions=[[3, 4], [4, 3], [4], None, [4, 3]], annotations=[votes] * 5
    )
    for rule in M3ED_RULES:
        report = rule_agreement(ds, rule)
        assert (report.equal, report.different, report.no_label) == (3, 1, 1)
        assert (report.blend_equal, report.blend_different) == (3, 1)
        assert _adds_up(report)


def test_sentiments_are_equal_within_rounding() -> None:
    ratings = emotalk_votes(*[(0, 0.5)] * 5, sentiments=[-1, -1, -1, 0, 0])
    ds = emotalk_table(
        sentiment=[-0.6, -0.6000000000000001, -0.4, None, 0.0],
        annotations=[ratings, ratings, ratings, ratings, emotalk_votes((0, 0.5))],
    )
    report = rule_agreement(ds, "mean_sentiment")
    assert (report.equal, report.different, report.no_label, report.undecided) == (2, 1, 1, 1)
    assert report.largest_difference == pytest.approx(0.2)
    assert _adds_up(report)


@settings(max_examples=25)
@given(emotalk_tables, m3ed_tables)
def test_every_row_is_in_one_of_the_figures(ours: datasets.Dataset, theirs: datasets.Dataset) -> None:
    rules: list[tuple[datasets.Dataset, Rule]] = [
        (ours, "confidence_weighted"), (ours, "mean_sentiment"), (theirs, "paper"), (theirs, "authors"),
    ]  # fmt: skip
    for ds, rule in rules:
        report = rule_agreement(ds, rule)
        assert _adds_up(report)
        assert rule_agreement(ds.select(range(ds.num_rows)[::-1]), rule) == report
        if report.names:
            assert sum(map(sum, report.confusion)) == report.both
        assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
        assert max(map(len, str(report).splitlines())) <= 100
        assert report._repr_html_() == f"<pre>{html.escape(str(report))}</pre>"


@pytest.mark.parametrize("modality", MODALITIES)
def test_only_what_experts_overrode_differs_in_a_release(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample, modality: Modality
) -> None:
    for ds in emotalk.values():
        report = rule_agreement(ds, "confidence_weighted", modality=modality)
        overridden = [modality in emotalk_sample.by_id[one].overridden for one in ds["utterance_id"]]
        assert _adds_up(report)
        assert report.different <= sum(overridden)
        assert report.equal + report.tied_with_released >= report.both - sum(overridden)


@pytest.mark.parametrize("rule", M3ED_RULES)
def test_m3eds_figures_are_those_of_a_loop_over_its_sample(
    m3ed: datasets.DatasetDict, m3ed_sample: M3edSample, rule: Rule
) -> None:
    finalise = finalise_paper if rule == "paper" else finalise_authors
    for ds in m3ed.values():
        report = rule_agreement(ds, rule)
        rows = [m3ed_sample.by_id[one] for one in ds["utterance_id"]]
        outcomes = [(row, finalise(row.annotations)) for row in rows]
        same = sum(outcome is not None and outcome[0] == row.emotion for row, outcome in outcomes)
        blends = sum(
            outcome is not None and set(outcome[1]) == set(row.emotions) for row, outcome in outcomes
        )
        assert sum(report.confusion[label][label] for label in range(7)) == same
        assert report.blend_equal == blends
        assert _adds_up(report)


def test_a_rule_changes_no_released_label(emotalk: datasets.DatasetDict) -> None:
    train = emotalk["train"]
    for rule in RULES["emotalk"]:
        view = apply_rule(train, rule)
        assert (
            view.remove_columns([name for name in view.column_names if name.startswith("rule_")]).features
            == train.features
        )
        for name in ("emotion", "sentiment"):
            assert view[name][:] == train[name][:]


@needs_tables
def test_labels_without_votes_are_counted_as_such() -> None:
    ds = real_emotalk()["test"]
    report = rule_agreement(ds, "confidence_weighted")
    assert (report.rows, report.no_votes, report.both) == (1_929, 1_929, 0)
    assert report.share_equal is None
    assert "no votes" in str(report)


def test_a_rule_of_the_other_corpus_is_refused() -> None:
    with pytest.raises(
        OptionError, match=r"rule is 'paper'; expected one of \['confidence_weighted', 'mean_sentiment'"
    ):
        apply_rule(emotalk_table(emotion=[0]), "paper")
    with pytest.raises(
        OptionError, match=r"rule is 'mean_sentiment'; expected one of \['paper', 'authors'\]"
    ):
        rule_agreement(m3ed_table(emotion=[0]), "mean_sentiment")
    with pytest.raises(
        OptionError, match="sentiment was rated from video with sound only; modality is 'text'"
    ):
        apply_rule(emotalk_table(emotion=[0]), "mean_sentiment", modality="text")
    with pytest.raises(OptionError, match="M3ED was judged from video with sound only"):
        apply_rule(m3ed_table(emotion=[0]), "paper", modality="text")
    with pytest.raises(OptionError, match="modality is 'face'; expected one of"):
        apply_rule(emotalk_table(emotion=[0]), "confidence_weighted", modality="face")  # type: ignore[arg-type]
