from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
import soundfile
from datasets.fingerprint import Hasher

from emotalk_data.archives import Location
from emotalk_data.errors import AudioError, OptionError, PathError, VideoError
from emotalk_data.media import Audio, AudioClip, Video, VideoClip, cast_media
from emotalk_data.media.features import use_media_types

pytestmark = pytest.mark.usefixtures("quiet_and_apart")

ROWS = 6
STOCK = pa.struct({"bytes": pa.binary(), "path": pa.string()})


@pytest.fixture
def paths(make_wav: Callable[..., Path]) -> Any:
    return [str(make_wav(f"{i}.wav", num_samples=1_000 + 100 * i)) for i in range(ROWS)]


@pytest.fixture
def ds(paths: list[str]) -> Any:
    features = datasets.Features(
        {
            "id": datasets.Value("int64"),
            "dialogue": datasets.Value("string"),
            "audio": Audio(),
            "video": Video(),
        }
    )
    rows = {
        "id": list(range(ROWS)),
        "dialogue": ["a", "a", "a", "b", "b", "c"],
        "audio": paths,
        "video": [None, "v.mp4", *[None] * (ROWS - 2)],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def length(row: Any) -> Any:
    return {"length": row["audio"].num_samples}


def keep_audio(row: Any) -> Any:
    return {"copy": row["audio"], "audio": row["audio"]}


def check(ds: Any, lengths: Any) -> None:
    assert [row["audio"].num_samples for row in ds] == lengths
    assert all(type(row["audio"]) is AudioClip for row in ds)


LENGTHS = [1_000 + 100 * i for i in range(ROWS)]


def test_rows_hold_clips_and_nothing_needs_torch(ds: Any) -> None:
    assert isinstance(ds[0]["audio"], AudioClip)
    assert isinstance(ds[1]["video"], VideoClip)
    assert ds[0]["video"] is None
    assert [type(clip) for clip in ds[:2]["audio"]] == [AudioClip, AudioClip]
    assert "torchcodec" not in sys.modules
    check(ds, LENGTHS)


@pytest.mark.parametrize("num_proc", [None, 2])
def test_map_sees_clips_and_keeps_types(ds: Any, num_proc: Any) -> None:
    mapped = ds.map(length, num_proc=num_proc)
    assert mapped["length"][:] == LENGTHS
    assert mapped.features["audio"] == Audio()
    kept = ds.map(keep_audio, num_proc=num_proc)
    assert kept.features["audio"] == Audio()
    assert kept.data.column("copy").to_pylist() == ds.data.column("audio").to_pylist()
    check(kept, LENGTHS)


@pytest.mark.filterwarnings(
    "ignore:Specifying null_placement:FutureWarning"
)  # `sort` of datasets, with pyarrow 25
def test_selection_and_order_keep_types(ds: Any) -> None:
    check(ds.filter(lambda row: row["audio"].num_samples >= 1_300), LENGTHS[3:])
    check(ds.select([3, 1]), [1_300, 1_100])
    check(ds.sort("id", reverse=True), LENGTHS[::-1])
    assert sorted(row["audio"].num_samples for row in ds.shuffle(seed=1)) == LENGTHS
    check(datasets.concatenate_datasets([ds, ds.select([0])]), [*LENGTHS, 1_000])
    check(datasets.interleave_datasets([ds.select([0]), ds.select([1])]), [1_000, 1_100])


def test_batch_by_column_gives_lists_of_clips(ds: Any) -> None:
    batches = ds.select_columns(["dialogue", "audio"]).batch(by_column="dialogue")
    assert [[clip.num_samples for clip in row["audio"]] for row in batches] == [
        LENGTHS[:3],
        LENGTHS[3:5],
        LENGTHS[5:],
    ]


def test_the_numpy_format_gives_waveforms_and_the_arrow_format_storage(ds: Any, paths: list[str]) -> None:
    audio = ds.select_columns(["audio"])
    expected = soundfile.read(paths[2], dtype="float32")[0]
    np.testing.assert_array_equal(audio.with_format("numpy")[2]["audio"], expected)
    same = audio.select([2, 2]).with_format("numpy")[:]["audio"]
    assert same.shape == (2, 1_200)
    assert audio.with_format("arrow")[0]["audio"].type == STOCK
    assert audio.with_format("pandas")[:]["audio"].iloc[0].num_samples == 1_000


def test_streams_keep_types(ds: Any) -> None:
    stream = ds.to_iterable_dataset(num_shards=2)
    check(list(stream), LENGTHS)
    assert [row["length"] for row in stream.map(length)] == LENGTHS
    check(list(stream.shuffle(seed=0, buffer_size=1).take(1)), LENGTHS[:1])
    batches = list(stream.select_columns(["dialogue", "audio"]).batch(by_column="dialogue"))
    assert [len(batch["audio"]) for batch in batches] == [3, 2, 1]
    check(list(cast_media(stream.cast_column("audio", datasets.Audio()))), LENGTHS)


def test_save_to_disk_comes_back_stock_and_is_cast(ds: Any, tmp_path: Path) -> None:
    ds = ds.remove_columns("video")
    ds.save_to_disk(tmp_path / "saved")
    loaded = datasets.load_from_disk(tmp_path / "saved")
    assert type(loaded.features["audio"]) is datasets.Audio
    cast = cast_media(loaded)
    assert cast.features == ds.features
    check(cast, LENGTHS)
    assert type(loaded.features["audio"]) is datasets.Audio
    assert cast_media(cast) is cast


def test_a_parquet_file_opens_with_stock_datasets_and_is_cast(ds: Any, tmp_path: Path) -> None:
    ds.remove_columns("video").to_parquet(tmp_path / "x.parquet")
    loaded = datasets.load_dataset("parquet", data_files=str(tmp_path / "x.parquet"))
    assert type(loaded["train"].features["audio"]) is datasets.Audio
    assert loaded["train"].features["audio"] == datasets.Audio()
    stored = loaded["train"].data.column("audio").to_pylist()
    assert stored == ds.data.column("audio").to_pylist()
    check(cast_media(loaded)["train"], LENGTHS)


@pytest.fixture
def references(make_wav: Callable[..., Path], put_in_tar: Callable[..., str]) -> Any:
    path = make_wav()
    stored = [f"{path}#t=0.1,0.2", f"tar://Audio/wav/x.wav::{put_in_tar(path)}#t=0.25"]
    return datasets.Dataset.from_dict({"audio": stored}, features=datasets.Features({"audio": Audio()}))


def test_windows_survive_parquet_and_save_to_disk(references: Any, tmp_path: Path) -> None:
    references.to_parquet(tmp_path / "x.parquet")
    loaded = datasets.load_dataset("parquet", data_files=str(tmp_path / "x.parquet"), split="train")
    check(cast_media(loaded), [1_600, 4_000])
    references.save_to_disk(tmp_path / "saved")
    check(cast_media(datasets.load_from_disk(str(tmp_path / "saved"))), [1_600, 4_000])


def test_cast_media_reads_and_copies_no_data(ds: Any) -> None:
    stock = ds.cast_column("audio", datasets.Audio(decode=False)).cast_column("video", datasets.Video())
    cast = cast_media(stock)
    assert type(cast.features["audio"]) is Audio
    assert cast.features["audio"].decode is False
    assert type(cast.features["video"]) is Video
    before, after = (
        d.data.column("audio").chunk(0).field("path").buffers()[2].address for d in (stock, cast)
    )
    assert before == after
    assert cast.cache_files == []


def test_cast_media_keeps_options_format_and_indices(ds: Any) -> None:
    stock = ds.cast_column("audio", datasets.Audio(sampling_rate=8_000, num_channels=1)).select([4, 2])
    cast = cast_media(datasets.DatasetDict({"train": stock}).with_format("numpy"))["train"]
    assert cast.features["audio"] == Audio(sampling_rate=8_000, num_channels=1)
    assert cast[1]["audio"].shape == (600,)


def test_media_inside_lists_and_structs_are_replaced_and_decoded(paths: list[str]) -> None:
    stock = datasets.Features(
        {
            "list": datasets.List(datasets.Audio()),
            "large": datasets.LargeList(datasets.Video()),
            "struct": {"audio": datasets.Audio(sampling_rate=8_000), "n": datasets.Value("int32")},
        }
    )
    ours = use_media_types(stock)
    assert ours == {
        "list": datasets.List(Audio()),
        "large": datasets.LargeList(Video()),
        "struct": {"audio": Audio(sampling_rate=8_000), "n": datasets.Value("int32")},
    }
    assert type(stock["list"].feature) is datasets.Audio
    ds = datasets.Dataset.from_dict({"list": [paths[:2], []]}, datasets.Features({"list": ours["list"]}))
    assert [clip.num_samples for clip in ds[0]["list"]] == [1_000, 1_100]
    again = cast_media(ds.cast(datasets.Features({"list": stock["list"]})))
    assert type(again[0]["list"][0]) is AudioClip


def test_cast_media_refuses_what_is_no_dataset() -> None:
    with pytest.raises(OptionError, match="dataset is a dict"):
        cast_media({})


def test_targets_of_the_column_become_targets_of_the_clips(ds: Any) -> None:
    clip = ds.cast_column("audio", Audio(sampling_rate=8_000, num_channels=1))[0]["audio"]
    assert (clip.sampling_rate, clip.num_channels, clip.num_samples) == (8_000, 1, 500)
    assert clip["array"].shape == (500,)


@pytest.mark.parametrize("options", [{"num_channels": 2}, {"stream_index": 1}])
def test_options_that_would_be_ignored_are_refused(options: Any) -> None:
    with pytest.raises(OptionError, match="expected None"):
        Audio(**options)


def test_the_wire_type_is_that_of_the_stock_classes() -> None:
    ours = datasets.Features({"audio": Audio(sampling_rate=16_000), "video": Video()})
    stock = datasets.Features({"audio": datasets.Audio(sampling_rate=16_000), "video": datasets.Video()})
    assert ours.to_dict() == stock.to_dict()
    assert ours.arrow_schema == stock.arrow_schema
    assert ours.arrow_schema.metadata == stock.arrow_schema.metadata
    assert datasets.Features.from_dict(ours.to_dict()) == stock
    assert use_media_types(datasets.Features.from_arrow_schema(ours.arrow_schema)) == ours


def test_features_compare_pickle_and_hash_by_value() -> None:
    assert Audio(sampling_rate=16_000) == Audio(sampling_rate=16_000)
    assert Audio() != Audio(sampling_rate=16_000)
    assert pickle.loads(pickle.dumps(Audio(sampling_rate=8_000))) == Audio(sampling_rate=8_000)  # noqa: S301
    assert Hasher.hash(Audio()) == Hasher.hash(Audio())
    assert Hasher.hash(Audio()) != Hasher.hash(Audio(num_channels=1))
    assert Hasher.hash(Video()) == Hasher.hash(Video())


@pytest.mark.parametrize("feature", [Audio(), Video()])
@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("a.bin", {"bytes": None, "path": "a.bin"}),
        (Path("/x/a.bin"), {"bytes": None, "path": "/x/a.bin"}),
        (b"abc", {"bytes": b"abc", "path": None}),
        (bytearray(b"abc"), {"bytes": b"abc", "path": None}),
        (memoryview(b"abc"), {"bytes": b"abc", "path": None}),
        ({"bytes": b"abc", "path": "a.bin"}, {"bytes": b"abc", "path": "a.bin"}),
        ({"path": Path("/x/a.bin")}, {"bytes": None, "path": "/x/a.bin"}),
        (AudioClip(b"abc", "a.bin"), {"bytes": b"abc", "path": "a.bin"}),
        (VideoClip(None, "a.bin"), {"bytes": None, "path": "a.bin"}),
    ],
)
def test_values_are_stored_without_being_read(feature: Any, value: Any, stored: Any) -> None:
    assert feature.encode_example(value) == stored


