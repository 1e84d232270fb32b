"""Made-up rows of built datasets and feature sets, and the golden cases that are made of them.

`python -m tests.validation.table_files` writes the files of tests/validation/golden/DS-* and FS-* again.
"""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.builder.features import emotalk_features, m3ed_features

GOLDEN = Path(__file__).parent / "golden"
EMOTALK = emotalk_features().arrow_schema
M3ED = m3ed_features().arrow_schema
FRAMES = pa.list_(pa.list_(pa.float16(), 4))
SPEC = {"spec": json.dumps({"model": "example/tiny-hubert", "revision": "a0"})}
TOO_MANY_ROWS = 5_000_001


def emotalk_row(own_id: str = "G00002_01_07_001", /, **values: Any) -> dict[str, Any]:
    """A clean row of EmotionTalk with the multimodal record alone; `values` replace some of it."""
    annotation = {"modality": "multimodal", "emotion": 1, "confidence": 0.9, "sentiment": 1}
    row: dict[str, Any] = {
        "utterance_id": own_id,
        "dialogue_id": own_id[:9],
        "group_id": own_id[:6],
        "session_id": own_id[7:9],
        "speaker_id": own_id[10:12],
        "utterance_number": int(own_id[13:]),
        "modalities": ["multimodal"],
        "text": "今天天气真好",
        "text_raw": "今天[laughing]天气真好",
        "events": [{"type": "laughing", "start": 2, "end": 2}],
        "emotion": 1,
        "sentiment": 1.0,
        "annotations": [{**annotation, "annotator": number} for number in range(1, 6)],
    }
    return row | values


def m3ed_row(own_id: str = "anjia_1_1", /, **values: Any) -> dict[str, Any]:
    """A clean row of M3ED."""
    series, dialogue, number = own_id.rsplit("_", 2)
    row: dict[str, Any] = {
        "utterance_id": own_id,
        "dialogue_id": f"{series}_{dialogue}",
        "series": series,
        "speaker_id": "A",
        "speaker_name": "甲",
        "age": "young",
        "gender": "female",
        "utterance_number": int(number),
        "text": "你好",
        "text_raw": "你好",
        "events": [],
        "emotion": 0,
        "emotions": [0],
        "annotations": [{"modality": "multimodal", "annotator": n, "emotions": [0]} for n in (1, 2, 3)],
        "start_seconds": 0.0,
        "end_seconds": 1.0,
        "episode": 1,
        "episode_start_seconds": 10.0,
        "episode_end_seconds": 11.0,
    }
    return row | values


def annotated(index: int, **values: Any) -> dict[str, Any]:
    """A row of EmotionTalk one of whose annotators says something else."""
    row = copy.deepcopy(emotalk_row())
    row["annotations"][index].update(values)
    return row


def table(
    *rows: dict[str, Any],
    schema: pa.Schema = EMOTALK,
    metadata: dict[str, str] | None = None,
    types: dict[str, pa.DataType] | None = None,
) -> pa.Table:
    """Rows as the builder writes them, without the metadata of `datasets`; `types` replace those of columns."""
    schema = schema.remove_metadata()
    for name, type_ in (types or {}).items():
        schema = schema.set(schema.get_field_index(name), pa.field(name, type_))
    return pa.Table.from_pylist(list(rows) or [emotalk_row()], schema=schema).replace_schema_metadata(
        metadata
    )


def features(
    values: list[Any] | None = None,
    *,
    ids: list[str | None] | None = None,
    errors: list[str | None] | None = None,
    type_: pa.DataType = FRAMES,
    metadata: dict[str, str] | None = SPEC,
) -> pa.Table:
    """A shard of a feature set with the columns utterance_id, hubert and error."""
    values = [[[0.5, -1, 2, 0.25], [1, 2, 3, 4]], [[1, 1, 0, 2]]] if values is None else values
    if type_.equals(FRAMES) or type_ == pa.list_(pa.list_(pa.float16(), 3)):
        values = [row and [[np.float16(number) for number in vector] for vector in row] for row in values]
    columns = {
        "utterance_id": pa.array(
            ids or [f"G00002_01_07_{n:03d}" for n in range(1, len(values) + 1)], pa.string()
        ),
        "hubert": pa.array(values, type_),
        "error": pa.array(errors or [None] * len(values), pa.string()),
    }
    return pa.table(columns).replace_schema_metadata(metadata)


