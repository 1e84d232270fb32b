"""The features that M3ED's authors released, as a feature set.

They are pickles of a list of ten, the form of DialogueRNN (see `dialoguernn`), read by `safe_pickle`. Where there
was no sound, picture or text the authors wrote zeros; here such a row is null, with that reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import numpy as np
from pydantic import ValidationError

from emotalk_data.builder.shard_plan import plan
from emotalk_data.errors import LimitError, OptionError, SchemaError, quote
from emotalk_data.features.exporting.new_place import new_folder
from emotalk_data.features.exporting.safe_pickle import load_pickle
from emotalk_data.features.running.digests import ids_digest
from emotalk_data.features.running.outcomes import count_rows
from emotalk_data.features.running.rows import read_source
from emotalk_data.features.running.shard_file import ShardRow, write_shard_file
from emotalk_data.features.running.summary import write_summary
from emotalk_data.schemas.encoder_spec import FeatureModality
from emotalk_data.schemas.feature_shard import DATA_FOLDER, ShardRecord
from emotalk_data.schemas.feature_spec import CallableSpec
from emotalk_data.schemas.ids import M3ED_ID_PATTERN

if TYPE_CHECKING:
    import datasets
    from numpy.typing import NDArray

    from emotalk_data.builder.shard_plan import SplitName

__all__ = ["ImportedFeatures", "import_m3ed_features"]

_FIELDS: Final = (
    "ids", "speakers", "labels", "text", "audio", "visual", "sentences", "train", "val", "test",
)  # fmt: skip
_FIELD_OF: Final[dict[FeatureModality, str]] = {"text": "text", "audio": "audio", "video": "visual"}
_WORDS: Final[dict[str, FeatureModality]] = {
    "text": "text",
    "audio": "audio",
    "video": "video",
    "visual": "video",
}
_LIST_OF: Final[dict[SplitName, str]] = {"train": "train", "validation": "val", "test": "test"}
_ID: Final = re.compile(rf"(?:[A-Z]_)?({M3ED_ID_PATTERN})")
_ROWS_PER_SHARD: Final = 256
_ZEROS: Final = "missing: zeros, which M3ED's authors wrote where there was no sound, picture or text"
_NOT_FINITE: Final = "not_finite: the released numbers are infinite or not a number"
_ABSENT: Final = "missing: the released file does not have this utterance"


@dataclass(frozen=True)
class ImportedFeatures(os.PathLike[str]):
    """A set that was made of a released file; a path, so `FeatureSet.open` takes it.

    Attributes:
        path: the folder.
        num_rows: all of them.
        num_null: those without features, for whatever reason.
        num_unused: utterances of the file that the dataset does not have.
    """

    path: Path
    num_rows: int
    num_null: int
    num_unused: int

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        unused = f"; {self.num_unused:,} of the file are not in the dataset" if self.num_unused else ""
        return f"{self.num_rows:,} utterances in {self.path}, {self.num_null:,} of them null{unused}"


def import_m3ed_features(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    modality: Literal["text", "audio", "video", "visual"],
    name: str,
    dataset: datasets.Dataset | datasets.DatasetDict | None = None,
) -> ImportedFeatures:
    """Make a feature set of a pickle that M3ED's authors released. Nothing in the pickle is run.

    Numbers are stored as float32. Utterances are found by their ids without the speaker before it, so that the
    one whose speaker was corrected later (`jimaofeishangtian_13_6`) is found too.

    Args:
        path: the pickle.
        out: a new or empty folder.
        modality: `text`, `audio`, or `video`; `visual`, the authors' word, is that too.
        name: of the set, such as `m3ed-released/is10`; its last part becomes the name of the column.
        dataset: M3ED. Its rows and splits, in its order, are those of the set; None for those of the pickle.

    Raises:
        OptionError: an argument cannot be, or there is something at `out`.
        DecodeError: it is no pickle of plain values and arrays.
        LimitError: it asks for more memory than such a file needs.
        SchemaError: its values are not those of such a file.
        CacheWriteError: the set cannot be written.
    """
    if modality not in _WORDS:
        raise OptionError(f"modality is {quote(modality)}; expected one of {list(_WORDS)}.")
    kind = _WORDS[modality]
    _spec(name, kind, 1, {})  # before the file is read
    released = _Released(load_pickle(path), str(path), Path(path).stat().st_size, kind)
    splits = released.splits() if dataset is None else _splits_of(dataset)
    digest = _file_digest(Path(path))
    spec = _spec(name, kind, released.num_dims, {"file": Path(path).name, "blake2b": digest})
    target, num_null = Path(out).expanduser().absolute(), 0
    with new_folder(target) as folder:
        (folder / DATA_FOLDER).mkdir()
        for record, file, rows in _shards(released, splits, spec, digest):
            write_shard_file(folder / DATA_FOLDER / file, record, rows)
            num_null += record.num_rows - record.counts.made
        write_summary(folder)
    ids = {one for of_split in splits.values() for one in of_split}
    return ImportedFeatures(target, len(ids), num_null, len(released.places.keys() - ids))


class _Released:
    """A released file, checked: where the vector of each utterance is."""

    def __init__(self, content: object, file: str, num_bytes: int, modality: FeatureModality) -> None:
        self._file = file
        if not isinstance(content, list | tuple) or len(content) != len(_FIELDS):
            self._refuse("", content, f"a list of {len(_FIELDS)}: {', '.join(_FIELDS)}")
        self._content = dict(zip(_FIELDS, content, strict=True))
        self.places: dict[str, tuple[str, int]] = {}
        self._vectors: dict[str, Sequence[Any] | NDArray[Any]] = {}
        self.num_dims = 0
        field = _FIELD_OF[modality]
        for name in ("ids", field):
            if not isinstance(self._content[name], dict) or not self._content[name]:
                self._refuse(name, self._content[name], "a dict with a list for each dialogue")
        for dialogue, ids in self._content["ids"].items():
            self._add_dialogue(field, dialogue, ids)
        if len(self.places) * self.num_dims > num_bytes:  # one array in the place of all
            raise LimitError(
                f"{quote(file)} has {num_bytes:,} bytes, and {field} is {len(self.places):,} vectors of "
                f"{self.num_dims:,} numbers: it names one of them many times. It may be an attack.",
                path=file,
            )

    def vector(self, utterance_id: str) -> NDArray[Any] | None:
        """Return the vector of an utterance, shape (D,); None where the file does not have it."""
        place = self.places.get(utterance_id)
        if place is None:
            return None
        dialogue, row = place
        vector: NDArray[Any] = np.asarray(self._vectors[dialogue][row]).reshape(-1)
        return vector

    def splits(self) -> dict[SplitName, list[str]]:
        """Return the ids of each split, in the order of the file."""
        of_dialogue: dict[str, list[str]] = {}
        for one, (dialogue, _) in self.places.items():
            of_dialogue.setdefault(dialogue, []).append(one)
        splits: dict[SplitName, list[str]] = {}
        seen: set[str] = set()
        for split, name in _LIST_OF.items():
            names = self._content[name]
            if not isinstance(names, list | tuple | set) or not all(isinstance(one, str) for one in names):
                self._refuse(name, names, "a list of dialogues")
            ordered = sorted(names) if isinstance(names, set) else names
            for dialogue in ordered:
                if dialogue not in self._content["ids"] or dialogue in seen:
                    self._refuse(name, dialogue, "a dialogue of the file, in one split alone")
                seen.add(dialogue)
            splits[split] = [one for dialogue in ordered for one in of_dialogue.get(dialogue, ())]
        left = next((dialogue for dialogue in of_dialogue if dialogue not in seen), None)
        if left is not None:
            self._refuse("train", left, "every dialogue in a split; give dataset= for splits of its own")
        return splits

    def _add_dialogue(self, field: str, dialogue: object, ids: object) -> None:
        where, vectors = f"{field}[{quote(dialogue)}]", self._content[field].get(dialogue)
        if not isinstance(dialogue, str) or not isinstance(ids, list):
            self._refuse(f"ids[{quote(dialogue)}]", ids, "a list of utterance ids")
        is_sequence = isinstance(vectors, list) or (isinstance(vectors, np.ndarray) and vectors.ndim > 0)
        if not is_sequence or len(vectors) != len(ids):
            self._refuse(where, vectors, f"{len(ids)} vectors, one an utterance")
        self._vectors[dialogue] = vectors
        for row, (one, vector) in enumerate(zip(ids, vectors, strict=True)):
            match = _ID.fullmatch(one) if isinstance(one, str) else None
            if match is None or match[1] in self.places:
                self._refuse(f"ids[{quote(dialogue)}][{row}]", one, "an id such as 'A_anjia_1_2', each once")
            size = vector.size if isinstance(vector, np.ndarray) and vector.dtype.kind in "fiu" else 0
            self.num_dims = self.num_dims or size
            if not size or vector.shape not in ((size,), (1, size)) or size != self.num_dims:
                self._refuse(f"{where}[{row}]", vector, f"one vector of {self.num_dims or 'some'} numbers")
            self.places[match[1]] = (dialogue, row)

    def _refuse(self, where: str, value: object, expected: str) -> NoReturn:
        raise SchemaError(
            f"{where or 'the whole'} of {quote(self._file)} is {_described(value)}; expected {expected}. Is it "
            "one of M3ED's released feature files, with features of utterances?",
            path=self._file,
            json_path=where,
        )


def _described(value: object) -> str:
    """Say what a value is; never all of it, for it may hold itself."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    if isinstance(value, list | tuple | dict | set):
        return f"a {type(value).__name__} of {len(value):,}"
    return quote(value)


