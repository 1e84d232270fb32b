"""Keys of a record in any spelling, brought to the release's own.

`Confidence_degree`, `confidence degree` and `Confidence-Degree` are one key. A release has few shapes of
objects and many objects, so what to do with a sequence of keys is worked out once and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from emotalk_data.errors import quote
from emotalk_data.schemas.problems import Note

__all__ = ["KeyCodes", "KeyMap", "Respelling"]

_MAX_KNOWN_SHAPES: Final = 512
_MAX_SHAPE_CHARS: Final = 2_000  # a hostile file may have a megabyte of keys: not kept
_MAX_UNKNOWN_KEYS: Final = 20  # of one object; more are reported as a number
_DROP_SEPARATORS: Final = str.maketrans("", "", " _-")


class Respelling(NamedTuple):
    """How the keys of one shape of object differ from the release's own."""

    renamed: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]
    collisions: tuple[tuple[str, str], ...]


class KeyCodes(NamedTuple):
    """The problem codes of one corpus for keys."""

    respelled: str
    unknown: str
    collision: str


_AS_RELEASED: Final = Respelling((), (), ())


def _fold(key: str) -> str:
    return key.translate(_DROP_SEPARATORS).lower()


class KeyMap:
    """The keys that an object may have.

    Args:
        keys: the release's own spelling of each key.
        synonyms: other words, and the key each stands for.
        silent: keys that other kinds of record have: neither used nor reported here.
    """

    def __init__(
        self, keys: Iterable[str], *, synonyms: Mapping[str, str] | None = None, silent: Iterable[str] = ()
    ) -> None:
        self.keys: Final = frozenset(keys)
        self._by_fold: Final = {_fold(key): key for key in self.keys}
        for word, key in (synonyms or {}).items():
            self._by_fold.setdefault(_fold(word), key)
        self._silent: Final = frozenset(_fold(key) for key in silent)
        self._known: Final[dict[tuple[str, ...], Respelling]] = {}
        self._as_released: Final[set[tuple[str, ...]]] = set()

    def is_as_released(self, records: Iterable[Any]) -> bool:
        """Say whether every key of some objects is the release's own. Objects of a shape seen before cost least.

        Raises:
            TypeError: one of them is a number, a boolean or None.
        """
        shapes = set(map(tuple, records))
        return shapes <= self._as_released or all(
            isinstance(record, Mapping) and self.respelling(record) is None for record in records
        )

    def respelling(self, record: Mapping[str, Any]) -> Respelling | None:
        """Return how the keys differ, or None when every key is the release's own."""
        shape = tuple(record)
        found = self._known.get(shape)
        if found is None:
            found = self._compare(shape)
            if len(self._known) < _MAX_KNOWN_SHAPES and sum(map(len, shape)) <= _MAX_SHAPE_CHARS:
                self._known[shape] = found
                if found is _AS_RELEASED:
                    self._as_released.add(shape)
        return None if found is _AS_RELEASED else found

    def apply(self, record: Mapping[str, Any], respelling: Respelling) -> dict[str, Any]:
        """Return the record with the release's spelling of its keys, without those that it does not know.

        Of two keys that mean the same the release's own spelling wins; the caller compares their values.
        """
        tidy = {key: value for key, value in record.items() if key in self.keys}
        for source, target in respelling.renamed:
            tidy[target] = record[source]
        return tidy

    def tidy(self, document: Mapping[str, Any], path: str, codes: KeyCodes, note: Note) -> dict[str, Any]:
        """Return a copy of an object with the release's own keys; report each key that was not one.

        Args:
            document: the object.
            path: its place in the file, or "".
            codes: the codes to report under.
            note: takes each finding.
        """
        respelling = self.respelling(document)
        if respelling is None:
            return dict(document)
        prefix = f"{path}." if path else ""
        for source, target in respelling.renamed:
            note(codes.respelled, prefix + quote(source)[1:-1], quote(source), quote(target))
        if len(respelling.unknown) > _MAX_UNKNOWN_KEYS:
            found = f"an object with {len(respelling.unknown):,} unknown keys"
            note(codes.unknown, path, found, "the release's keys")
        else:
            for key in respelling.unknown:
                note(codes.unknown, prefix + quote(key)[1:-1], "an unknown key", "a key of the release")
        tidy = self.apply(document, respelling)
        refused: set[str] = set()  # once is enough: a hostile file may spell a key in 100,000 ways
        for source, target in respelling.collisions:
            if target not in refused and document[source] != tidy[target]:
                refused.add(target)
                found, path = quote(document[source]), prefix + quote(source)[1:-1]
                note(codes.collision, path, found, f"the value of {target}")
                tidy[target] = None
        return tidy

    def _compare(self, shape: tuple[str, ...]) -> Respelling:
        renamed: list[tuple[str, str]] = []
        unknown: list[str] = []
        collisions: list[tuple[str, str]] = []
        taken = self.keys.intersection(shape)
        for key in shape:
            if key in self.keys:
                continue
            target = self._by_fold.get(_fold(key))
            if target is None:
                if _fold(key) not in self._silent:
                    unknown.append(key)
            elif target in taken or any(target == other for _, other in renamed):
                collisions.append((key, target))
            else:
                renamed.append((key, target))
        if not (renamed or unknown or collisions):
            return _AS_RELEASED
        return Respelling(tuple(renamed), tuple(unknown), tuple(collisions))
