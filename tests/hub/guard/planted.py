"""Media, words and places that were hidden in a set, each in another way; as real Parquet files."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emotalk_data.features import CallableSpec
from emotalk_data.hub.staged import Staged
from emotalk_data.schemas.feature_shard import FOOTER_KEY, PLAN_NAME, SUMMARY_NAME
from tests.feature_shards import SPEC, Row
from tests.hub.guard.folders import IDS, corpus_table, features_config, staged_features, staged_table

__all__ = ["PLANTED", "Planted", "tone", "wav_bytes"]

TRANSCRIPT = "我没想到你今天会来"
RATE = 16_000


class Planted(NamedTuple):
    """One way to hide something.

    Attributes:
        name: short.
        make: writes it into a folder.
        place: where the refusal points to.
        says: what its reason says, of this way and of no other in the same place.
        redistribution: the class that it is taken for.
    """

    name: str
    make: Callable[[Path], Staged]
    place: str
    says: str
    redistribution: str = "media"


def tone(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """Samples of 16 bits that sound like a voice: some tones that come and go, and noise."""
    times = np.arange(int(seconds * rate)) / rate
    voice = sum(np.sin(2 * np.pi * pitch * times) / number for number, pitch in enumerate((140, 280, 700), 1))
    noise = np.random.default_rng(0).normal(size=len(times))
    return (6_000 * np.sin(2 * np.pi * 2 * times) ** 2 * voice + 40 * noise).astype("<i2")


def wav_bytes(samples: np.ndarray | None = None) -> bytes:
    """A wav file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((tone(0.2) if samples is None else samples).tobytes())
    return buffer.getvalue()


WAV = wav_bytes()
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(range(256)) * 4
BASE64 = base64.b64encode(WAV).decode()


def _column(name: str, values: Any, kind: pa.DataType | None = None, **more: Any) -> Callable[[Path], Staged]:
    """A built set with one more column."""

    def make(folder: Path) -> Staged:
        table = corpus_table("emotalk", ["utterance_id", "emotion"])
        return staged_table(folder, table.append_column(name, pa.array(values, kind)), **more)

    return make


def _features(frames: np.ndarray, **changes: Any) -> Callable[[Path], Staged]:
    """A feature set whose every row has these frames; `seconds` may be None."""

    def make(folder: Path) -> Staged:
        spec = SPEC.model_copy(update={"num_dims": frames.shape[1], **changes})
        rows = [Row(one, frames) for one in IDS["emotalk"]]
        return staged_features(folder, spec, ("frame",), rows=rows)

    return make


def _vectors(vectors: np.ndarray, storage: str = "float32") -> Callable[[Path], Staged]:
    def make(folder: Path) -> Staged:
        spec = SPEC.model_copy(update={"num_dims": vectors.shape[1], "storage": storage})
        rows = [Row(one, vector[None]) for one, vector in zip(IDS["emotalk"], vectors, strict=False)]
        return staged_features(folder, spec, rows=rows)

    return make


def _rewritten(change: Callable[[pa.Table], pa.Table], footer: Callable[[dict[str, Any]], None] | None = None,
               metadata: dict[str, str] | None = None) -> Callable[[Path], Staged]:  # fmt: skip
    """A feature set whose first shard was written anew by somebody."""

    def make(folder: Path) -> Staged:
        staged = staged_features(folder)
        path = staged.configs[0].shards[0]
        said = json.loads(pq.read_metadata(path).metadata[FOOTER_KEY.encode()])
        if footer is not None:
            footer(said)
        table = change(pq.read_table(path))
        with pq.ParquetWriter(path, table.schema, write_page_checksum=True) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata({FOOTER_KEY: json.dumps(said), **(metadata or {})})
        return Staged(
            folder=folder, configs=(features_config(folder / "hubert", staged.configs[0].shards, "emotalk"),)
        )

    return make


def _notes(text: str, column: str = "notes") -> Callable[[Path], Staged]:
    def change(table: pa.Table) -> pa.Table:
        values: list[Any] = [[text]] * len(table) if column == "notes" else [text] * len(table)
        number = table.schema.get_field_index(column)
        return table.set_column(
            number, table.schema.field(column), pa.array(values, table.schema.field(column).type)
        )

    return _rewritten(change)


def _beside(name: str, text: str) -> Callable[[Path], Staged]:
    def make(folder: Path) -> Staged:
        staged = staged_features(folder)
        path = folder / "hubert" / name
        path.write_text(text, encoding="utf-8")
        config = staged.configs[0]
        others = tuple({*config.other_files, path})
        return Staged(folder=folder, configs=(_with(config, other_files=others),))

    return make


def _with(config: Any, **changes: Any) -> Any:
    import dataclasses

    return dataclasses.replace(config, **changes)


