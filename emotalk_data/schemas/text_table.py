"""How results print themselves: as plain text, in tables of short texts; 100 columns are the caller's care."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence

__all__ = ["ShownAsText", "text_table"]


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Return lines with aligned columns.

    Args:
        header: a name for each column.
        rows: as many cells each.
        left: positions of the columns that are aligned to the left; numbers are aligned to the right.
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    texts = []
    for line in lines:
        cells = [
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        texts.append("  ".join(cells).rstrip())
    return "\n".join(texts)


class ShownAsText:
    """What a notebook shows of a result: the text that it prints."""

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"
