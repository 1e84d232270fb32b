"""`make_report` and `write_report`: all that was found on one page, with as much of the data as fits it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emotalk_data._optional import installed_version, require
from emotalk_data._whole_file import whole_file
from emotalk_data.errors import LimitError, OptionError, quote
from emotalk_data.report.corpus import Corpus, as_corpus
from emotalk_data.report.findings import find
from emotalk_data.report.rendering import render
from emotalk_data.report.samples import Sample, choose_samples, make_sample, with_less_sound
from emotalk_data.report.shown_text import number, plural, shown
from emotalk_data.report.timeline import Dialogue, timelines
from emotalk_data.views.intervals import check_resampling

if TYPE_CHECKING:
    from emotalk_data.loaders.report import Report

__all__ = ["MAX_PAGE_BYTES", "make_report", "write_report"]

MAX_PAGE_BYTES: Final = 5_000_000
"""A page is smaller than this, whatever it is made of."""

_MAX_SAMPLES: Final = 200
_MAX_TITLE_CHARS: Final = 120
_NUM_DIALOGUES: Final = 20
_SECONDS: Final = (12.0, 6.0, 3.0)
"""How much of a sample's sound is on the page: as much as leaves room for all samples."""


@dataclass(frozen=True)
class _Shown:
    """What of the data fits the page.

    Attributes:
        cards: samples, perhaps fewer than were chosen.
        max_seconds: of the sound of each.
        dialogues: time lines.
        left_out: sentences that say what did not fit.
    """

    cards: Sequence[Sample]
    max_seconds: float
    dialogues: Sequence[Dialogue]
    left_out: tuple[str, ...] = ()


def make_report(
    data: object,
    *,
    title: str | None = None,
    samples: int = 12,
    media: bool = True,
    resamples: int = 1000,
    reading: Report | None = None,
) -> str:
    """Return the page about a corpus as one text of HTML, smaller than 5 MB.

    The same data, options and version of this package give the same text.

    Args:
        data: a `datasets.DatasetDict` as `load_dataset` made it; or one `datasets.Dataset`.
        title: of the page; the corpus's name if omitted.
        samples: how many utterances are shown whole, 0 to 200; fewer where they do not fit.
        media: decode their sound and frames, and read headers where the table has no times.
        resamples: of dialogues, for the intervals of agreement; 0 gives none.
        reading: what was found while the release was read, from `load_dataset_builder(…).report()`.

    Raises:
        OptionError: the data is of neither corpus, or an option cannot be.
        MissingDependencyError: jinja2 is not there.
        LimitError: the page is too large even without samples and dialogues.
    """
    _check(title, samples, resamples, reading)
    corpus = as_corpus(data)
    found = find(corpus, media=media, resamples=resamples, report=reading)
    context = {
        "title": shown(title, _MAX_TITLE_CHARS) if title else corpus.title,
        "corpus": corpus,
        "found": found,
        "media": media,
        "version": installed_version("emotalk-data") or "not installed",
    }
    return _fitting(corpus, context, choose_samples(corpus, samples), media=media)


def write_report(
    data: object,
    path: str | os.PathLike[str],
    *,
    episodes_dir: str | os.PathLike[str] | None = None,
    force: bool = False,
    title: str | None = None,
    samples: int = 12,
    media: bool = True,
    resamples: int = 1000,
) -> Path:
    """Write the page about a corpus to a file, and return its path.

    Args:
        data: as for `make_report`; or the folder of a release, or of a copy that `emotalk cache` made.
        path: the file. It is written whole or not at all.
        episodes_dir: M3ED: folder of the TV episodes you own; needs the folder of a release as `data`.
        force: replace a file that is there.
        title: as for `make_report`.
        samples: as for `make_report`.
        media: as for `make_report`.
        resamples: as for `make_report`.

    Raises:
        OptionError: as for `make_report`; or the file is there and `force` was not given, or cannot be written.
        MissingDependencyError: jinja2 is not there, which is looked at before anything is read.
        EmotalkError: as `load_dataset`, where the data is a folder.
    """
    _check(title, samples, resamples)
    target = _path(path)
    _check_target(target, force=force)
    report = None
    if isinstance(data, str | os.PathLike):
        data, report = _load(data, episodes_dir)
    elif episodes_dir is not None:
        raise OptionError(
            "episodes_dir belongs to the folder of a release; load_dataset takes it for a dataset."
        )
    page = make_report(
        data, title=title, samples=samples, media=media, resamples=resamples, reading=report
    ).encode()
    try:
        with whole_file(target) as file:
            file.write(page)
    except OSError as error:
        raise OptionError(
            f"{quote(str(target), 200)} cannot be written: {error.strerror or error}."
        ) from error
    return target


def _check(title: object, samples: object, resamples: int, reading: object = None) -> None:
    require("jinja2", extra="report", purpose="make the page")
    check_resampling(resamples, seed=0)
    if not (reading is None or hasattr(reading, "num_by_code")):
        raise OptionError(f"reading is {quote(reading)}; expected load_dataset_builder(…).report(), or None.")
    if not (title is None or isinstance(title, str)):
        raise OptionError(f"title is {quote(title)}; expected a text, or None.")
    if isinstance(samples, bool) or not isinstance(samples, int) or not 0 <= samples <= _MAX_SAMPLES:
        raise OptionError(f"samples is {quote(samples)}; expected a whole number from 0 to {_MAX_SAMPLES}.")


