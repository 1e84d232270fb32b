"""The picture of `docs/performance.md`: how many times as fast as each peer, on a logarithmic axis."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.environment import TAKEN
from benchmarks.measure import NotInstalledError, Section, peer
from benchmarks.media_claims import round_ratios
from benchmarks.page_text import TITLES
from benchmarks.plot_rows import ROWS

__all__ = ["PlotError", "draw"]

_COLOURS = {"audio": "#1b6ca8", "video": "#2e7d4f", "epoch": "#a8581b", "features": "#7a3b8f"}
_FONTS = ["DejaVu Sans", "Verdana", "Arial"]
_INK, _GREY, _GRID = "#222222", "#666666", "#dddddd"
_SIZE, _SMALL = 8.0, 7.0
_ROW_INCHES, _PANEL_INCHES, _WIDTH_INCHES = 0.2, 1.1, 8.0
_CAPTION_CHARS = 84
_NOT_IN_CAPTION = ("machine", "load before", TAKEN)
_HEADING_GAP = 0.4  # rows


class PlotError(Exception):
    """There is nothing to draw, or nothing to draw it with."""


class Bar(NamedTuple):
    """Ours against one peer: the median of the rounds' ratios, and the smallest and largest."""

    heading: str
    peer: str
    ratio: float
    low: float
    high: float


def draw(sections: Sequence[Section], target: Path) -> None:
    """Draw one panel a section and write it as the suffix of `target` says.

    Raises:
        PlotError: matplotlib is not installed, or no section has both ours and a peer.
    """
    panels = [(section, list(_bars(section))) for section in sections if section.suite in ROWS]
    panels = [(section, bars) for section, bars in panels if bars]
    if not panels:
        raise PlotError("no peer was measured beside ours")
    try:
        peer("matplotlib").use("Agg")
        pyplot = peer("matplotlib.pyplot")
    except NotInstalledError as error:
        raise PlotError(str(error)) from error
    rows = [len(bars) + (1 + _HEADING_GAP) * len({bar.heading for bar in bars}) for _, bars in panels]
    # Text stays text: it can be searched, and the same figures give the same file.
    pyplot.rcParams.update({"svg.hashsalt": "emotalk", "svg.fonttype": "none", "font.sans-serif": _FONTS})
    figure, axes = pyplot.subplots(
        len(panels),
        1,
        figsize=(_WIDTH_INCHES, _ROW_INCHES * sum(rows) + _PANEL_INCHES * len(panels)),
        gridspec_kw={"height_ratios": rows},
        squeeze=False,
        layout="constrained",
    )
    for axis, (section, bars) in zip(axes[:, 0], panels, strict=True):
        _draw_bars(axis, bars, _COLOURS[section.suite])
        _dress(axis, section, bars)
    metadata = {"Date": None} if target.suffix == ".svg" else {}
    figure.savefig(target, facecolor="white", dpi=150, metadata=metadata)
    pyplot.close(figure)


def _bars(section: Section) -> Iterator[Bar]:
    """Yield a bar for each peer that was measured, under its heading, the fastest peer first."""
    results = section.results
    for heading, ours, peers in ROWS[section.suite]:
        bars = []
        for name, label in peers.items():
            if ours in results and name in results and results[ours].seconds and results[name].seconds:
                ratios = round_ratios(results[ours], results[name])
                bars.append(Bar(heading, label, statistics.median(ratios), min(ratios), max(ratios)))
        yield from sorted(bars, key=lambda bar: bar.ratio)


def _draw_bars(axis: Any, bars: Sequence[Bar], colour: str) -> None:
    """Draw from the top a heading, then a bar for each of its peers, and the numbers beside them."""
    row, heading, marks = 0.0, "", []
    for bar in bars:
        if bar.heading != heading:
            row += _HEADING_GAP if heading else 0
            heading = bar.heading
            style = {"ha": "right", "va": "center", "fontsize": _SIZE, "fontweight": "bold", "color": _INK}
            axis.text(-0.008, row, heading, transform=axis.get_yaxis_transform(), **style)
            row += 1
        is_slower = bar.ratio < 1
        face = "white" if is_slower else colour
        axis.barh(
            row, bar.ratio - 1, left=1, height=0.7, color=face, edgecolor=colour, hatch="////" * is_slower
        )
        axis.plot([bar.low, bar.high], [row, row], color=_INK, linewidth=1, solid_capstyle="butt")
        axis.annotate(
            f"{bar.ratio:.2f}×" if bar.ratio < 10 else f"{bar.ratio:.0f}×",
            (max(bar.high, bar.ratio, 1), row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=_SMALL,
            color=_INK,
        )
        marks.append(row)
        row += 1
    axis.set_yticks(marks, [bar.peer for bar in bars], fontsize=_SIZE, color=_INK)
    axis.set_ylim(row - 0.4, -0.7)


def _dress(axis: Any, section: Section, bars: Sequence[Bar]) -> None:
    axis.set_xscale("log")
    axis.set_xlim(min(0.7, min(bar.low for bar in bars) / 1.2), max(bar.high for bar in bars) * 2)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axis.xaxis.set_minor_locator(peer("matplotlib.ticker").LogLocator(subs=(0.2, 0.5)))
    axis.xaxis.set_minor_formatter(lambda value, _: f"{value:g}×")
    axis.tick_params(axis="x", which="both", labelsize=_SMALL, labelcolor=_INK, color=_GREY)
    axis.tick_params(axis="y", length=0)
    axis.axvline(1, color=_INK, linewidth=1)
    axis.grid(axis="x", which="both", color=_GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    what = TITLES[section.suite].partition(":")[0]
    title = f"{what}: ours is so many times as fast as …"
    axis.set_title(title, loc="left", fontsize=10, fontweight="bold", color=_INK)
    versions = (
        f"{name} {value}" for name, value in section.environment.items() if name not in _NOT_IN_CAPTION
    )
    caption = f"{section.data}. {', '.join(versions)}."
    lines = "\n".join(textwrap.wrap(caption, _CAPTION_CHARS))
    style = {"ha": "left", "fontsize": _SMALL, "color": _GREY, "linespacing": 1.3}
    axis.set_xlabel(lines, x=0, **style)