def _spec(name: str, modality: FeatureModality, num_dims: int, params: Mapping[str, str]) -> CallableSpec:
    try:
        return CallableSpec(
            name=name,
            model="m3ed-released",
            revision="local",
            input=modality,
            num_dims=num_dims,
            pooling="given",
            params=dict(params),
        )
    except ValidationError as error:
        raise OptionError(
            f"name is {quote(name)}; expected small letters, digits, `.`, `_`, `-`, and `/` between parts, such "
            "as 'm3ed-released/is10'."
        ) from error


def _splits_of(dataset: datasets.Dataset | datasets.DatasetDict) -> dict[SplitName, list[str]]:
    source = read_source(dataset)
    if source.corpus != "m3ed":
        raise OptionError(
            "the dataset is not M3ED, whose features these are; load it with load_dataset('m3ed')."
        )
    return {name: rows.ids for name, rows in source.splits.items()}  # type: ignore[misc]


def _shards(
    released: _Released, splits: Mapping[SplitName, Sequence[str]], spec: CallableSpec, digest: str
) -> Iterator[tuple[ShardRecord, str, list[ShardRow]]]:
    """Yield what each shard says of itself, its name, and its rows."""
    for jobs in plan({name: len(ids) for name, ids in splits.items()}, _ROWS_PER_SHARD).values():
        for number, job in enumerate(jobs):
            ids = splits[job.split][job.start : job.stop]
            rows = [_row(one, released.vector(one)) for one in ids]
            record = ShardRecord(
                spec=spec,
                spec_digest=spec.digest(),
                levels=("utterance",),
                corpus="m3ed",
                split=job.split,
                number=number,
                total=len(jobs),
                start=job.start,
                num_rows=len(rows),
                ids_digest=ids_digest(ids),
                source_digest=digest,
                counts=count_rows(rows),
                max_batch_seconds=0.0,
                device="none",
                libraries={"numpy": np.__version__},
            )
            yield record, job.file, rows


def _row(utterance_id: str, vector: NDArray[Any] | None) -> ShardRow:
    if vector is None:
        return ShardRow(utterance_id, None, error=_ABSENT)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is told of
        numbers = vector.astype(np.float32)
    if not np.isfinite(numbers).all():
        return ShardRow(utterance_id, None, error=_NOT_FINITE)
    if not numbers.any():
        return ShardRow(utterance_id, None, error=_ZEROS)
    return ShardRow(utterance_id, None, pooled=numbers, num_frames=1)


def _file_digest(path: Path) -> str:
    hashing = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashing.update(block)
    return hashing.hexdigest()
