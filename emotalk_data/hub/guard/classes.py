"""Redistribution classes, and the licence table as data: what of which corpus may go where."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from emotalk_data.hub.staged import Visibility

__all__ = ["LICENCE_TABLE", "Cell", "Corpus", "RedistributionClass", "cell_of"]

Corpus = Literal["emotalk", "m3ed"]
RedistributionClass = Literal[
    "labels", "transcripts", "captions", "frames", "vectors", "recognition", "media", "unknown", "record"
]
"""What a column is, as far as sharing goes.

labels       labels, ids, times, splits: what annotators and this library say of an utterance
transcripts  what is said, and the marks in it
captions     how it sounds, in words
frames       features of frames or tokens
vectors      features of whole utterances
recognition  embeddings made to tell speakers or faces apart
media        sound, pictures, crops, thumbnails, samples: in whatever form
unknown      what is on no list
record       how a set was made: footers, plans, file names; not of the corpus, and looked through all the same
"""


class Cell(NamedTuple):
    """One cell of the licence table.

    Attributes:
        is_allowed: whether it may be shared.
        flag: the flag that it needs; None where it needs none, or where none helps.
        clause: the text relied on.
    """

    is_allowed: bool
    flag: str | None
    clause: str


_SHARE_ALIKE: Final = (
    "CC BY-NC-SA 4.0, 3(b)(1): the licence applied must be one “with the same License Elements, this version "
    "or later”"
)
_GATED: Final = (
    "CC BY-NC-SA 4.0, 2(a)(1): shared “for NonCommercial purposes only”; the authors' release is gated, so who "
    "reads what was derived from it agrees to the same"
)
_PERSONS: Final = (
    "CC BY-NC-SA 4.0, 2(b)(1): “publicity, privacy, and/or other similar personality rights” are not licensed; "
    "the release is gated by its authors"
)
_NO_LICENCE: Final = (
    "M3ED has no licence file: nothing is permitted beyond what its authors allow when asked; they release "
    "annotations and features"
)
_SERIES: Final = (
    "M3ED has no licence file, and the series are under copyright: its authors release annotations and features "
    "only"
)
_NOT_LISTED: Final = "the licence table says nothing of it, and what is on no list is not shared"

_YES: Final = True
_NO: Final = False
_EMOTALK: Final[Mapping[str, Mapping[Visibility, Cell]]] = {
    "labels": {
        "private": Cell(_YES, None, _SHARE_ALIKE),
        "gated": Cell(_YES, None, _SHARE_ALIKE),
        "public": Cell(_YES, None, _SHARE_ALIKE),
    },
    "transcripts": {
        "private": Cell(_YES, "transcripts", _GATED),
        "gated": Cell(_YES, "transcripts", _GATED),
        "public": Cell(_NO, None, _GATED),
    },
    "captions": {
        "private": Cell(_YES, "captions", _GATED),
        "gated": Cell(_YES, "captions", _GATED),
        "public": Cell(_NO, None, _GATED),
    },
    "frames": {
        "private": Cell(_YES, "frame-features", _GATED),
        "gated": Cell(_YES, "frame-features", _GATED),
        "public": Cell(_NO, None, _GATED),
    },
    "vectors": {
        "private": Cell(_YES, None, _GATED),
        "gated": Cell(_YES, None, _GATED),
        "public": Cell(_NO, None, _GATED),
    },
    "recognition": dict.fromkeys(("private", "gated", "public"), Cell(_NO, None, _PERSONS)),
    "media": dict.fromkeys(("private", "gated", "public"), Cell(_NO, None, _PERSONS)),
}
_M3ED: Final[Mapping[str, Mapping[Visibility, Cell]]] = {
    "labels": {
        "private": Cell(_YES, "m3ed-private", _NO_LICENCE),
        "gated": Cell(_NO, None, _NO_LICENCE),
        "public": Cell(_NO, None, _NO_LICENCE),
    },
    "transcripts": dict.fromkeys(("private", "gated", "public"), Cell(_NO, None, _SERIES)),
    "captions": dict.fromkeys(("private", "gated", "public"), Cell(_NO, None, _SERIES)),
    "frames": dict.fromkeys(("private", "gated", "public"), Cell(_NO, None, _SERIES)),
    "vectors": {
        "private": Cell(_YES, None, _NO_LICENCE),
        "gated": Cell(_NO, None, _NO_LICENCE),
        "public": Cell(_NO, None, _NO_LICENCE),
    },
    "recognition": dict.fromkeys(("private", "gated", "public"), Cell(_NO, None, _SERIES)),
    "media": dict.fromkeys(("private", "gated", "public"), Cell(_NO, None, _SERIES)),
}

_TABLES: Final[Mapping[Corpus, Mapping[str, Mapping[Visibility, Cell]]]] = {
    "emotalk": _EMOTALK,
    "m3ed": _M3ED,
}

LICENCE_TABLE: Final[Mapping[tuple[Corpus, str, Visibility], Cell]] = MappingProxyType(
    {
        (corpus, name, visibility): cell
        for corpus, classes in _TABLES.items()
        for name, cells in classes.items()
        for visibility, cell in cells.items()
    }
)
"""(corpus, class, visibility) -> what may be done. A flag that a cell names must be given; none helps a "no"."""


def cell_of(corpus: Corpus | None, name: RedistributionClass, visibility: Visibility) -> Cell:
    """Return the cell of a class; what is on no list, or of no known corpus, is refused."""
    if name == "record":
        return Cell(True, None, "of how it was made, not of the corpus: any text in it is looked through")
    if corpus is None:
        return Cell(False, None, "nothing says whose utterances these are, so no licence can be relied on")
    return LICENCE_TABLE.get((corpus, name, visibility), Cell(False, None, _NOT_LISTED))
