"""`docs/performance.md`, written from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.claims import Claim, claims
from benchmarks.measure import Result, Section
from benchmarks.page_text import AGAIN, INTRODUCTION, NOTES, TITLES

__all__ = ["page", "section_table"]


def page(sections: Sequence[Section], plot: str | None) -> str:
    """Return the whole page.

    Args:
        sections: what was measured; shown suite by suite, in the order given within each.
        plot: the picture's path, relative to the page; None without one.
    """
    parts = [INTRODUCTION]
    if plot:
        parts.append(f"![How many times as fast as each peer, on a logarithmic axis]({plot})")
    parts.append(_failures(sections))
    for suite, title in TITLES.items():
        of_suite = [section for section in sections if section.suite == suite]
        if of_suite:
            parts.append(f"## {title}")
            parts += [section_table(section) for section in of_suite]
            parts.append(NOTES[suite])
    parts.append(AGAIN)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def section_table(section: Section) -> str:
    """Return what one suite measured: environment, claims, and all tasks."""
    judged = "" if section.is_full_size else " A quick run: nothing is judged."
    lines = [
        f"{section.data}.{judged}",
        "",
        ", ".join(f"{name} {value}" for name, value in section.environment.items()) + ".",
        "",
        "| what | measured | claim | holds |",
        "|---|---|---|---|",
    ]
    lines += [f"| {c.what} | {c.measured} | {c.claim} | {c.verdict} |" for c in claims(section)]
    tables = _load_tables if section.suite == "load" else _group_tables
    return "\n".join([*lines, *tables(section.results)])


def _failures(sections: Iterable[Section]) -> str:
    judged: list[Claim] = [claim for section in sections for claim in claims(section)]
    count = {holds: sum(claim.holds is holds for claim in judged) for holds in (True, False, None)}
    lines = [
        f"Of {len(judged)} lines {count[True]} hold, {count[False]} do not, and {count[None]} claim nothing or "
        "could not be judged.",
    ]
    if count[False]:
        lines += ["", "What does not hold:", "", "| what | measured | claim |", "|---|---|---|"]
        lines += [f"| {c.what} | {c.measured} | {c.claim} |" for c in judged if c.holds is False]
    return "\n".join(lines)


def _load_tables(results: dict[str, Result]) -> list[str]:
    lines = ["", "| task | median s | max/min | peak MiB |", "|---|---|---|---|"]
    for name, result in results.items():
        if result.error:
            lines.append(f"| {name} | {_error(result)} | | |")
        else:
            lines.append(f"| {name} | {result.median:.3f} | {result.spread:.2f} | {result.peak_mib:.0f} |")
    return lines


def _group_tables(results: dict[str, Result]) -> list[str]:
    """Return one table a group; each row says how many times as fast our first row is."""
    groups: dict[str, dict[str, Result]] = {}
    for name, result in results.items():
        group, _, label = name.rpartition("/")
        groups.setdefault(group or "other", {})[label] = result
    lines: list[str] = []
    for group, rows in groups.items():
        ours = next((row for row in rows.values() if row.role == "ours" and row.seconds), None)
        has_first = any("first_batch" in row.extras for row in rows.values())
        titles = [group, "a second", "ms each", "max/min", "first row faster by"]
        titles += ["opening, s", "first batch, s"] if has_first else []
        lines += ["", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        for label, row in sorted(rows.items(), key=_order):
            lines.append(_row(label, row, ours, has_first=has_first))
    return lines


def _order(item: tuple[str, Result]) -> int:
    return ("ours", "peer", "limit").index(item[1].role)


def _row(label: str, row: Result, ours: Result | None, *, has_first: bool) -> str:
    name = f"limit: {label}" if row.role == "limit" else label
    if not row.seconds:
        return f"| {name} | {_error(row)} |" + " |" * (5 if has_first else 3)
    each = 1_000 / row.rate
    against = f"{ours.rate / row.rate:.2f}×" if ours is not None else ""
    cells = [name, f"{row.rate:,.0f}" if row.rate >= 100 else f"{row.rate:.1f}"]
    cells += [f"{each:.3f}" if each < 10 else f"{each:.1f}", f"{row.spread:.2f}", against]
    if has_first:
        for extra in ("opening", "first_batch"):
            values = row.extras.get(extra)
            cells.append(f"{statistics.median(values):.2f}" if values else "")
    return f"| {' | '.join(cells)} |"


def _error(result: Result) -> str:
    if not result.error:
        return "not measured"
    return result.error if result.error.startswith("not installed") else f"could not run: {result.error}"