def _paced(factor: float) -> Callable[[Path], Staged]:
    """A feature set of frames whose times follow each other `factor` times as fast."""

    def make(folder: Path) -> Staged:
        staged = _features(np.random.default_rng(3).normal(size=(400, 1)))(folder)
        for path in staged.configs[0].shards:
            said = pq.read_metadata(path).metadata[FOOTER_KEY.encode()]
            table = pq.read_table(path)
            number = table.schema.get_field_index("tiny_hubert_seconds")
            times = [[factor * one for one in row] for row in table.column(number).to_pylist()]
            field = table.schema.field(number)
            with pq.ParquetWriter(path, table.schema, write_page_checksum=True) as writer:
                writer.write_table(table.set_column(number, field, pa.array(times, field.type)))
                writer.add_key_value_metadata({FOOTER_KEY: said})
        return staged

    return make


def _spec(**changes: Any) -> Callable[[Path], Staged]:
    return lambda folder: staged_features(folder, SPEC.model_copy(update=changes))


def _in_a_gap(folder: Path) -> Staged:
    """Between the last page and the footer, where no reader looks."""
    staged = staged_features(folder)
    path = staged.configs[0].shards[0]
    data = path.read_bytes()
    footer = 8 + int.from_bytes(data[-8:-4], "little")
    path.write_bytes(data[:-footer] + WAV * 10 + data[-footer:])
    return staged


def _in_the_schema(folder: Path) -> Staged:
    """Behind Arrow's own description of the columns, in base64."""
    staged = staged_features(folder)
    path = staged.configs[0].shards[0]
    metadata = pq.read_metadata(path).metadata
    schema = metadata[b"ARROW:schema"].decode()
    described = base64.b64encode(base64.b64decode(schema) + WAV * 4).decode()
    table = pq.read_table(path).replace_schema_metadata(None)
    with pq.ParquetWriter(path, table.schema, write_page_checksum=True, store_schema=False) as writer:
        writer.write_table(table)
        said = {FOOTER_KEY: metadata[FOOTER_KEY.encode()].decode(), "ARROW:schema": described}
        writer.add_key_value_metadata(said)
    return staged


def _in_a_dictionary(folder: Path) -> Staged:
    """A string that is in a page, and in no row: the writer keeps a dictionary of Arrow as it is."""
    table = corpus_table("emotalk", ["utterance_id", "session_id"])
    staged = staged_table(folder, table)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 8, pa.int32()), pa.array(["01", BASE64 * 4]))
    table = table.set_column(1, "session_id", column)
    # Without Arrow's description of the schema it is read as strings, and nobody sees the other one.
    pq.write_table(table, staged.configs[0].shards[0], store_schema=False, write_page_checksum=True)
    assert pq.read_table(staged.configs[0].shards[0])["session_id"].to_pylist() == ["01"] * 8
    return staged


def _feature_type(folder: Path) -> Staged:
    """A column of strings that `datasets` is told to decode as sound."""
    info = {
        "info": {
            "features": {"utterance_id": {"dtype": "string", "_type": "Value"}, "emotion": {"_type": "Audio"}}
        }
    }
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    return staged_table(folder, table, metadata={"huggingface": json.dumps(info)})


def _own_feature(folder: Path) -> Staged:
    table = corpus_table("emotalk", ["utterance_id", "emotion"])
    features = datasets.Features({"utterance_id": datasets.Value("string"), "emotion": datasets.Image()})
    return staged_table(folder, table, features=features)


def _extension(folder: Path) -> Staged:
    storage = pa.array([[[0.0, 1.0]]] * 8, pa.list_(pa.list_(pa.float32(), 2), 1))
    kind = pa.fixed_shape_tensor(pa.float32(), [1, 2])
    flat = pa.array([[0.0, 1.0]] * 8, pa.list_(pa.float32(), 2))
    del storage
    return _column("thumb", pa.ExtensionArray.from_storage(kind, flat))(folder)


def _link(folder: Path) -> Staged:
    staged = staged_features(folder)
    path = staged.configs[0].shards[0]
    moved = path.with_name("elsewhere.bin")
    path.rename(moved)
    path.symlink_to(moved)
    return staged


HEX = WAV.hex()
NESTED = pa.struct([("a", pa.struct([("b", pa.binary())]))])
DEEP_TEXT = pa.list_(pa.struct([("x", pa.list_(pa.string()))]))
PIECES = [[BASE64[start : start + 60] for start in range(0, 1_200, 60)]] * 8
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
FACE = (
    np.add.outer(np.arange(64), np.arange(64)) + np.random.default_rng(1).integers(0, 100, (64, 64))
) % 256
COLOURS = ((np.stack([FACE[:32, :32]] * 3) / 255 - MEAN[:, None, None]) / STD[:, None, None]).reshape(-1)
PCM = tone() / 32_768

