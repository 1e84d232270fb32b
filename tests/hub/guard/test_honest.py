"""What a lab makes in good faith goes through, however odd its numbers are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from emotalk_data import load_dataset
from emotalk_data.features import (
    CallableSpec,
    OpensmileSpec,
    TextSpec,
    TimmSpec,
    VisionSpec,
    extract_features,
    from_callable,
)
from emotalk_data.hub.building import build_dataset
from emotalk_data.hub.guard import FLAGS, judge
from emotalk_data.hub.guard.number_scan import NumberScan, find_in_numbers
from emotalk_data.hub.staged import Staged
from emotalk_data.hub.staging.stage import stage
from emotalk_data.schemas.encoder_spec import EncoderSpec
from emotalk_data.schemas.split_file import SplitFile
from emotalk_data.testing import make_emotalk, make_m3ed
from tests.feature_shards import SPEC, Row, make_rows, write_set
from tests.hub.guard.folders import IDS, LICENCES, Corpus, corpus_table, staged_features, staged_table

REVISION = "a0" * 20
SEED = 0
Numbers = Callable[[np.random.Generator, int, int], np.ndarray]


def bfloat16(values: np.ndarray) -> np.ndarray:
    """Rounded as a network in half precision gives them."""
    bits = values.astype("float32").view("uint32")
    rounded: np.ndarray = ((bits + 0x8000) & 0xFFFF0000).astype("uint32").view("float32")
    return rounded


def smoothed(rng: np.random.Generator, num: int, dims: int) -> np.ndarray:
    """Logarithms of a spectrum: neighbouring bands are alike."""
    walk = rng.normal(size=(num, dims)).cumsum(axis=1) / 4
    return np.asarray(walk - walk.mean(axis=1, keepdims=True) - 8)


# Each is what a kind of encoder gives; D as of such encoders.
HONEST: dict[str, tuple[int, Numbers]] = {
    "a network's states": (768, lambda rng, num, dims: rng.normal(size=(num, dims))),
    "states in half precision": (1_024, lambda rng, num, dims: bfloat16(rng.normal(size=(num, dims)) * 0.3)),
    "float16": (1_024, lambda rng, num, dims: (rng.normal(size=(num, dims)) * 0.3).astype("float16")),
    "sums of many tokens in float16": (
        768,
        lambda rng, num, dims: (rng.normal(size=(num, dims)) * 5_000).astype("f2"),
    ),
    "vectors of length 1": (384, lambda rng, num, dims: _unit(rng.normal(size=(num, dims)))),
    "rectified, mostly zero": (1_280, lambda rng, num, dims: np.maximum(rng.normal(size=(num, dims)) - 1, 0)),
    "rectified and cut at 6": (1_280, lambda rng, num, dims: np.clip(rng.normal(size=(num, dims)) * 4, 0, 6)),
    "probabilities": (1_000, lambda rng, num, dims: rng.dirichlet(np.ones(dims) / 10, size=num)),
    "probabilities in float16": (
        1_000,
        lambda rng, num, dims: rng.dirichlet(np.ones(dims), num).astype("float16"),
    ),
    "gates in half precision": (
        512,
        lambda rng, num, dims: bfloat16(1 / (1 + np.exp(-rng.normal(size=(num, dims))))),
    ),
    "acoustic functionals": (1_582, lambda rng, num, dims: _functionals(rng, num, dims)),
    "their z-scores": (1_582, lambda rng, num, dims: rng.standard_t(3, size=(num, dims))),
    "6,373 functionals": (6_373, lambda rng, num, dims: _functionals(rng, num, dims)),
    "a spectrum": (80, smoothed),
    "loudness": (1, lambda rng, num, dims: rng.uniform(0, 0.2, (num, dims))),
    "loudness in decibels": (1, lambda rng, num, dims: np.round(rng.normal(size=(num, dims)) * 10 - 30, 1)),
    "pitch in hertz": (1, lambda rng, num, dims: rng.integers(80, 255, (num, dims)).astype("float64")),
    "counts of words": (5_000, lambda rng, num, dims: rng.poisson(0.05, (num, dims)).astype("float64")),
    "yes and no": (64, lambda rng, num, dims: rng.integers(0, 2, (num, dims)).astype("float64")),
    "a still picture": (512, lambda rng, num, dims: np.repeat(rng.normal(size=(1, dims)), num, axis=0)),
    "two pictures in turn": (
        768,
        lambda rng, num, dims: np.repeat(rng.normal(size=(2, dims)), -(-num // 2), 0)[:num],
    ),
    "nothing but zeros": (1_280, lambda _, num, dims: np.zeros((num, dims))),
    "action units of faces": (35, lambda rng, num, dims: np.round(rng.uniform(0, 5, (num, dims)), 2)),
}


def _unit(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True))


def _functionals(rng: np.random.Generator, num: int, dims: int) -> np.ndarray:
    """Numbers of many scales, zeros and whole numbers among them, as openSMILE gives."""
    scales = 10.0 ** rng.integers(-6, 5, dims)
    values = rng.normal(size=(num, dims)) * scales
    values[:, ::17] = rng.integers(0, 300, (num, len(values[0, ::17])))
    values[:, ::31] = 0
    return values


@pytest.mark.parametrize("name", HONEST)
def test_numbers_of_encoders_are_not_taken_for_sound_or_pictures(name: str) -> None:
    dims, make = HONEST[name]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        vectors = NumberScan(dims)
        assert [vectors.add(row) for row in make(rng, 400, dims).astype("float32")] == [None] * 400
        assert vectors.finish() is None
        for num_frames in (1, 50, 700):
            frames = make(rng, num_frames, dims)
            assert find_in_numbers(frames.reshape(-1), dims) is None
            assert find_in_numbers(frames.astype("float32").reshape(-1), dims) is None


SPECS: dict[str, EncoderSpec] = {
    "IS10": OpensmileSpec(
        name="m3ed/is10", model="IS10_paraling_compat", revision="opensmile 2.6.0", num_dims=1_582
    ),
    "MobileNet": TimmSpec(
        name="mobilenet",
        model="timm/mobilenetv2_100.ra_in1k",
        revision=REVISION,
        num_dims=1_280,
        architecture="mobilenetv2_100",
    ),
    "loudness": CallableSpec(
        name="loudness",
        model="rms",
        revision="1",
        input="audio",
        num_dims=1,
        params={"window_seconds": 0.025},
    ),
    "BERT": TextSpec(
        name="clean/bert", model="google-bert/bert-base-chinese", revision=REVISION, num_dims=768
    ),
    "CLIP": VisionSpec(name="clip", model="openai/clip-vit-base-patch32", revision=REVISION, num_dims=512),
}
KINDS = {"IS10": "acoustic functionals", "MobileNet": "rectified, mostly zero", "loudness": "loudness"}


@pytest.mark.parametrize("level", ["utterance", "frame"])
@pytest.mark.parametrize("name", SPECS)
def test_feature_sets_of_many_kinds_go_through(tmp_path: Path, name: str, level: str) -> None:
    spec = SPECS[name]
    _, make = HONEST[KINDS.get(name, "a network's states")]
    rng = np.random.default_rng(SEED)
    assert spec.num_dims is not None
    ids = [f"G00008_{number // 90:02d}_{11 + number % 2}_{number % 90:03d}" for number in range(40)]
    rows = [
        Row(one, make(rng, 3 + number % 60, spec.num_dims).astype("f4")) for number, one in enumerate(ids)
    ]
    rows[3] = Row(ids[3], None, "missing: the row has no sound")
    rows[4] = Row(ids[4], None, "unreadable: G00008_00_11_004.wav: cut at byte 44 of 1,024 (16 kHz/mono)")
    rows[5] = rows[5]._replace(
        notes=("3 of 8 frames without a face", "cut at 30 s", "no speech in 0.5/1.2 s")
    )
    staged = staged_features(tmp_path, spec, (level,), rows=rows)  # type: ignore[arg-type]
    judgement = judge(
        staged, visibility="gated", allow=["frame-features"], encoder_licences={**LICENCES, spec.model: "mit"}
        if name != "IS10" else {},
    )  # fmt: skip
    judgement.raise_if_refused()
    assert (dict(judgement.flags) != {}) is (level == "frame")
    assert judgement.needs_gate


def test_a_set_that_was_extracted_from_a_release_goes_through(tmp_path: Path) -> None:
    make_emotalk(tmp_path / "release", seed=0)
    ds = load_dataset("emotalk", data_dir=tmp_path / "release", split="train")

    def loudness(samples: np.ndarray) -> np.ndarray:
        blocks = samples[: len(samples) // 400 * 400].reshape(-1, 400)
        return np.asarray(np.sqrt((blocks**2).mean(axis=1, keepdims=True)))

    extractor = from_callable(loudness, name="loudness", input="audio", num_dims=1, sampling_rate=16_000)
    extract_features(ds, extractor, tmp_path / "set", level=("utterance", "frame"))
    staged = stage(tmp_path / "set", tmp_path / "staged")
    licences = {extractor.spec.model: "mit"}
    with_flags = judge(
        staged, visibility="private", allow=["no-model-revision", "frame-features"], encoder_licences=licences
    )
    with_flags.raise_if_refused()
    assert list(with_flags.flags) == ["frame-features", "no-model-revision"]
    without = judge(staged, visibility="private", encoder_licences=licences)
    assert {one.flag for one in without.refusals} == {"frame-features", "no-model-revision"}


@pytest.mark.parametrize("corpus", ["emotalk", "m3ed"])
def test_what_emotalk_build_made_is_judged_column_by_column(tmp_path: Path, corpus: Corpus) -> None:
    make = make_emotalk if corpus == "emotalk" else make_m3ed
    make(tmp_path / "release", seed=1)
    ds = load_dataset(corpus, data_dir=tmp_path / "release")
    build_dataset(ds, tmp_path / "labels", columns="labels")
    build_dataset(ds, tmp_path / "all")
    build_dataset(ds, tmp_path / "media", columns=["utterance_id", "audio"], embed_media=True)
    labels, everything, media = (
        stage(tmp_path / one, tmp_path / f"{one}-staged") for one in ("labels", "all", "media")
    )
    assert judge(labels, visibility="public").is_allowed is (corpus == "emotalk")
    judge(labels, visibility="private", allow=["m3ed-private"]).raise_if_refused()
    refused = judge(everything, visibility="private", allow=FLAGS).refusals
    classes = {one.redistribution for one in refused}
    assert classes == (set() if corpus == "emotalk" else {"transcripts"})
    refused = judge(media, visibility="private", allow=FLAGS).refusals
    # The columns, and what the files tell `datasets` to decode.
    assert {"column audio.bytes", "column audio.path"} < {one.place for one in refused}
    assert {one.redistribution for one in refused} == {"media"}


def test_a_staged_set_and_its_splits_go_through(tmp_path: Path) -> None:
    write_set(tmp_path / "set", make_rows(IDS["emotalk"], failed=(2, 3)), levels=("utterance",))
    folds = [{"splits": {"train": ["G00008_01"], "test": ["G00003_02"]}, "notes": ["one speaker is in both"]}]
    SplitFile(corpus="emotalk", name="mine", folds=folds).save(tmp_path / "splits.json")
    staged = stage([tmp_path / "set", tmp_path / "splits.json"], tmp_path / "staged")
    judgement = judge(staged, visibility="gated", encoder_licences=LICENCES)
    judgement.raise_if_refused()
    splits = Staged(
        folder=staged.folder, configs=tuple(one for one in staged.configs if one.kind == "splits")
    )
    public = judge(splits, visibility="public")
    public.raise_if_refused()
    assert not public.needs_gate
    assert public.licence.id == "cc-by-nc-sa-4.0"


LABELS = ["utterance_id", "dialogue_id", "modalities", "emotion", "sentiment", "annotations", "start_seconds"]


def test_labels_of_emotiontalk_may_be_public_and_transcripts_never(tmp_path: Path) -> None:
    labels = staged_table(tmp_path / "labels", corpus_table("emotalk", LABELS))
    judge(labels, visibility="public").raise_if_refused()
    texts = [
        "[over/]你好[/over]，我去了北京/上海[laugh/]",
        "嗯",
        "2023年3月5日 12:30",
        "好" * 300,
        "A",
        "",
        None,
        "他说：“好”……",
    ]
    events = [[{"type": "overlap", "start": 0, "end": 2}]] * 8
    columns = [*LABELS, "text", "text_raw", "events"]
    both = staged_table(tmp_path / "texts", corpus_table("emotalk", columns, text_raw=texts, events=events))
    judge(both, visibility="gated", allow=["transcripts"]).raise_if_refused()
    refused = judge(both, visibility="public", allow=FLAGS).refusals
    assert {one.place for one in refused} == {
        "column text", "column text_raw", "column events.type", "column events.start", "column events.end"
    }  # fmt: skip


def test_labels_of_m3ed_go_into_a_private_repository_by_name(tmp_path: Path) -> None:
    table = corpus_table(
        "m3ed",
        ["utterance_id", "dialogue_id", "series", "speaker_name", "age", "emotion"],
        series=["anjia"] * 8,
        speaker_name=["房似锦"] * 8,
        age=["young"] * 8,
    )
    staged = staged_table(tmp_path, table, corpus="m3ed")
    judgement = judge(staged, visibility="private", allow=["m3ed-private"])
    judgement.raise_if_refused()
    assert list(judgement.flags) == ["m3ed-private"]
    assert (judgement.licence.id, judgement.licence.name) == ("other", "no-licence-file")
    assert not judge(staged, visibility="private").is_allowed
    assert not judge(staged, visibility="gated", allow=FLAGS).is_allowed


def test_large_strings_are_strings(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    table = table.set_column(0, "utterance_id", table["utterance_id"].cast(pa.large_string()))
    judge(staged_table(tmp_path, table), visibility="public").raise_if_refused()


def test_a_reason_that_quotes_a_transcript_needs_its_flag(tmp_path: Path) -> None:
    rows = make_rows(IDS["emotalk"])
    rows[2] = Row(rows[2].utterance_id, None, "refused: the tokenizer finds no token in the text '嗯嗯'")
    staged = staged_features(tmp_path, rows=rows)
    (refused,) = judge(staged, visibility="private", encoder_licences=LICENCES).refusals
    assert (refused.place, refused.redistribution, refused.flag) == (
        "column error",
        "transcripts",
        "transcripts",
    )
    judge(staged, visibility="private", allow=["transcripts"], encoder_licences=LICENCES).raise_if_refused()
    assert SPEC.model in dict(judge(staged, visibility="private", encoder_licences=LICENCES).licence.encoders)
