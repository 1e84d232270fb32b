"""The lazy handle that a row of an `audio` or `video` column turns into.

A handle is a read-only mapping over the two fields that `datasets` stores, `bytes` and `path`, so a row that
holds one goes back into an Arrow table as it came, in `map` with several processes too. Two other forms were
tried and fail: with a plain object Arrow cannot infer a type in `map(num_proc=…)`; a subclass of `dict`
compares equal to the plain dict, so `batch(by_column=…)` leaves lists of it undecoded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Self

from emotalk_data.errors import OptionError, quote

__all__ = ["MediaClip"]

_BYTES = (bytes, bytearray, memoryview)
_FIELDS = ("bytes", "path")
_MAX_NAME_CHARS = 80


class MediaClip(Mapping[str, Any]):
    """A reference to sound or pictures: `bytes`, or a `path`, or both; `bytes` win when both are there.

    Nothing is opened, read or checked until something is asked of it, and a clip holds no handle afterwards:
    it can be pickled, sent to workers, and used by several threads at once.

    Equality and hash are by identity. Comparing media by value would mean to read it.

    Args:
        bytes: the content of a media file, kept without a copy.
        path: a file, or `tar://<member>::<archive>`, either followed by `#t=<start>,<end>` in seconds.

    Raises:
        OptionError: `bytes` or `path` is of another type.
    """

    __slots__ = ("__weakref__", "_data", "_path")

    _data: bytes | memoryview | None
    _path: str | None

    def __init__(
        self,
        bytes: bytes | bytearray | memoryview | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        if not (bytes is None or isinstance(bytes, _BYTES)):
            raise OptionError(f"bytes is {quote(bytes)}; expected the content of a media file, or None")
        if not (path is None or isinstance(path, str | os.PathLike)):
            raise OptionError(f"path is {quote(path)}; expected a path, or None")
        # A bytearray may be resized under us; a view of it would forbid that to its owner.
        self._data = _immutable(bytes) if isinstance(bytes, bytearray) else bytes
        self._path = None if path is None else os.fspath(path)

    def __getitem__(self, key: str) -> Any:
        if key == "bytes":
            return _immutable(self._data)
        if key == "path":
            return self._path
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(_FIELDS)

    def __contains__(self, key: object) -> bool:
        # The default asks `self[key]`, and a subclass decodes for some keys.
        return key in _FIELDS

    def __len__(self) -> int:
        return len(_FIELDS)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def update(self, other: Mapping[str, Any]) -> None:
        """Accept what is already there and nothing else: a clip cannot be changed.

        The DataLoader of torch copies each mapping in a batch and updates the copy with the same values
        when it converts or pins a batch; a mapping without `update` it would rebuild from its two fields,
        and the targets of the clip were lost.

        Raises:
            TypeError: any other value. torch then makes a plain dict.
        """
        for key, value in other.items():
            mine = self._data if key == "bytes" else self[key]
            if value is not mine and value != mine:
                raise TypeError(f"a clip cannot be changed; {quote(key)} was to become {quote(value)}")

    def __copy__(self) -> Self:
        clone = type(self).__new__(type(self))
        clone.__setstate__(self._attributes())
        return clone

    def __getstate__(self) -> dict[str, Any]:
        return {**self._attributes(), "_data": _immutable(self._data)}  # views cannot be pickled

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name})"

    def _attributes(self) -> dict[str, Any]:
        """Return what every class in the line keeps, in slots or not."""
        slots = (name for cls in type(self).__mro__ for name in getattr(cls, "__slots__", ()))
        kept = {name: getattr(self, name) for name in slots if name != "__weakref__" and hasattr(self, name)}
        return {**kept, **getattr(self, "__dict__", {})}

    @property
    def _name(self) -> str:
        """What to call this clip in a message: the last part of its path, or the number of its bytes."""
        if self._path is not None:
            file, _, window = self._path.partition("#t=")
            if file.startswith(("tar://", "zip://")):
                file = file.partition("::")[0]
            name = file.rpartition("/")[2]
            return quote(f"{name}#t={window}" if window else name, max_chars=_MAX_NAME_CHARS)
        if self._data is not None:
            return f"<{len(self._data)} bytes>"
        return "<nothing>"


MutableMapping.register(MediaClip)  # for `update`: torch asks for the type before it looks for the method


def _immutable(data: bytes | bytearray | memoryview | None) -> bytes | None:
    """Return the content as `bytes`; `bytes` are returned as they are."""
    return data if data is None or isinstance(data, bytes) else bytes(data)
