"""Agreement is what others compute, what a hand computes, and never more than the votes say."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import datasets
import krippendorff
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from statsmodels.stats import inter_rater

from emotalk_data.builder.side_columns import NewColumn, with_columns
from emotalk_data.errors import OptionError
from emotalk_data.schemas.labels import MODALITIES, Modality
from emotalk_data.testing import EmotalkSample
from emotalk_data.views.annotators.agreement import agreement
from emotalk_data.views.annotators.annotator_bias import annotator_bias
from emotalk_data.views.annotators.reliability import fleiss_kappa, krippendorff_alpha
from emotalk_data.views.annotators.votes import votes
from emotalk_data.views.columns import column
from emotalk_data.views.intervals import bootstrap

from ..real_tables import needs_tables, real_emotalk

Table = NDArray[np.int64]
NUM_LABELS = 4


def tables(lowest: int = 0, max_annotators: int = 6) -> st.SearchStrategy[Table]:
    shapes = st.tuples(st.integers(1, 25), st.integers(2, max_annotators))
    return arrays.arrays(np.int64, shapes, elements=st.integers(lowest, NUM_LABELS - 1))


# The worked example of Wikipedia's article on Fleiss' kappa: 10 subjects, 14 raters, 5 categories; 0.210.
WORKED_EXAMPLE = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_kappa_of_a_worked_example() -> None:
    table = [[label for label, times in enumerate(row) for _ in range(times)] for row in WORKED_EXAMPLE]
    assert fleiss_kappa(table, 5) == pytest.approx(0.20993, abs=5e-6)


def test_kappa_by_hand() -> None:
    # Pairs that agree: 3 of 3, 1 of 3, 3 of 3. Four votes for label 0, five for 1.
    table = [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
    observed, expected = (1 + 1 / 3 + 1) / 3, (4 / 9) ** 2 + (5 / 9) ** 2
    assert fleiss_kappa(table, 2) == pytest.approx((observed - expected) / (1 - expected))


def test_kappa_by_hand_with_votes_missing() -> None:
    # The last two rows have no pair. The others: 3 of 3 pairs agree, 0 of 1, 1 of 1; six votes for 0.
    table = [[0, 0, 0], [1, -1, 0], [-1, 0, 0], [1, -1, -1], [-1, -1, -1]]
    observed, expected = (1 + 0 + 1) / 3, (6 / 7) ** 2 + (1 / 7) ** 2
    assert fleiss_kappa(table, 2) == pytest.approx((observed - expected) / (1 - expected))


@given(tables())
def test_kappa_is_that_of_statsmodels_where_all_votes_are_there(table: Table) -> None:
    assume(len(np.unique(table)) > 1)
    counts, _ = inter_rater.aggregate_raters(table, n_cat=NUM_LABELS)
    assert fleiss_kappa(table, NUM_LABELS) == pytest.approx(
        inter_rater.fleiss_kappa(counts, method="fleiss"), abs=1e-12
    )


@given(tables(lowest=-1))
def test_alpha_of_labels_is_that_of_krippendorff_also_with_votes_missing(table: Table) -> None:
    paired = table[(table >= 0).sum(1) > 1]
    assume(len(np.unique(paired[paired >= 0])) > 1)
    data = np.where(table < 0, np.nan, table.astype(float)).T
    theirs = krippendorff.alpha(data, level_of_measurement="nominal")
    assert krippendorff_alpha(table) == pytest.approx(theirs, abs=1e-9)
    assert krippendorff_alpha(data.T) == krippendorff_alpha(table)


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 25), st.integers(2, 6)),
        elements=st.sampled_from([-2.0, -1.0, -0.4, 0.0, 1.0, 2.0, math.nan]),
    ),
    st.sampled_from([0.0, 1000.0]),
)
def test_alpha_of_ratings_is_that_of_krippendorff_also_with_votes_missing(
    ratings: NDArray[np.float64], far_from_zero: float
) -> None:
    paired = ratings[(~np.isnan(ratings)).sum(1) > 1]
    assume(len(np.unique(paired[~np.isnan(paired)])) > 1)
    theirs = krippendorff.alpha(ratings.T, level_of_measurement="interval")
    found = krippendorff_alpha(ratings + far_from_zero, level="interval")
    assert found == pytest.approx(theirs, abs=1e-9)


def test_alpha_of_krippendorffs_own_example() -> None:
    # K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, example C: 4 observers, 12 units.
    nan = math.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    table = np.array(observers).T
    assert krippendorff_alpha(table) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(table, level="interval") == pytest.approx(0.849, abs=5e-4)


@given(tables(lowest=-1), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit_of_the_coefficients(table: Table, shuffle: random.Random) -> None:
    order = list(range(len(table)))
    shuffle.shuffle(order)

    def found(of: Table) -> list[str]:
        ratings = np.where(of < 0, np.nan, of.astype(float))
        values = [
            fleiss_kappa(of, NUM_LABELS),
            krippendorff_alpha(of),
            krippendorff_alpha(ratings, level="interval"),
        ]
        return [repr(value) for value in (*values, annotator_bias(of, NUM_LABELS))]

    assert found(table[order]) == found(table)


@pytest.mark.parametrize(
    "table",
    [
        np.zeros((0, 0)),
        np.zeros((0, 5)),
        np.full((4, 3), -1),
        [[0, -1], [-1, 1], [2, -1]],
        [[2], [1]],
        [[1, 1, 1], [1, 1, -1], [0, -1, -1]],
    ],
    ids=["nothing", "no rows", "no votes", "no pairs", "one annotator", "one label in pairs"],
)
def test_what_is_undefined_is_nan_and_neither_0_nor_1(table: Any) -> None:
    ratings = np.where(np.asarray(table) < 0, np.nan, table)
    assert math.isnan(fleiss_kappa(table, 3))
    assert math.isnan(krippendorff_alpha(table))
    assert math.isnan(krippendorff_alpha(ratings, level="interval"))


def test_ratings_that_are_equal_but_for_rounding_are_equal() -> None:
    assert math.isnan(krippendorff_alpha(np.full((30, 3), 0.1), level="interval"))
    assert math.isnan(krippendorff_alpha(np.full((30, 3), 1e9 + 0.1), level="interval"))


@pytest.mark.parametrize(
    ("table", "num_labels", "message"),
    [
        ([[0, 4]], 4, r"^table\[0\]\[1\] is 4; expected the id of a label, 0 to 3, or -1 for none\.$"),
        ([[0, 1], [0.5, 1]], 4, r"^table\[1\]\[0\] is 0\.5; expected the id of a label"),
        ([[0, -100]], 4, r"^table\[0\]\[1\] is -100; expected the id"),
        ([[0, math.inf]], 4, r"^table\[0\]\[1\] is infinite"),
        ([0, 1], 4, r"^table has the shape \(2,\); expected \(rows, annotators\)\.$"),
        ([["happy", "sad"]], 4, r"^table is not numbers; expected rows of as many annotators each\.$"),
        ([[0, 1], [1]], 4, r"^table is not numbers"),
        ([[0, 1]], 0, r"^num_labels is 0; expected a whole number from 1\.$"),
        ([[0, 1]], "4", r"^num_labels is '4'; expected a whole number"),
        ([[0, 1]], None, r"^num_labels is None; expected a whole number"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(table: Any, num_labels: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        fleiss_kappa(table, num_labels)
    with pytest.raises(OptionError, match=message):
        annotator_bias(table, num_labels)


def test_alpha_refuses_other_levels_and_ids_below_none() -> None:
    with pytest.raises(
        OptionError, match=r"^level is 'ordinal'; expected one of \['nominal', 'interval'\]\.$"
    ):
        krippendorff_alpha([[0, 1]], level="ordinal")  # type: ignore[arg-type]
    with pytest.raises(
        OptionError, match=r"^table\[0\]\[0\] is -2; expected the id of a label, 0 or more, or"
    ):
        krippendorff_alpha([[-2, 1]])


def test_large_ids_take_no_room() -> None:
    table = [[0, 0, 10**12], [10**12, 10**12, 0], [-1, 0, 0]]
    small = [[0, 0, 1], [1, 1, 0], [-1, 0, 0]]
    assert krippendorff_alpha(table) == krippendorff_alpha(small)
    assert fleiss_kappa(table, 10**12 + 1) == fleiss_kappa(small, 2)


def test_minus_one_is_a_rating_at_interval_level() -> None:
    assert krippendorff_alpha([[-1, -1], [1, 1]], level="interval") == 1.0
    assert math.isnan(krippendorff_alpha([[-1, -1], [1, 1]]))


def test_bias_by_hand() -> None:
    table = [[0, 0, 1], [0, 1, 1], [0, -1, -1], [1, -1, 0], [-1, -1, -1]]
    first, second, third = annotator_bias(table, 2)
    # Rows 0, 1 and 3. The first says 0, 0, 1; the others 0 in a half, none and all of their votes.
    assert (first.annotator, first.num_rows) == (1, 3)
    assert first.differences == pytest.approx([2 / 3 - 1 / 2, 1 / 3 - 1 / 2])
    # The others are divided over row 0; they say 1 in row 1 and 0 in row 3.
    assert (first.num_majority_rows, first.majority_agreement) == (2, 0.0)
    assert second.num_rows == 2
    assert second.differences == pytest.approx([0.0, 0.0])
    assert (second.num_majority_rows, math.isnan(second.majority_agreement)) == (0, True)
    assert third.differences == pytest.approx([1 / 3 - 1 / 2, 2 / 3 - 1 / 2])
    assert (third.num_majority_rows, third.majority_agreement) == (2, 0.0)


def test_an_annotator_without_company_has_no_bias() -> None:
    (only, absent) = annotator_bias([[0, -1], [1, -1]], 2)
    for one in (only, absent):
        assert (one.num_rows, one.num_majority_rows) == (0, 0)
        assert one.to_dict()["differences"] == [None, None]
        assert one.to_dict()["majority_agreement"] is None


@given(tables(lowest=-1))
def test_differences_of_an_annotator_add_up_to_nothing(table: Table) -> None:
    for one in annotator_bias(table, NUM_LABELS):
        if one.num_rows:
            assert sum(one.differences) == pytest.approx(0, abs=1e-12)
            assert all(-1 <= value <= 1 for value in one.differences)


@pytest.mark.parametrize("modality", MODALITIES)
def test_agreement_of_emotiontalk_is_that_of_the_releases_votes(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample, modality: Modality
) -> None:
    train = emotalk["train"].shuffle(seed=4)
    found = agreement(train, modality=modality, resamples=0)
    truth = [
        [
            found.names.index(vote.emotion)
            for vote in emotalk_sample.by_id[one].votes
            if vote.modality == modality
        ]
        for one in train["utterance_id"]
    ]
    full = [row for row in truth if len(row) == 5]
    assert found.num_rows == len(truth)
    assert found.num_votes == sum(map(len, truth))
    assert found.num_rows_complete == len(full)
    assert found.num_rows_used + found.num_rows_one_vote + found.num_rows_no_vote == len(truth)
    counts, _ = inter_rater.aggregate_raters(np.array(full), n_cat=7)
    assert found.num_rows_used == len(full), "the sample has all votes or none"
    assert found.fleiss_kappa.estimate == pytest.approx(inter_rater.fleiss_kappa(counts), abs=1e-12)
    theirs = krippendorff.alpha(np.array(full).T, level_of_measurement="nominal")
    assert found.krippendorff_alpha.estimate == pytest.approx(theirs, abs=1e-9)
    assert math.isnan(found.fleiss_kappa.low)
    assert (found.sentiment_alpha is None) == (found.num_rows_rated is None) == (modality != "multimodal")


def test_agreement_on_sentiment_is_that_of_the_releases_ratings(
    emotalk: datasets.DatasetDict, emotalk_sample: EmotalkSample
) -> None:
    test = emotalk["test"]
    ratings = [
        [vote.sentiment for vote in emotalk_sample.by_id[one].votes if vote.modality == "multimodal"]
        for one in test["utterance_id"]
    ]
    rated = np.array([row for row in ratings if row], float)
    found = agreement(test, resamples=0)
    assert found.sentiment_alpha is not None
    assert found.num_rows_rated == len(rated)
    theirs = krippendorff.alpha(rated.T, level_of_measurement="interval")
    assert found.sentiment_alpha.estimate == pytest.approx(theirs, abs=1e-9)


def test_m3ed_has_other_as_its_eighth_label_and_first_labels_only(m3ed: datasets.DatasetDict) -> None:
    train = m3ed["train"]
    found = agreement(train, resamples=0)
    assert found.names[7] == "Other"
    assert (found.sentiment_alpha, found.num_rows_rated) == (None, None)
    first = [[vote["emotions"][0] for vote in row] for row in train["annotations"] if len(row) == 3]
    counts, _ = inter_rater.aggregate_raters(np.array(first), n_cat=8)
    assert found.num_rows_used == len(first)
    assert found.fleiss_kappa.estimate == pytest.approx(inter_rater.fleiss_kappa(counts), abs=1e-12)


def test_intervals_are_those_of_the_bootstrap_over_dialogues(emotalk: datasets.DatasetDict) -> None:
    train = emotalk["train"]
    found = agreement(train, resamples=60, seed=5)
    table = votes(train).table()
    kappa = bootstrap(lambda rows: fleiss_kappa(table[rows], 7), train["dialogue_id"], resamples=60, seed=5)
    alpha = bootstrap(
        lambda rows: krippendorff_alpha(table[rows]), train["dialogue_id"], resamples=60, seed=5
    )
    assert found.fleiss_kappa == kappa
    assert found.krippendorff_alpha.to_dict() == pytest.approx(alpha.to_dict())
    assert found.num_dialogues == found.fleiss_kappa.num_clusters == len(set(train["dialogue_id"]))
    assert found.fleiss_kappa.low < found.fleiss_kappa.estimate < found.fleiss_kappa.high


def test_agreement_does_not_depend_on_the_order_of_rows(emotalk: datasets.DatasetDict) -> None:
    train = emotalk["train"]
    assert agreement(train.shuffle(seed=1), resamples=30) == agreement(train, resamples=30)


def _with_votes(dataset: datasets.Dataset, keep: list[int]) -> datasets.Dataset:
    """Keep as many multimodal votes of each row."""
    stored = column(dataset, "annotations").to_pylist()
    cut = [
        [vote for vote in row if vote["modality"] == "multimodal"][:number]
        for row, number in zip(stored, keep, strict=True)
    ]
    feature = dataset.features["annotations"]
    kind = datasets.Features({"annotations": feature}).arrow_schema.field("annotations").type
    return with_columns(dataset, {"annotations": NewColumn(pa.array(cut, kind), feature)})


def test_rows_with_too_few_votes_are_counted_and_left_out(emotalk: datasets.DatasetDict) -> None:
    full = emotalk["train"].select(range(12))
    found = agreement(_with_votes(full, [5, 5, 4, 3, 2, 1, 1, 0, 0, 0, 5, 5]), resamples=20)
    counts = (found.num_rows_used, found.num_rows_complete, found.num_rows_one_vote, found.num_rows_no_vote)
    assert counts == (7, 4, 2, 3)
    assert (found.num_rows, found.num_votes) == (12, 31)
    kept = full.select([0, 1, 2, 3, 4, 10, 11])
    alone = agreement(_with_votes(kept, [5, 5, 4, 3, 2, 5, 5]), resamples=20)
    assert found.fleiss_kappa == alone.fleiss_kappa
    assert found.krippendorff_alpha == alone.krippendorff_alpha
    assert found.sentiment_alpha == alone.sentiment_alpha
    assert found.num_dialogues == len(set(kept["dialogue_id"]))


def test_without_votes_agreement_is_undefined_and_says_why(emotalk: datasets.DatasetDict) -> None:
    full = emotalk["train"]
    for one in (_with_votes(full, [0] * full.num_rows), full.select([])):
        found = agreement(one)
        assert (found.num_votes, found.num_rows_used, found.num_dialogues) == (0, 0, 0)
        assert found.num_rows_no_vote == one.num_rows
        assert math.isnan(found.fleiss_kappa.estimate)
        assert "undefined: no row has two votes" in str(found)
        assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["fleiss_kappa"]["estimate"] is None


def test_one_label_for_all_is_undefined_and_says_why(emotalk: datasets.DatasetDict) -> None:
    train = emotalk["train"].select(range(6))
    stored = column(train, "annotations").to_pylist()
    same = [[{**vote, "emotion": 0, "sentiment": 1} for vote in row] for row in stored]
    feature = train.features["annotations"]
    kind = datasets.Features({"annotations": feature}).arrow_schema.field("annotations").type
    found = agreement(with_columns(train, {"annotations": NewColumn(pa.array(same, kind), feature)}))
    assert math.isnan(found.fleiss_kappa.estimate)
    assert found.sentiment_alpha is not None
    assert math.isnan(found.sentiment_alpha.estimate)
    assert "undefined: all votes are for one label" in str(found)


@needs_tables
def test_the_public_tables_have_no_votes_and_so_no_agreement() -> None:
    test = real_emotalk()["test"]
    found = agreement(test)
    assert (found.num_rows, found.num_rows_no_vote, found.num_votes) == (1929, 1929, 0)
    assert found.bias == ()
    assert str(found.fleiss_kappa) == "undefined"


def test_it_prints_itself_and_goes_into_json(
    emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict
) -> None:
    for found in (agreement(emotalk["train"]), agreement(m3ed["train"], resamples=10)):
        lines = str(found).splitlines()
        assert max(map(len, lines)) <= 100
        assert f"{found.num_votes:,} votes" in lines[0]
        assert any(line.startswith("Fleiss' kappa") and f"{found.fleiss_kappa}" in line for line in lines)
        assert found._repr_html_().startswith("<pre>")
        assert "Fleiss&#x27; kappa" in found._repr_html_()
        values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert values["num_rows"] == found.num_rows
        assert values["krippendorff_alpha"]["estimate"] == found.krippendorff_alpha.estimate
        assert len(values["bias"]) == found.num_annotators
    assert "10 resamples of" in str(agreement(m3ed["train"], resamples=10))
    assert "no intervals" in str(agreement(m3ed["train"], resamples=0))


def test_what_cannot_be_is_refused(emotalk: datasets.DatasetDict, m3ed: datasets.DatasetDict) -> None:
    with pytest.raises(
        OptionError, match=r"^the data is a DatasetDict; expected a datasets\.Dataset \(choose"
    ):
        agreement(emotalk)
    with pytest.raises(
        OptionError, match=r"^M3ED was judged from video with sound only; modality is 'audio'"
    ):
        agreement(m3ed["train"], modality="audio")
    with pytest.raises(OptionError, match=r"^the dataset has no column 'annotations'"):
        agreement(emotalk["train"].remove_columns("annotations"))
    with pytest.raises(OptionError, match=r"^resamples is -5; expected a whole number from 0\.$"):
        agreement(emotalk["train"], resamples=-5)
