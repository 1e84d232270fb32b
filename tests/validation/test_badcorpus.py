"""Every bad annotation and archive of the shared collection, put into a release as it could come with one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from emotalk_data import validate
from emotalk_data.loaders.report import Report

BADCORPUS: Final = Path(__file__).parents[3] / "shared" / "badcorpus"
ID: Final = "G00009_42_14_024"
FILE: Final = f"{ID[:6]}/{ID[:9]}/{ID[:12]}/{ID}.json"

# What the collection refuses and we report as less than an error, because the row loses nothing by it or
# holds null where nothing was said. Each has a warning.
KEPT: Final = {
    **dict.fromkeys(
        (f"json/{name}.json" for name in ("key_homoglyph", "missing_key")),
        "without its transcript: null, and the row stands",
    ),
    "json/null_label.json": "without its label: null, and the row stands",
    "json/empty_data.json": "without annotators: the final label stands by itself",
    **dict.fromkeys(
        (
            f"path/{name}.json"
            for name in (
                *("url", "fsspec_chain", "zip_url", "ffmpeg_pipe", "ffmpeg_concat", "dash", "shell", "nul"),
                *("empty", "tilde", "case", "fullwidth_digits", "nfd", "trailing_space", "newline"),
            )
        ),
        "the path is compared with the file's own name and never opened",
    ),
}
# What the collection takes and has an error for another reason.
REFUSED: Final = {
    **dict.fromkeys(
        ("tar/ok_gnu_longname.tar", "tar/ok_pax_longname.tar"),
        "read whole; its one member is not named by an utterance id",
    ),
}


def entries() -> list[dict[str, Any]]:
    manifest = BADCORPUS / "manifest.jsonl"
    if not manifest.exists():
        return []
    lines = manifest.read_text(encoding="utf-8").splitlines()
    wanted = ("json", "caption", "path", "tar")
    return [entry for line in lines if (entry := json.loads(line))["group"] in wanted]


def put(entry: dict[str, Any], root: Path) -> str:
    """Write one file of the collection where a release has its like; return its name there.

    The collection counts confidence from 0 to 9 and gives every record another speaker than its id: what all
    files share is brought to the release's values, so that what is left is each file's own.
    """
    raw = (BADCORPUS / entry["file"]).read_bytes()
    if entry["group"] == "tar":
        name = "Text.tar.gz" if entry["file"].endswith("gz") else "Text.tar"
    elif "m3ed" in entry["file"]:
        name = "annotation.json"
    else:
        raw = re.sub(rb'("Confidence_degree": "?)3(?="?\s*[},])', rb"\g<1>0.3", raw)
        raw = raw.replace(b'"speaker_id": "09"', b'"speaker_id": "14"')
        name = f"{'Audio' if b'paragraphs' in raw else 'Text'}/json/{FILE}"
    file = root / name
    file.parent.mkdir(parents=True)
    file.write_bytes(raw)
    return name


def severities(report: Report, name: str) -> set[str]:
    return {problem.severity for problem in report.problems() if problem.file.startswith(name)}


@pytest.mark.skipif(not BADCORPUS.exists(), reason="the shared collection of bad files is not here")
def test_the_collection_has_all_that_is_named_here() -> None:
    assert {*KEPT, *REFUSED} <= {entry["file"] for entry in entries()}
    assert len(entries()) > 100


@pytest.mark.skipif(not BADCORPUS.exists(), reason="the shared collection of bad files is not here")
@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry["file"])
def test_a_file_of_the_collection_gets_its_verdict(entry: dict[str, Any], tmp_path: Path) -> None:
    root = tmp_path / "release"
    name = put(entry, root)
    before = sorted(tmp_path.rglob("*"))
    report = validate(root)
    found = severities(report, name)
    assert sorted(tmp_path.rglob("*")) == before
    file = entry["file"]
    if file in KEPT:
        assert "warning" in found
        assert "error" not in found
    elif entry["verdict"] == "reject" or file in REFUSED:
        assert "error" in found
    elif entry["verdict"] == "accept":
        assert "error" not in found
        assert "warning" not in found
    else:
        assert found
