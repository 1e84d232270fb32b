"""How statistics look: as plain text of 80 columns, as Markdown and as HTML, all from the same grid."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from emotalk_data.views.paper_tables.tables import Cell, Statistics, Table

__all__ = ["as_html", "as_markdown", "as_text"]

_WIDTH: Final = 80
_NOTHING: Final = "-"


class _Grid(NamedTuple):
    """A table as words.

    Attributes:
        heads: (column of the table, `paper` or `data`) for each column of numbers.
        lines: the row's name, then as many numbers; those that differ end with a star.
        reasons: which cells they are about, and why they are as they are.
    """

    heads: list[tuple[str, str]]
    lines: list[list[str]]
    reasons: list[tuple[str, str]]


def _grid(table: Table) -> _Grid:
    cells = {(cell.row, cell.column): cell for cell in table.cells}
    is_published = any(cell.published is not None for cell in table.cells)
    heads = [
        (column, of) for column in table.columns for of in (("paper", "data") if is_published else ("data",))
    ]
    lines = [[row, *(_number(cells[row, column], of) for column, of in heads)] for row in table.rows]
    return _Grid(heads, lines, _reasons(table))


def _number(cell: Cell, of: str) -> str:
    """Write a number: a published one as printed, a found one with one digit more, so that rounding shows."""
    decimals = cell.decimals + (of == "data") if cell.decimals else 0
    value = cell.published if of == "paper" else cell.found
    mark = "*" if of == "data" and cell.state == "differs" else ""
    return _NOTHING if value is None else f"{value:,.{decimals}f}{mark}"


def _reasons(table: Table) -> list[tuple[str, str]]:
    """Return each reason once, after the names of the cells that it is about."""
    by_reason: dict[str, list[Cell]] = {}
    for cell in table.cells:
        if cell.reason is not None:
            by_reason.setdefault(cell.reason, []).append(cell)
    return [(_names(table, cells), reason) for reason, cells in by_reason.items()]


def _names(table: Table, cells: Sequence[Cell]) -> str:
    """Name cells: by whole columns or whole rows where they are such."""
    wanted = {(cell.row, cell.column) for cell in cells}
    rows = list(dict.fromkeys(cell.row for cell in cells))
    columns = list(dict.fromkeys(cell.column for cell in cells))
    if len(wanted) == len(table.cells):
        return "all"
    if len(columns) < len(table.columns) and wanted == {(row, one) for row in table.rows for one in columns}:
        return ", ".join(columns)
    if wanted == {(row, one) for row in rows for one in table.columns}:
        return "; ".join(rows) if any("," in row for row in rows) else ", ".join(rows)
    return "; ".join(f"{cell.row} ({cell.column})" for cell in cells)


def _summary(stats: Statistics) -> str:
    counts = stats.counts()
    with_reason, without = counts["differs, reason known"], counts["differs"]
    return (
        f"{len(stats.cells)} numbers: {counts['equal']} equal, {with_reason} differ for a known reason, "
        f"{without} differ without one, {counts['not published']} not published, "
        f"{counts['not in this data']} not in this data."
    )


def _intro(stats: Statistics) -> list[str]:
    note = [] if stats.note is None else [stats.note]
    return [*note, _summary(stats)]


def as_text(stats: Statistics) -> str:
    """Return all tables as plain text."""
    title = f"{stats.title}: what was published (paper), what this data says (data), * differs"
    blocks = ["\n".join([title, *(_wrap(line, "") for line in _intro(stats))])]
    return "\n\n".join([*blocks, *(_table_text(table) for table in stats.tables)])


def _table_text(table: Table) -> str:
    grid = _grid(table)
    lines = [table.title, _wrap(table.source, "  ")]
    for first, last in _parts(table, grid):
        lines += [f"  {line}" for line in _part_text(table, grid, first, last)]
    lines += [_wrap(f"{names}: {reason}", "  - ") for names, reason in grid.reasons]
    return "\n".join(line.rstrip() for text in lines for line in text.split("\n"))


def _parts(table: Table, grid: _Grid) -> list[tuple[int, int]]:
    """Return which columns of the table stand beside each other: as many as the width has room for."""
    parts, first = [], 0
    for last in range(1, len(table.columns) + 1):
        if last - first > 1 and max(map(len, _part_text(table, grid, first, last))) + 2 > _WIDTH:
            parts.append((first, last - 1))
            first = last - 1
    return [*parts, (first, len(table.columns))]


def _part_text(table: Table, grid: _Grid, first: int, last: int) -> list[str]:
    """Return the lines of the columns from `first` up to `last`."""
    each = len(grid.heads) // len(table.columns)
    heads = [of for _, of in grid.heads[first * each : last * each]]
    numbers = [[line[0], *line[1 + first * each : 1 + last * each]] for line in grid.lines]
    # A star hangs out at the right, so that digits stand below each other.
    body = [[line[0], *(one if one.endswith("*") else f"{one} " for one in line[1:])] for line in numbers]
    kinds = ["", *(f"{of} " for of in heads)]
    widths = [max(len(line[place]) for line in [kinds, *body]) for place in range(len(kinds))]
    spans = []
    for number, column in enumerate(table.columns[first:last]):
        places = range(1 + number * each, 1 + (number + 1) * each)
        gaps = 2 * (each - 1)
        short = len(column) + 1 - (sum(widths[place] for place in places) + gaps)
        widths[places[-1]] += max(short, 0)
        spans.append(f"{column} ".rjust(sum(widths[place] for place in places) + gaps))
    lines = []
    if len(table.columns) > 1:
        lines.append("  ".join([" " * widths[0], *spans]))
    if each > 1 or len(table.columns) == 1:
        lines.append(_aligned(kinds, widths))
    return [line.rstrip() for line in [*lines, *(_aligned(line, widths) for line in body)]]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first = line[0].ljust(widths[0])
    return "  ".join([first, *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))])


def _wrap(text: str, first: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _head(table: Table, column: str, of: str) -> str:
    return of if len(table.columns) == 1 else f"{column}, {of}"


def as_markdown(stats: Statistics) -> str:
    """Return all tables as Markdown."""
    intro = "\n\n".join(_intro(stats))
    blocks = [f"# {stats.title}: what was published, and what the data says\n\n{intro} Bold differs."]
    for table in stats.tables:
        grid = _grid(table)
        heads = ["", *(_head(table, *head) for head in grid.heads)]
        rows = [heads, ["---", *(["---:"] * len(grid.heads))]]
        rows += [
            [line[0], *(f"**{one[:-1]}**" if one.endswith("*") else one for one in line[1:])]
            for line in grid.lines
        ]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        reasons = "".join(f"\n- {names}: {reason}" for names, reason in grid.reasons)
        end = f"\n{reasons}" if reasons else ""
        blocks.append(f"## {table.title}\n\nSource: {table.source}.\n\n" + "\n".join(lines) + end)
    return "\n\n".join(blocks)


def as_html(stats: Statistics) -> str:
    """Return all tables as HTML, for a notebook."""
    blocks = [f"<p>{html.escape(line)}</p>" for line in _intro(stats)]
    for table in stats.tables:
        grid = _grid(table)
        heads = "".join(
            f"<th>{html.escape(text)}</th>" for text in ["", *(_head(table, *head) for head in grid.heads)]
        )
        rows = ""
        for line in grid.lines:
            numbers = "".join(
                f"<td><b>{one[:-1]}</b></td>" if one.endswith("*") else f"<td>{one}</td>" for one in line[1:]
            )
            rows += f"<tr><th>{html.escape(line[0])}</th>{numbers}</tr>"
        reasons = "".join(f"<li>{html.escape(f'{names}: {reason}')}</li>" for names, reason in grid.reasons)
        blocks.append(
            f"<h4>{html.escape(table.title)}</h4><p>{html.escape(table.source)}</p>"
            f"<table><tr>{heads}</tr>{rows}</table><ul>{reasons}</ul>"
        )
    return "\n".join(blocks)
