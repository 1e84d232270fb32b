"""Shards made on a Ray cluster of this machine: the same set."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from emotalk_data.errors import ExtractionError, OptionError
from emotalk_data.features import FeatureSet, extract_features
from emotalk_data.features.hook import Encoded
from emotalk_data.features.running.extractors import asked_for
from emotalk_data.features.running.plan import plan_shards
from emotalk_data.features.running.ray_runner import _answer, _ShardActor, _Work
from emotalk_data.features.running.rows import read_source
from emotalk_data.features.running.session import RunOptions

from .hooks import Loudness, Numbers, SizedNumbers, constant, content, sounds, table, times

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    # Ray sets its own settings to what they are by default, and warns of them.
    pytest.mark.filterwarnings("ignore:`use_.*deprecated:DeprecationWarning:ray.data.context"),
]

ROOT = Path(__file__).parents[3]


class Fragile(SizedNumbers):
    """Runs out of memory with more than two, and can do nothing with 4 to 7; may be pickled."""

    def __init__(self) -> None:
        super().__init__(constant)

    def extract(self, batch: Sequence[int]) -> list[Encoded]:
        if len(batch) > 2:
            raise RuntimeError("CUDA out of memory")
        if any(4 <= number < 8 for number in batch):
            raise ValueError("no")
        return super().extract(batch)


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


def test_an_actor_remembers_what_it_learned(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    options = RunOptions(tmp_path / "set", ("utterance",), 40.0, 4, 1)
    source = read_source(table())
    work = pickle.dumps(_Work(source, asked_for(Fragile()), options, plan_shards(source, 4)))
    (tmp_path / "set" / "data").mkdir(parents=True)
    actor = _ShardActor(work, str(tmp_path / "set" / "data"), 40.0, has_made=False)
    answers = [_answer(*actor({"number": numbers})["answer"]) for numbers in ([0], [1, 2])]
    # All of the second shard fails, and that is no broken set-up: the first one was made.
    assert answers == [(4, 0), (8, 4)]
    made = FeatureSet.open(tmp_path / "set", allow_unfinished=True)
    limits = [record.max_batch_seconds for record in made.store.records]
    assert (limits[0] < 40, limits[1:]) == (True, limits[:1] * 2)


@pytest.mark.usefixtures("cluster")
def test_a_cluster_makes_the_same_set_and_goes_on(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    here = extract_features(ds, Loudness(), tmp_path / "here", rows_per_shard=2)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    for number in (0, 2):
        (tmp_path / "there" / "data" / f"train-0000{number}-of-00003.parquet").unlink()
    before = times(tmp_path / "there")
    there = extract_features(ds, Loudness(), tmp_path / "there", rows_per_shard=2, runner="ray")
    assert content(tmp_path / "there") == content(tmp_path / "here")
    assert before.items() <= times(tmp_path / "there").items()  # what was finished was not made again
    assert there.counts == here.counts


@pytest.mark.usefixtures("cluster")
def test_an_error_on_the_cluster_is_the_error_here(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"its frames are float32, shape \(2, 3\)"):
        extract_features(table(), Numbers(constant, num_dims=7), tmp_path / "set", runner="ray")
    assert content(tmp_path / "set") == {}
    with pytest.raises(OptionError, match="no feature set"):
        FeatureSet.open(tmp_path / "set")
