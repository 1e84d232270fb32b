"""The utterances of a dataset, as encoders see them; nothing of their sound and pictures is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

import numpy as np

from emotalk_data.builder.shard_plan import Splits, corpus_of
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.hook import Utterance
from emotalk_data.media.dataset_table import DatasetTable
from emotalk_data.media.row_access import Row

if TYPE_CHECKING:
    import datasets

    from emotalk_data.schemas.encoder_spec import FeatureModality
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = [
    "ChosenRows",
    "Source",
    "SplitRows",
    "UtteranceRows",
    "is_missing",
    "read_source",
    "text_of",
    "utterances",
]

_SPLIT: Final = re.compile(r"\w+(\.\w+)*")
_MAX_NAME_CHARS: Final = 100


class UtteranceRows(Protocol):
    """Rows that can be asked for by number. May be used by many threads.

    Attributes:
        ids: utterance ids, in the order of the rows.
    """

    ids: list[str]

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def feature(self, column: str) -> Any:
        """Return what `datasets` takes a column for; None where there is none of that name."""
        ...

    def utterance(self, row: int) -> Utterance:
        """Return one row. A column that the dataset does not have is None."""
        ...


class SplitRows:
    """The rows of one split. May be used by many threads, and pickled.

    Attributes:
        name: of the split.
        ids: utterance ids, in the order of the rows.
    """

    def __init__(self, name: str, dataset: datasets.Dataset) -> None:
        self.name = name
        self._table = DatasetTable(dataset, dataset.column_names)
        self.ids = _ids(name, self._table)

    def __len__(self) -> int:
        return len(self.ids)

    def feature(self, column: str) -> Any:
        """Return what `datasets` takes a column for; None where there is none of that name."""
        return self._table.features.get(column)

    def utterance(self, row: int) -> Utterance:
        """Return one row. A column that the dataset does not have is None."""
        values = Row(self._table, row)
        return Utterance(
            utterance_id=self.ids[row],
            text=_value(values, "text", str),
            text_raw=_value(values, "text_raw", str),
            audio=values["audio"] if self._is_media("audio") else None,
            video=values["video"] if self._is_media("video") else None,
            row=values,
        )

    def _is_media(self, column: Literal["audio", "video"]) -> bool:
        import datasets

        return isinstance(self.feature(column), datasets.Audio if column == "audio" else datasets.Video)


class ChosenRows:
    """Some rows, of several splits perhaps.

    Attributes:
        ids: utterance ids, in the order of the rows.
    """

    def __init__(self, places: Sequence[tuple[SplitRows, int]]) -> None:
        self._places = list(places)
        self.ids = [split.ids[row] for split, row in places]

    def __len__(self) -> int:
        return len(self._places)

    def feature(self, column: str) -> Any:
        """Return what `datasets` takes a column for, in the split of the first row."""
        return self._places[0][0].feature(column) if self._places else None

    def utterance(self, row: int) -> Utterance:
        """Return one row."""
        split, number = self._places[row]
        return split.utterance(number)


class Source:
    """What features are made from.

    Attributes:
        splits: name to rows, without empty ones.
        corpus: which it is; None for other rows.
    """

    def __init__(
        self, splits: Mapping[str, UtteranceRows], corpus: Literal["emotalk", "m3ed"] | None
    ) -> None:
        self.splits = splits
        self.corpus = corpus

    @property
    def num_rows(self) -> int:
        """Rows of all splits."""
        return sum(map(len, self.splits.values()))

    def has_any(self, spec: FeatureSpec) -> bool:
        """Say whether any row has what an encoder takes. Stops at the first that does.

        Raises:
            OptionError: there is a column of that name which is of another type.
        """
        for name, split in self.splits.items():
            feature, expected = split.feature(spec.modality), spec.modality.capitalize()
            if spec.modality != "text" and feature is not None and not _is_audio_or_video(feature):
                raise OptionError(
                    f"the column {spec.modality!r} of {name} is a {type(feature).__name__}; expected {expected} "
                    "of datasets: cast it with ds.cast_column, or take it out."
                )
        return any(
            not is_missing(split.utterance(row), spec)
            for split in self.splits.values()
            for row in range(len(split))
        )

    def why_nothing(self, spec: FeatureSpec) -> str:
        """Say why no row has what an encoder takes: the column is absent, holds something else, or is null."""
        column = getattr(spec, "text_column", "text") if spec.modality == "text" else spec.modality
        feature = next(iter(self.splits.values())).feature(column)
        kind = getattr(feature, "dtype", type(feature).__name__)
        hint = " Give episodes_dir, --episodes-dir: M3ED's pictures are in the episodes."
        if feature is None:
            found = f"the dataset has no column {column!r}"
        elif spec.modality == "text" and kind not in ("string", "large_string", "null"):
            found = f"the column {column!r} is {kind}; expected strings"
        else:
            found = f"the dataset has no {column}: it is null in all {self.num_rows:,} rows"
        return found + (hint if (self.corpus, column) == ("m3ed", "video") else "")


def read_source(dataset: Any) -> Source:
    """Return the rows of a Dataset or a DatasetDict, selections included, by split.

    Raises:
        OptionError: neither; one with a transform; no rows; no ids, or an id that is there twice.
    """
    import datasets

    named = {_split_name(dataset): dataset} if isinstance(dataset, datasets.Dataset) else dataset
    if not isinstance(named, dict) or not all(isinstance(part, datasets.Dataset) for part in named.values()):
        raise OptionError(f"the data is a {type(dataset).__name__}; expected a Dataset or a DatasetDict.")
    splits: dict[str, SplitRows] = {}
    for name, part in named.items():
        if len(part):
            splits[_checked_name(str(name))] = SplitRows(str(name), part)
    if not splits:
        raise OptionError("the dataset has no rows; there is nothing to make features of.")
    _check_ids(splits)
    try:
        corpus = corpus_of(cast("Splits", {name: part for name, part in named.items() if len(part)}))
    except OptionError:
        corpus = None
    return Source(splits, corpus)


def utterances(dataset: Any) -> Iterator[Utterance]:
    """Yield all rows of a Dataset or DatasetDict, split by split.

    Raises:
        OptionError: see `read_source`.
    """
    for split in read_source(dataset).splits.values():
        for row in range(len(split)):
            yield split.utterance(row)


def text_of(utterance: Utterance, spec: FeatureSpec) -> str | None:
    """Return the text that a spec names."""
    return utterance.text_raw if getattr(spec, "text_column", "text") == "text_raw" else utterance.text


def is_missing(utterance: Utterance, spec: FeatureSpec) -> bool:
    """Say whether a row has nothing of what an encoder takes."""
    modality: FeatureModality = spec.modality
    if modality == "text":
        return text_of(utterance, spec) is None
    return (utterance.audio if modality == "audio" else utterance.video) is None


def _is_audio_or_video(feature: Any) -> bool:
    import datasets

    return isinstance(feature, datasets.Audio | datasets.Video)


def _value(row: Row, column: str, kind: type) -> Any:
    value = row.get(column)
    return value if isinstance(value, kind) else None


def _split_name(dataset: datasets.Dataset) -> str:
    """Return a name for the rows of one Dataset: `train` for `train[:10%]`, `train.test` for `train+test`."""
    parts = str(dataset.split or "train").split("+")
    return ".".join(dict.fromkeys(part.partition("[")[0] for part in parts))


def _checked_name(name: str) -> str:
    if len(name) > _MAX_NAME_CHARS or not _SPLIT.fullmatch(name):
        raise OptionError(
            f"{quote(name)} is no name of a split; expected letters, digits, `_` and single dots."
        )
    return name


def _ids(name: str, table: DatasetTable) -> list[str]:
    ids = table.ids(np.arange(table.num_rows))
    if ids is None:
        raise OptionError(f"{name} has no column 'utterance_id'; features are kept by it.")
    for row, value in enumerate(ids):
        if not isinstance(value, str) or not value:
            raise OptionError(f"row {row} of {name} has {quote(value)} as its utterance_id; expected a name.")
    return ids


def _check_ids(splits: dict[str, SplitRows]) -> None:
    seen: dict[str, str] = {}
    for split in splits.values():
        for utterance_id in split.ids:
            if utterance_id in seen:
                where = (
                    split.name if seen[utterance_id] == split.name else f"{seen[utterance_id]}, {split.name}"
                )
                raise OptionError(
                    f"the utterance {quote(utterance_id)} is there twice ({where}); features are kept by id. "
                    "Take one of the two rows out.",
                    utterance_id=utterance_id,
                )
            seen[utterance_id] = split.name
