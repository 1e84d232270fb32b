"""Shards made on a Ray cluster of this machine: the same set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.errors import ExtractionError, OptionError
from emotalk_data.features import FeatureSet, extract_features

from .hooks import Loudness, Numbers, constant, content, sounds, table

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    # Ray sets its own settings to what they are by default, and warns of them.
    pytest.mark.filterwarnings("ignore:`use_.*deprecated:DeprecationWarning:ray.data.context"),
]

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    ray.init(
        num_cpus=2,
        num_gpus=0,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}},
    )
    yield
    ray.shutdown()


def test_without_a_cluster_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray: Any = pytest.importorskip("ray")

    def none(**options: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", none)
    with pytest.raises(OptionError, match=r"needs a Ray cluster and finds none\. Start one"):
        extract_features(sounds(tmp_path / "wavs"), Loudness(), tmp_path / "set", runner="ray")


def test_an_object_that_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="is sent to other machines and cannot be pickled"):
        extract_features(table(), Numbers(lambda number: constant(number)), tmp_path / "set", runner="ray")


@pytest.mark.usefixtures("cluster")
def test_a_cluster_makes_the_same_set_and_goes_on(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    here = extract_features(ds, Loudness(), tmp_path / "here", rows_per_shard=2)
    there = extract_features(ds, Loudness(), tmp_path / "there", rows_per_shard=2, runner="ray")
    assert content(tmp_path / "there") == content(tmp_path / "here")
    assert there.counts == here.counts
    (tmp_path / "there" / "data" / "train-00001-of-00003.parquet").unlink()
    extract_features(ds, Loudness(), tmp_path / "there", rows_per_shard=2, runner="ray")
    assert content(tmp_path / "there") == content(tmp_path / "here")


@pytest.mark.usefixtures("cluster")
def test_an_error_on_the_cluster_is_the_error_here(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"its frames are float32, shape \(2, 3\)"):
        extract_features(table(), Numbers(constant, num_dims=7), tmp_path / "set", runner="ray")
    assert content(tmp_path / "set") == {}
    with pytest.raises(OptionError, match="no feature set"):
        FeatureSet.open(tmp_path / "set")