PLANTED: tuple[Planted, ...] = (
    Planted(
        "a file behind the schema",
        _in_the_schema,
        "file train-00000-of-00002.parquet",
        "'ARROW:schema' has bytes that no reader shows",
    ),
    Planted("a dictionary that no row uses", _in_a_dictionary, "column session_id", "no value shows"),
    Planted(
        "a renamed media column", _column("loudness", [WAV] * 8), "column loudness", "binary holds bytes"
    ),
    Planted(
        "large binary", _column("x", [WAV] * 8, pa.large_binary()), "column x", "large_binary holds bytes"
    ),
    Planted(
        "binary of one size",
        _column("key", [b"0123456789abcdef"] * 8, pa.binary(16)),
        "column key",
        "fixed_size_binary[16] holds bytes",
    ),
    Planted(
        "binary in a nested struct",
        _column("facts", [{"a": {"b": WAV}}] * 8, NESTED),
        "column facts.a.b",
        "binary holds bytes",
    ),
    Planted(
        "the struct of datasets",
        _column(
            "clip",
            [{"bytes": None, "path": "a.wav"}] * 8,
            pa.struct([("bytes", pa.string()), ("path", pa.string())]),
        ),
        "column clip",
        "struct of bytes and path",
    ),
    Planted(
        "base64 in a string column", _column("comment", [BASE64] * 8), "column comment", "wav sound in base64"
    ),
    Planted(
        "base64 of a picture, deep inside",
        _column("m", [[{"x": ["ok", base64.b64encode(JPEG).decode()]}]] * 8, DEEP_TEXT),
        "column m.x",
        "a JPEG picture in base64",
    ),
    Planted(
        "base64 cut into pieces",
        _column("words", PIECES, pa.list_(pa.string())),
        "column words",
        "wav sound in base64",
    ),
    Planted(
        "base64 without a header",
        _column("noise", [base64.b64encode(tone().tobytes()[:6_000]).decode()] * 8),
        "column noise",
        "letters in a run without a blank",
    ),
    Planted(
        "hexadecimal digits", _column("digest", [HEX[:400]] * 8), "column digest", "as hexadecimal digits"
    ),
    Planted(
        "a data: address",
        _column("link", ["data:audio/wav;base64,UklGRiQA"] * 8),
        "column link",
        "data: address",
    ),
    Planted(
        "an address of a clip",
        _column("url", ["https://example.org/clips/1.mp4"] * 8),
        "column url",
        "address of a media file",
    ),
    Planted("escaped bytes", _column("repr", [repr(WAV[:64])] * 8), "column repr", "escaped bytes"),
    Planted(
        "bytes as letters",
        _column("latin", [WAV[:200].decode("latin-1")] * 8),
        "column latin",
        "control characters",
    ),
    Planted(
        "numbers in a string",
        _column("csv", [", ".join(map(str, tone()[:100]))] * 8),
        "column csv",
        "list of numbers, as of samples",
    ),
    Planted(
        "integers",
        _column("codes", [tone()[:200].tolist()] * 8, pa.list_(pa.int16())),
        "column codes",
        "list of integers, as of samples or pixels",
    ),
    Planted(
        "a picture of bytes",
        _column("grid", [FACE.tolist()] * 8, pa.list_(pa.list_(pa.uint8()))),
        "column grid",
        "list<list<uint8>> is a list of integers",
    ),
    Planted("an extension type", _extension, "column thumb", "is an extension type"),
    Planted(
        "floats of samples",
        _column("vec", [PCM.tolist()] * 8, pa.list_(pa.float32())),
        "column vec",
        "samples of sound with 16 bits",
    ),
    Planted(
        "samples as frames",
        _features(PCM[:16_000].reshape(-1, 160)),
        "column tiny_hubert_frames",
        "samples of sound with 16 bits",
    ),
    Planted(
        "samples in half precision",
        _vectors(np.stack([PCM[:4_000]] * 8), "float16"),
        "column tiny_hubert",
        "samples of sound with 16 bits",
    ),
    Planted(
        "samples, one a frame", _paced(0.01), "column tiny_hubert_frames", "5,000 vectors a second", "media"
    ),
    Planted("pixels of a face", _vectors(np.stack([FACE.reshape(-1)] * 8)), "column tiny_hubert", "pixels"),
    Planted(
        "pixels of 0 to 1", _vectors(np.stack([FACE.reshape(-1) / 255] * 8)), "column tiny_hubert", "pixels"
    ),
    Planted(
        "pixels, normalised",
        _vectors(np.stack([(FACE.reshape(-1) - 89.936) / 45.955] * 8)),
        "column tiny_hubert",
        "pixels: 256 values",
    ),
    Planted(
        "pixels of three colours, normalised",
        _vectors(np.stack([COLOURS] * 8)),
        "column tiny_hubert",
        "pixels: 256 values",
    ),
    Planted(
        "three colours in turn, in half precision",
        _vectors(np.stack([COLOURS.reshape(3, -1).T.reshape(-1)] * 8), "float16"),
        "column tiny_hubert",
        "pixels: 256 values",
    ),
    Planted(
        "sound at another loudness",
        _vectors(np.stack([PCM[:8_000] * 1.2345] * 8)),
        "column tiny_hubert",
        "each number is almost the one before",
    ),
    Planted(
        "a feature of datasets in the metadata",
        _feature_type,
        "file train-00000-of-00001.parquet",
        "its feature is Audio",
    ),
    Planted("a feature of datasets in the config", _own_feature, "column emotion", "its feature is Image"),
    Planted("a file between pages", _in_a_gap, "file train-00000-of-00002.parquet", "shown by no reader"),
    Planted(
        "media in metadata of its own",
        _rewritten(lambda table: table, metadata={"cover": BASE64}),
        "file train-00000-of-00002.parquet",
        "wav sound in base64",
    ),
    Planted(
        "media beside the shards",
        _beside("cover.jpg", "\xff\xd8\xff"),
        "file cover.jpg",
        "beside shards",
        "record",
    ),
    Planted(
        "media in features.json",
        _beside(SUMMARY_NAME, json.dumps({"device": BASE64})),
        f"file {SUMMARY_NAME}",
        "wav sound in base64",
    ),
    Planted("media in a note", _notes(f"cut at 10 s {BASE64[:300]}"), "column notes", "wav sound in base64"),
    Planted(
        "speakers' embeddings",
        _spec(model="speechbrain/spkrec-ecapa-voxceleb"),
        "encoder speechbrain/spkrec-ecapa-voxceleb",
        "recognises speakers",
        "recognition",
    ),
    Planted(
        "faces' embeddings",
        lambda folder: staged_features(
            folder,
            CallableSpec(
                name="mine",
                model="mine",
                revision="a0" * 20,
                input="video",
                num_dims=4,
                params={"weights": "buffalo_l"},
            ),
        ),
        "encoder mine",
        "recognises faces",
        "recognition",
    ),
    Planted(
        "transcripts under another name",
        _column("comment", [TRANSCRIPT] * 8),
        "column comment",
        "Chinese text",
        "transcripts",
    ),
    Planted(
        "transcripts as ids",
        _rewritten(
            lambda table: table.set_column(
                0, "utterance_id", pa.array([TRANSCRIPT, *table["utterance_id"].to_pylist()[1:]])
            )
        ),
        "column utterance_id",
        "Chinese text",
        "transcripts",
    ),
    Planted(
        "transcripts in notes", _notes(f"said: {TRANSCRIPT}"), "column notes", "Chinese text", "transcripts"
    ),
    Planted(
        "transcripts in reasons",
        _column("error", [f"refused: {TRANSCRIPT}"] * 8),
        "column error",
        "Chinese text",
        "transcripts",
    ),
    Planted(
        "a transcript in a label",
        _column("modality", [["text", "nice"]] * 8, pa.list_(pa.string())),
        "column modality",
        "none of the columns that are known",
        "unknown",
    ),
    Planted(
        "a folder as the model",
        _spec(model="/home/me/models/hubert"),
        "encoder /home/me/models/hubert",
        "names a path of a machine",
        "record",
    ),
    Planted(
        "a path in the metadata",
        _rewritten(lambda table: table, metadata={"made in": "/mnt/data/set"}),
        "file train-00000-of-00002.parquet",
        "names a path of a machine",
        "record",
    ),
    Planted(
        "a path in a value",
        _notes("read from C:\\Users\\me\\a.wav"),
        "column notes",
        "names a path of a machine",
        "labels",
    ),
    Planted(
        "a token",
        _notes("made with hf_ABCDEFGHIJKLMNOPQRSTUVWXYZ123456"),
        "column notes",
        "token of the Hub",
        "labels",
    ),
    Planted(
        "a plan that is none",
        _beside(PLAN_NAME, '{"version": 1, "splits": {}, "more": []}'),
        f"file {PLAN_NAME}",
        "not what emotalk_data writes",
        "record",
    ),
    Planted(
        "another type",
        _column("start_seconds", [f"{number}.5" for number in range(8)]),
        "column start_seconds",
        "it is string, and not double",
        "labels",
    ),
    Planted("a link", _link, "file train-00000-of-00002.parquet", "no regular file", "record"),
)
