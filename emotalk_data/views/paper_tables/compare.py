"""Published numbers put beside counted ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import datasets

from emotalk_data.errors import OptionError, quote
from emotalk_data.views.columns import check_dataset, corpus_of
from emotalk_data.views.paper_tables.column_types import check_types
from emotalk_data.views.paper_tables.count_emotalk import EMOTALK_COLUMNS, count_emotalk
from emotalk_data.views.paper_tables.count_m3ed import M3ED_COLUMNS, count_m3ed
from emotalk_data.views.paper_tables.counted import Counted, CountedRows, CountedTable
from emotalk_data.views.paper_tables.published_emotalk import EMOTALK_PUBLISHED
from emotalk_data.views.paper_tables.published_form import (
    SPLITS,
    TOTAL,
    WITH_TOTAL,
    Difference,
    PublishedCorpus,
    PublishedRow,
    PublishedTable,
)
from emotalk_data.views.paper_tables.published_m3ed import M3ED_PUBLISHED
from emotalk_data.views.paper_tables.tables import Cell, State, Statistics, Table

__all__ = ["compare_cell", "compare_table", "statistics"]

_SLACK: Final = 1e-9  # a number half way between two printed ones may have been rounded to either

_CORPORA: Final = MappingProxyType(
    {
        "emotalk": (EMOTALK_PUBLISHED, EMOTALK_COLUMNS, count_emotalk),
        "m3ed": (M3ED_PUBLISHED, M3ED_COLUMNS, count_m3ed),
    }
)


def statistics(splits: Mapping[str, datasets.Dataset]) -> Statistics:
    """Return the tables of a corpus's papers beside what the data says, cell by cell.

    A number that needs votes, times or transcripts is None where the data has none, and says so. So is one of
    a split that is not there. Labels that are null are counted in a row of their own.

    Args:
        splits: what `load_dataset` returns without `split=`: `train`, `validation` and `test`, or some of them.

    Returns:
        the tables; those of a part of the release differ in most cells, which `note` says.

    Raises:
        OptionError: no dict of splits, an unknown split, splits of two corpora, or a column is missing
            or of another type.
    """
    corpus = _check(splits)
    published, needs, count = _CORPORA[corpus]
    parts: dict[str, datasets.Dataset | None] = dict.fromkeys(WITH_TOTAL)
    for name, split in splits.items():
        check_dataset(split, needs)
        check_types(split)
        parts[name] = split.select_columns(list(needs))
    if all(parts[name] is not None for name in SPLITS):
        parts[TOTAL] = _together([parts[name] for name in SPLITS])
    counted = count(parts)
    sizes = {name: split.num_rows for name, split in splits.items()}
    partial = _partial(published, sizes)
    return Statistics(
        corpus=corpus,
        title=published.title,
        tables=tuple(
            compare_table(table, counted[name], partial) for name, table in published.tables.items()
        ),
        num_utterances=sum(sizes.values()),
        note=_note(published, sizes),
    )


def _check(splits: object) -> str:
    """Return the corpus of the splits."""
    expected = "expected what load_dataset returns without `split=`"
    if not isinstance(splits, Mapping):
        raise OptionError(f"the data is a {type(splits).__name__}; {expected}: a dict of splits.")
    if not splits:
        raise OptionError(f"the dict of splits is empty; {expected}.")
    unknown = [name for name in splits if name not in SPLITS]
    if unknown:
        raise OptionError(f"there is no split {quote(unknown[0])} in the papers; expected {list(SPLITS)}.")
    corpora = {name: corpus_of(split) for name, split in splits.items()}
    if len(set(corpora.values())) > 1:
        raise OptionError(f"the splits are of two corpora, {corpora}; expected one.")
    return next(iter(corpora.values()))


def _together(parts: list[Any]) -> datasets.Dataset:
    try:
        whole: datasets.Dataset = datasets.concatenate_datasets(parts)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"the splits have columns of different types: {error}. Give them as load_dataset made them."
        ) from error
    return whole


def _note(published: PublishedCorpus, sizes: Mapping[str, int]) -> str | None:
    """Say in what the data is not the whole release; None when it is."""
    official = published.split_sizes
    if dict(sizes) == dict(official):
        return None
    here, whole = sum(sizes.values()), sum(official.values())
    if here == whole:
        listed = ", ".join(f"{name} {sizes.get(name, 0):,} for {official[name]:,}" for name in SPLITS)
        return f"The splits are not the official ones ({listed}): what is counted by split differs."
    missing = [name for name in SPLITS if name not in sizes]
    if all(sizes[name] == official[name] for name in sizes):
        return f"Without {' and '.join(missing)}: {here:,} of {whole:,} utterances."
    return f"Not the whole release: {here:,} of {whole:,} utterances, so most numbers differ."


def _partial(published: PublishedCorpus, sizes: Mapping[str, int]) -> frozenset[str]:
    """Return the parts of the corpus that are not what was released: no difference is understood in them."""
    partial = {name for name in SPLITS if sizes.get(name) != published.split_sizes[name]}
    if sum(sizes.values()) != sum(published.split_sizes.values()):
        partial.add(TOTAL)
    return frozenset(partial)


def compare_table(table: PublishedTable, counted: CountedTable, partial: frozenset[str]) -> Table:
    """Put each published number beside the counted one; then the rows that only the data has.

    Args:
        table: the published numbers.
        counted: the same numbers of the data.
        partial: parts of the corpus that are not what was released: no difference is understood in them.
    """
    # Columns that are no splits are of the whole corpus.
    explained = {name for name in table.columns if (name if name in SPLITS else TOTAL) not in partial}
    rows = {row.name: dict(zip(table.columns, row.printed, strict=True)) for row in table.rows}
    cells = []
    for row in table.rows:
        for column, printed in rows[row.name].items():
            known = table.differences.get((row.name, column)) if column in explained else None
            if known is not None and known.equal_row is not None:
                other = rows[known.equal_row][column]
                same = compare_cell(row, column, other, counted[column][known.equal_row], None)
                known = known if same.state == "equal" else None
            cells.append(compare_cell(row, column, printed, counted[column][row.name], known))
    further = dict.fromkeys(name for of in counted.values() for name in of if name not in rows)
    for name in further:
        row = PublishedRow(name, (table.of_others,) * len(table.columns))
        for column, printed in zip(table.columns, row.printed, strict=True):
            cells.append(
                compare_cell(row, column, printed, counted[column].get(name, _none(counted[column])), None)
            )
    return Table(table.title, table.source, tuple(cells))


def _none(rows: CountedRows) -> Counted:
    """Return what a row is that a column lacks: none of it was seen, unless nothing of the column is known."""
    known = next((cell for cell in rows.values() if cell.value is not None), None)
    return next(iter(rows.values())) if known is None else Counted(0)


def compare_cell(
    row: PublishedRow, column: str, printed: int | str | None, counted: Counted, known: Difference | None
) -> Cell:
    """Return the cell of a published number and a counted one.

    Args:
        row: what is counted.
        column: of which part.
        printed: the number as it was printed; None where none is known.
        counted: what the data says.
        known: the difference that is understood, if there is one.
    """
    published: float | None = float(printed) if isinstance(printed, str) else printed
    decimals = row.decimals if printed is None else len(str(printed).partition(".")[2])
    found, reason = counted.value, counted.reason
    state: State
    if found is None:
        state = "not in this data"
    elif published is None:
        state = "not published"
    elif abs(found - published) <= 0.5 * 10**-decimals * (decimals > 0) + _SLACK:
        state = "equal"
    else:
        state = "differs"
        if known is not None and known.found in (None, found):
            reason = known.reason
    return Cell(row.name, column, published, found, state, reason, row.unit, decimals)