@pytest.mark.parametrize("feature", [Audio(), Video()])
@pytest.mark.parametrize("value", [None, 3, {}, {"bytes": None, "path": None}, ["a"]])
def test_values_that_are_no_media_are_refused(feature: Any, value: Any) -> None:
    with pytest.raises(OptionError, match="expected a path, bytes, a clip"):
        feature.encode_example(value)


def test_bytes_win_over_a_local_file_of_the_same_name(
    make_wav: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_wav("same.wav")
    assert Audio().encode_example({"bytes": b"abc", "path": "same.wav"})["bytes"] == b"abc"


@pytest.mark.parametrize("shape", [(500,), (1, 500), (2, 500)])
@pytest.mark.parametrize("kind", [np.float32, np.float64, list])
def test_an_array_becomes_a_wav_with_the_same_samples(shape: Any, kind: Any) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    value = samples.tolist() if kind is list else samples.astype(kind)
    stored = Audio().encode_example({"array": value, "sampling_rate": 22_050})
    clip = Audio().decode_example(stored)
    assert clip.sampling_rate == 22_050
    np.testing.assert_array_equal(clip.decode(), np.atleast_2d(samples))
    assert soundfile.info(io.BytesIO(stored["bytes"])).subtype == "FLOAT"


@pytest.mark.parametrize(
    ("array", "rate", "message"),
    [
        ([], 16_000, "array has shape"),
        (np.zeros((500, 20)), 16_000, "array has shape"),
        (np.zeros((1, 2, 3)), 16_000, "array has shape"),
        (np.zeros(5), None, "sampling_rate is None"),
        (np.zeros(5), 16_000.0, "sampling_rate is 16000.0"),
        (np.zeros(5), 1, "sampling_rate is 1;"),
    ],
)
def test_an_array_that_is_no_sound_is_refused(array: Any, rate: Any, message: Any) -> None:
    with pytest.raises(OptionError, match=message):
        Audio().encode_example({"array": array, "sampling_rate": rate})


def test_decoding_is_idempotent_and_can_be_disabled() -> None:
    clip = AudioClip(b"abc")
    assert Audio().decode_example(clip) is clip
    assert Audio().decode_example(3) == 3
    assert isinstance(Video().decode_example("a.mp4"), VideoClip)
    for feature in (Audio(decode=False), Video(decode=False)):
        with pytest.raises(RuntimeError, match="Decoding is disabled"):
            feature.decode_example({"bytes": b"abc", "path": None})


def test_a_stored_value_without_bytes_or_path_is_an_error() -> None:
    with pytest.raises(AudioError, match="neither bytes nor a path"):
        Audio().decode_example({"bytes": None, "path": None})
    with pytest.raises(VideoError, match="neither bytes nor a path"):
        Video().decode_example({"bytes": None, "path": None})


@pytest.mark.parametrize("feature", [Audio(), Video()])
@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()],
)
def test_strings_and_binaries_are_cast_to_the_storage(feature: Any, kind: Any) -> None:
    field = "path" if "string" in str(kind) else "bytes"
    value = "a.wav" if field == "path" else b"abc"
    cast = feature.cast_storage(pa.array([value, None], kind))
    assert cast.type == STOCK
    assert cast.to_pylist() == [{"bytes": None, "path": None, field: value}, None]


