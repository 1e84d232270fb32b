"""`emotalk features`: what it lists, makes and refuses, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emotalk_data.cli import main
from emotalk_data.cli.features_list import FAMILIES
from emotalk_data.errors import ModelError, OptionError
from emotalk_data.features.feature_set import FeatureSet
from emotalk_data.features.recipes.catalogue import list_recipes, recipe
from emotalk_data.load import load_dataset
from emotalk_data.testing import make_emotalk

from ..features import conftest as _torchvision  # noqa: F401  # what transformers imports, on the test machines
from ..features.tiny_models import save_speech_model
from ..features.tiny_text import save_text_model
from .conftest import PACKAGE_ROOT

if TYPE_CHECKING:
    from .conftest import Invoke

VERBS = ("list", "show", "extract", "info", "verify", "retry", "export")
BERT = "clean/bert-base-chinese"


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_text_model(tmp_path_factory.mktemp("bert") / "model", "bert")


@pytest.fixture(scope="module")
def hubert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_speech_model(tmp_path_factory.mktemp("hubert") / "model", "hubert-group")


def words(name: str, release: Path, out: Path, *more: object) -> tuple[object, ...]:
    """Return the words of an extraction on the CPU."""
    fixed = ("--corpus", "emotalk", "--data-dir", release, "--out", out, "--device", "cpu")
    return ("features", "extract", name, *fixed, *more)


@pytest.mark.parametrize("verb", VERBS)
def test_each_help_page_is_its_golden_text(
    verb: str, invoke: Invoke, golden: Callable[[str, str], None]
) -> None:
    result = invoke("features", verb, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    golden(f"help_features_{verb}.txt", result.stdout)


def test_without_a_verb_the_help_names_all_in_the_order_of_use(invoke: Invoke) -> None:
    result = invoke("features")
    assert result.exit_code == 0
    places = [result.stdout.index(f"\n  {verb} ") for verb in VERBS]
    assert places == sorted(places)


def test_the_list_is_its_golden_text(invoke: Invoke, golden: Callable[[str, str], None]) -> None:
    golden("features_list.txt", invoke("features", "list").stdout)


@pytest.mark.parametrize(
    "name", ["emotiontalk/vicuna-7b-v0", "emotiontalk/dinov2-giant", "m3ed/is10", "clean/chinese-hubert-base"]
)
def test_what_is_known_of_a_recipe_is_its_golden_text(
    name: str, invoke: Invoke, golden: Callable[[str, str], None]
) -> None:
    result = invoke("features", "show", name)
    assert result.exit_code == 0
    assert result.stdout == f"{recipe(name)}\n"
    golden(f"features_show_{name.replace('/', '_')}.txt", result.stdout)


def test_families_are_those_of_the_recipes(invoke: Invoke) -> None:
    assert set(FAMILIES) == {one.family for one in list_recipes()}
    listed = json.loads(invoke("features", "list", "--family", "m3ed", "--format", "json").stdout)
    assert [one["name"] for one in listed] == [one.name for one in list_recipes("m3ed")]
    (vicuna,) = [
        one
        for one in json.loads(invoke("features", "list", "--format", "json").stdout)
        if one["name"] == "emotiontalk/vicuna-7b-v0"
    ]
    assert vicuna["takes"] == "code"
    assert vicuna["paper_model"] == "CarperAI/stable-vicuna-13b-delta"
    shown = json.loads(invoke("features", "show", vicuna["name"], "--format", "json").stdout)
    assert shown == vicuna


def test_a_recipe_that_is_none_is_exit_2_with_the_closest(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "show", "clean/hubert-base"]) == 2
    err = capfd.readouterr().err
    assert "there is no recipe 'clean/hubert-base'; did you mean 'clean/chinese-hubert-base'" in err
    assert err.count("\n") == 1


def test_features_are_made_told_and_load_beside_the_rows(
    invoke: Invoke, emotalk_dir: Path, bert: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a set"
    result = invoke(*words(BERT, emotalk_dir, out, "--model-path", bert, "--split", "train"))
    assert result.exit_code == 0, result.exception
    for text in (
        f"{BERT}: a vector an utterance and a vector a frame\n",
        "revision local\n",
        "These weights give 32 numbers, and google-bert/bert-base-chinese was published with 768",
        f"load_dataset('emotalk', data_dir='{emotalk_dir}', split='train', feature_sets=['{out}'])\n",
    ):
        assert text in result.stdout
    ds = load_dataset("emotalk", data_dir=emotalk_dir, split="train")
    row = FeatureSet.open(out).join(ds)[0]
    assert len(row["bert_base_chinese"]) == 32
    assert row["bert_base_chinese_error"] is None
    shards = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    again = invoke(*words(BERT, emotalk_dir, out, "--model-path", bert))
    assert again.exit_code == 0, again.exception
    assert {path: path.stat().st_mtime_ns for path in shards} == shards
    assert FeatureSet.open(out).num_rows == 24


def test_openSMILE_runs_from_its_package_alone(  # noqa: N802  # its name
    invoke: Invoke, emotalk_dir: Path, tmp_path: Path
) -> None:
    pytest.importorskip("opensmile")
    out = tmp_path / "is10"
    options = ("--level", "utterance", "--storage", "float32", "--rows-per-shard", 5)
    result = invoke(*words("m3ed/is10", emotalk_dir, out, *options))
    assert result.exit_code == 0, result.exception
    found = FeatureSet.open(out)
    assert (found.levels, found.num_dims, len(found.store.records)) == (("utterance",), 1582, 7)
    shown = invoke("features", "info", out)
    assert (shown.exit_code, shown.stdout) == (0, f"{found}\n")
    values = json.loads(invoke("features", "info", out, "--format", "json").stdout)
    assert values["total"]["made"] == 24


def test_rows_that_failed_are_named_and_the_exit_code_is_1(
    invoke: Invoke, hubert: Path, tmp_path: Path
) -> None:
    sample = make_emotalk(tmp_path / "EmotionTalk", num_utterances=12)
    wavs = sorted((sample.root / "Audio").rglob("*.wav"))
    kept = [(wav, wav.read_bytes()) for wav in wavs[:7]]
    for wav, _ in kept:
        wav.write_bytes(b"RIFF")
    out = tmp_path / "hubert"
    made = words("clean/chinese-hubert-base", sample.root, out, "--model-path", hubert)
    result = invoke(*made)
    assert result.exit_code == 1, result.exception
    assert "\n7 failed, null in the set:\n" in result.stdout
    assert f"{wavs[0].stem} unreadable: " in result.stdout
    assert f"emotalk features info {out} --failures\n" in result.stdout
    shown = invoke("features", "info", out, "--failures")
    assert shown.exit_code == 1
    assert shown.stdout.count(" unreadable: ") == 7
    for wav, content in kept:
        wav.write_bytes(content)
    again = invoke(
        "features", "retry", out, "--data-dir", sample.root, "--model-path", hubert, "--device", "cpu"
    )
    assert again.exit_code == 0, again.exception
    assert again.stdout.startswith("7 rows made that had been null; 0 still failed.\n")


def test_missing_modalities_are_no_failure(invoke: Invoke, hubert: Path, tmp_path: Path) -> None:
    sample = make_emotalk(tmp_path / "EmotionTalk", num_utterances=12, oddities=False)
    for wav in sorted((sample.root / "Audio").rglob("*.wav"))[:3]:
        wav.unlink()
    out = tmp_path / "hubert"
    result = invoke(*words("clean/chinese-hubert-base", sample.root, out, "--model-path", hubert))
    assert result.exit_code == 0, result.exception
    assert FeatureSet.open(out).counts.missing == 3
    assert invoke("features", "info", out).exit_code == 0
    assert " missing: " in invoke("features", "info", out, "--failures").stdout


def test_some_rows_are_made_again_and_compared(
    invoke: Invoke, emotalk_dir: Path, bert: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bert"
    assert invoke(*words(BERT, emotalk_dir, out, "--model-path", bert)).exit_code == 0
    options = ("--data-dir", emotalk_dir, "-k", 5, "--device", "cpu")
    same = invoke("features", "verify", out, "--model-path", bert, *options)
    assert same.exit_code == 0, same.exception
    assert same.stdout.startswith("5 of 24 rows encoded again: all are what is stored")
    other = save_text_model(tmp_path / "other", "bert", seed=3)
    refused = invoke("features", "verify", out, "--model-path", other, *options)
    assert isinstance(refused.exception, ModelError)
    assert "are not those of" in str(refused.exception)
    wrong = invoke("features", "verify", out, "--corpus", "m3ed", *options)
    assert isinstance(wrong.exception, OptionError)
    assert "is of emotalk, and --corpus says m3ed" in str(wrong.exception)


def test_half_precision_says_what_it_costs_before_the_run(
    invoke: Invoke, emotalk_dir: Path, bert: Path, tmp_path: Path
) -> None:
    result = invoke(
        *words(BERT, emotalk_dir, tmp_path / "bert", "--model-path", bert, "--compute", "bfloat16")
    )
    assert result.exit_code == 0, result.exception
    first, *_ = result.stdout.splitlines()
    assert first.startswith("bfloat16 against float32, 8 utterances on cpu: 1 - cosine of their vectors is ")
    assert "calculated in bfloat16" in result.stdout
    again = invoke(
        *words(BERT, emotalk_dir, tmp_path / "bert", "--model-path", bert, "--compute", "bfloat16")
    )
    assert again.stdout.splitlines()[0] == result.stdout.splitlines()[1]


def test_weights_that_are_not_there_are_told_of_once_in_half_precision_too(
    emotalk_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nowhere = words(BERT, emotalk_dir, tmp_path / "x", "--model-path", "/nowhere", "--compute", "bfloat16")
    assert main([str(word) for word in nowhere]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("/nowhere"), err.count("\n")) == ("", 1, 1)


def test_a_dry_run_says_rows_files_size_and_weights_and_writes_nothing(
    invoke: Invoke, emotalk_dir: Path, bert: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    result = invoke(*words(BERT, emotalk_dir, out, "--model-path", bert, "--dry-run", "--rows-per-shard", 4))
    assert result.exit_code == 0, result.exception
    for text in (
        "encoder     google-bert/bert-base-chinese, revision local, weights ",
        "licence     apache-2.0; as its card says\n",
        "utterances  24, about 24 of them with text\n",
        "files       7\n",
        "Estimated from 24 rows; nothing was written.\n",
    ):
        assert text in result.stdout
    assert not out.exists()


@pytest.mark.parametrize(
    "name",
    [
        "clean/chinese-hubert-base",
        "emotiontalk/whisper-base",
        "emotiontalk/clip-vit-base-patch32",
        "m3ed/a_utt",
    ],
)
def test_a_dry_run_without_the_weights_says_so_and_is_exit_2(
    name: str, invoke: Invoke, emotalk_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    result = invoke(
        "features", "extract", name, "--corpus", "emotalk", "--data-dir", emotalk_dir, "--dry-run"
    )
    assert result.exit_code == 2
    assert "not in the Hub's cache, and HF_HUB_OFFLINE is set" in result.stdout
    assert "frames      about " in result.stdout


@pytest.mark.parametrize("split", ["train[:50%]", "train+test"])
def test_the_line_to_type_next_asks_for_the_same_rows(
    split: str, invoke: Invoke, emotalk_dir: Path, bert: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    result = invoke(*words(BERT, emotalk_dir, out, "--model-path", bert, "--split", split))
    line = result.stdout.rstrip().splitlines()[-1].strip()
    assert f"split='{split}'" in line
    found = eval(line, {"load_dataset": load_dataset})  # noqa: S307
    assert found["bert_base_chinese_error"] == [None] * len(found)


def test_a_dry_run_names_packages_that_are_not_installed(
    invoke: Invoke, emotalk_dir: Path, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)  # as if it were not installed
    release = ("--corpus", "emotalk", "--data-dir", emotalk_dir)
    result = invoke("features", "extract", BERT, *release, "--model-path", bert, "--dry-run")
    assert result.exit_code == 2
    assert (
        'needs       transformers, which is not installed: pip install "emotalk-data[features]"'
        in result.stdout
    )


def test_pictures_of_m3ed_need_episodes_and_a_dry_run_says_so(invoke: Invoke, m3ed_dir: Path) -> None:
    release = ("--corpus", "m3ed", "--data-dir", m3ed_dir)
    result = invoke("features", "extract", "clean/dinov2-large", *release, "--dry-run")
    assert "give --episodes-dir, your own episodes" in result.stdout


def test_a_dry_run_of_weights_that_nobody_can_download_says_what_to_do(
    invoke: Invoke, emotalk_dir: Path
) -> None:
    release = ("--corpus", "emotalk", "--data-dir", emotalk_dir)
    result = invoke("features", "extract", "emotiontalk/vicuna-7b-v0", *release, "--dry-run")
    assert isinstance(result.exception, ModelError)
    assert "holds a delta" in str(result.exception)
    nowhere = invoke("features", "extract", BERT, *release, "--dry-run", "--model-path", "/nowhere")
    assert nowhere.exit_code == 2
    assert "there is nothing at model_path='/nowhere'" in nowhere.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--corpus", "emotalk"), "Missing option '--out'"),
        (("--out", "x"), "Missing option '--corpus'"),
        (("--corpus", "emotalk", "--out", "x", "--level", "dialogue"), "Invalid value for '--level'"),
        (("--corpus", "emotalk", "--out", "x", "--compute", "float64"), "Invalid value for '--compute'"),
        (
            ("--corpus", "emotalk", "--out", "x", "--max-batch-seconds", "0"),
            "Invalid value for '--max-batch-s",
        ),
        (("--corpus", "iemocap", "--out", "x"), "Invalid value for '--corpus'"),
    ],
)
def test_wrong_usage_is_exit_2(invoke: Invoke, options: tuple[str, ...], message: str) -> None:
    result = invoke("features", "extract", BERT, *options)
    assert result.exit_code == 2
    assert message in result.output


def test_a_set_inside_of_its_release_is_refused(invoke: Invoke, emotalk_dir: Path, bert: Path) -> None:
    result = invoke(*words(BERT, emotalk_dir, emotalk_dir / "set", "--model-path", bert))
    assert isinstance(result.exception, OptionError)
    assert "lies inside of the release" in str(result.exception)
    assert not (emotalk_dir / "set").exists()


def test_another_set_in_the_folder_is_left_alone_and_what_differs_is_said(
    emotalk_dir: Path, bert: Path, tmp_path: Path, invoke: Invoke, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bert"
    assert invoke(*words(BERT, emotalk_dir, out, "--model-path", bert)).exit_code == 0
    changed = words(BERT, emotalk_dir, out, "--model-path", bert, "--storage", "float16")
    assert main([str(word) for word in changed]) == 2
    assert "storage is 'float32' there and 'float16' here" in capfd.readouterr().err


def test_ctrl_c_ends_after_a_shard_and_the_same_command_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("opensmile")
    make_emotalk(tmp_path / "EmotionTalk", num_utterances=24, oddities=False)
    out = tmp_path / "is10"
    options = ("--level", "utterance", "--rows-per-shard", 1)
    command = [str(word) for word in words("m3ed/is10", tmp_path / "EmotionTalk", out, *options)]
    with subprocess.Popen(
        [sys.executable, "-m", "emotalk_data", *command],
        env={**os.environ, "PYTHONPATH": PACKAGE_ROOT, "HF_HOME": str(tmp_path / "hf")},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and not list(out.glob("data/*.parquet")):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith(
        "stopped; what is finished stays, and the same command goes on from there.\nemotalk: interrupted\n"
    )
    finished = {path: path.stat().st_mtime_ns for path in out.glob("data/*.parquet")}
    assert 0 < len(finished) < 24
    assert main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert FeatureSet.open(out).counts.made == 24


def test_a_set_that_is_not_finished_is_shown_with_exit_1(
    invoke: Invoke, emotalk_dir: Path, bert: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bert"
    assert invoke(*words(BERT, emotalk_dir, out, "--model-path", bert, "--rows-per-shard", 4)).exit_code == 0
    next((out / "data").glob("train-00001*")).unlink()
    result = invoke("features", "info", out)
    assert result.exit_code == 1
    assert "(not finished)" in result.stdout


def test_sets_are_written_as_other_projects_read_them(
    invoke: Invoke, emotalk_dir: Path, bert: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bert"
    assert invoke(*words(BERT, emotalk_dir, out, "--model-path", bert)).exit_code == 0
    result = invoke("features", "export", out, "npy", "--out", tmp_path / "npy")
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith(f"24 utterances written as npy to {tmp_path / 'npy'}")
    rows = ("--data-dir", emotalk_dir)
    pickled = tmp_path / "dialogues.pkl"
    one = invoke("features", "export", out, "dialoguernn", "--out", pickled, "--missing", "skip", *rows)
    assert one.exit_code == 0, one.exception
    assert pickled.is_file()
    assert f" written as dialoguernn to {pickled}" in one.stdout
    inside = invoke("features", "export", out, "mmsa", "--out", emotalk_dir / "x.pkl", *rows)
    assert isinstance(inside.exception, OptionError)
    assert "lies inside of the release" in str(inside.exception)
