"""The rows of a dataset that go into an export: labels, speakers and sentences, found by utterance id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import datasets

from emotalk_data.errors import OptionError, quote
from emotalk_data.features.exporting.exported import LeftOut, LeftOutRow

if TYPE_CHECKING:
    from emotalk_data.builder.feature_sets.store import FeatureStore

__all__ = ["LabelledRow", "add_unwanted", "check_label", "choose", "feature_name", "read_rows"]

_SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One row of a dataset.

    Attributes:
        utterance_id: its id.
        split: of the dataset dict that it is from; else of the first set that has it; empty where none has.
        values: the columns that were asked for.
    """

    utterance_id: str
    split: str
    values: Mapping[str, Any]


def feature_name(store: FeatureStore) -> str:
    """Return what the features are called in other projects: the last part of the recipe's name."""
    return store.spec.name.rpartition("/")[2]


def read_rows(
    dataset: datasets.Dataset | datasets.DatasetDict, columns: Sequence[str], stores: Sequence[FeatureStore]
) -> list[LabelledRow]:
    """Read some columns of a dataset. No sound and no picture is touched.

    Raises:
        OptionError: it is no dataset, a column is missing, or an id is null or there twice.
    """
    of_store = {
        one: shard.record.split for store in reversed(stores) for shard in store.shards for one in shard.ids
    }
    rows: dict[str, LabelledRow] = {}
    for split, part in _parts(dataset):
        absent = [name for name in ("utterance_id", *columns) if name not in part.column_names]
        if absent:
            raise OptionError(f"the dataset has no column {quote(absent[0])}; it has {part.column_names}.")
        table = part.select_columns(["utterance_id", *columns]).with_format("arrow")[:]
        for values in table.to_pylist():
            one = values["utterance_id"]
            if not isinstance(one, str) or one in rows:
                raise OptionError(
                    f"utterance_id {quote(one)} is null or twice in the dataset; expected each once."
                )
            rows[one] = LabelledRow(one, split or of_store.get(one, ""), values)
    return list(rows.values())


def check_label(dataset: datasets.Dataset | datasets.DatasetDict, label: str) -> None:
    """Refuse a column that is not the number of a class: sentences would be written as labels.

    Raises:
        OptionError: it is of texts, fractions or lists; or `dataset` is no dataset.
    """
    for _, part in _parts(dataset):
        of = part.features.get(label)
        if of is not None and not (
            isinstance(of, datasets.ClassLabel)
            or (isinstance(of, datasets.Value) and of.dtype.startswith(("int", "uint")))
        ):
            classes = [name for name, one in part.features.items() if isinstance(one, datasets.ClassLabel)]
            raise OptionError(
                f"label is {quote(label)}, and this column is no number of a class; these are: {classes}."
            )


def choose(
    stores: Sequence[FeatureStore],
    rows: Sequence[LabelledRow],
    *,
    needed: Mapping[str, str],
    missing: Literal["error", "skip"],
) -> tuple[list[LabelledRow], LeftOut]:
    """Return the rows that have features in every set and everything else that is needed, and the others.

    Rows of the sets that the dataset does not have were not asked for: they are among the others, and no error.

    Args:
        stores: the sets.
        rows: of the dataset.
        needed: columns that may not be null, and the reason to give where they are.
        missing: "error" refuses to leave a row out.

    Raises:
        OptionError: a row has to be left out, and may not; none is left; or one is in a split that is neither
            train, validation nor test.
    """
    errors = [_errors_of(store) for store in stores]
    chosen, left_out = [], LeftOut()
    for row in rows:
        reasons = [
            (feature_name(store), of_store.get(row.utterance_id, "not in the set"))
            for store, of_store in zip(stores, errors, strict=True)
        ]
        reasons += [("", reason) for name, reason in needed.items() if row.values[name] is None]
        found = [(name, reason) for name, reason in reasons if reason is not None]
        for name, reason in found:
            left_out.add(LeftOutRow(name, row.utterance_id, row.split, reason))
        if not found:
            chosen.append(row)
    if len(left_out) and missing == "error":
        counts = ", ".join(f"{reason} {count:,}" for reason, count in left_out.counts().items())
        first = left_out.first
        raise OptionError(
            f"this form has no sign for what is missing, and {len(rows) - len(chosen):,} of {len(rows):,} "
            f"utterances lack something ({counts}); the first is {quote(first.utterance_id)}: "
            f"{first.reason[:120]}. Give missing='skip' to leave them out."
        )
    if not chosen:
        raise OptionError("no row of the dataset has features in every set: are they of one corpus?")
    _check_splits(chosen)
    add_unwanted(stores, {row.utterance_id for row in rows}, left_out)
    return chosen, left_out


def _check_splits(chosen: Sequence[LabelledRow]) -> None:
    odd = next((row for row in chosen if row.split not in _SPLITS), None)
    if odd is not None:
        raise OptionError(
            f"{quote(odd.utterance_id)} is in the split {quote(odd.split)}; this form knows {list(_SPLITS)}."
        )


def add_unwanted(stores: Sequence[FeatureStore], wanted: Collection[str], left_out: LeftOut) -> None:
    """Add the rows of sets that were not asked for to those that are left out."""
    for store in stores:
        for shard in store.shards:
            for one in shard.ids:
                if one not in wanted:
                    left_out.add(
                        LeftOutRow(feature_name(store), one, shard.record.split, "not in the dataset")
                    )


def _errors_of(store: FeatureStore) -> dict[str, str | None]:
    return dict(zip(store.ids(), store.errors, strict=True))


def _parts(dataset: object) -> Iterator[tuple[str, datasets.Dataset]]:
    if isinstance(dataset, datasets.DatasetDict):
        for split, part in dataset.items():
            yield str(split), part
    elif isinstance(dataset, datasets.Dataset):
        yield "", dataset
    else:
        raise OptionError(
            f"dataset is {quote(type(dataset).__name__)}; expected the Dataset or DatasetDict that load_dataset "
            "gives: labels, speakers and sentences are not in a feature set."
        )
