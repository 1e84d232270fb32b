"""Who speaks in which dialogue of which split: the columns that splits are checked and made by, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import CorpusName, check_dataset, column, corpus_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Coded", "SplitRows", "read_split_rows", "splits_of"]

_NEEDED: Final = {
    "emotalk": ("utterance_id", "dialogue_id", "group_id", "speaker_id"),
    "m3ed": ("utterance_id", "dialogue_id", "series", "speaker_name"),
}


@dataclass(frozen=True)
class Coded:
    """A column of names as positions in the sorted list of them.

    Attributes:
        codes: int64, shape (rows,).
        names: each once, sorted.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]

    def named(self, codes: NDArray[np.int64]) -> tuple[str, ...]:
        """Return the names of some codes, each once, sorted."""
        return tuple(self.names[code] for code in np.unique(codes))


@dataclass(frozen=True)
class SplitRows:
    """The rows of all splits, one after the other.

    Attributes:
        corpus: `emotalk` or `m3ed`.
        splits: the dataset of each split.
        split: int64, shape (rows,): which split a row is of.
        utterances: `utterance_id`.
        dialogues: `dialogue_id`.
        groups: `group_id` of EmotionTalk, `series` of M3ED.
        people: EmotionTalk's `speaker_id` is a person. M3ED's letters start anew in each dialogue: a person is
            `<series>/<speaker_name>`, and `<series>/?` where the release has no name.
    """

    corpus: CorpusName
    splits: Mapping[str, datasets.Dataset]
    split: NDArray[np.int64]
    utterances: Coded
    dialogues: Coded
    groups: Coded
    people: Coded

    @property
    def num_rows(self) -> int:
        """Rows of all splits."""
        return len(self.split)

    @property
    def group_word(self) -> str:
        """What the corpus calls a group of dialogues."""
        return "group" if self.corpus == "emotalk" else "series"

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column of texts of all splits."""
        return _texts(name, [column(dataset, name) for dataset in self.splits.values()])


def splits_of(data: object) -> dict[str, datasets.Dataset]:
    """Return a dict of splits as it is, and a dataset as a dict of one.

    Raises:
        OptionError: it is neither, or holds nothing.
    """
    if isinstance(data, Mapping):
        if not data:
            raise OptionError(
                "the dict of splits is empty; expected what load_dataset gives without `split`."
            )
        for dataset in data.values():
            check_dataset(dataset)
        return {str(name): dataset for name, dataset in data.items()}
    check_dataset(data)
    return {"all": data}


def read_split_rows(data: object) -> SplitRows:
    """Read the ids of a dataset or of a dict of splits.

    Raises:
        OptionError: it is neither, the splits are of different corpora, or a column or an id is missing.
    """
    splits = splits_of(data)
    corpora = {name: corpus_of(dataset) for name, dataset in splits.items()}
    if len(set(corpora.values())) > 1:
        raise OptionError(f"the splits are of different corpora: {quote(corpora, 200)}; expected one corpus.")
    corpus = next(iter(corpora.values()))
    for dataset in splits.values():
        check_dataset(dataset, _NEEDED[corpus])
    joined = {
        name: _texts(name, [column(dataset, name) for dataset in splits.values()]) for name in _NEEDED[corpus]
    }
    for name, values in joined.items():
        if values.null_count and name != "speaker_name":
            row = int(pc.index(pc.is_null(values), True).as_py())
            raise OptionError(f"{name} is null in row {row} of all splits; expected an id in every row.")
    if corpus == "emotalk":
        groups, people = joined["group_id"], joined["speaker_id"]
    else:
        groups = joined["series"]
        people = pc.binary_join_element_wise(groups, pc.fill_null(joined["speaker_name"], "?"), "/")
    sizes = [dataset.num_rows for dataset in splits.values()]
    return SplitRows(
        corpus=corpus,
        splits=splits,
        split=np.repeat(np.arange(len(sizes)), sizes),
        utterances=_coded(joined["utterance_id"]),
        dialogues=_coded(joined["dialogue_id"]),
        groups=_coded(groups),
        people=_coded(people),
    )


def _texts(name: str, columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Join a column of texts of all splits, however wide each stores them.

    Raises:
        OptionError: it holds something else.
    """
    for one in columns:
        if not (pa.types.is_string(one.type) or pa.types.is_large_string(one.type)):
            raise OptionError(
                f"{name} is a column of {one.type}; expected texts, as load_dataset gives them."
            )
    return pa.chunked_array([chunk for one in columns for chunk in one.cast(pa.string()).chunks], pa.string())


def _coded(values: pa.ChunkedArray) -> Coded:
    """Number the values by their place in sorted order, which no order of rows changes."""
    encoded: Any = values.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):  # no rows at all
        return Coded(np.zeros(0, np.int64), ())
    found: list[str] = encoded.dictionary.to_pylist()
    names = sorted(found)
    place = {name: number for number, name in enumerate(names)}
    order = np.array([place[name] for name in found], np.int64)
    return Coded(order[np.asarray(encoded.indices, np.int64)], tuple(names))
