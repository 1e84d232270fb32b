"""Bytes that no reader shows: behind pages, in dictionaries, in footers and in metadata. All are refused."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotalk_data.errors import OptionError
from emotalk_data.hub.building.manifest import MANIFEST_NAME
from emotalk_data.hub.guard import judge
from emotalk_data.hub.guard.file_bytes import find_hidden_bytes
from emotalk_data.hub.guard.folder_check import scan_card_text, scan_croissant_text, scan_plain_text
from emotalk_data.hub.guard.licences import checked_licences
from emotalk_data.hub.guard.page_bytes import find_in_pages
from emotalk_data.hub.guard.side_files import scan_side_file
from emotalk_data.hub.staged import Staged
from tests.hub.guard.folders import IDS, LICENCES, corpus_table, staged_table
from tests.hub.guard.planted import tone, wav_bytes

RANDOM = np.random.default_rng(0).bytes(60_000)
LETTERS = base64.urlsafe_b64encode(RANDOM).decode()
MANY_IDS = [f"G00008_01_11_{number % 1000:03d}" for number in range(5_000)]


def written(folder: Path, table: pa.Table, **options: object) -> Path:
    path = folder / "a.parquet"
    pq.write_table(table, path, store_schema=False, write_page_checksum=True, **options)
    return path


def reasons(path: Path) -> str:
    metadata = pq.read_metadata(path)
    found = find_hidden_bytes(path, metadata)
    pages = find_in_pages(path, metadata)
    return " ".join([found.reason if found else "", *(one.reason for one in pages.values())]).strip()


def refusals(staged: Staged) -> str:
    judgement = judge(staged, visibility="public", encoder_licences=LICENCES)
    return " ".join(one.reason for one in judgement.refusals)


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("use_dictionary", [True, False])
@pytest.mark.parametrize("more", [{}, {"write_page_index": True}, {"data_page_size": 10_000}])
def test_honest_pages_of_all_kinds_are_used_up(
    tmp_path: Path, compression: str, version: str, use_dictionary: bool, more: dict[str, object]
) -> None:
    random = np.random.default_rng(1)
    num_rows = 3_000
    vectors = random.normal(size=(num_rows, 8)).astype("float32")
    lists = [None if n % 7 == 0 else list(map(float, vectors[n, : n % 5])) for n in range(num_rows)]
    table = pa.table({
        "id": [f"G00008_01_11_{number:03d}" for number in range(num_rows)],
        "same": ["x"] * num_rows,
        "nulls": pa.array([None] * num_rows, pa.string()),
        "some": [None if number % 3 else "a" * (number % 9) for number in range(num_rows)],
        "flag": [None if number % 5 == 0 else number % 2 == 0 for number in range(num_rows)],
        "number": random.integers(0, 7, num_rows),
        "zero": np.where(random.random(num_rows) < 0.5, -0.0, 0.0),
        "vector": pa.FixedSizeListArray.from_arrays(vectors.reshape(-1), 8),
        "half": pa.FixedSizeListArray.from_arrays(vectors.astype("float16").reshape(-1), 8),
        "lists": lists,
        "structs": [[{"a": n, "b": ["t"] * (n % 3)}] * (n % 2) for n in range(num_rows)],
    })  # fmt: skip
    path = written(
        tmp_path, table, compression=compression, data_page_version=version, use_dictionary=use_dictionary,
        row_group_size=2_000, **more,
    )  # fmt: skip
    assert reasons(path) == ""


@pytest.mark.parametrize("kind", ["text", "numbers"])
def test_an_entry_that_no_row_uses_is_refused(tmp_path: Path, kind: str) -> None:
    entries = pa.array(["G00008_01_11_001", LETTERS]) if kind == "text" else pa.array([1, 2**62])
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(200_000, "int32")), entries)
    path = written(tmp_path, pa.table({"a": column}), write_statistics=False)
    said = reasons(path)
    # Numbers are unpacked by the writer, and only the one that is there is written again.
    assert "used by no row" in said if kind == "text" else said == ""


def test_a_group_of_rows_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    schema = pa.schema([("a", pa.dictionary(pa.int32(), pa.string()))])
    empty = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([LETTERS]))
    with pq.ParquetWriter(path, schema, store_schema=False) as writer:
        writer.write_table(pa.table({"a": pa.array(["x"]).dictionary_encode()}))
        writer.write_table(pa.table({"a": empty}))
    assert "no rows" in reasons(path) or "used by no row" in reasons(path)


def spliced(folder: Path, change: Callable[[pq.FileMetaData], None], hidden: bytes) -> Path:
    path = written(
        folder, pa.table({"utterance_id": MANY_IDS}), use_dictionary=False, compression="none"
    )  # fmt: skip
    metadata = pq.read_metadata(path)
    change(metadata)
    raw, footer = path.read_bytes(), io.BytesIO()
    metadata.write_metadata_file(footer)
    size = 8 + int.from_bytes(raw[-8:-4], "little")
    path.write_bytes(raw[:-size] + hidden + footer.getvalue()[4:])
    return path


def test_groups_of_rows_over_the_same_pages_are_refused(tmp_path: Path) -> None:
    source = written(tmp_path, pa.table({"utterance_id": MANY_IDS}), use_dictionary=False, compression="none")
    twice = pq.read_metadata(source)
    path = spliced(tmp_path, lambda one: one.append_row_groups(twice), wav_bytes(tone(5.0)))
    assert pq.read_table(path).num_rows == 2 * len(MANY_IDS)
    assert "overlap" in reasons(path)


def test_columns_of_another_file_are_refused(tmp_path: Path) -> None:
    path = spliced(tmp_path, lambda one: one.set_file_path("../../other.bin"), b"")
    assert "in another file" in reasons(path)


def test_few_bytes_behind_the_pages_are_refused(tmp_path: Path) -> None:
    assert "shown by no reader" in reasons(spliced(tmp_path, lambda _: None, wav_bytes()[:400]))


def test_a_frame_that_unpacking_skips_is_refused(tmp_path: Path) -> None:
    from emotalk_data.hub.guard.page_bytes import _zstd_end

    packed = pa.compress(b"abc" * 1_000, codec="zstd", asbytes=True)
    skipped = b"\x50\x2a\x4d\x18" + len(RANDOM).to_bytes(4, "little") + RANDOM
    assert _zstd_end(packed) == len(packed)
    assert _zstd_end(packed + skipped) == len(packed)
    assert _zstd_end(pa.compress(RANDOM, codec="zstd", asbytes=True)) > len(RANDOM)


SAMPLES = [int(one) for one in tone()]


@pytest.mark.parametrize(
    "value",
    [
        f'{{"key": "{LETTERS}", "key": 1}}',
        json.dumps({"x": [SAMPLES[start : start + 250] for start in range(0, len(SAMPLES), 250)]}),
        json.dumps([LETTERS[start : start + 120] for start in range(0, len(LETTERS), 120)]),
        '{"x": [' + ",".join("7" * 4_090 for _ in range(9)) + "]}",
        json.dumps({"key": "0" * 32, "counts": {}, "failures": []}) + " " * 5_000,
        json.dumps({"key": "0" * 32, "counts": {}, "failures": [], "more": 1}),
    ],
    ids=["twice", "lists", "pieces", "digits", "blanks", "more"],
)
def test_a_builds_footer_says_nothing_else(tmp_path: Path, value: str) -> None:
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    assert "emotalk-build" in refusals(staged_table(tmp_path, table, metadata={"emotalk-build": value}))


def test_an_honest_builds_footer_goes_through(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    value = json.dumps({"key": "0" * 32, "counts": {}, "failures": []})
    assert refusals(staged_table(tmp_path, table, metadata={"emotalk-build": value})) == ""


def test_the_footer_of_features_is_only_for_features(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    assert "on no list" in refusals(staged_table(tmp_path, table, metadata={"emotalk-features": "{}"}))


def test_more_in_what_datasets_writes_is_refused(tmp_path: Path) -> None:
    pieces = [LETTERS[start : start + 120] for start in range(0, len(LETTERS), 120)]
    value = json.dumps({"info": {"features": {}}, "more": pieces})
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    assert "huggingface" in refusals(staged_table(tmp_path, table, metadata={"huggingface": value}))


def test_a_number_of_a_field_is_a_number(tmp_path: Path) -> None:
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    fields = [
        table.schema.field(0).with_metadata({"PARQUET:field_id": LETTERS[:40_000]}),
        table.schema.field(1),
    ]
    assert "PARQUET:field_id" in refusals(staged_table(tmp_path, table.cast(pa.schema(fields))))


def test_class_names_are_the_corpus_own(tmp_path: Path) -> None:
    names = [LETTERS[start : start + 120] for start in range(0, len(LETTERS), 120)]
    features = datasets.Features(
        {"utterance_id": datasets.Value("string"), "emotion": datasets.ClassLabel(names=names)}
    )
    table = pa.table({"utterance_id": IDS["emotalk"], "emotion": [0] * 8}, schema=features.arrow_schema)
    assert "class names" in refusals(staged_table(tmp_path, table, features=features))


def test_the_recipe_of_a_build_is_one(tmp_path: Path) -> None:
    recipe = {
        "version": 1, "columns": ["utterance_id"], "rows_per_shard": 10, "schema_version": "1.0.0",
        "clips": "as released", "content_defined_chunking": True,
    }  # fmt: skip
    shard = {
        "file": "train-00000-of-00001.parquet", "num_rows": 8, "size_bytes": 1, "sha256": "0" * 64,
        "counts": {}, "failures": [],
    }  # fmt: skip
    manifest = {
        "format": "emotalk-build", "version": 1, "corpus": "emotalk", "key": "0" * 32, "recipe": recipe,
        "source": "0" * 32, "is_complete": True, "libraries": {},
        "splits": {"train": {"num_rows": 8, "num_shards": 1, "shards": [shard]}},
    }  # fmt: skip
    path = tmp_path / MANIFEST_NAME
    path.write_text(json.dumps(manifest))
    assert scan_side_file(path, "built") is None
    path.write_text(json.dumps({**manifest, "recipe": {**recipe, "more": SAMPLES[:200]}}))
    found = scan_side_file(path, "built")
    assert found is not None
    assert "not what emotalk_data writes" in found.reason


def test_letters_in_many_lines_of_a_card_are_refused() -> None:
    lines = base64.encodebytes(tone().tobytes()).decode()
    for card in (f"# x\n{lines}", "".join(f"> {line}\n" for line in lines.splitlines())):
        assert scan_card_text(card) is not None


def test_the_end_of_a_long_line_is_looked_at() -> None:
    found = scan_card_text("x " * 100_000 + base64.b64encode(wav_bytes()).decode())
    assert found is not None
    assert found.kind == "media"


def test_texts_of_older_versions() -> None:
    assert scan_card_text("# 情感特征\n\nWords, and /home/me.\n") is None
    assert scan_plain_text("*.parquet filter=lfs diff=lfs merge=lfs -text\n") is None
    assert scan_plain_text(base64.encodebytes(RANDOM).decode()[:9_000]) is not None
    assert scan_croissant_text('{"name": "x"}') is None
    assert scan_croissant_text('{"name": 1, "name": 2}') is not None
    assert scan_croissant_text("no JSON") is not None


@pytest.mark.parametrize(
    "licence", ["all-rights-reserved", "proprietary", "cc-by-nd-4.0", "cc-by-nc-nd-4.0", "unlicensed"]
)
def test_words_that_grant_nothing_are_no_licence(licence: str) -> None:
    with pytest.raises(OptionError, match=r"grant nothing|nothing adapted"):
        checked_licences({"lab/encoder": licence})


@pytest.mark.parametrize("licence", ["unlicense", "apache-2.0", "cc-by-nc-sa-4.0", "openrail", "brand-1.0"])
def test_licences_are_still_taken(licence: str) -> None:
    assert checked_licences({"lab/encoder": licence})["lab/encoder"].id == licence
