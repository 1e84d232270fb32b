"""Scores are those of scikit-learn and of a hand; rows without a label count for nothing and are counted."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn

from emotalk_data.errors import MissingDependencyError, OptionError
from emotalk_data.views.columns import label_ids
from emotalk_data.views.intervals import Interval, bootstrap
from emotalk_data.views.scoring.metrics import score

Ids = NDArray[np.int64]
Metric = Callable[[Ids, Ids], float]

# Three rows of class 0, two of 1, one of 3; class 2 is predicted and never a label.
LABELS = [0, 0, 0, 1, 1, 3]
PREDICTIONS = [0, 0, 1, 1, 2, 3]


def _resampled(metric: Metric, labels: Ids, predictions: Ids, clusters: list[str]) -> Interval:
    return bootstrap(lambda rows: metric(labels[rows], predictions[rows]), clusters, resamples=5, seed=2)


def _close(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or one == pytest.approx(other, abs=1e-12)


def test_scores_of_classes_by_hand() -> None:
    found = score(LABELS, PREDICTIONS, task="emotion4", names=["neutral", "happy", "sad", "angry"])
    assert found.metrics["accuracy"].estimate == pytest.approx(4 / 6)
    # F1 of 0: 2*2/(3+2); of 1: 2*1/(2+2); of 3: 1. Weighted by 3, 2 and 1 labels.
    assert found.metrics["weighted_f1"].estimate == pytest.approx((3 * 0.8 + 2 * 0.5 + 1 * 1.0) / 6)
    # Class 2 occurs in no label: it has no recall, and the mean is of three.
    assert found.metrics["unweighted_average_recall"].estimate == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    sad = found.classes[2]
    assert (sad.name, sad.num_labels, sad.num_predictions) == ("sad", 0, 1)
    assert (sad.precision, sad.f1) == (0.0, 0.0)
    assert math.isnan(sad.recall)
    assert found.confusion == ((2, 1, 0, 0), (0, 1, 1, 0), (0, 0, 0, 0), (0, 0, 0, 1))
    assert (found.num_rows, found.num_scored, found.num_unlabelled) == (6, 6, 0)


def test_scores_of_sentiment_by_hand() -> None:
    labels = [-2.0, -1.0, 0.0, 0.4, 1.0, 2.0]
    predictions = [-1.0, 0.5, 0.7, 0.0, 1.0, 1.0]
    found = score(labels, predictions, task="sentiment")
    assert found.metrics["mean_absolute_error"].estimate == pytest.approx((1 + 1.5 + 0.7 + 0.4 + 0 + 1) / 6)
    assert found.metrics["pearson_r"].estimate == pytest.approx(np.corrcoef(labels, predictions)[0, 1])
    # Five labels have a polarity. -1 is taken for positive, and 0 for 0.4 is neither.
    assert found.metrics["polarity_accuracy"].estimate == pytest.approx(3 / 5)
    # Negative: 1 found, 2 labels, 1 prediction. Positive: 2 found, 3 labels, 3 predictions.
    assert found.metrics["polarity_weighted_f1"].estimate == pytest.approx((2 * 2 / 3 + 3 * 4 / 6) / 5)
    assert (found.num_zero_labels, found.num_zero_predictions) == (1, 1)
    assert (found.classes, found.confusion) == ((), None)


def test_always_zero_has_no_polarity_right() -> None:
    found = score([-1.0, -0.4, 0.4, 0.0], [0.0] * 4, task="sentiment")
    assert found.metrics["polarity_accuracy"].estimate == 0.0
    assert found.num_zero_predictions == 3
    assert str(found.metrics["pearson_r"]) == "undefined"


def test_labels_of_zero_alone_have_no_polarity_to_score() -> None:
    found = score([0.0, 0.0, None], [0.5, -0.5, 1.0], task="sentiment", clusters=["a", "b", "b"], resamples=5)
    assert found.metrics["mean_absolute_error"].estimate == 0.5
    assert math.isnan(found.metrics["polarity_accuracy"].estimate)
    assert math.isnan(found.metrics["polarity_weighted_f1"].estimate)
    assert found.metrics["polarity_accuracy"].num_undefined == 5


def test_scores_of_blends_by_hand() -> None:
    labels = [[1, 0, 0], [1, 1, 0], [0, 1, 0], None]
    predictions = [[1, 0, 0], [1, 0, 0], [0, 1, 1], [0, 0, 0]]
    found = score(labels, predictions, task="multilabel", names=["Anger", "Disgust", "Fear"])
    values = {name: value.estimate for name, value in found.metrics.items()}
    assert values == pytest.approx(
        {
            "subset_accuracy": 1 / 3,
            "micro_f1": 2 * 3 / (4 + 4),
            "macro_f1": (1 + 2 / 3) / 2,  # Fear is in no label
            "weighted_f1": (2 * 1 + 2 * 2 / 3) / 4,
            "hamming_loss": 2 / 9,
        }
    )
    assert [one.num_labels for one in found.classes] == [2, 2, 0]
    assert (found.num_unlabelled, found.confusion) == (1, None)


def test_blends_of_nothing_have_an_undefined_f1() -> None:
    found = score([[0, 0], [0, 0]], [[0, 0], [0, 0]], task="multilabel", clusters=[1, 2], resamples=3)
    undefined = {name for name, value in found.metrics.items() if math.isnan(value.estimate)}
    assert undefined == {"micro_f1", "macro_f1", "weighted_f1"}
    assert found.metrics["subset_accuracy"].estimate == 1.0
    assert found.metrics["micro_f1"].num_undefined == 3


@st.composite
def _ids(draw: st.DrawFn) -> tuple[Ids, Ids, list[str]]:
    rows = draw(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from("abcd")), min_size=1)
    )
    labels, predictions, clusters = zip(*rows, strict=True)
    return np.array(labels), np.array(predictions), list(clusters)


@given(_ids())
@settings(max_examples=12)
def test_class_scores_and_their_intervals_are_those_of_scikit_learn(
    drawn: tuple[Ids, Ids, list[str]],
) -> None:
    labels, predictions, clusters = drawn
    found = score(labels, predictions, task="emotion7", clusters=clusters, resamples=5, seed=2)
    theirs: dict[str, Metric] = {
        "accuracy": sklearn.accuracy_score,
        "weighted_f1": lambda y, p: sklearn.f1_score(y, p, average="weighted", zero_division=0),
        "unweighted_average_recall": lambda y, p: sklearn.recall_score(
            y, p, average="macro", labels=np.unique(y), zero_division=0
        ),
    }
    assert set(found.metrics) == set(theirs)
    for name, metric in theirs.items():
        expected = _resampled(metric, labels, predictions, clusters)
        assert found.metrics[name].to_dict() == pytest.approx(expected.to_dict(), abs=1e-12)
    confusion = sklearn.confusion_matrix(labels, predictions, labels=range(7))
    assert found.confusion == tuple(map(tuple, confusion.tolist()))


@st.composite
def _blends(draw: st.DrawFn) -> tuple[Ids, Ids, list[str]]:
    blend = st.lists(st.integers(0, 1), min_size=3, max_size=3)
    rows = draw(st.lists(st.tuples(blend, blend, st.sampled_from("abcd")), min_size=1, max_size=20))
    labels, predictions, clusters = zip(*rows, strict=True)
    return np.array(labels), np.array(predictions), list(clusters)


@given(_blends())
@settings(max_examples=12)
def test_blend_scores_and_their_intervals_are_those_of_scikit_learn(
    drawn: tuple[Ids, Ids, list[str]],
) -> None:
    labels, predictions, clusters = drawn
    found = score(labels, predictions, task="multilabel", clusters=clusters, resamples=5, seed=2)

    def f1(average: str) -> Metric:
        def metric(y: Ids, p: Ids) -> float:
            occurring = np.flatnonzero(y.any(0))
            if not len(occurring):
                return math.nan
            return float(sklearn.f1_score(y, p, average=average, labels=occurring, zero_division=0))

        return metric

    theirs: dict[str, Metric] = {
        "subset_accuracy": sklearn.accuracy_score,
        "micro_f1": lambda y, p: sklearn.f1_score(y, p, average="micro", zero_division=np.nan),
        "macro_f1": f1("macro"),
        "weighted_f1": f1("weighted"),
        "hamming_loss": sklearn.hamming_loss,
    }
    assert set(found.metrics) == set(theirs)
    for name, metric in theirs.items():
        expected = _resampled(metric, labels, predictions, clusters)
        ours = found.metrics[name]
        assert (ours.num_undefined, ours.num_clusters) == (expected.num_undefined, expected.num_clusters)
        for one, other in (
            (ours.estimate, expected.estimate),
            (ours.low, expected.low),
            (ours.high, expected.high),
        ):
            assert _close(one, other)


@given(
    st.lists(
        st.tuples(st.integers(-10, 10), st.sampled_from([-1.5, -0.2, 0.0, 0.3, 1.0]), st.sampled_from("abc")),
        min_size=2,
        max_size=20,
    )
)
@settings(max_examples=12)
def test_polarity_scores_and_their_intervals_are_those_of_scikit_learn(
    rows: list[tuple[int, float, str]],
) -> None:
    labels = np.array([label / 5 for label, _, _ in rows])
    predictions = np.array([prediction for _, prediction, _ in rows])
    clusters = [cluster for _, _, cluster in rows]

    def accuracy(chosen: Ids) -> float:
        polar = chosen[labels[chosen] != 0]
        if not len(polar):
            return math.nan
        return float(sklearn.accuracy_score(np.sign(labels[polar]), np.sign(predictions[polar])))

    def weighted_f1(chosen: Ids) -> float:
        polar = chosen[labels[chosen] != 0]
        if not len(polar):
            return math.nan
        signs = np.sign(labels[polar]), np.sign(predictions[polar])
        return float(sklearn.f1_score(*signs, average="weighted", zero_division=0))

    found = score(labels, predictions, task="sentiment", clusters=clusters, resamples=5)
    for name, metric in (("polarity_accuracy", accuracy), ("polarity_weighted_f1", weighted_f1)):
        expected = bootstrap(metric, clusters, resamples=5)
        ours = found.metrics[name]
        assert ours.num_undefined == expected.num_undefined
        for one, other in (
            (ours.estimate, expected.estimate),
            (ours.low, expected.low),
            (ours.high, expected.high),
        ):
            assert _close(one, other)
    theirs = sklearn.mean_absolute_error(labels, predictions)
    assert found.metrics["mean_absolute_error"].estimate == pytest.approx(theirs)


@given(_ids(), st.randoms(use_true_random=False))
@settings(max_examples=8)
def test_the_order_of_rows_changes_nothing(drawn: tuple[Ids, Ids, list[str]], shuffle: random.Random) -> None:
    labels, predictions, clusters = drawn
    order = list(range(len(labels)))
    shuffle.shuffle(order)
    shuffled = labels[order], predictions[order]
    ours = score(labels, predictions, task="emotion7", clusters=clusters, resamples=5)
    theirs = score(*shuffled, task="emotion7", clusters=[clusters[row] for row in order], resamples=5)
    assert repr(theirs) == repr(ours)


@pytest.mark.parametrize("null", [None, math.nan, -1, -100])
def test_rows_without_a_label_are_counted_and_count_for_nothing(null: float | None) -> None:
    clusters = ["a", "a", "b", "b", "c", "c", "d"]
    labels, predictions = [*LABELS, null], [*PREDICTIONS, 0]
    found = score(labels, predictions, task="emotion4", clusters=clusters, resamples=20)
    without = score(LABELS, PREDICTIONS, task="emotion4", clusters=clusters[:-1], resamples=20)
    assert (found.num_rows, found.num_scored, found.num_unlabelled) == (7, 6, 1)
    assert found.metrics == without.metrics
    assert found.metrics["accuracy"].num_clusters == 3
    assert repr(found.classes) == repr(without.classes)
    # What is predicted where there is no label does not matter, null included.
    assert score(labels, [*PREDICTIONS, None], task="emotion4", clusters=clusters, resamples=20).metrics == (
        without.metrics
    )


def test_minus_one_is_a_sentiment_and_no_missing_label() -> None:
    found = score([-1.0, None, math.nan], [-1.0, 0.0, 0.0], task="sentiment")
    assert (found.num_scored, found.num_unlabelled) == (1, 2)


def test_zero_is_where_label_view_has_it_and_two_may_be_off_in_its_last_digits() -> None:
    found = score([5e-17, -5e-17, 2 + 4e-16, -1.0], [1.0, 1.0, 1.0, -1.0], task="sentiment")
    assert (found.num_zero_labels, found.metrics["polarity_accuracy"].estimate) == (2, 1.0)


def test_predictions_beyond_all_bounds_have_a_correlation() -> None:
    found = score([-1.0, 0.0, 1.0], [-1e300, 0.0, 1e300], task="sentiment")
    assert found.metrics["pearson_r"].estimate == pytest.approx(1)


def test_blends_may_be_a_list_of_arrays_and_nulls() -> None:
    found = score([None, np.array([1, 0])], [[0, 0], [1, 0]], task="multilabel")
    assert (found.num_unlabelled, found.metrics["subset_accuracy"].estimate) == (1, 1.0)


@pytest.mark.parametrize("null", [-1, -100, math.nan])
def test_a_row_of_nulls_is_a_blend_without_a_label(null: float) -> None:
    labels = np.array([[1, 0], [null, null]], float)
    assert score(labels, [[1, 0], [1, 1]], task="multilabel").num_unlabelled == 1


def test_five_bins_and_polarity_have_words() -> None:
    bins = score([0, 4], [0, 4], task="sentiment5")
    assert [one.name for one in bins.classes][::4] == ["negative", "positive"]
    assert [one.name for one in score([0, 1], [0, 0], task="polarity").classes] == ["negative", "positive"]
    ids = score([0], [0], task="emotion7")
    assert [one.name for one in ids.classes] == list("0123456")


@pytest.mark.slow  # importing torch
def test_tensors_and_columns_of_a_dataset_are_taken(emotalk: datasets.DatasetDict) -> None:
    import torch

    test = emotalk["test"]
    truth = label_ids(test, "emotion")
    names = test.features["emotion"].names
    of_column = score(test["emotion"], torch.zeros(len(truth)), task="emotion7", names=names)
    of_array = score(torch.tensor(truth), np.zeros(len(truth), np.int32), task="emotion7", names=names)
    assert repr(of_column) == repr(of_array)
    assert of_column.num_unlabelled == int((truth < 0).sum())
    assert of_column.metrics["accuracy"].estimate == pytest.approx((truth[truth >= 0] == 0).mean())


@pytest.mark.parametrize("task", ["emotion7", "sentiment", "multilabel"])
def test_scores_print_themselves_and_go_into_json(task: Any) -> None:
    rng = np.random.default_rng(0)
    names = ["neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful"]
    drawn = {
        "emotion7": rng.integers(0, 7, (2, 80)),
        "sentiment": rng.integers(-10, 11, (2, 80)) / 5,
        "multilabel": rng.integers(0, 2, (2, 80, 7)),
    }[task]
    options: dict[str, Any] = {} if task == "sentiment" else {"names": names}
    with_intervals = score(*drawn, task=task, clusters=np.arange(80) // 8, resamples=50, **options)
    text = str(with_intervals)
    assert max(map(len, text.splitlines())) <= 100
    assert f"{task}: 80 rows scored, 0 without a label left out" in text
    assert "intervals from 50 resamples of 10 clusters" in text
    assert all(str(value) in text for value in with_intervals.metrics.values())
    assert with_intervals._repr_html_() == f"<pre>{text}</pre>".replace("'", "&#x27;")
    values = json.loads(json.dumps(with_intervals.to_dict(), allow_nan=False))
    assert values["task"] == task
    assert values["metrics"].keys() == with_intervals.metrics.keys()
    assert "no intervals: no clusters were given" in str(score(*drawn, task=task, **options))
    assert "fewer than two clusters" in str(score(*drawn, task=task, clusters=["a"] * 80, **options))


def test_scores_say_which_rows_have_no_polarity() -> None:
    text = str(score([0.0, 1.0, -1.0], [0.0, 0.0, -1.0], task="sentiment"))
    assert "labels of exactly 0, without polarity: 1; predictions of exactly 0 for the others: 1" in text


@pytest.mark.parametrize(
    ("labels", "predictions", "options", "message"),
    [
        (
            [0, 1, 2],
            [0, None, 2],
            {},
            r"^predictions is null in row 1; expected the id of a class of 'emotion4', a",
        ),
        (
            [None, 1],
            [0, -1],
            {},
            r"^predictions is -1 in row 1; expected the id of a class of 'emotion4', a whole",
        ),
        ([0, 5], [0, 0], {}, r"^labels is 5 in row 1; expected .* whole number from 0 to 3\.$"),
        ([0, 1], [0.4, 0.6], {}, r"^predictions is 0\.4 in row 0; expected the id"),
        (
            [0, 1],
            [0],
            {},
            r"^labels has the shape \(2,\), predictions \(1,\); expected a prediction for each row\.$",
        ),
        (
            [0, 1],
            [[0.1, 0.9]] * 2,
            {},
            r"^predictions has the shape \(2, 2\); expected one value .*argmax\)\.$",
        ),
        (["sad"], ["sad"], {}, r"^labels is not an array of numbers; expected ids or numbers"),
        ([None, -1], [0, 0], {}, r"^none of the 2 rows has a label; there is nothing to score\.$"),
        ([], [], {}, r"^none of the 0 rows has a label"),
        (3, [0], {}, r"^labels is a int; expected an array or a list, a value for each row\.$"),
        ([0], {"an_id": 0}, {}, r"^predictions is a dict; expected an array or a list"),
        ([0], [0], {"task": "emotion8"}, r"^task is 'emotion8'; expected one of \['emotion7',"),
        (
            [0],
            [0],
            {"names": ["a", "b"]},
            r"^names is \('a', 'b'\); expected 4 different texts for 'emotion4'\.$",
        ),
        ([0], [0], {"names": ["a", "b", "c", "a"]}, r"expected 4 different texts"),
        ([0], [0], {"names": "abcd"}, r"^names is 'abcd'; expected a list of texts, one for each class\.$"),
        ([0], [0], {"names": 4}, r"^names is 4; expected a list of texts"),
        (
            [0],
            [0],
            {"clusters": ["a", "b"]},
            r"^clusters has 2 ids for 1 rows; expected one id for each row\.$",
        ),
        ([0], [0], {"clusters": [None]}, r"^clusters is None in row 0"),
        ([0], [0], {"resamples": "many"}, r"^resamples is 'many'"),
        ([3.0], [0.0], {"task": "sentiment"}, r"^labels is 3 in row 0; expected a sentiment from -2 to 2\.$"),
        (
            [1.0],
            [math.inf],
            {"task": "sentiment"},
            r"^predictions is inf in row 0; expected a finite number\.$",
        ),
        ([1.0], [None], {"task": "sentiment"}, r"^predictions is null in row 0; expected a finite number\.$"),
        (
            [1.0],
            [1.0],
            {"task": "sentiment", "names": ["a"]},
            r"^names was given for 'sentiment', which has no",
        ),
        (
            [[0, 1]],
            [[0.2, 0.7]],
            {"task": "multilabel"},
            r"^predictions is 0\.2 in row 0; expected 0 or 1 .*threshold",
        ),
        (
            [[0, -1]],
            [[0, 1]],
            {"task": "multilabel"},
            r"^labels is -1 in row 0; expected 0 or 1 for each class",
        ),
        (
            [[0, 1]],
            [None],
            {"task": "multilabel"},
            r"^predictions has the shape \(1, 0\); expected \(rows, classes\)",
        ),
        ([[0, 1], [1]], [[0, 1]] * 2, {"task": "multilabel"}, r"^labels is not an array of numbers"),
        ([0, 1], [0, 1], {"task": "multilabel"}, r"^labels has the shape \(2,\); expected \(rows"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_row(
    labels: Any, predictions: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        score(labels, predictions, **{"task": "emotion4", **options})


@pytest.mark.slow  # importing torch
def test_a_tensor_that_holds_gradients_is_refused() -> None:
    import torch

    with pytest.raises(OptionError, match=r"^predictions is not an array of numbers"):
        score([1.0], torch.ones(1, requires_grad=True), task="sentiment")


class _NoSklearn:
    """What Python does where scikit-learn is not installed."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "sklearn":
            raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sklearn.metrics", "sklearn"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_NoSklearn(), *sys.meta_path])
    with pytest.raises(
        MissingDependencyError, match=r'needed to score predictions and is not inst.*"emotalk-data\[views\]"'
    ):
        score([0], [0], task="emotion7")
