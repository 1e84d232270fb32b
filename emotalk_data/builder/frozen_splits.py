"""Other splits than the official ones: the rows of a release, regrouped as a split file says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets.utils.py_utils import map_nested

from emotalk_data.errors import OptionError, quote
from emotalk_data.schemas.split_file import Fold, SplitFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["apply_split_file", "choose_split"]

_log: Final = logging.getLogger(__name__)


def apply_split_file(
    splits: Mapping[str, datasets.Dataset], split_file: SplitFile, *, fold: int | str | None = None
) -> datasets.DatasetDict:
    """Return the rows of a corpus in the splits of a file.

    No row is copied: each split is a selection of the same tables. Rows keep the order that they have in the
    release, the official train first; a dialogue stays together.

    Args:
        splits: all of the corpus, as `load_dataset` gives it without `split`.
        split_file: the splits.
        fold: number from 0 or name; needed when the file has several.

    Returns:
        the splits of the fold, in the order of the file; one may be empty if the release is in part.

    Raises:
        OptionError: no such fold; the file is of the other corpus; or a row of the release is in no split of
            the file and is not listed as left out.
    """
    chosen = split_file.choose_fold(fold)
    _check(splits)
    whole = _concatenated(splits)
    places = _places(whole, split_file, chosen)
    regrouped = datasets.DatasetDict()
    for number, name in enumerate(chosen.splits):
        rows = whole.select(np.flatnonzero(places == number))
        regrouped[name] = datasets.Dataset(
            rows.data,
            info=rows.info,
            split=datasets.NamedSplit(name),
            indices_table=rows._indices,
            fingerprint=rows._fingerprint,
        )
    return regrouped


def choose_split(splits: datasets.DatasetDict, split: Any) -> Any:
    """Return what `datasets.load_dataset` gives for `split`: a split, a slice or sum of them, or a list of these.

    "all" is all splits, one after the other.

    Raises:
        OptionError: there is no such split, or the slice cannot be read.
    """
    lengths = {name: dataset.num_rows for name, dataset in splits.items()}

    def choose_one(one: Any) -> datasets.Dataset:
        try:
            is_read = isinstance(one, datasets.ReadInstruction)
            spec = "+".join(lengths) if str(one) == "all" else str(one)
            parts = (one if is_read else datasets.ReadInstruction.from_spec(spec)).to_absolute(lengths)
        except (ValueError, AssertionError) as error:  # the second for a slice in percent above 100
            raise OptionError(
                f"{error} The split file has {list(lengths)}; slices are like 'train[:10%]'."
            ) from error
        rows = [splits[part.splitname].select(range(part.from_, max(part.to, part.from_))) for part in parts]
        return rows[0] if len(rows) == 1 else datasets.concatenate_datasets(rows, info=rows[0].info.copy())

    if split is None:
        return splits
    chosen = map_nested(choose_one, split, map_tuple=True, disable_tqdm=True)
    return datasets.DatasetDict(chosen) if isinstance(chosen, dict) else chosen


def _check(splits: object) -> None:
    if (
        not isinstance(splits, Mapping)
        or not splits
        or not all(isinstance(one, datasets.Dataset) for one in splits.values())
    ):
        raise OptionError(
            f"the data is a {type(splits).__name__}; expected a dict of splits, as load_dataset gives it "
            f"without `split` and `streaming`."
        )


def _concatenated(splits: Mapping[str, datasets.Dataset]) -> datasets.Dataset:
    """Put the splits behind each other; their tables stay mapped, and their media types stay ours."""
    first = next(iter(splits.values()))
    info = first.info.copy()
    info.splits = None  # numbers of rows of the official ones
    return datasets.concatenate_datasets(list(splits.values()), info=info)


def _places(whole: datasets.Dataset, split_file: SplitFile, fold: Fold) -> NDArray[np.int64]:
    """Return for each row the number of its split, and past the last one for rows that are left out.

    Raises:
        OptionError: a row is in no list.
    """
    column = f"{split_file.level}_id"
    if column not in whole.column_names:
        raise OptionError(
            f"the dataset has no column {column!r}, by which the split file tells its rows apart."
        )
    ids: list[str] = []
    numbers: list[int] = []
    for number, (_, _, listed) in enumerate(fold.places):
        ids += listed
        numbers += [number] * len(listed)
    stored = whole.data.table.column(column)
    if whole._indices is not None:
        stored = stored.take(whole._indices.column(0))
    found = pc.index_in(stored, value_set=pa.array(ids, pa.string()))
    unknown = found.is_null()
    if num_unknown := pc.sum(unknown).as_py():
        first = stored.filter(unknown)[0].as_py()
        raise OptionError(
            f"the split file ({split_file.corpus}, {quote(split_file.name)}) does not list {quote(first)}: "
            f"{num_unknown:,} of {whole.num_rows:,} rows are in none of its splits, nor left out in it. Use it "
            f"with the release that it was made for, or make one of this release."
        )
    places = np.asarray(found.to_numpy(), np.int64)
    is_met = np.zeros(len(ids), bool)
    is_met[places] = True
    if not is_met.all():
        _log.warning(
            "%s of %s %ss of the split file are not in the release, %s first: it is there in part.",
            f"{int((~is_met).sum()):,}",
            f"{len(ids):,}",
            split_file.level,
            ids[int(np.argmin(is_met))],
        )
    return np.array(numbers, np.int64)[places]
