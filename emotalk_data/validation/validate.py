"""Read a release, a file of one, or what was built from one, for its problems only."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from emotalk_data.errors import OptionError, ReleaseNotFoundError, quote
from emotalk_data.loaders.gc_pause import garbage_collection_paused
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.m3ed_files import list_episodes
from emotalk_data.loaders.report import Report, Screen
from emotalk_data.loaders.walk import walk_release
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.emotalk.checks import Progress, validate_emotalk
from emotalk_data.validation.inputs import InputKind, kind_of

if TYPE_CHECKING:
    from emotalk_data.validation.media.checker import MediaChecker

__all__ = ["Corpus", "tell_corpus", "validate", "validate_all"]

Corpus = Literal["emotalk", "m3ed"]

_RECORD_NAME: Final = re.compile(r"g[0-9]{5}_[0-9]{2}_[0-9]{2}_[0-9]{3}\.jsonl?")


def validate(
    path: str | os.PathLike[str],
    *,
    corpus: Corpus | None = None,
    episodes_dir: str | os.PathLike[str] | None = None,
    media: bool = False,
    decode: bool = False,
    screen: Screen | None = None,
    progress: Progress | None = None,
) -> Report:
    """Read everything at `path` and return all problems; nothing is built and nothing is repaired.

    Args:
        path: folder of a release, whole or in part; one of its archives; one JSON file; JSON lines; a built
            dataset or feature set (Parquet or Arrow); `-` for the standard input.
        corpus: which corpus it is; told from the files when omitted (M3ED has an `annotation.json`).
        episodes_dir: M3ED only: folder of the TV episodes the user owns.
        media: read the header of each sound and video file too.
        decode: decode every sample and every picture; implies `media`.
        screen: says of a problem why it is to be passed over; see `emotalk_data.validation.known.screen`.
        progress: told how many records have been read, of how many.

    Returns:
        the report: `.is_clean`, `.summary()`, `.problems()`, `.num_by_code()`, `.to_json()`.

    Raises:
        ReleaseNotFoundError: there is nothing to validate at `path`.
        OptionError: an unknown corpus.
    """
    if corpus not in (None, "emotalk", "m3ed"):
        raise OptionError(f"corpus is {quote(corpus)}; expected 'emotalk' or 'm3ed'.")
    path = _existing(path)
    kind = kind_of(path)
    if kind == "m3ed" or (kind == "release" and corpus is None):
        corpus = corpus or ("m3ed" if kind == "m3ed" else tell_corpus(path))
    report = Report(corpus or "emotalk", screen=screen)
    with garbage_collection_paused():
        if kind == "release" or kind == "m3ed":
            report.root = os.fspath(path) if kind == "release" else os.path.dirname(path)  # noqa: PTH120
            checker = _media_checker(report, decode=decode) if media or decode else None
            if report.corpus == "emotalk":
                validate_emotalk(walk_release(path), report, media=checker, progress=progress)
            else:
                _validate_m3ed(path, kind, episodes_dir, report, checker)
            if checker is not None:
                checker.finish()
        else:
            _validate_single(path, kind, report)
    report.check()
    return report


def _existing(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if text == "-":
        return text
    text = str(Path(text).expanduser())
    if not os.path.lexists(text):
        raise ReleaseNotFoundError(
            f"there is nothing at {quote(text, 200)}; expected the folder of a release, one of its files, or a "
            f"dataset that was built from it. Check the path.",
            path=text,
        )
    return text


def _media_checker(report: Report, *, decode: bool) -> MediaChecker:
    from emotalk_data.validation.media.checker import MediaChecker

    return MediaChecker(report, decode=decode)


def _validate_m3ed(
    path: str | os.PathLike[str],
    kind: InputKind,
    episodes_dir: str | os.PathLike[str] | None,
    report: Report,
    media: MediaChecker | None,
) -> None:
    from emotalk_data.validation.m3ed.checks import validate_m3ed

    episodes = list_episodes(episodes_dir) if episodes_dir is not None else None
    validate_m3ed(list_release(path), episodes, report, media=media, single_file=kind == "m3ed")


def _validate_single(path: str | os.PathLike[str], kind: InputKind, report: Report) -> None:
    """Validate what is no release."""
    from emotalk_data.validation import records

    if kind == "record":
        records.validate_record_file(path, report)
    elif kind == "lines" and os.fspath(path) == "-":
        records.validate_lines(sys.stdin.buffer, "<stdin>", report)
    elif kind == "lines":
        with open(path, "rb") as stream:  # noqa: PTH123
            records.validate_lines(stream, os.fspath(path), report)
    elif kind == "dataset":
        from emotalk_data.validation.tables.datasets import validate_dataset

        validate_dataset(path, report)
    else:
        from emotalk_data.validation.tables.features import validate_feature_set

        validate_feature_set(path, report)


def validate_all(
    paths: Iterable[str],
    *,
    corpus: Corpus | None = None,
    episodes_dir: str | os.PathLike[str] | None = None,
    media: bool = False,
    decode: bool = False,
    screen: Screen | None = None,
    progress: Progress | None = None,
) -> Report:
    """Validate several paths into one report; files have the path that they were found under before their name.

    The arguments and errors are those of `validate`.
    """
    paths = list(paths)
    if len(paths) == 1:
        return validate(
            paths[0],
            corpus=corpus,
            episodes_dir=episodes_dir,
            media=media,
            decode=decode,
            screen=screen,
            progress=progress,
        )
    whole = Report("")
    corpora = set()
    for path in paths:
        report = validate(
            path,
            corpus=corpus,
            episodes_dir=episodes_dir,
            media=media,
            decode=decode,
            screen=_with_folder(screen, path),
            progress=progress,
        )
        whole.merge(report, folder=report.root)
        corpora.add(report.corpus)
    whole.corpus = ", ".join(sorted(corpora))
    return whole


def _with_folder(screen: Screen | None, path: str) -> Screen | None:
    """Let a screen see the names that the joint report will have."""
    if screen is None or kind_of(path) not in ("release", "m3ed"):
        return screen
    folder = path if kind_of(path) == "release" else os.path.dirname(path)  # noqa: PTH120

    def see(problem: Problem) -> str | None:
        return screen(problem._replace(file=f"{folder}/{problem.file}") if folder else problem)

    return see


def tell_corpus(path: str | os.PathLike[str]) -> Corpus:
    """Return the corpus that a release is of, by its files: M3ED has an `annotation.json`.

    The walk ends at the first file that tells.

    Raises:
        ReleaseNotFoundError: there is nothing at `path`, or it cannot be read.
    """
    for folder in walk_release(path).folders:
        names = {name.lower() for name, _, _ in folder.annotations}
        if "annotation.json" in names:
            return "m3ed"
        if any(_RECORD_NAME.fullmatch(name) for name in names):
            return "emotalk"
    return "emotalk"
