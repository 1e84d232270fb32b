"""Weights are scikit-learn's where it has them; a class without rows never makes them infinite."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from emotalk_data.errors import OptionError
from emotalk_data.views.labelling.class_weights import Scheme, class_weights
from emotalk_data.views.labelling.labels import label_view

from ..label_tables import emotalk_table, m3ed_table

SCHEMES: tuple[Scheme, ...] = ("balanced", "inverse_sqrt", "effective_number")


def _labels(*counts: int, nulls: int = 0) -> datasets.Dataset:
    ids = [label for label, count in enumerate(counts) for _ in range(count)] + [None] * nulls
    return label_view(emotalk_table(emotion=ids), "emotion7", keep_unlabelled=True)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 40), min_size=7, max_size=7), st.integers(0, 5))
def test_balanced_weights_are_those_of_scikit_learn(counts: list[int], nulls: int) -> None:
    ds = _labels(*counts, nulls=nulls)
    labels = [label for label in ds["label"] if label is not None]
    expected = compute_class_weight("balanced", classes=np.arange(7), y=labels)
    weights = class_weights(ds)
    assert weights.dtype == np.float64
    np.testing.assert_allclose(weights, expected, rtol=1e-12)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 400), min_size=7, max_size=7), st.sampled_from(SCHEMES))
def test_the_mean_weight_of_the_labels_is_one_and_rare_classes_weigh_more(
    counts: list[int], scheme: Scheme
) -> None:
    weights = class_weights(_labels(*counts), scheme=scheme)
    assert float((weights * counts).sum() / sum(counts)) == pytest.approx(1)
    order = np.argsort(counts)
    assert (np.diff(weights[order]) <= 1e-12).all()


def test_the_other_schemes_are_in_proportion_to_their_formula() -> None:
    counts = np.array([1, 2, 3, 4, 5, 100, 1000])
    ds = _labels(*counts)
    root = class_weights(ds, scheme="inverse_sqrt")
    np.testing.assert_allclose(root / root[0], np.sqrt(counts[0] / counts))
    effective = class_weights(ds, scheme="effective_number", beta=0.99)
    formula = (1 - 0.99) / (1 - 0.99**counts)
    np.testing.assert_allclose(effective / effective[0], formula / formula[0])
    np.testing.assert_allclose(class_weights(ds, scheme="effective_number", beta=0), np.ones(7))
    nearly = class_weights(ds, scheme="effective_number", beta=1 - 1e-12)
    np.testing.assert_allclose(nearly, class_weights(ds), rtol=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_class_without_rows_weighs_nothing_and_is_named(
    scheme: Scheme, caplog: pytest.LogCaptureFixture
) -> None:
    ds = _labels(3, 0, 1, 1, 1, 1, 0)
    weights = class_weights(ds, scheme=scheme)
    assert caplog.messages == ["no row has the label happy, fearful: the weight is 0."]
    assert np.isfinite(weights).all()
    assert weights[[1, 6]].tolist() == [0, 0]
    if scheme == "balanced":
        np.testing.assert_allclose(weights[[0, 2]], [7 / (5 * 3), 7 / 5])


def test_blends_and_soft_labels_count_by_their_sums() -> None:
    blends = m3ed_table(emotions=[[0, 1], [1], [2, 3, 4], [5, 6], None])
    view = label_view(blends, "multilabel", keep_unlabelled=True)
    np.testing.assert_allclose(class_weights(view), 8 / (7 * np.array([1, 2, 1, 1, 1, 1, 1])))
    soft = datasets.Dataset.from_dict(
        {"label": [[0.5, 0.5], [1.0, 0.0]]},
        features=datasets.Features({"label": datasets.List(datasets.Value("float32"), length=2)}),
    )
    np.testing.assert_allclose(class_weights(soft), 2 / (2 * np.array([1.5, 0.5])))


def test_another_column_of_labels_will_do() -> None:
    ds = emotalk_table(emotion_audio=[0, 1, 2, 3, 4, 5, 6, 6])
    np.testing.assert_allclose(class_weights(ds, column="emotion_audio"), 8 / (7 * np.array([1] * 6 + [2])))


def test_what_has_no_classes_is_refused() -> None:
    ds = _labels(1)
    with pytest.raises(OptionError, match=r"scheme is 'inverse'; expected one of \['balanced'"):
        class_weights(ds, scheme="inverse")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="beta is 1; expected a number from 0 to below 1"):
        class_weights(ds, scheme="effective_number", beta=1)
    with pytest.raises(OptionError, match="no column 'target'"):
        class_weights(ds, column="target")
    with pytest.raises(OptionError, match=r"'sentiment' has the type Value\('float64'\); expected labels"):
        class_weights(ds, column="sentiment")
    with pytest.raises(OptionError, match="'emotion_text' has no label in 1 rows; nothing to weigh"):
        class_weights(ds, column="emotion_text")
    with pytest.raises(OptionError, match="'label' has no label in 0 rows"):
        class_weights(ds.select([]))


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        (["a", "b"], "string", r"has the type List\(Value\('string'\), length=2\); expected labels, or"),
        ([1.0, None], "float32", r"has a list with null; expected numbers from 0"),
        ([1.0, -2.0], "float32", r"has a list with -2; expected numbers from 0"),
        ([1.0, np.inf], "float64", r"has a list with inf; expected numbers from 0"),
    ],
)
def test_lists_that_are_no_shares_are_refused(values: list[Any], dtype: str, message: str) -> None:
    feature = datasets.Features({"label": datasets.List(datasets.Value(dtype), length=2)})
    with pytest.raises(OptionError, match=message):
        class_weights(datasets.Dataset.from_dict({"label": [values]}, features=feature))