def _path(path: object) -> Path:
    """Return the file to write; what cannot be a file's name is refused before the work."""
    if not isinstance(path, str | os.PathLike):
        raise OptionError(f"path is {quote(path)}; expected the name of a file, such as report.html.")
    name = quote(os.fspath(path), 200)
    try:
        target = Path(path).expanduser()
        os.lstat(target)
    except FileNotFoundError:
        return target
    except (OSError, RuntimeError, TypeError, ValueError) as error:  # too long, nobody's home, bytes, a NUL
        told = getattr(error, "strerror", None) or error
        raise OptionError(f"{name} cannot be written: {told}.") from error
    return target


def _check_target(target: Path, *, force: bool) -> None:
    name = quote(str(target), 200)
    if target.is_dir():
        raise OptionError(f"{name} is a folder; expected the name of a file, such as report.html.")
    if target.exists() and not force:
        raise OptionError(
            f"{name} is there already; choose another name, or replace it with force=True (--force)."
        )
    if not target.parent.is_dir():
        raise OptionError(f"{name} cannot be written: there is no folder {quote(str(target.parent), 160)}.")


def _load(
    folder: str | os.PathLike[str], episodes_dir: str | os.PathLike[str] | None
) -> tuple[object, Report | None]:
    """Return the splits of a release and what was found in it; a copy does not tell what its release was like."""
    from emotalk_data.builder.copy_layout import is_copy
    from emotalk_data.builder.copy_manifest import read_manifest
    from emotalk_data.load import find_release, load_dataset_builder
    from emotalk_data.validation.validate import tell_corpus

    root = find_release("emotalk", folder)
    name = read_manifest(root).corpus if is_copy(root) else tell_corpus(root)
    builder = load_dataset_builder(name, data_dir=root, episodes_dir=episodes_dir)
    builder.download_and_prepare()
    return builder.as_dataset(), None if is_copy(root) else builder.report()


def _fitting(corpus: Corpus, context: Mapping[str, Any], rows: Sequence[int], *, media: bool) -> str:
    """Return the page with as much as fits: less sound of each sample, then fewer samples, then dialogues."""
    dialogues = timelines(corpus, _NUM_DIALOGUES)
    page, max_seconds = "", _SECONDS[0]
    cards = _cards(corpus, rows, media=media)
    for max_seconds in _SECONDS if media else _SECONDS[:1]:
        cards = tuple(
            with_less_sound(corpus, row, card, max_seconds) for row, card in zip(rows, cards, strict=True)
        )
        page = render(**context, part=_left_out(_Shown(cards, max_seconds, dialogues), cards, dialogues))
        if _fits(page):
            return page
    num_cards, num_dialogues = len(cards), len(dialogues)
    while num_cards or num_dialogues:
        num_cards, num_dialogues = (
            (num_cards * 3 // 4, num_dialogues) if num_cards else (0, num_dialogues // 2)
        )
        part = _Shown(cards[:num_cards], max_seconds, dialogues[:num_dialogues])
        page = render(**context, part=_left_out(part, cards, dialogues))
        if _fits(page):
            return page
    raise LimitError(
        f"the page has {number(len(page.encode()))} bytes without samples and dialogues; expected fewer than "
        f"{number(MAX_PAGE_BYTES)}. Give fewer splits."
    )


def _cards(corpus: Corpus, rows: Sequence[int], *, media: bool) -> tuple[Sample, ...]:
    """Return the cards of rows; the bar appears where decoding takes more than a second."""
    from datasets.utils import tqdm  # obeys datasets.disable_progress_bars()

    with tqdm(rows, desc="decoding samples", unit=" samples", delay=1) as bar:
        return tuple(make_sample(corpus, row, media=media, max_seconds=_SECONDS[0]) for row in bar)


def _fits(page: str) -> bool:
    return len(page.encode()) < MAX_PAGE_BYTES


def _left_out(part: _Shown, cards: Sequence[Sample], dialogues: Sequence[Dialogue]) -> _Shown:
    """Say what does not fit."""
    told = []
    num_cut = sum(
        1 for card in part.cards if card.sound and card.sound.shown_seconds < card.sound.seconds - 0.05
    )
    if num_cut:
        told.append(f"The sound of {plural(num_cut, 'sample')} is cut to {part.max_seconds:g} s.")
    limit = "to keep the page below 5 MB"
    if len(part.cards) < len(cards):
        told.append(f"{len(cards) - len(part.cards)} of {len(cards)} samples are left out {limit}.")
    if len(part.dialogues) < len(dialogues):
        told.append(
            f"{len(dialogues) - len(part.dialogues)} of {len(dialogues)} dialogues are left out {limit}."
        )
    return _Shown(part.cards, part.max_seconds, part.dialogues, tuple(told))
