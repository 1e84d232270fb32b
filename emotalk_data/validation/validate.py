"""Read a whole release for its problems only."""

from __future__ import annotations

import os
from collections import deque
from pathlib import PurePosixPath
from typing import Literal

from emotalk_data.errors import DecodeError, OptionError, ReleaseNotFoundError, quote
from emotalk_data.loaders.emotalk import read_emotalk
from emotalk_data.loaders.emotalk_index import index_emotalk
from emotalk_data.loaders.gc_pause import garbage_collection_paused
from emotalk_data.loaders.listing import Listing, list_release
from emotalk_data.loaders.m3ed import read_m3ed
from emotalk_data.loaders.m3ed_files import list_episodes
from emotalk_data.loaders.m3ed_index import index_m3ed
from emotalk_data.loaders.report import Report
from emotalk_data.schemas.strict_json import REMEDY

__all__ = ["tell_corpus", "validate"]

Corpus = Literal["emotalk", "m3ed"]


def validate(
    path: str | os.PathLike[str],
    *,
    corpus: Corpus | None = None,
    episodes_dir: str | os.PathLike[str] | None = None,
) -> Report:
    """Read every record of a release and return all problems; nothing is built and nothing is repaired.

    Args:
        path: folder of the release, or one of its archives.
        corpus: which corpus it is; told from the files when omitted (M3ED has an `annotation.json`).
        episodes_dir: M3ED only: folder of the TV episodes the user owns.

    Returns:
        the report: `.is_clean`, `.summary()`, `.problems()`, `.num_by_code()`, `.to_json()`.

    Raises:
        ReleaseNotFoundError: there is no release at `path`.
        OptionError: an unknown corpus.
    """
    with garbage_collection_paused():
        return _validate(path, corpus, episodes_dir)


def _validate(
    path: str | os.PathLike[str], corpus: Corpus | None, episodes_dir: str | os.PathLike[str] | None
) -> Report:
    listing = list_release(path)
    corpus = corpus or tell_corpus(listing)
    report = Report(corpus)
    if corpus == "emotalk":
        dialogues = index_emotalk(listing, report, on_bad_archive="report")
        if not report.counts["records_found"] and not report.num_problems():
            raise ReleaseNotFoundError(
                f"no record of EmotionTalk and no annotation.json of M3ED under {listing.root}.",
                path=listing.root,
            )
        deque(read_emotalk(dialogues, report), maxlen=0)
    elif corpus == "m3ed":
        episodes = list_episodes(episodes_dir) if episodes_dir is not None else None
        try:
            sources = index_m3ed(listing, episodes, report, on_bad_archive="report")
        except DecodeError as error:
            found = error.message.removeprefix(f"{error.path} is ").removesuffix(REMEDY)
            report.problem(
                "M3-JSON-001", error.path or "annotation.json", "", found, "one strict JSON object"
            )
        else:
            deque(read_m3ed(sources, report), maxlen=0)
    else:
        raise OptionError(f"corpus is {quote(corpus)}; expected 'emotalk' or 'm3ed'.")
    report.check()
    return report


def tell_corpus(listing: Listing) -> Corpus:
    """Return the corpus that a release is of, by its files: M3ED has an `annotation.json`."""
    names = {PurePosixPath(file.name).name.lower() for file in listing.annotations}
    return "m3ed" if "annotation.json" in names else "emotalk"
