"""Statistics of a corpus: cells, tables of cells, and all tables together."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Cell", "State", "Statistics", "Table"]

State = Literal["equal", "differs", "not published", "not in this data"]

_FOUND_DECIMALS = 6  # of a number in JSON: sums of floats differ in the last bits from machine to machine


@dataclass(frozen=True)
class Cell:
    """One number of one table.

    Attributes:
        row: what is counted.
        column: of which part: a split, a modality.
        published: the paper's number; None when it gives none.
        found: what the data says, not rounded; None when the data cannot say it.
        state: `equal` means equal at the precision that was published.
        reason: why it differs, or why the data cannot say it; None when that is not known.
        unit: of both numbers.
        decimals: digits after the point that were published.
    """

    row: str
    column: str
    published: float | None
    found: float | None
    state: State
    reason: str | None
    unit: str
    decimals: int

    def to_dict(self) -> dict[str, Any]:
        """Return the cell as JSON-ready values."""
        found = self.found
        return {**asdict(self), "found": round(found, _FOUND_DECIMALS) if isinstance(found, float) else found}


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        title: which table of the paper, or what it holds.
        source: where its numbers were published.
        cells: row after row.
    """

    title: str
    source: str
    cells: tuple[Cell, ...]

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the rows, in their order."""
        return tuple(dict.fromkeys(cell.row for cell in self.cells))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(dict.fromkeys(cell.column for cell in self.cells))

    def cell(self, row: str, column: str) -> Cell | None:
        """Return the cell of a row and a column; None where the table has none."""
        return next((cell for cell in self.cells if (cell.row, cell.column) == (row, column)), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON-ready values."""
        return {"title": self.title, "source": self.source, "cells": [cell.to_dict() for cell in self.cells]}


@dataclass(frozen=True, repr=False)
class Statistics:
    """The tables of a corpus's papers beside what a dataset says. Printing it shows them.

    Attributes:
        corpus: `emotalk` or `m3ed`.
        title: the corpus's name in print.
        tables: in the order of the papers.
        num_utterances: rows of the dataset.
        note: in what the dataset is not the whole release in its official splits; None when it is.
    """

    corpus: str
    title: str
    tables: tuple[Table, ...]
    num_utterances: int
    note: str | None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of all tables."""
        return tuple(cell for table in self.tables for cell in table.cells)

    @property
    def unexplained(self) -> tuple[Cell, ...]:
        """The cells that differ without a known reason. Of a part of the release that is most of them."""
        return tuple(cell for cell in self.cells if cell.state == "differs" and cell.reason is None)

    def counts(self) -> dict[str, int]:
        """Return how many cells there are of each state; those that differ with and without a known reason."""
        states = Counter(cell.state for cell in self.cells)
        unexplained = len(self.unexplained)
        return {
            "equal": states["equal"],
            "differs, reason known": states["differs"] - unexplained,
            "differs": unexplained,
            "not published": states["not published"],
            "not in this data": states["not in this data"],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready values."""
        return {
            "corpus": self.corpus,
            "title": self.title,
            "num_utterances": self.num_utterances,
            "note": self.note,
            "counts": self.counts(),
            "tables": [table.to_dict() for table in self.tables],
        }

    def to_markdown(self) -> str:
        """Return the tables as Markdown, for a paper's appendix or an issue."""
        from emotalk_data.views.paper_tables.grids import as_markdown

        return as_markdown(self)

    def __str__(self) -> str:
        from emotalk_data.views.paper_tables.grids import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return f"<Statistics of {self.title}: {self.num_utterances:,} utterances, {len(self.tables)} tables>"

    def _repr_html_(self) -> str:
        from emotalk_data.views.paper_tables.grids import as_html

        return as_html(self)
