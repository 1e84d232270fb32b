"""Validate every release below a folder in one process; print what came of each, and what it cost.

Started by test_hostile.py, which kills it when it hangs. A line is printed before and after each release.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from emotalk_data import validate
from emotalk_data.cli.problems import print_problems
from emotalk_data.loaders.report import Report
from emotalk_data.validation.outputs.as_github import as_github
from emotalk_data.validation.outputs.as_json import as_json
from emotalk_data.validation.outputs.as_junit import as_junit
from emotalk_data.validation.outputs.as_sarif import as_sarif
from emotalk_data.validation.outputs.lines import with_lines

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "shutil.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "ctypes.",
)
_CHANGING = (
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
)


def _watch(top: Path, here: list[str], events: list[str]) -> None:
    """Note every file that is opened to be written or lies in another release, and whatever reaches out."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith((*_FORBIDDEN, *_CHANGING)):
            events.append(f"{event} {args}")
        elif event == "open" and isinstance(args[0], str | bytes):
            path = os.path.abspath(os.fsdecode(args[0]))
            is_elsewhere = path.startswith(f"{top}/") and not path.startswith(f"{top}/{here[0]}/")
            if args[2] & _WRITING or is_elsewhere:
                events.append(f"open {path}")

    sys.addaudithook(hook)


def _print(report: Report) -> list[str]:
    """Print the report in every format; return what each is, its text and JSON checked."""
    problems = with_lines(report, report.problems())
    texts = [as_json(report, problems), as_github(report, problems), as_junit(report, problems)]
    texts.append(as_sarif(report, problems))
    json.loads(texts[0])
    ElementTree.fromstring(texts[2])  # noqa: S314  # our own
    json.loads(texts[3])
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        print_problems(report, limit=3)
    texts.append(stream.getvalue())
    for text in texts:
        text.encode()
    return texts


def main(top: Path) -> None:
    """Validate the folders of `top` in the order of their names."""
    here = [""]
    events: list[str] = []
    _watch(top, here, events)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for root in sorted(top.iterdir()):
        sys.stdout.write(f"{root.name}\n")
        sys.stdout.flush()
        here[0] = root.name
        report = validate(root)
        texts = _print(report)
        result = {
            "problems": [[one.code, one.file] for one in report.problems()],
            "num_records": report.counts["records_found"],
            "rows": report.counts["rows"],
            "events": list(events),
            "grown_bytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) << 10,
            "longest": max(
                (len(part) for one in report.problems() for part in (one.found, one.expected, one.json_path)),
                default=0,
            ),
            "is_printable": all(line.isprintable() for at in (1, 4) for line in texts[at].split("\n")),
        }
        sys.stdout.write(f"{json.dumps(result)}\n")
        events.clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