def test_structs_with_arrays_are_cast_without_torch() -> None:
    storage = pa.array([{"array": [0.5, -0.5], "sampling_rate": 8_000, "path": "x.wav"}, None])
    cast = Audio().cast_storage(storage)
    assert cast.type == STOCK
    assert cast.is_null().to_pylist() == [False, True]
    assert AudioClip(**cast[0].as_py()).decode().tolist() == [[0.5, -0.5]]
    assert Audio().cast_storage(pa.array([{"path": "x.wav"}])).to_pylist() == [
        {"bytes": None, "path": "x.wav"}
    ]


def run(script: str, *arguments: str) -> object:
    """Run a script in a process of its own: torch and worker processes stay out of this one."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_the_torch_format_gives_tensors(paths: list[str]) -> None:
    pytest.importorskip("torch")
    assert run(
        """
        import sys, json, datasets, torch
        from emotalk_data.media import Audio
        ds = datasets.Dataset.from_dict({"audio": sys.argv[1:]}, datasets.Features({"audio": Audio()}))
        ds = ds.with_format("torch")
        assert ds[0]["audio"].dtype == torch.float32
        assert ds[:1]["audio"].shape == (1, 1000)
        print(json.dumps([list(row["audio"].shape) for row in ds]))
        """,
        *paths,
    ) == [[n] for n in LENGTHS]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_data_loader_workers_give_the_same_samples(paths: list[str], context: Any) -> None:
    pytest.importorskip("torch")
    results = run(
        """
        import sys, json, datasets
        from torch.utils.data import DataLoader
        from emotalk_data.media import Audio
        if __name__ == "__main__":
            context, *paths = sys.argv[1:]
            features = datasets.Features({"audio": Audio(sampling_rate=8_000)})
            ds = datasets.Dataset.from_dict({"audio": paths}, features)
            [row["audio"].decode() for row in ds]
            options = {"num_workers": 2, "multiprocessing_context": context}
            rows = list(DataLoader(ds, batch_size=None, **options))
            batches = DataLoader(ds.with_format("torch"), batch_size=1, **options)
            clips = [float(abs(row["audio"].decode()).sum()) for row in rows]
            tensors = [float(abs(batch["audio"].numpy()).sum()) for batch in batches]
            print(json.dumps([clips, tensors]))
        """,
        context,
        *paths,
    )
    expected = [float(abs(AudioClip(path=path, sampling_rate=8_000).decode()).sum()) for path in paths]
    assert results == [expected, expected]


def test_a_window_is_never_copied_into_a_row_and_never_opened_by_datasets(tmp_path: Path) -> None:
    path = Location(str(tmp_path / "episode.mp4"), start_seconds=1.0, end_seconds=2.0).as_reference()
    rows = datasets.Dataset.from_dict({"video": [path]}).cast_column("video", Video())
    rows.save_to_disk(tmp_path / "saved")
    rows.to_parquet(tmp_path / "rows.parquet")
    saved = cast_media(datasets.load_from_disk(str(tmp_path / "saved")))
    assert dict(saved[0]["video"]) == {"bytes": None, "path": path}
    with pytest.raises(PathError, match="is a time window of a larger file and is not copied"):
        datasets.table.embed_table_storage(rows.with_format("arrow")[:])
