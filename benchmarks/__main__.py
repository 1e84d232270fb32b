"""`python -m benchmarks`: make the data, run everything interleaved, print the claims."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.claims import Claim, claims
from benchmarks.measure import Result, run_command, run_task
from emotalk_data.testing import make_fullsize_emotalk

_FULL_SIZE = 19_250
_PEER_RECORDS = 1_000
"""Records of each modality that the other validators get: their rate does not depend on the number."""


def main() -> int:
    """Run the benchmarks; exit 1 when a claim does not hold at full size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="600 utterances, one round; claims are not judged"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each task (default 5)")
    parser.add_argument("--json", type=Path, help="write the measured values to this file")
    parser.add_argument(
        "--markdown", type=Path, help="write the table to this file, as docs/performance.md has it"
    )
    options = parser.parse_args()
    num_utterances = 600 if options.quick else _FULL_SIZE
    with tempfile.TemporaryDirectory(prefix="emotalk-bench-") as folder:
        results = _measure(Path(folder), num_utterances, 1 if options.quick else options.rounds)
    table = claims(results, is_full_size=not options.quick)
    text = _table(table, results, num_utterances)
    print(text)
    if options.markdown:
        options.markdown.write_text(_PAGE.format(table=text), encoding="utf-8")
    if options.json:
        values = {name: vars(result) for name, result in results.items()}
        options.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    failed = [claim for claim in table if claim.holds is False]
    return 1 if failed else 0


def _measure(folder: Path, num_utterances: int, rounds: int) -> dict[str, Result]:
    root = folder / "release"
    print(f"making {num_utterances:,} utterances …", file=sys.stderr)
    make_fullsize_emotalk(root, num_utterances=num_utterances, media="shared")
    wavs = _audiofolder(root, folder / "audiofolder")
    parquet = _parquet(root, folder)
    part = _part(root, folder / "part")
    results: dict[str, Result] = {}

    def task(name: str, *arguments: object, label: str = "") -> None:
        result = results.setdefault(label or name, Result())
        if not result.error:
            run_task(result, name, [str(argument) for argument in arguments])

    help_command = [sys.executable, "-m", "emotalk_data", "--help"]
    for number in range(rounds):
        print(f"round {number + 1} of {rounds} …", file=sys.stderr)
        cache = folder / f"cache-{number}"
        task("json_loop", root)
        task("stat_loop", root)
        task("cold_load", root, cache)
        task("warm_load", root, cache)
        task("validate", root)
        task("validate", part, label="validate_part")
        for peer in ("check_jsonschema", "jsonschema", "jsonschema_rs"):
            task(peer, root, _PEER_RECORDS)
        task("first_clip", root, cache)
        task("audiofolder", wavs, folder / f"stock-{number}")
        task("first_clip_stock", parquet)
        task("nothing")
        task("import_package")
        task("import_datasets")
        run_command(results.setdefault("bare_python", Result()), [sys.executable, "-c", ""])
        run_command(results.setdefault("help", Result()), help_command)
        shutil.rmtree(folder / f"stock-{number}", ignore_errors=True)
    return results


def _audiofolder(root: Path, target: Path) -> Path:
    """Give `audiofolder` the wavs in the release's own layout, as hard links, and a ready-made metadata file."""
    target.mkdir()
    lines = ["file_name,utterance_id,emotion"]
    wavs = root / "Audio" / "wav"
    for wav in sorted(wavs.rglob("*.wav")):
        name = wav.relative_to(wavs)
        link = target / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.hardlink_to(wav)
        lines.append(f"{name.as_posix()},{wav.stem},neutral")
    (target / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def _part(root: Path, target: Path) -> Path:
    """Link the first eight of the fifteen groups, for the growth of memory: fewer folders, each as full."""
    for group in sorted(root.glob("*/*/G*")):
        if group.name <= "G00008":
            shutil.copytree(group, target / group.relative_to(root), copy_function=os.link)
    return target


def _parquet(root: Path, folder: Path) -> Path:
    """Write the validation split with plain Audio columns: the quickest start stock `datasets` can have."""
    from emotalk_data import load_dataset

    rows = load_dataset("emotalk", data_dir=root, cache_dir=folder / "parquet-cache", split="validation")
    path = folder / "validation.parquet"
    rows.select_columns(["utterance_id", "audio"]).to_parquet(path)
    return path


def _table(table: list[Claim], results: dict[str, Result], num_utterances: int) -> str:
    lines = [
        f"{num_utterances:,} utterances, Python {platform.python_version()}, {platform.machine()}; "
        + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "",
        "| what | measured | claim | holds |",
        "|---|---|---|---|",
    ]
    lines += [f"| {c.what} | {c.measured} | {c.claim} | {c.verdict} |" for c in table]
    lines += ["", "| task | median s | max/min | peak MiB |", "|---|---|---|---|"]
    for name, result in results.items():
        if result.error:
            lines.append(f"| {name} | could not run: {result.error} | | |")
        else:
            lines.append(f"| {name} | {result.median:.3f} | {result.spread:.2f} | {result.peak_mib:.0f} |")
    return "\n".join(lines)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


_PACKAGES = (
    *("datasets", "pyarrow", "pydantic", "torchcodec"),
    *("check-jsonschema", "jsonschema", "jsonschema-rs"),
)
_PAGE = """# Performance

Measured by `python -m benchmarks`: every task in a fresh process, all tasks interleaved, medians, page cache
warm. This page is written by that command (`--markdown docs/performance.md`), lines that do not hold included.
The machine's own pace is part of the table: only the ratios carry over to another machine.

{table}

What the tasks do is in `benchmarks/tasks.py`. `audiofolder` gets the wavs in the release's own folders and one
metadata file with an id and a label, ready-made. A cold load reads 77,000 JSON files with every annotator's
judgement, and nearly all of its time goes there: a loop that only opens and parses these files takes a third of
it. Seconds of start-up are mostly `import datasets`.

`validate` makes every check on all records; the other validators hold 1,000 records of each modality against
the files of `schemas/`, one at a time, and know nothing of names, duplicate keys or sums. They are timed without
their start. Memory is extrapolated along the line through the whole sample and its first eight groups
(`validate_part`).
"""

if __name__ == "__main__":
    sys.exit(main())
