"""Read a release, a file of one, or what was built from one, for its problems only."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from emotalk_data.errors import OptionError, ReleaseNotFoundError, quote
from emotalk_data.loaders.gc_pause import garbage_collection_paused
from emotalk_data.loaders.listing import list_release
from emotalk_data.loaders.m3ed_files import list_episodes
from emotalk_data.loaders.report import Report, Screen
from emotalk_data.loaders.walk import walk_release
from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.emotalk.checks import Progress, validate_emotalk
from emotalk_data.validation.inputs import InputKind, kind_of

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
    skip: Iterable[str | os.PathLike[str]] = (),
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
        skip: files below `path` that are no part of the release, such as a baseline that is kept beside it.
        screen: says of a problem why it is to be passed over; see `emotalk_data.validation.known.screen`.
        progress: told how many records of EmotionTalk have been read, of how many; never for anything else.

    Returns:
        the report: `.is_clean`, `.summary()`, `.problems()`, `.num_by_code()`, `.to_json()`.

    Raises:
        ReleaseNotFoundError: there is nothing to validate at `path`.
        OptionError: an unknown corpus.
    """
    report = Report("", screen=screen)
    _Validator(corpus, episodes_dir, media, decode, tuple(skip), progress).run(path, report)
    return report


def validate_all(
    paths: Iterable[str],
    *,
    corpus: Corpus | None = None,
    episodes_dir: str | os.PathLike[str] | None = None,
    media: bool = False,
    decode: bool = False,
    skip: Iterable[str | os.PathLike[str]] = (),
    screen: Screen | None = None,
    progress: Progress | None = None,
) -> Report:
    """Validate several paths into one report; files have the path that they were found under before their name.

    The arguments and errors are those of `validate`.
    """
    validator = _Validator(corpus, episodes_dir, media, decode, tuple(skip), progress)
    paths = list(paths)
    if len(paths) == 1:
        alone = Report("", screen=screen)
        validator.run(paths[0], alone)
        return alone
    whole = Report("")  # its parts have been screened
    corpora = set()
    for path in paths:
        part = _part(screen)
        validator.run(path, part)
        whole.merge(part, folder=part.root)
        corpora.add(part.corpus)
    whole.corpus = ", ".join(sorted(corpora))
    return whole


def _part(screen: Screen | None) -> Report:
    """Return a report of one path of several; its screen sees the names that the joint report will have."""
    if screen is None:
        return Report("")

    def see(problem: Problem) -> str | None:
        return screen(problem._replace(file=f"{part.root}/{problem.file}") if part.root else problem)

    part = Report("", screen=see)
    return part


class _Validator(NamedTuple):
    """What to read, and how closely; the attributes are the arguments of `validate`."""

    corpus: Corpus | None
    episodes_dir: str | os.PathLike[str] | None
    media: bool
    decode: bool
    skip: tuple[str | os.PathLike[str], ...]
    progress: Progress | None

    def run(self, path: str | os.PathLike[str], report: Report) -> None:
        """Read what is at `path` into a report, whose corpus and root are known before its first problem."""
        if self.corpus not in (None, "emotalk", "m3ed"):
            raise OptionError(f"corpus is {quote(self.corpus)}; expected 'emotalk' or 'm3ed'.")
        path = _existing(path)
        kind = kind_of(path)
        if kind == "record" and self.corpus == "m3ed":
            kind = "m3ed"  # an annotation or relation file whose beginning does not tell
        if kind == "release":
            report.corpus = self.corpus or tell_corpus(path)
        else:
            report.corpus = "m3ed" if kind == "m3ed" else "emotalk"  # a table says it itself
        self._refuse_idle_options(path, kind, report.corpus)
        with garbage_collection_paused():
            if kind == "release" or kind == "m3ed":
                # An archive or annotation file is named below the folder that it lies in.
                report.root = path if Path(path).is_dir() else os.path.dirname(path)  # noqa: PTH120
                self._read_release(path, kind, report)
            else:
                _read_single(path, kind, report)
        report.check()

    def _refuse_idle_options(self, path: str, kind: InputKind, corpus: str) -> None:
        """Refuse what would have no effect: somebody would take a check for done that was not."""
        if self.episodes_dir is not None and corpus != "m3ed":
            raise OptionError(f"episodes_dir is for M3ED, and {quote(path, 200)} is not. Leave it out.")
        if (self.media or self.decode) and kind not in ("release", "m3ed"):
            raise OptionError(
                f"media and decode look at files of a release, and {quote(path, 200)} is none. Leave both out."
            )

    def _read_release(self, path: str, kind: InputKind, report: Report) -> None:
        checker = None
        if self.media or self.decode:
            from emotalk_data.validation.media.checker import MediaChecker

            checker = MediaChecker(report, decode=self.decode)
        if report.corpus == "emotalk":
            walk = walk_release(path, skip=self.skip)
            validate_emotalk(walk, report, media=checker, progress=self.progress)
        else:
            from emotalk_data.validation.m3ed.checks import validate_m3ed

            episodes = list_episodes(self.episodes_dir) if self.episodes_dir is not None else None
            validate_m3ed(list_release(path), episodes, report, media=checker, single_file=kind == "m3ed")
        if checker is not None:
            checker.finish()


def _existing(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if text == "-":
        return text
    # An empty path, as of a variable that is not set, is not the current folder.
    text = str(Path(text).expanduser()) if text else text
    if not os.path.lexists(text):
        raise ReleaseNotFoundError(
            f"there is nothing at {quote(text, 200)}; expected the folder of a release, one of its files, or a "
            f"dataset that was built from it. Check the path.",
            path=text,
        )
    return text


def _read_single(path: str, kind: InputKind, report: Report) -> None:
    """Read what is no release."""
    from emotalk_data.validation import records

    if kind == "record":
        records.validate_record_file(path, report)
    elif kind == "lines" and path == "-":
        if sys.stdin is None:  # in a process that has none
            raise ReleaseNotFoundError("there is no standard input to read; expected records, one a line.")
        records.validate_lines(sys.stdin.buffer, "<stdin>", report)
    elif kind == "lines":
        with open(path, "rb") as stream:  # noqa: PTH123
            records.validate_lines(stream, path, report)
    elif kind == "dataset":
        from emotalk_data.validation.tables.datasets import validate_dataset

        validate_dataset(path, report)
    else:
        from emotalk_data.validation.tables.features import validate_feature_set

        validate_feature_set(path, report)


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
