"""Intervals over whole clusters: what is drawn, and that nothing but the seed and the data decides it."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotalk_data.errors import OptionError
from emotalk_data.views.intervals import Interval, bootstrap, resampled_sums

Rows = NDArray[np.int64]


def _mean_of(values: list[float]) -> Callable[[Rows], float]:
    array = np.array(values)
    return lambda rows: float(array[rows].mean())


def test_the_estimate_is_that_of_all_rows_in_their_order() -> None:
    seen: list[list[int]] = []

    def statistic(rows: Rows) -> float:
        seen.append(rows.tolist())
        return 0.25

    found = bootstrap(statistic, ["a", "b", "c", "a"], resamples=0)
    assert seen == [[0, 1, 2, 3]]
    assert (found.estimate, found.num_clusters) == (0.25, 3)


def test_a_resample_has_whole_clusters_as_many_as_there_are() -> None:
    clusters = ["b", "a", "b", "c", "a", "b"]
    members = {"a": [1, 4], "b": [0, 2, 5], "c": [3]}
    drawn: list[Rows] = []

    def statistic(rows: Rows) -> float:
        drawn.append(rows)
        return 0.0

    bootstrap(statistic, clusters, resamples=200, seed=3)
    assert len(drawn) == 201
    sizes = set()
    for rows in drawn[1:]:
        times = np.bincount(rows, minlength=6)
        by_cluster = {name: {int(times[row]) for row in of} for name, of in members.items()}
        assert all(len(found) == 1 for found in by_cluster.values()), "a cluster was torn"
        assert sum(found.pop() for found in by_cluster.values()) == 3
        sizes.add(len(rows))
    assert min(sizes) == 3
    assert max(sizes) == 9


def test_clusters_are_drawn_evenly() -> None:
    drawn = resampled_sums(np.eye(10, dtype=np.int64), 2000, seed=0)
    assert (drawn.sum(1) == 10).all()
    # 20,000 draws of ten: 2,000 each, with a standard deviation of 42.
    assert np.abs(drawn.sum(0) - 2000).max() < 5 * 42


@given(
    st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(-5, 5)), min_size=1, max_size=30),
    st.integers(0, 2**32),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_and_the_names_of_clusters_change_nothing(
    rows: list[tuple[str, int]], seed: int, shuffle: random.Random
) -> None:
    def interval(of: list[tuple[str, int]], prefix: str = "") -> Interval:
        values = [float(value) for _, value in of]
        return bootstrap(_mean_of(values), [prefix + name for name, _ in of], resamples=20, seed=seed)

    shuffled = rows.copy()
    shuffle.shuffle(shuffled)
    assert interval(shuffled) == interval(rows) == interval(rows, prefix="G0")


def test_sums_of_clusters_are_drawn_as_their_rows_are() -> None:
    rng = np.random.default_rng(0)
    clusters, values = rng.integers(0, 12, 100), rng.integers(0, 9, 100)
    clusters = np.unique(clusters, return_inverse=True)[1]
    sums = np.stack([np.bincount(clusters, values), np.bincount(clusters)], axis=1).astype(np.int64)
    of_sums = resampled_sums(sums, 50, seed=7)
    found: list[float] = []

    def mean(rows: Rows) -> float:
        found.append(float(values[rows].mean()))
        return found[-1]

    interval = bootstrap(mean, clusters, resamples=50, seed=7)
    assert found[1:] == pytest.approx(of_sums[:, 0] / of_sums[:, 1], abs=1e-12)
    assert interval.low == pytest.approx(np.quantile(found[1:], 0.025))
    assert interval.high == pytest.approx(np.quantile(found[1:], 0.975))


def test_the_drawn_clusters_stay_the_same_from_version_to_version() -> None:
    drawn = resampled_sums(np.eye(6, dtype=np.int64), 3, seed=0)
    assert drawn.tolist() == [[2, 1, 0, 1, 1, 1], [1, 0, 0, 2, 2, 1], [1, 1, 0, 1, 1, 2]]


def test_another_seed_draws_others() -> None:
    sums = np.eye(20, dtype=np.int64)
    assert (resampled_sums(sums, 5, seed=0) == resampled_sums(sums, 5, seed=0)).all()
    assert (resampled_sums(sums, 5, seed=0) != resampled_sums(sums, 5, seed=1)).any()


def test_a_wider_level_gives_a_wider_interval() -> None:
    values = [float(value) for value in range(50)]
    narrow, wide = (bootstrap(_mean_of(values), range(50), level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_the_interval_of_a_mean_is_about_what_theory_says() -> None:
    values = np.random.default_rng(0).normal(size=400)
    found = bootstrap(_mean_of(values.tolist()), range(400), resamples=4000)
    half = 1.96 * values.std() / math.sqrt(400)
    assert found.low == pytest.approx(found.estimate - half, abs=0.01)
    assert found.high == pytest.approx(found.estimate + half, abs=0.01)


def test_utterances_of_one_dialogue_that_agree_widen_the_interval() -> None:
    values = [float(dialogue % 2) for dialogue in range(40) for _ in range(10)]
    by_row = bootstrap(_mean_of(values), range(400), resamples=300)
    by_dialogue = bootstrap(_mean_of(values), [row // 10 for row in range(400)], resamples=300)
    assert by_dialogue.high - by_dialogue.low > 2 * (by_row.high - by_row.low)


@pytest.mark.parametrize(("clusters", "resamples"), [(["a", "a", "a"], 100), (["a", "b", "c"], 0)])
def test_one_cluster_or_no_resamples_give_no_interval_instead_of_a_narrow_one(
    clusters: list[str], resamples: int
) -> None:
    found = bootstrap(_mean_of([1.0, 2.0, 3.0]), clusters, resamples=resamples)
    assert (found.estimate, found.resamples) == (2.0, 0)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert str(found) == "2.000"


def test_undefined_resamples_are_counted_and_left_out() -> None:
    def only_with_row_0(rows: Rows) -> float:
        return 1.0 if 0 in rows else math.nan

    found = bootstrap(only_with_row_0, ["a", "b"], resamples=100)
    assert 10 < found.num_undefined < 45  # a quarter of them has b twice
    assert (found.low, found.high, found.resamples) == (1.0, 1.0, 100)


def test_an_undefined_statistic_is_undefined_and_null_in_json() -> None:
    found = bootstrap(lambda _: math.nan, ["a", "b"], resamples=10)
    assert str(found) == "undefined"
    assert found == bootstrap(lambda _: math.nan, ["a", "b"], resamples=10)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == {
        "estimate": None,
        "low": None,
        "high": None,
        "level": 0.95,
        "resamples": 10,
        "num_undefined": 10,
        "num_clusters": 2,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resamples": -1}, r"^resamples is -1; expected a whole number from 0\.$"),
        ({"resamples": 2.5}, r"^resamples is 2\.5; expected a whole number"),
        ({"resamples": True}, r"^resamples is True; expected a whole number"),
        ({"seed": "7"}, r"^seed is '7'; expected a whole number from 0\.$"),
        ({"seed": None}, r"^seed is None; expected a whole number from 0\.$"),
        ({"level": 95}, r"^level is 95; expected a number between 0 and 1, such as 0\.95\.$"),
        ({"level": 1.0}, r"^level is 1\.0; expected"),
        ({"clusters": ["a", None, "b"]}, r"^clusters is None in row 1; expected an id in every row\.$"),
        ({"clusters": [0.0, math.nan]}, r"^clusters is .*nan.* in row 1; expected an id"),
        ({"clusters": []}, r"^clusters is empty; expected an id for each row"),
        ({"clusters": [["a"], ["b", "c"]]}, r"^clusters is \['a'\] in row 0; expected one id"),
        ({"clusters": np.zeros((2, 1))}, r"^clusters has the shape \(2, 1\); expected one id"),
        ({"clusters": ["1", 1]}, r"^clusters mixes ids of several types"),
        ({"clusters": ["a", math.nan]}, r"^clusters is nan in row 1; expected an id in every row\.$"),
        ({"clusters": "ab"}, r"^clusters is a str; expected a list with an id for each row\.$"),
        ({"clusters": 5}, r"^clusters is a int; expected a list"),
        ({"statistic": 3}, r"^statistic is 3; expected a function of row numbers\.$"),
        ({"statistic": lambda _: None}, r"^statistic gave None; expected one number"),
        ({"statistic": lambda rows: rows}, r"^statistic gave array\(\[0, 1\]\); expected one number"),
        (
            {"clusters": np.array(["a", 1], dtype=object)},
            r"^clusters mixes ids of several types; expected texts only",
        ),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    options = {"statistic": lambda _: 0.0, "clusters": ["a", "b"], **options}
    with pytest.raises(OptionError, match=message):
        bootstrap(**options)


def test_ids_may_be_a_column_of_arrow_of_numpy_or_pairs() -> None:
    lists: list[Any] = [pa.array(["a", "b", "a"]), pa.chunked_array([["a", "b", "a"]]), np.array([2, 5, 2])]
    for clusters in (*lists, [("x", 1), ("x", 2), ("x", 1)]):
        assert bootstrap(_mean_of([1.0, 2.0, 3.0]), clusters, resamples=0).num_clusters == 2
