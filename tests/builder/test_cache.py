"""The cache: never stale, never half, and read without the release's JSON when nothing changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import datasets
import pytest

from emotalk_data.builder import base
from emotalk_data.errors import CacheCorruptError, CacheWriteError
from emotalk_data.load import load_dataset, load_dataset_builder
from emotalk_data.testing import make_emotalk, make_fullsize_emotalk

NUM_ROWS = 90

# A process of its own: it says how the load went in one line of JSON.
LOAD = """
import json, sys
import datasets
from emotalk_data import load_dataset
from emotalk_data.errors import EmotalkError
datasets.disable_progress_bars()
root, cache, *num_proc = sys.argv[1:]
try:
    ds = load_dataset("emotalk", data_dir=root, cache_dir=cache, num_proc=int(num_proc[0]) if num_proc else None)
    rows = {split: [row["utterance_id"] + row["text"] for row in part.select_columns(["utterance_id", "text"])]
            for split, part in ds.items()}
    print(json.dumps({"rows": rows}))
except EmotalkError as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_fullsize_emotalk(tmp_path / "release", num_utterances=NUM_ROWS)


@pytest.fixture
def load(root: Path, tmp_path: Path) -> Callable[..., Any]:
    return lambda **options: load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache", **options)


def _start(root: Path, cache: Path, *args: str, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", before + LOAD, str(root), str(cache), *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _output(code: str, root: Path, cache: Path) -> str:
    """Run code in a process of its own, which has to end well, and return what it prints."""
    command = [sys.executable, "-c", code, str(root), str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _result(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def _texts(root: Path) -> list[Path]:
    return sorted(root.glob("Text/json/**/*.json"))


def _replace_text(path: Path, text: str) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    document["content"] = text
    path.write_text(json.dumps(document, ensure_ascii=False, indent=4), encoding="utf-8")


def _table(cache: Path) -> Path:
    """Return the folder of the one table in a cache."""
    (info,) = cache.rglob("dataset_info.json")
    return info.parent


def _rows(dataset: Any) -> dict[str, str]:
    return dict(zip(dataset["utterance_id"][:], dataset["text"][:], strict=True))


@pytest.mark.parametrize("is_longer", [False, True], ids=["same size", "other size"])
def test_an_edited_annotation_changes_the_next_load(
    root: Path, load: Callable[..., Any], is_longer: bool
) -> None:
    before = _rows(load(split="train"))
    path = next(path for path in _texts(root) if path.stem in before)
    old = json.loads(path.read_text(encoding="utf-8"))["content"]
    size, mtime_ns = path.stat().st_size, path.stat().st_mtime_ns
    new = "好" * (len(old) * (3 if is_longer else 1) // 2)
    _replace_text(path, new)
    raw = path.read_bytes()
    if is_longer:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    else:
        path.write_bytes(raw + b" " * (size - len(raw)))
        os.utime(path, ns=(mtime_ns, mtime_ns + 1))
    assert (path.stat().st_size == size) is not is_longer
    assert _rows(load(split="train")) == {**before, path.stem: new}


def test_a_removed_and_an_added_record_change_the_next_load(root: Path, load: Callable[..., Any]) -> None:
    before = _rows(load(split="train"))
    gone = next(iter(before))
    contents = {path: path.read_bytes() for path in root.rglob(f"{gone}.json")}
    assert len(contents) == 4
    for path in contents:
        path.unlink()
    assert _rows(load(split="train")) == {key: text for key, text in before.items() if key != gone}
    for path, raw in contents.items():
        path.write_bytes(raw)
    assert _rows(load(split="train")) == before


def test_an_unchanged_release_is_loaded_without_reading_its_annotations(root: Path, tmp_path: Path) -> None:
    watch = (
        "import sys\n"
        "def watch(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'):\n"
        "        print('CONNECTED', args, file=sys.stderr)\n"
        "    if event == 'open' and str(args[0]).startswith(sys.argv[1]):\n"
        "        print('OPENED', args[0], file=sys.stderr)\n"
        "sys.addaudithook(watch)\n"
    )
    cold, warm = (_start(root, tmp_path / "cache", before=watch).communicate(timeout=180) for _ in range(2))
    assert cold[1].count("OPENED") >= 4 * NUM_ROWS
    assert "OPENED" not in warm[1]
    assert "CONNECTED" not in cold[1] + warm[1]
    assert cold[0] == warm[0]


def test_on_invalid_report_and_drop_have_tables_of_their_own(root: Path, load: Callable[..., Any]) -> None:
    path = _texts(root)[-1]
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "emotion_result": "cheery"}), encoding="utf-8")
    counts = [
        sum(len(part) for part in load(on_invalid=mode).values()) for mode in ("report", "drop", "report")
    ]
    assert counts == [NUM_ROWS, NUM_ROWS - 1, NUM_ROWS]


def test_another_version_of_the_schema_has_another_table(
    load: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    monkeypatch.setattr(base, "SCHEMA_VERSION", "0.1.1-next")
    load()
    assert len(list((tmp_path / "cache").rglob("dataset_info.json"))) == 2


def test_force_redownload_builds_anew_also_where_the_number_of_rows_differs(
    root: Path, load: Callable[..., Any]
) -> None:
    load(on_invalid="drop")
    path = _texts(root)[-1]
    raw, status = path.read_bytes(), path.stat()
    bad = json.dumps({"emotion_result": "cheery"}).encode()
    path.write_bytes(bad + b" " * (len(raw) - len(bad)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # what no digest of times can see
    assert sum(len(part) for part in load(on_invalid="drop").values()) == NUM_ROWS
    again = load(on_invalid="drop", download_mode="force_redownload")
    assert sum(len(part) for part in again.values()) == NUM_ROWS - 1
    assert sum(len(part) for part in load(on_invalid="drop").values()) == NUM_ROWS - 1


@pytest.mark.parametrize("num_builders", [2, 4])
def test_processes_that_build_the_same_table_at_once_all_succeed(
    root: Path, tmp_path: Path, num_builders: int
) -> None:
    processes = [_start(root, tmp_path / "cache") for _ in range(num_builders)]
    results = [_result(process) for process in processes]
    assert all(result == results[0] for result in results)
    assert sum(len(rows) for rows in results[0]["rows"].values()) == NUM_ROWS
    assert not list((tmp_path / "cache").rglob("*.incomplete"))


def test_a_build_that_was_killed_is_repaired_by_the_next_load(root: Path, tmp_path: Path) -> None:
    # It stops in the middle of the last split: reports and tables of the others are there.
    stop = (
        "import sys, time\n"
        "from emotalk_data.builder import emotalk_columns as emotalk\n"
        "table, seen = emotalk.emotalk_table, []\n"
        "def slow(*args):\n"
        "    seen.append(1)\n"
        "    if len(seen) == 3:\n"
        "        print('half', flush=True)\n"
        "        time.sleep(60)\n"
        "    return table(*args)\n"
        "emotalk.emotalk_table = slow\n"
    )
    process = _start(root, tmp_path / "cache", before=stop)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=180)
    (half,) = (tmp_path / "cache").rglob("*.incomplete")
    assert list(half.glob("problems-*.json"))
    dataset = load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache")
    assert sum(len(part) for part in dataset.values()) == NUM_ROWS
    report = load_dataset_builder("emotalk", data_dir=root, cache_dir=tmp_path / "cache").report()
    assert report.counts["rows"] == NUM_ROWS
    table = _table(tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
    assert sorted(path.name for path in table.glob("*.arrow")) == [
        f"emotalk-{split}.arrow" for split in ("test", "train", "validation")
    ]


@pytest.mark.parametrize("num_proc", [1, 2])
def test_a_disk_that_takes_no_more_is_a_typed_error_and_leaves_no_table(
    tmp_path: Path, num_proc: int
) -> None:
    root = make_fullsize_emotalk(tmp_path / "large", num_utterances=900)
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    result = _result(_start(root, tmp_path / "cache", str(num_proc), before=limit))
    assert result["error"] == "CacheWriteError"
    assert "cannot write the cache at" in result["message"]
    assert "File too large" in result["message"]
    assert not list((tmp_path / "cache").rglob("dataset_info.json"))
    assert not list((tmp_path / "cache").rglob("*.incomplete"))


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_cache_that_cannot_be_a_folder_is_a_typed_error(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheWriteError, match=rf"cannot write the cache at .*/{name}.*another cache_dir"):
        load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / name)


def test_a_cache_that_may_not_be_written_is_a_typed_error(
    root: Path,
    tmp_path: Path,
    public_path: Path,
    without_privileges: Callable[[], AbstractContextManager[None]],
) -> None:
    load_dataset("emotalk", data_dir=root, cache_dir=tmp_path / "cache")  # everything is imported now
    release = shutil.copytree(root, public_path / "release")
    (public_path / "cache").mkdir(mode=0o555)
    with without_privileges(), pytest.raises(CacheWriteError, match=r"Permission denied"):
        load_dataset("emotalk", data_dir=release, cache_dir=public_path / "cache")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_before_the_first_batch(path: Path) -> None:
    """Leave an Arrow stream that is whole and has no rows: its end mark is optional."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
        schema = reader.schema
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema):
        pass


@pytest.mark.parametrize(
    ("pattern", "damage", "message"),
    [
        ("problems-*.json", _cut, r"the report .* is damaged"),
        ("problems-*.json", lambda path: path.write_text("[]"), r"this is no report of ours"),
        ("problems-*.json", lambda path: path.write_bytes(b"\xff"), r"the report .* is damaged"),
        ("problems-*.json", Path.unlink, r"no problem report|do not add up"),
        ("dataset_info.json", _cut, r"dataset_info\.json in the cache .* is damaged"),
        ("dataset_info.json", lambda path: path.write_bytes(b""), r"dataset_info\.json in the cache"),
        ("emotalk-train.arrow", Path.unlink, r"the cache at .* cannot be read"),
        (
            "emotalk-train.arrow",
            lambda path: path.write_bytes(b"no arrow"),
            r"the cache at .* cannot be read",
        ),
        ("emotalk-train.arrow", _cut_before_the_first_batch, r"has 0 rows of train; expected [1-9]"),
    ],
)
def test_a_damaged_file_of_the_cache_is_a_typed_error(
    load: Callable[..., Any], tmp_path: Path, pattern: str, damage: Callable[[Path], object], message: str
) -> None:
    load()
    victims = sorted(_table(tmp_path / "cache").glob(pattern))
    damage(victims[-1])
    with pytest.raises(CacheCorruptError, match=message):
        load()


def test_a_builder_that_built_nothing_has_no_report(root: Path, tmp_path: Path) -> None:
    builder = load_dataset_builder("emotalk", data_dir=root, cache_dir=tmp_path / "cache")
    with pytest.raises(CacheCorruptError, match=r"has no problem report"):
        builder.report()


def test_the_table_keeps_no_media_and_one_report_per_part(load: Callable[..., Any], tmp_path: Path) -> None:
    load()
    names = sorted(path.name for path in _table(tmp_path / "cache").iterdir())
    reports = [name for name in names if name.startswith("problems-")]
    assert len(reports) == 4  # the index, and one for each split
    assert [name for name in names if name not in reports] == [
        "LICENSE",  # the corpus's, as `datasets` writes it
        "dataset_info.json",
        "emotalk-test.arrow",
        "emotalk-train.arrow",
        "emotalk-validation.arrow",
    ]


def test_a_release_that_moved_has_another_table(root: Path, tmp_path: Path, load: Callable[..., Any]) -> None:
    before = load(split="train")
    moved = root.rename(tmp_path / "moved")
    after = load_dataset("emotalk", data_dir=moved, split="train", cache_dir=tmp_path / "cache")
    assert _rows(before) == _rows(after)
    assert len(list((tmp_path / "cache").rglob("dataset_info.json"))) == 2
    assert isinstance(after, datasets.Dataset)


def test_datasets_replaces_nothing_in_the_builders_modules(tmp_path: Path) -> None:
    root = make_emotalk(tmp_path / "release", num_utterances=8, media=False).data_dir
    code = (
        "import pathlib, sys\n"
        "from emotalk_data import load_dataset_builder\n"
        "builder = load_dataset_builder('emotalk', data_dir=sys.argv[1], cache_dir=sys.argv[2])\n"
        "import emotalk_data.builder.base as base\n"
        "assert base.Path is pathlib.Path\n"
        "assert 'scipy' not in sys.modules\n"
    )
    _output(code, root, tmp_path / "cache")


def test_a_release_that_is_cached_loads_without_pydantic(
    root: Path, tmp_path: Path, load: Callable[..., Any]
) -> None:
    num_rows = len(load(split="train"))
    code = (
        "import sys\n"
        "from emotalk_data import load_dataset\n"
        "print(len(load_dataset('emotalk', data_dir=sys.argv[1], split='train', cache_dir=sys.argv[2])))\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    assert _output(code, root, tmp_path / "cache").split() == [str(num_rows)]
