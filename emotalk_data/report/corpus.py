"""The data of one page: the splits in their order, and all of them as one table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import datasets
import numpy as np

from emotalk_data.errors import OptionError, quote
from emotalk_data.media.features import cast_media
from emotalk_data.schemas.labels import MODALITIES
from emotalk_data.views.columns import (
    LABEL_COLUMNS,
    NO_LABEL,
    CorpusName,
    check_dataset,
    corpus_of,
    label_ids,
)
from emotalk_data.views.paper_tables.column_types import check_types

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Corpus", "Labels", "as_corpus", "drawn"]

_TITLES: Final[Mapping[CorpusName, str]] = {"emotalk": "EmotionTalk", "m3ed": "M3ED"}
_SPLITS: Final = ("train", "validation", "test")
_MAX_SPLITS: Final = 12
_NEEDED: Final = ("utterance_id", "dialogue_id", "utterance_number")


@dataclass(frozen=True)
class Labels:
    """The released labels of one modality.

    Attributes:
        modality: what the annotators perceived.
        names: labels in the order of their ids.
        ids: int64, shape (rows of the whole corpus,); -1 where the label is null.
    """

    modality: str
    names: tuple[str, ...]
    ids: NDArray[np.int64]

    def name(self, row: int) -> str | None:
        """Return the label of a row; None where it is null."""
        label = int(self.ids[row])
        return None if label == NO_LABEL else self.names[label]


@dataclass(frozen=True)
class Corpus:
    """One corpus, or the part of it that was given.

    Attributes:
        name: `emotalk` or `m3ed`.
        title: as its authors write it.
        splits: name to rows; train, validation and test first.
        whole: the rows of all splits, one after the other.
        split_of: int64, shape (rows of the whole,): position of the row's split.
        labels: modality to its labels, also where all of them are null. M3ED has `multimodal` only.
    """

    name: CorpusName
    title: str
    splits: Mapping[str, datasets.Dataset]
    whole: datasets.Dataset
    split_of: NDArray[np.int64]
    labels: Mapping[str, Labels]

    @property
    def num_rows(self) -> int:
        """Utterances of all splits."""
        return len(self.split_of)

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in their order."""
        return tuple(self.splits)

    @property
    def main_labels(self) -> Labels | None:
        """The multimodal labels, else those of the first modality that has some; None without any label."""
        order = ("multimodal", "text", "audio", "video")
        found = [self.labels[name] for name in order if name in self.labels]
        return next((labels for labels in found if (labels.ids != NO_LABEL).any()), None)

    def has(self, name: str) -> bool:
        """Say whether the data has a column."""
        return name in self.whole.column_names


def as_corpus(data: object) -> Corpus:
    """Return splits, or one split, as the data of a page. Nothing is copied or decoded.

    Args:
        data: a `datasets.DatasetDict`, or one `datasets.Dataset`, as `load_dataset` made it.

    Raises:
        OptionError: neither of these, columns of neither corpus or of other types, splits that differ in their
            columns, none or more than twelve of them.
    """
    splits = _splits(data)
    for rows in splits.values():
        check_dataset(rows, _NEEDED)
    names = [corpus_of(rows) for rows in splits.values()]
    if len(set(names)) > 1:
        raise OptionError(f"the splits are of {sorted(set(names))}; expected one corpus.")
    try:
        whole = datasets.concatenate_datasets(list(splits.values()))
    except ValueError as error:
        columns = {split: sorted(rows.column_names) for split, rows in splits.items()}
        raise OptionError(
            f"the splits do not have the same columns: {quote(columns, 300)}. "
            "Give them as load_dataset made them."
        ) from error
    whole = cast_media(whole)
    check_types(whole)
    return Corpus(
        name=names[0],
        title=_TITLES[names[0]],
        splits=splits,
        whole=whole,
        split_of=np.repeat(np.arange(len(splits)), [rows.num_rows for rows in splits.values()]),
        labels={labels.modality: labels for labels in _labels(whole)},
    )


def _splits(data: object) -> dict[str, datasets.Dataset]:
    if isinstance(data, datasets.Dataset):
        data = {str(data.split or "all"): data}
    if not isinstance(data, dict):
        raise OptionError(
            f"the data is a {type(data).__name__}; expected a DatasetDict, a Dataset, or the folder of a release."
        )
    if not 1 <= len(data) <= _MAX_SPLITS:
        raise OptionError(f"there are {len(data)} splits; a page shows 1 to {_MAX_SPLITS}.")
    order = [name for name in _SPLITS if name in data]
    order += [name for name in data if name not in _SPLITS]
    for name in order:
        check_dataset(data[name])
    # A format would change what rows give; the page wants them as they are stored.
    return {str(name): data[name].with_format(None) for name in order}


def _labels(whole: datasets.Dataset) -> list[Labels]:
    found = []
    for modality in MODALITIES:
        name = LABEL_COLUMNS[modality]
        if name not in whole.column_names:
            continue
        names = tuple(whole.features[name].names)
        ids = label_ids(whole, name)
        if ids.size and not -1 <= ids.min() <= ids.max() < len(names):
            raise OptionError(
                f"{name} holds ids from {ids.min()} to {ids.max()}; expected 0 to {len(names) - 1}."
            )
        found.append(Labels(modality, names, ids))
    return found


def drawn(purpose: str, name: str) -> bytes:
    """Return bytes by which ids are picked at random, but the same ones each time."""
    return hashlib.blake2b(f"{purpose}\0{name}".encode(), digest_size=8).digest()