def write(path: Path, rows: pa.Table, *, cut_bytes: int = 0) -> Path:
    """Write a shard, small: Parquet, or an Arrow stream by its suffix; without its last bytes if asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, rows.schema) as writer:
            writer.write_table(rows)
    else:
        keeps = bool(rows.schema.metadata)
        options = {"write_page_checksum": True, "write_statistics": False, "store_schema": keeps}
        pq.write_table(rows, path, compression="zstd", **options)
    if cut_bytes:
        path.write_bytes(path.read_bytes()[:-cut_bytes])
    return path


def label_metadata(*names: str) -> dict[str, str]:
    """The metadata of `datasets` for an `emotion` column of some names."""
    return {"huggingface": json.dumps({"info": {"features": {"emotion": _class_label(names)}}})}


def _class_label(names: tuple[str, ...]) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


def _dataset_cases() -> dict[str, dict[str, pa.Table | str]]:
    four = copy.deepcopy(emotalk_row())
    four["annotations"].pop()
    other = "G00002_01_08_002"
    no_path, url = {"bytes": None, "path": None}, {"bytes": None, "path": "https://example.org/a.wav"}
    counts = json.dumps({"splits": {"train": {"name": "train", "num_examples": 2}}})
    rows = {
        "DS-CONF-001": [annotated(2, confidence=0.6)],
        "DS-DATA-001": [four],
        "DS-DUP-001": [emotalk_row(), emotalk_row()],
        "DS-ID-001": [emotalk_row(utterance_id="g2_1_7_1"), emotalk_row(other, utterance_id=None)],
        "DS-ID-002": [emotalk_row(speaker_id="08", utterance_number=2)],
        "DS-LABEL-001": [annotated(2, emotion=-1) | {"emotion": 7}],
        "DS-MEDIA-001": [emotalk_row(audio={"bytes": None, "path": "wav/G00002_01_07_001.wav"})],
        "DS-MEDIA-002": [emotalk_row(audio={"bytes": None, "path": "/dev/null"})],
        "DS-MEDIA-003": [emotalk_row(audio=url, video=no_path)],
        "DS-SENT-001": [annotated(0, sentiment=3) | {"sentiment": float("nan")}],
        "DS-TEXT-001": [emotalk_row(events=[{"type": "overlap", "start": 2, "end": 40}])],
        "DS-TEXT-002": [emotalk_row(text="今天天气真坏")],
        "DS-TIME-001": [
            emotalk_row(start_seconds=4.2, end_seconds=3.9),
            emotalk_row(other, start_seconds=-1.0, end_seconds=float("inf")),
        ],
        "DS-WORD-001": [
            emotalk_row(
                modalities=["multimodal", "speech"], events=[{"type": "coughing", "start": 2, "end": 2}]
            )
        ],
    }
    cases: dict[str, dict[str, pa.Table | str]] = {
        code: {"train.parquet": table(*values)} for code, values in rows.items()
    }
    words = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
    series = {"test.parquet": m3ed_row(), "train.parquet": m3ed_row("anjia_1_2")}
    cases |= {
        "DS-COLUMN-001": {"train.parquet": table().drop_columns(["sentiment"])},
        "DS-COLUMN-002": {"train.parquet": table(types={"utterance_number": pa.int64()})},
        "DS-COLUMN-003": {"train.parquet": table().append_column("my_split", pa.array(["a"]))},
        "DS-FILE-001": {"train.parquet": table()},
        "DS-FILE-002": {"rows.parquet": pa.table({"emotion": pa.nulls(TOO_MANY_ROWS, pa.int8())})},
        "DS-FILE-003": {"train-00000-of-00002.parquet": table()},
        "DS-FILE-004": {"emotalk-train.arrow": table(), "dataset_info.json": counts + "\n"},
        "DS-LABEL-002": {"train.parquet": table(metadata=label_metadata(*words))},
        "DS-META-001": {"train.parquet": table(metadata={"huggingface": '{"info": '})},
        "DS-SPLIT-001": {"test.parquet": table()},
        "DS-SPLIT-002": {name: table(emotalk_row("G00003_01_02_001")) for name in series},
        "DS-SPLIT-003": {name: table(row, schema=M3ED) for name, row in series.items()},
    }
    return cases


def _feature_cases() -> dict[str, dict[str, pa.Table | str]]:
    nan, inf = float("nan"), float("inf")
    good, two = [[1, 2, 3, 4]], ["G00002_01_08_004", "G00002_01_08_006"]
    narrow = features([[[1, 2, 3]], [[1, 2, 3]]], type_=pa.list_(pa.list_(pa.float16(), 3)), ids=[*two])
    other_run = {"spec": json.dumps({"model": "example/tiny-hubert", "revision": "b1"})}
    no_revision = {"spec": json.dumps({"model": "example/tiny-hubert"})}
    alone = {
        "FS-COLUMN-001": features().drop_columns(["utterance_id"]),
        "FS-COLUMN-003": features(type_=pa.list_(pa.list_(pa.float64()))),
        "FS-DIM-001": features([good, [[1, 2, 3]]], type_=pa.list_(pa.list_(pa.float32()))),
        "FS-DUP-001": features(ids=["G00002_01_07_001"] * 2),
        "FS-EMPTY-001": features([[], good]),
        "FS-ID-001": features(ids=["G00002_01_07_001.wav", None]),
        "FS-META-001": features(metadata=no_revision),
        "FS-NULL-001": features([None, good]),
        "FS-NULL-002": features(errors=[None, "DecodeError"]),
        "FS-TIME-001": _timed([[0.01, 0.03], [0.03, 0.01], [nan]]),
        "FS-VALUE-001": features([[[1, 2, nan, 4]], [[1, 2, inf, 4]]]),
        "FS-VALUE-002": features([[[0, 0, 0, 0], [0, 0, 0, 0]], good]),
    }
    second = {
        "FS-COLUMN-002": narrow,
        "FS-FILE-001": features(ids=[*two]),
        "FS-FILE-002": pa.table({"hubert": pa.nulls(TOO_MANY_ROWS, pa.int8())}),
        "FS-META-002": features(ids=[*two], metadata=other_run),
    }
    return {
        **{code: {"part-00000.parquet": rows} for code, rows in alone.items()},
        **{
            code: {"part-00000.parquet": features(), "part-00001.parquet": rows}
            for code, rows in second.items()
        },
        "FS-FILE-003": {"part-00000-of-00002.parquet": features()},
    }


def _timed(seconds: list[list[float]]) -> pa.Table:
    """Frames with times beside them: of a vector, of two, and of one."""
    rows = features([[[1, 2, 3, 4]], [[1, 2, 3, 4]] * 2, [[1, 2, 3, 4]]])
    columns = dict(zip(["utterance_id", "hubert_frames", "error"], rows.columns, strict=True))
    columns["hubert_seconds"] = pa.array(seconds, pa.list_(pa.float32()))
    return pa.table(columns).replace_schema_metadata(SPEC)


def write_golden() -> None:
    """Write the release/ of each case; a damaged file is one without its last 40 bytes."""
    for code, files in {**_dataset_cases(), **_feature_cases()}.items():
        release = GOLDEN / code / "release"
        shutil.rmtree(release, ignore_errors=True)
        for number, (name, content) in enumerate(files.items(), 1):
            if isinstance(content, str):
                (release / name).write_text(content, encoding="utf-8")
            else:
                is_cut = code.endswith("-FILE-001") and number == len(files)
                write(release / name, content, cut_bytes=40 if is_cut else 0)


if __name__ == "__main__":
    write_golden()
