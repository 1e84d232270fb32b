"""`extract_features`, from rows to a set: what it makes, what it keeps, what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotalk_data.errors import (
    CacheWriteError,
    ExtractionError,
    ModelError,
    OptionError,
)
from emotalk_data.features import (
    CallableSpec,
    FeatureSet,
    SpeechSpec,
    TextSpec,
    build_extractor,
    extract_features,
)
from emotalk_data.features.hook import Encoded, Utterance
from emotalk_data.features.running.rows import utterances
from emotalk_data.features.running.shard_file import read_record
from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk

from .running.hooks import (
    Loudness,
    Numbers,
    SizedNumbers,
    constant,
    content,
    patiently,
    sounds,
    table,
    times,
)
from .tiny_models import save_speech_model


@pytest.fixture(autouse=True, scope="module")
def _no_bars() -> Any:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    root = tmp_path_factory.mktemp("release") / "EmotionTalk"
    make_emotalk(root, num_utterances=24, modalities=("text", "audio"))
    return load_dataset("emotalk", data_dir=root, cache_dir=tmp_path_factory.mktemp("tables"))


def extract(ds: Any, hook: Any, out: Path, **options: Any) -> FeatureSet:
    return extract_features(ds, hook, out, **{"rows_per_shard": 5, **options})


def test_a_hook_of_ten_lines_gives_features_of_a_dataset(tmp_path: Path) -> None:
    class Own:
        spec = CallableSpec(name="own/energy", model="energy", input="audio", num_dims=1)

        def prepare(self, utterance: Utterance) -> Any:
            assert utterance.audio is not None
            return utterance.audio.decode(mono=True)[0]

        def extract(self, batch: Sequence[Any]) -> list[Encoded]:
            return [Encoded(np.array([[np.sqrt(np.mean(samples**2))]])) for samples in batch]

    ds = sounds(tmp_path / "wavs")
    made = extract(ds, Own(), tmp_path / "energy")
    ids, values, is_there = made.utterances()
    assert (list(ids), bool(is_there.all())) == (ds["utterance_id"], True)
    expected = [np.sqrt(np.mean(clip.decode() ** 2)) for clip in ds["audio"]]
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-6)


def test_a_set_says_how_it_was_made(tmp_path: Path) -> None:
    made = extract(sounds(tmp_path / "wavs"), Loudness(), tmp_path / "set", level="utterance")
    record = made.store.records[0]
    assert (record.spec, record.levels, record.device) == (Loudness.spec, ("utterance",), "cpu")
    assert {"emotalk-data", "numpy", "soxr"} <= set(record.libraries)
    summary = json.loads((tmp_path / "set" / "features.json").read_text())
    assert (summary["is_complete"], summary["counts"]["made"], summary["failures"]) == (True, 6, [])
    assert summary["spec"]["name"] == "own/loudness"


@pytest.mark.parametrize("hook", [Loudness, Numbers, SizedNumbers])
def test_the_same_call_gives_the_same_bytes(tmp_path: Path, hook: Any) -> None:
    ds = sounds(tmp_path / "wavs") if hook is Loudness else table()
    for name, threads in (("one", 1), ("two", 4)):
        extract(ds, hook() if hook is Loudness else hook(constant), tmp_path / name, num_threads=threads)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_the_order_of_the_rows_changes_no_feature(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    first = extract(ds, Loudness(), tmp_path / "first")
    for number, other in enumerate((ds.select(range(5, -1, -1)), ds.shuffle(seed=3), ds.select([2]))):
        made = extract(other, Loudness(), tmp_path / str(number), max_batch_seconds=1 + number)
        for utterance_id in other["utterance_id"]:
            mine, theirs = made.frame(utterance_id), first.frame(utterance_id)
            np.testing.assert_allclose(mine.values, theirs.values, rtol=1e-5)
            np.testing.assert_array_equal(mine.seconds, theirs.seconds)


def test_splits_are_kept_apart_and_each_has_its_shards(tmp_path: Path, rows: datasets.DatasetDict) -> None:
    made = extract(rows, Loudness(), tmp_path / "set")
    assert (made.num_rows, made.store.corpus, made.store.is_complete) == (24, "emotalk", True)
    for split, part in rows.items():
        assert list(made.store.ids(split)) == part["utterance_id"]
    names = sorted(path.name for path in (tmp_path / "set" / "data").iterdir())
    assert names[:2] == ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet"]


def test_a_set_can_grow_by_splits(tmp_path: Path, rows: datasets.DatasetDict) -> None:
    extract(rows["train"], Loudness(), tmp_path / "set")
    before = times(tmp_path / "set")
    made = extract(rows["test"], Loudness(), tmp_path / "set")
    assert set(made.store.splits) == {"train", "test"}
    assert before.items() <= times(tmp_path / "set").items()
    extract(rows, Loudness(), tmp_path / "set")
    extract(rows, Loudness(), tmp_path / "whole")
    assert content(tmp_path / "set") == content(tmp_path / "whole")
    renamed = datasets.DatasetDict({"validation2": rows["train"]})
    with pytest.raises(OptionError, match=r"is in train-00000-of-00003.parquet already, in another split"):
        extract(renamed, Loudness(), tmp_path / "set")


def test_a_split_that_was_not_begun_is_known_to_be_missing(tmp_path: Path) -> None:
    def answer(number: int) -> Encoded:
        if number == 11:
            raise ModelError("the weights are gone")
        return constant(number)

    parts = datasets.DatasetDict({"train": table(11), "test": table(3, utterance_id=["a", "b", "c"])})
    parts["test"] = parts["test"].map(lambda row: {"number": row["number"] + 11})
    with pytest.raises(ModelError, match="the weights are gone"):
        extract(parts, Numbers(answer), tmp_path / "set")
    begun = FeatureSet.open(tmp_path / "set", allow_unfinished=True)
    assert (begun.store.splits, begun.store.is_complete) == (("train",), False)
    with pytest.raises(OptionError, match=r"3 rows of test are missing \(1 of 1 shards\)"):
        FeatureSet.open(tmp_path / "set")
    (tmp_path / "set" / "plan.json").write_text("{")
    assert extract(parts, Numbers(constant), tmp_path / "set").store.is_complete
    extract(parts, Numbers(constant), tmp_path / "whole")
    assert content(tmp_path / "set") == content(tmp_path / "whole")


def test_what_is_finished_is_not_made_again(tmp_path: Path) -> None:
    ds = table()
    extract(ds, Numbers(constant), tmp_path / "set")
    before = times(tmp_path / "set")
    again = Numbers(constant)
    extract(ds, again, tmp_path / "set")
    assert (again.batches, times(tmp_path / "set")) == ([], before)


@pytest.mark.parametrize("harm", ["removed", "cut", "emptied", "half written"])
def test_a_shard_that_is_gone_or_damaged_is_made_again_and_no_other(tmp_path: Path, harm: str) -> None:
    ds = table()
    extract(ds, Numbers(constant), tmp_path / "set")
    whole, before = content(tmp_path / "set"), times(tmp_path / "set")
    shard = tmp_path / "set" / "data" / "train-00001-of-00003.parquet"
    if harm == "cut":
        shard.write_bytes(shard.read_bytes()[:-100])
    elif harm == "emptied":
        shard.write_bytes(b"")
    else:
        shard.unlink()
    if harm == "half written":
        (shard.parent / f".{shard.name}.0123abcd.writing").write_bytes(b"PAR1")
    hook = Numbers(constant)
    extract(ds, hook, tmp_path / "set")
    assert sum(hook.batches) == 5
    assert content(tmp_path / "set") == whole
    now = times(tmp_path / "set")
    assert {name for name in before if before[name] == now[name]} == set(before) - {shard.name}


def test_a_file_that_was_changed_is_encoded_again_with_its_shard_and_no_other(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    extract(ds, Loudness(), tmp_path / "set", rows_per_shard=2)
    before = times(tmp_path / "set")
    shutil.copy(tmp_path / "wavs" / "5.wav", tmp_path / "wavs" / "2.wav")
    made = extract(ds, Loudness(), tmp_path / "set", rows_per_shard=2)
    now = times(tmp_path / "set")
    assert [name for name in before if before[name] != now[name]] == ["train-00001-of-00003.parquet"]
    np.testing.assert_array_equal(made.frame("u002").values, made.frame("u005").values)


def test_a_release_that_was_moved_goes_on(tmp_path: Path) -> None:
    extract(sounds(tmp_path / "here"), Loudness(), tmp_path / "set")
    before = times(tmp_path / "set")
    shutil.move(tmp_path / "here", tmp_path / "there")
    ds = sounds(tmp_path / "here").remove_columns("audio")
    for path in (tmp_path / "here").iterdir():  # written a moment later
        moved = tmp_path / "there" / path.name
        os.utime(path, ns=(moved.stat().st_atime_ns, moved.stat().st_mtime_ns))
    ds = sounds_at(ds, tmp_path / "there")
    extract(ds, Loudness(), tmp_path / "set")
    assert times(tmp_path / "set") == before


def sounds_at(ds: datasets.Dataset, folder: Path) -> datasets.Dataset:
    from emotalk_data.media import Audio

    paths = [str(folder / f"{number}.wav") for number in range(len(ds))]
    return ds.add_column("audio", paths).cast_column("audio", Audio())


def test_a_row_that_was_added_makes_only_the_last_shard_again(tmp_path: Path) -> None:
    extract(table(12), Numbers(constant), tmp_path / "set")
    before = times(tmp_path / "set")
    made = extract(table(13), Numbers(constant), tmp_path / "set")
    now = times(tmp_path / "set")
    assert [name for name in before if before[name] != now[name]] == ["train-00002-of-00003.parquet"]
    assert made.num_rows == 13


def test_an_utterance_that_nothing_can_be_made_of_is_one_null_row_with_its_reason(tmp_path: Path) -> None:
    def answer(number: int) -> Encoded:
        if number == 7:
            raise ValueError("poison in /home/me/x.py\nline 2")
        return constant(number)

    made = extract(table(), Numbers(answer), tmp_path / "set")
    assert made.counts.model_dump() == {"made": 11, "missing": 0, "failed": 1, "noted": 0, "frames": 22}
    assert [tuple(row) for row in made.failures()] == [
        ("u007", "encoder", "ValueError: poison in x.py line 2")
    ]
    ids, values, is_there = made.utterances()
    assert np.flatnonzero(~is_there).tolist() == [ids.index("u007")]
    assert np.isnan(values[~is_there]).all()
    summary = json.loads((tmp_path / "set" / "features.json").read_text())
    assert summary["num_failures"] == 1


def test_every_kind_of_failure_has_its_code(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs", 6)
    (tmp_path / "wavs" / "0.wav").unlink()
    (tmp_path / "wavs" / "1.wav").write_bytes(b"no wav")
    paths = [clip["path"] for clip in ds["audio"]]
    ds = ds.remove_columns("audio").add_column("audio", [*paths[:5], None]).cast(ds.features)

    class Picky(Loudness):
        def prepare(self, utterance: Utterance) -> Any:
            if utterance.utterance_id == "u002":
                raise ExtractionError("too short")
            return super().prepare(utterance)

        def encode(self, samples: Any) -> Encoded:
            encoded = super().encode(samples)
            return encoded if len(samples) < 6_000 else encoded._replace(frames=encoded.frames * np.nan)

    made = extract(ds, Picky(), tmp_path / "set")
    codes = [row.code for row in made.failures(with_missing=True)]
    assert codes[:3] == ["unreadable", "unreadable", "refused"]
    assert codes[-1] == "missing"
    assert "not_finite" in codes
    assert made.failures(with_missing=True)[-1].reason == "the row has no audio"
    assert not any(str(tmp_path) in row.reason for row in made.failures())


def test_prepare_is_never_called_where_the_modality_is_missing(tmp_path: Path) -> None:
    called: list[str] = []

    class Telling(Numbers):
        def prepare(self, utterance: Utterance) -> int:
            called.append(utterance.utterance_id)
            return super().prepare(utterance)

    extract(table(6, text=["a", None, "b", None, None, ""]), Telling(constant), tmp_path / "set")
    assert sorted(called) == ["u000", "u002", "u005"]


def test_a_set_up_that_is_broken_writes_nothing_and_says_the_error(tmp_path: Path) -> None:
    def answer(number: int) -> Encoded:
        raise AttributeError("no such layer")

    with pytest.raises(ExtractionError, match="5 of 5 say: encoder: AttributeError: no such layer") as caught:
        extract(table(), Numbers(answer), tmp_path / "set")
    assert isinstance(caught.value.__cause__, AttributeError)
    assert content(tmp_path / "set") == {}
    # With the hook mended, the folder may be used.
    extract(table(), Numbers(constant), tmp_path / "set")


def test_a_wrong_length_of_vectors_is_found_at_once(tmp_path: Path) -> None:
    message = r"its frames are float32, shape \(2, 3\); expected floats, shape \(T, 4\)"
    with pytest.raises(ExtractionError, match=message):
        extract(table(), Numbers(constant, num_dims=4), tmp_path / "set")


def test_a_first_shard_that_has_nothing_to_encode_is_no_broken_set_up(tmp_path: Path) -> None:
    made = extract(table(text=[None] * 7 + ["text"] * 5), Numbers(constant), tmp_path / "set")
    assert (made.counts.missing, made.counts.made) == (7, 5)

    def answer(number: int) -> Encoded:
        raise ValueError("broken")

    with pytest.raises(ExtractionError, match="nothing could be made of any utterance of the first shard"):
        extract(table(text=[None] * 7 + ["text"] * 5), Numbers(answer), tmp_path / "other")


def test_a_dataset_without_such_a_modality_is_refused(tmp_path: Path) -> None:
    for ds, message in (
        (table(text=[None] * 12), "no text: it is null in all 12 rows"),
        (table(text=None), "no column 'text'"),
    ):
        with pytest.raises(ExtractionError, match=f"the dataset has {message}"):
            extract(ds, Numbers(constant), tmp_path / "set")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_device_that_runs_out_of_memory_gets_smaller_batches_and_the_set_is_the_same(
    tmp_path: Path, limit: int
) -> None:
    class Small(SizedNumbers):
        def extract(self, batch: Sequence[int]) -> list[Encoded]:
            if len(batch) > limit:
                raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
            return super().extract(batch)

    hook = Small(constant)
    made = extract(table(), hook, tmp_path / "small", max_batch_seconds=40)
    whole = extract(table(), SizedNumbers(constant), tmp_path / "whole", max_batch_seconds=40)
    np.testing.assert_array_equal(made.utterances().values, whole.utterances().values)
    assert made.counts.failed == 0
    lowered = [record.max_batch_seconds for record in made.store.records]
    assert lowered == sorted(lowered, reverse=True)
    assert lowered[-1] < 40
    # A run that goes on begins with what fitted.
    (tmp_path / "small" / "data" / "train-00002-of-00003.parquet").unlink()
    again = extract(table(), Small(constant), tmp_path / "small")
    assert again.store.records[2].max_batch_seconds == lowered[-1]


def test_batches_depend_on_the_shard_and_the_limit_alone(tmp_path: Path) -> None:
    whole, rest = SizedNumbers(constant), SizedNumbers(constant)
    extract(table(15), whole, tmp_path / "set", max_batch_seconds=12)
    (tmp_path / "set" / "data" / "train-00001-of-00003.parquet").unlink()
    extract(table(15), rest, tmp_path / "set")
    per_shard = [record.max_batch_seconds for record in FeatureSet.open(tmp_path / "set").store.records]
    assert per_shard == [12.0] * 3
    sizes = len(rest.batches)
    assert any(whole.batches[start : start + sizes] == rest.batches for start in range(len(whole.batches)))


def test_float16_is_half_the_size_and_close(tmp_path: Path) -> None:
    ds = sounds(tmp_path / "wavs")
    full = extract(ds, Loudness(), tmp_path / "full")
    half = extract(ds, Loudness(), tmp_path / "half", storage="float16")
    assert half.spec == Loudness.spec.model_copy(update={"storage": "float16"})
    np.testing.assert_allclose(half.utterances().values, full.utterances().values, rtol=1e-3)
    with pytest.raises(OptionError, match="holds another set: storage is 'float16' there and 'float32' here"):
        extract(ds, Loudness(), tmp_path / "half")


@pytest.mark.parametrize(
    ("options", "spec", "message"),
    [
        ({"level": "utterance"}, {}, "level is utterance, frame there and utterance here"),
        ({"rows_per_shard": 6}, {}, "rows_per_shard is 5 there and 6 here"),
        ({}, {"pooling": "last"}, "pooling is 'mean' there and 'last' here"),
        ({}, {"params": {"a": 1}}, r"params.a is not given there and 1 here"),
    ],
)
def test_a_folder_with_another_set_is_refused_and_nothing_of_it_is_touched(
    tmp_path: Path, options: dict[str, Any], spec: dict[str, Any], message: str
) -> None:
    extract(table(), Numbers(constant), tmp_path / "set")
    before = content(tmp_path / "set")
    with pytest.raises(OptionError, match=message):
        extract(table(), Numbers(constant, **spec), tmp_path / "set", **options)
    with pytest.raises(OptionError, match="train has 3 shards there and 4 here"):
        extract(table(16), Numbers(constant), tmp_path / "set")
    assert content(tmp_path / "set") == before


@pytest.mark.parametrize("name", ["notes.txt", "data/x.parquet", "data/train-00000-of-00003.parquet"])
def test_files_of_others_are_never_touched(tmp_path: Path, name: str) -> None:
    path = tmp_path / "set" / name
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"a": [1]}), path)
    before = content(tmp_path / "set")
    with pytest.raises(OptionError, match="of others"):
        extract(table(), Numbers(constant), tmp_path / "set")
    assert content(tmp_path / "set") == before


def test_a_card_beside_a_set_is_no_hindrance(tmp_path: Path) -> None:
    extract(table(), Numbers(constant), tmp_path / "set")
    (tmp_path / "set" / "README.md").write_text("# Features")
    extract(table(), Numbers(constant), tmp_path / "set")


def test_a_set_of_a_later_version_is_not_written_over(tmp_path: Path) -> None:
    extract(table(), Numbers(constant), tmp_path / "set")
    shard = tmp_path / "set" / "data" / "train-00000-of-00003.parquet"
    read = pq.read_table(shard)
    values = json.loads(pq.read_metadata(shard).metadata[b"emotalk-features"])
    text = json.dumps({**values, "version": 2})
    pq.write_table(read.replace_schema_metadata({"emotalk-features": text}), shard)
    with pytest.raises(OptionError, match="was written by another version of emotalk-data: its form is 2"):
        extract(table(), Numbers(constant), tmp_path / "set")


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def answer(number: int) -> Encoded:
        begun.set()
        may_end.wait(180)
        return constant(number)

    thread = threading.Thread(target=extract, args=(table(), Numbers(answer), tmp_path / "set"))
    thread.start()
    try:
        assert begun.wait(180)
        with pytest.raises(OptionError, match="another process writes to"):
            extract(table(), Numbers(constant), tmp_path / "set")
    finally:
        may_end.set()
        thread.join(180)
    assert FeatureSet.open(tmp_path / "set").num_rows == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "word"}, "level is 'word'; expected 'utterance', 'frame', or both"),
        ({"level": ("frame", "frame")}, "expected 'utterance', 'frame', or both"),
        ({"level": ()}, "expected 'utterance', 'frame', or both"),
        ({"max_batch_seconds": 0}, "max_batch_seconds is 0; expected a number above 0"),
        ({"max_batch_seconds": True}, "max_batch_seconds is True"),
        ({"rows_per_shard": 0}, "rows_per_shard is 0; expected 1 to 1,000,000"),
        ({"num_threads": 0}, "num_threads is 0; expected 1 to 256, or None"),
        ({"num_threads": 10**6}, "num_threads is 1000000; expected 1 to 256"),
        ({"runner": "dask"}, "runner is 'dask'; expected 'local' or 'ray'"),
        ({"compute": "float64"}, "compute is 'float64'; expected one of float32, bfloat16, float16"),
        ({"storage": "bfloat16"}, "storage is 'bfloat16'; expected one of float32, float16"),
        ({"compute": "bfloat16"}, "compute is for recipes"),
        ({"device": "cuda"}, "device is for recipes"),
        ({"model_path": "/models"}, "model_path is for recipes"),
        ({"revision": "main"}, "revision is for recipes"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        extract(table(), Numbers(constant), tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


def test_encoders_that_are_none_are_refused(tmp_path: Path) -> None:
    for wrong, message in (
        (3, "recipe is 3; expected the name of a recipe, a Recipe, a spec, or an object with"),
        ("clean/nothing", "there is no recipe 'clean/nothing'"),
        (Loudness, r"recipe is the class Loudness; expected an object of it: Loudness\(...\)"),
        (Numbers(constant, num_dims=None), "the spec of own/numbers has no num_dims"),
        (Numbers(constant, name="own/notes"), "the features would be called 'notes'"),
        (Numbers(constant).spec, "is an encoder of your own: nothing here can build it"),
    ):
        with pytest.raises(OptionError, match=message):
            extract(table(), wrong, tmp_path / "set")
    assert content(tmp_path) == {}


def test_a_recipe_is_taken_by_name_or_as_a_spec_and_weights_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    spec = TextSpec(name="own/bert", model="nobody/bert")
    with pytest.raises(ModelError, match="empty"):
        extract(table(), spec, tmp_path / "set", model_path=tmp_path / "empty")
    with pytest.raises(ModelError, match="empty"):
        extract(table(), "clean/bert-base-chinese", tmp_path / "set", model_path=tmp_path / "empty")
    with pytest.raises(ExtractionError, match="the dataset has no column 'audio'"):
        extract(table(), SpeechSpec(name="own/x", model="x"), tmp_path / "set", model_path=tmp_path / "empty")


def test_a_path_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"out is .*a\\x00b.*; expected the path of a folder"):
        extract(table(), Numbers(constant), Path("a\0b"))
    with pytest.raises(OptionError, match="opened by names in UTF-8"):
        extract(table(), Numbers(constant), tmp_path / "\udcff")
    assert content(tmp_path) == {}
    with pytest.raises(OptionError, match="out is None; expected the path of a folder"):
        extract_features(table(), Numbers(constant), None)  # type: ignore[arg-type]
    (tmp_path / "file").write_text("x")
    with pytest.raises(OptionError, match="is no folder that can be used: Not a directory"):
        extract(table(), Numbers(constant), tmp_path / "file")


def test_a_folder_that_may_not_be_written_to_is_a_typed_error(
    public_path: Path, without_privileges: Callable[[], AbstractContextManager[None]]
) -> None:
    locked = public_path / "locked"
    locked.mkdir(mode=0o555)
    with (
        without_privileges(),
        pytest.raises(CacheWriteError, match=r"Permission denied\. Give another folder"),
    ):
        extract(table(), Numbers(constant), locked / "set")


@pytest.mark.parametrize("where", ["prepare", "extract", "size_seconds"])
def test_an_error_of_the_set_up_ends_the_run_and_no_thread_is_left(tmp_path: Path, where: str) -> None:
    class Broken(SizedNumbers):
        pass

    def fail(*arguments: Any) -> Any:
        raise ModelError("the weights are gone")

    setattr(Broken, where, fail)
    with pytest.raises(ModelError, match="the weights are gone"):
        patiently(lambda: extract(table(200), Broken(constant), tmp_path / "set"))
    assert content(tmp_path / "set") == {}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_an_end_from_within_ends_everything_and_what_was_finished_stays(
    tmp_path: Path, error: BaseException
) -> None:
    def answer(number: int) -> Encoded:
        if number == 150:
            raise error
        return constant(number)

    with pytest.raises(type(error)):
        patiently(lambda: extract(table(200), Numbers(answer), tmp_path / "set"))
    made = FeatureSet.open(tmp_path / "set", allow_unfinished=True)
    assert 0 < made.num_rows <= 150
    assert not list((tmp_path / "set").rglob(".*"))
    extract(table(200), Numbers(constant), tmp_path / "set")
    extract(table(200), Numbers(constant), tmp_path / "whole")
    assert content(tmp_path / "set") == content(tmp_path / "whole")


def test_a_folder_that_vanishes_while_it_is_written_to_is_a_typed_error_and_no_hang(tmp_path: Path) -> None:
    def answer(number: int) -> Encoded:
        if number == 20:
            shutil.rmtree(tmp_path / "set" / "data")
        return constant(number)

    with pytest.raises(
        CacheWriteError, match=r"cannot write .*What is finished stays; the same call goes on"
    ):
        patiently(lambda: extract(table(300), Numbers(answer), tmp_path / "set"))


def test_many_rows_flow_through_few_threads(tmp_path: Path) -> None:
    made = patiently(
        lambda: extract(table(3_000), Numbers(constant), tmp_path / "set", rows_per_shard=100, num_threads=1)
    )
    values = made.utterances().values
    np.testing.assert_array_equal(values[:, 0], np.arange(3_000))


def test_utterances_are_prepared_ahead_but_not_all_of_them(tmp_path: Path) -> None:
    prepared: list[int] = []
    most_ahead = 0

    class Telling(Numbers):
        def prepare(self, utterance: Utterance) -> Any:
            prepared.append(1)
            return np.full(1 << 21, utterance.row["number"])  # 16 MiB

        def extract(self, batch: Sequence[Any]) -> list[Encoded]:
            nonlocal most_ahead
            self.batches.append(len(batch))
            most_ahead = max(most_ahead, len(prepared) - sum(self.batches))
            return [constant(int(values[0])) for values in batch]

    extract(table(120), Telling(constant), tmp_path / "set", max_batch_seconds=4, num_threads=2)
    # 512 MiB are 32 of them; a batch that is under way may be beyond that.
    assert most_ahead <= 40


def test_whoever_watches_is_told_of_failures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def answer(number: int) -> Encoded:
        if number % 4 == 1:
            raise ValueError("no")
        return constant(number)

    extract(table(), Numbers(answer), tmp_path / "set")
    assert "3 of 12 utterances failed; FeatureSet.failures() says why" in caplog.text


def test_a_record_can_be_read_by_anyone(tmp_path: Path) -> None:
    extract(table(), SizedNumbers(constant), tmp_path / "set", max_batch_seconds=9)
    record = read_record(tmp_path / "set" / "data" / "train-00002-of-00003.parquet")
    assert (record.number, record.total, record.start, record.num_rows) == (2, 3, 10, 2)
    assert record.max_batch_seconds == 9.0


@pytest.mark.parametrize("compute", ["float32", "bfloat16"])
def test_an_encoder_of_a_folder_is_run_and_verified(tmp_path: Path, compute: Any) -> None:
    save_speech_model(tmp_path / "hubert", "hubert-group")
    spec = SpeechSpec(name="own/tiny", model="own/tiny", layers=(-2, -1), combine="sum")
    ds = sounds(tmp_path / "wavs")
    options: dict[str, Any] = {"model_path": tmp_path / "hubert", "device": "cpu"}
    made = extract(ds, spec, tmp_path / "set", compute=compute, **options)
    assert (made.spec.num_dims, made.spec.revision, made.spec.compute) == (32, "local", compute)
    assert made.spec.weights_digest is not None
    found = made.verify(ds, 6, **options)
    assert found.is_clean, str(found)
    ready = build_extractor(spec, model_path=tmp_path / "hubert")
    for utterance in utterances(ds):
        frames = ready.extract([ready.prepare(utterance)])[0].frames
        stored = made.frame(utterance.utterance_id).values
        limit = (1e-5 if compute == "float32" else 5e-2) * np.abs(frames).max()
        np.testing.assert_allclose(stored, frames, rtol=1e-5, atol=limit)
    save_speech_model(tmp_path / "other", "hubert-group", seed=1)
    with pytest.raises(ModelError, match="are not those of own/tiny"):
        made.verify(ds, model_path=tmp_path / "other", device="cpu")
    with pytest.raises(OptionError, match=r"weights_digest is .* there and .* here"):
        extract(ds, spec, tmp_path / "set", model_path=tmp_path / "other", device="cpu", compute=compute)
