"""`python -m benchmarks`: make the data, run us and the peers interleaved, print the claims, write the page."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.claims import claims
from benchmarks.environment import TAKEN, processor_times, share_taken
from benchmarks.measure import Section
from benchmarks.page import page, section_table
from benchmarks.plot import PlotError, draw
from benchmarks.suites import SUITES


def main() -> int:
    """Run the benchmarks; exit 1 when a claim does not hold at full size."""
    options = _options()
    sections = _read(options.sources) if options.sources else _measure(options)
    for section in sections:
        print(f"{section.suite}: {section_table(section)}\n")
    if options.json:
        values = {"sections": [section.to_json() for section in sections]}
        options.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    drawn = options.plot is not None and _draw(sections, options.plot)
    if options.markdown:
        link = os.path.relpath(options.plot, options.markdown.parent) if drawn else None
        options.markdown.write_text(page(sections, link), encoding="utf-8")
    failed = [claim for section in sections for claim in claims(section) if claim.holds is False]
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, few rounds; claims are not judged")
    parser.add_argument("--suite", choices=[*SUITES, "all"], default="all", help="what to run (default all)")
    parser.add_argument("--rounds", type=int, help="rounds of each task (default: each suite's own)")
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    parser.add_argument("--markdown", type=Path, help="write the page to this file: docs/performance.md")
    parser.add_argument(
        "--plot", type=Path, help="draw the ratios to this file, .svg or .png; needs matplotlib"
    )
    parser.add_argument(
        "--from",
        dest="sources",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="measure nothing: take the files that --json wrote before",
    )
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    return options


def _measure(options: argparse.Namespace) -> list[Section]:
    sections: list[Section] = []
    for suite in SUITES if options.suite == "all" else [options.suite]:
        print(f"{suite}: making the data …", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="emotalk-bench-") as folder:
            before = processor_times()
            section = SUITES[suite](Path(folder), is_quick=options.quick, rounds=options.rounds)
            taken = share_taken(before, processor_times())
            sections.append(replace(section, environment={**section.environment, TAKEN: taken}))
    return sections


def _read(files: list[Path]) -> list[Section]:
    return [
        Section.from_json(values)
        for file in files
        for values in json.loads(file.read_text(encoding="utf-8"))["sections"]
    ]


def _draw(sections: list[Section], target: Path) -> bool:
    try:
        draw(sections, target)
    except PlotError as error:
        print(f"no plot: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
