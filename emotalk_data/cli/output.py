"""What reaches the terminal: tables as wide as Chinese is, and nothing that a terminal would obey."""

from __future__ import annotations

import codecs
import logging
import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, TextIO

import click

from emotalk_data.errors import printable

__all__ = [
    "cells",
    "echo",
    "examples",
    "heading",
    "one_line",
    "pairs",
    "paragraph",
    "plural",
    "printable",
    "progress",
    "quiet_libraries",
    "severity_style",
    "shorten",
    "show_anything",
    "size",
    "table",
    "wants_no_colour",
]

_ERRORS: Final = "emotalk_plain"
# What a terminal without these characters shows instead; anything else becomes its escape, \u4f60.
_PLAIN: Final = {"…": "...", "–": "-", "−": "-", "×": "x", "“": '"', "”": '"', "‘": "'", "’": "'"}
_MAX_COLUMNS: Final = 100
_COLOURS: Final = {"error": "red", "warning": "yellow", "note": "cyan"}


def examples(*lines: str, footer: str = "") -> str:
    """Return the end of a help page: examples, one a line and never re-wrapped, then a last paragraph."""
    block = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
    return f"{block}\n\n{footer}" if footer else block


def wants_no_colour() -> bool:
    """Say whether the user asked for plain text: https://no-color.org, or a terminal that knows no colour."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def _plain_characters(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end


def show_anything(stream: TextIO) -> None:
    """Make a stream show what its encoding lacks as escapes, where it would raise UnicodeEncodeError."""
    codecs.register_error(_ERRORS, _plain_characters)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=_ERRORS)


def one_line(text: str) -> str:
    """Return text on a single line, safe to print."""
    return printable(" ".join(text.split()))


def plural(number: int, noun: str) -> str:
    """Return "1 row", "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(size_bytes: float) -> str:
    """Return "1.2 GB"."""
    unit, divisor = next((pair for pair in (("GB", 1e9), ("MB", 1e6)) if size_bytes >= pair[1]), ("kB", 1e3))
    return f"{size_bytes / divisor:.{0 if size_bytes >= 100 * divisor else 1}f} {unit}"


def cells(text: str) -> int:
    """Return how many columns of a terminal the text takes: two for a Chinese character."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    none = sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)
    return len(text) + wide - none


def shorten(text: str, max_cells: int) -> str:
    """Cut text to a number of terminal columns, with an ellipsis where something is missing."""
    if cells(text) <= max_cells:
        return text
    used = 1
    for position, character in enumerate(text):
        used += cells(character)
        if used > max_cells:
            return f"{text[:position]}…"
    return text


def echo(text: str = "", *, nl: bool = True, err: bool = False, **style: Any) -> None:
    """Print text on stdout, or on stderr; without its colours where they are not wanted.

    The stream is named here because click would write UTF-8 to a terminal that says it shows ASCII only.

    Args:
        text: what to print.
        nl: end the line.
        err: print on stderr.
        style: `fg`, `bold` and `dim`, as for `click.style`.
    """
    # With `err`, for a process that has no stderr: what is not for stdout is then for nobody.
    stream = sys.stderr if err else sys.stdout
    click.echo(click.style(text, **style) if style else text, file=stream, nl=nl, err=err)


def heading(text: str) -> None:
    """Print an empty line and a heading."""
    echo()
    echo(text, bold=True)


def paragraph(text: str, *, first: str = "", indent: int = 2) -> None:
    """Print text wrapped to the terminal, 100 columns at most.

    Args:
        text: one paragraph.
        first: what stands before it; later lines begin below its end.
        indent: spaces before each line.
    """
    width = min(shutil.get_terminal_size().columns, _MAX_COLUMNS)
    begin = " " * indent + first
    lines = textwrap.wrap(
        text,
        max(width, len(begin) + 20),
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_long_words=False,
        break_on_hyphens=False,
    )
    echo("\n".join(lines))


def severity_style(severity: str) -> str:
    """Return the name of a severity in its colour."""
    return click.style(severity, fg=_COLOURS[severity])


def pairs(items: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Print names and values, the values aligned."""
    rows = [(name, value) for name, value in items]
    width = max((cells(name) for name, _ in rows), default=0)
    for name, value in rows:
        echo(f"{' ' * indent}{name}{' ' * (width - cells(name))}  {value}".rstrip())


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int] = (), indent: int = 2
) -> None:
    """Print a table. Columns are as wide as their widest cell on a terminal.

    Args:
        header: a name for each column.
        rows: as many cells each.
        right: positions of the columns that are aligned to the right (numbers).
        indent: spaces before each line.
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(cells(line[column]) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        parts = []
        for column, text in enumerate(line):
            blank = " " * (widths[column] - cells(text))
            parts.append(blank + text if column in right else text + blank)
        style = {"dim": True} if number == 0 else {}
        echo((" " * indent + "  ".join(parts)).rstrip(), **style)


def progress(message: str) -> None:
    """Say on stderr what is being done, when somebody watches."""
    if sys.stderr.isatty():
        echo(message, err=True, dim=True)


def quiet_libraries(*, bars: bool = True) -> None:
    """Keep what libraries would say on stderr to what is worth reading there.

    `load_dataset` logs a summary of the problems, which the verbs print themselves. Progress bars are drawn
    only when somebody watches.

    Args:
        bars: allow progress bars on a terminal.
    """
    import datasets

    logging.getLogger("emotalk_data").setLevel(logging.ERROR)
    if not (bars and sys.stderr.isatty()):
        datasets.disable_progress_bars()
