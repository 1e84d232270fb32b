"""The instructions of a pickle that is read safely, and what each does to the stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from emotalk_data.errors import quote
from emotalk_data.features.exporting.pickle_bytes import PickleBytes, TooLargeError
from emotalk_data.features.exporting.pickled_arrays import (
    NAMES,
    Name,
    RefusedError,
    UnbuiltArray,
    UnbuiltType,
    build_array,
    build_type,
    is_key,
    key_set,
)

__all__ = ["PickleReader"]

_MAX_INSTRUCTIONS: Final = 1_000_000
"""Twice what M3ED's 24,449 utterances need, with labels that are numbers of numpy, the longest form."""
_MAX_STACK: Final = 100_000


class _Mark:
    """Where the items of a container begin on the stack."""


_MARK: Final = _Mark()
_DONE: Final = object()


class PickleReader:
    """One reading: a stack of values, and the values that are referred to again.

    Attributes:
        at: the byte of the instruction that is being read.
        source: the bytes.
    """

    def __init__(self, data: memoryview) -> None:
        self.at = 0
        self.source = PickleBytes(data)
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._unbuilt: dict[int, tuple[object, list[int]]] = {}
        self._num_unbuilt = 0
        self._num_copied_items = 0
        self._num_copied_bytes = 0
        self._actions = _actions(self)

    def run(self) -> Any:
        """Follow the instructions to their end and return what they leave."""
        actions, source = self._actions, self.source
        for _ in range(_MAX_INSTRUCTIONS):
            self.at = source.next
            instruction = source.data[source.next]
            action = actions.get(instruction)
            if action is None:
                raise RefusedError(f"instruction {chr(instruction)!r}, which features do not need,")
            source.next += 1
            if action() is _DONE:
                return self._result()
            if len(self._stack) > _MAX_STACK:
                raise TooLargeError(f"more than {_MAX_STACK:,} unfinished values")
        raise TooLargeError(f"more than {_MAX_INSTRUCTIONS:,} instructions")

    def forget(self) -> None:
        """Let go of everything: the actions refer to the reader, and it to them."""
        self._actions = {}
        self._memo.clear()
        self._stack.clear()
        self._unbuilt.clear()

    def _result(self) -> Any:
        if self.source.next != len(self.source.data):
            raise RefusedError("something behind its end")
        if (
            len(self._stack) != 1
            or self._num_unbuilt
            or isinstance(self._stack[0], _Mark | UnbuiltType | Name)
        ):
            raise RefusedError("an end in the middle of a value")
        return self._stack[0]

    # The stack.

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def pop(self) -> Any:
        """Take a value from the stack, never a mark."""
        value = self._stack.pop()
        if value is _MARK:
            raise RefusedError("a container without items")
        return value

    def last(self, count: int) -> tuple[Any, ...]:
        """Take values from the stack, in the order in which they were put there."""
        items = tuple(self._stack[-count:])
        if len(items) < count or any(item is _MARK for item in items):
            raise RefusedError("a container without items")
        del self._stack[-count:]
        return items

    def pop_items(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        stack = self._stack
        place = len(stack) - 1
        while place >= 0 and stack[place] is not _MARK:
            place -= 1
        if place < 0:
            raise RefusedError("the end of a container that has no beginning")
        items = stack[place + 1 :]
        del stack[place:]
        return items

    def container(self, of: type[list[Any]] | type[dict[Any, Any]] | type[set[Any]]) -> Any:
        """Return the container on the top of the stack."""
        if not self._stack or type(self._stack[-1]) is not of:
            raise RefusedError(f"items for a {of.__name__} that is none")
        return self._stack[-1]

    # What the instructions do.

    def set_items(self, items: list[Any]) -> None:
        """Put keys and values into the dict below them."""
        into = self.container(dict)
        if len(items) % 2:
            raise RefusedError("a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not is_key(key):
                raise RefusedError("a key that is neither a text nor a number")
            if key in into:
                raise RefusedError(f"the key {quote(key)} twice")
            into[key] = value

    def add_items(self, items: list[Any]) -> None:
        """Put items into the set below them."""
        self.container(set).update(key_set(items))

    def extend(self, items: list[Any]) -> None:
        """Put items behind those of the list below them."""
        self.container(list).extend(items)

    def remember(self, place: int | None = None) -> None:
        """Keep the value on the top of the stack, for later references; in the next place for None."""
        place = len(self._memo) if place is None else place
        if place > _MAX_INSTRUCTIONS:
            raise TooLargeError(f"a reference to value {place:,}")
        value = self._stack[-1]
        if value is _MARK:
            raise RefusedError("a reference to nothing")
        self._memo[place] = value
        if isinstance(value, UnbuiltArray | UnbuiltType):
            self._unbuilt.setdefault(id(value), (value, []))[1].append(place)

    def recall(self, place: int) -> None:
        """Put a value on the stack once more."""
        if place not in self._memo:
            raise RefusedError("a reference to a value that is not there")
        if isinstance(self._memo[place], UnbuiltArray):
            raise RefusedError("an array that holds itself")
        self.push(self._memo[place])

    def find(self, module_and_name: tuple[object, ...]) -> None:
        """Put one of the few names on the stack that are known here."""
        module, name = module_and_name
        if not isinstance(module, str) or not isinstance(
            name, str
        ):  # never shown: lists of lists have no end
            raise RefusedError("a name that is no text")
        known = NAMES.get((module, name))
        if known is None:
            raise RefusedError(f"the name {quote(module)}, {quote(name)}, which features do not need,")
        self.push(known)

    def call(self) -> None:
        """Make what one of the names stands for."""
        function, arguments = self.last(2)
        if not isinstance(function, Name) or function.call is None or not isinstance(arguments, tuple):
            raise RefusedError("a call of something that cannot be called")
        made = function.call(arguments)
        self._count_copy(made)
        self._num_unbuilt += isinstance(made, UnbuiltArray)
        self.push(made)

    def build(self) -> None:
        """Finish a type or an array, also where it is referred to."""
        unbuilt, state = self.last(2)
        if isinstance(unbuilt, UnbuiltType):
            built: Any = build_type(unbuilt, state)
        elif isinstance(unbuilt, UnbuiltArray):
            built = build_array(state)
            self._num_unbuilt -= 1
            if built is not state[-1]:  # objects stay in the list that they are in
                self._count_copy(built)
        else:
            raise RefusedError("a state for something that has none")
        _, places = self._unbuilt.pop(id(unbuilt), (None, ()))
        for place in places:
            if self._memo[place] is unbuilt:
                self._memo[place] = built
        self.push(built)

    def _count_copy(self, made: object) -> None:
        """Refuse more copies than the file has bytes: a reference of two bytes can ask for a large one again."""
        if isinstance(made, list | set):
            self._num_copied_items += len(made)
        texts = made if isinstance(made, list) else (made,)
        self._num_copied_bytes += sum(len(one) for one in texts if isinstance(one, str | memoryview))
        if self._num_copied_items > _MAX_INSTRUCTIONS or self._num_copied_bytes > len(self.source.data):
            raise TooLargeError("copies of copies of a value")


def _actions(reader: PickleReader) -> dict[int, Callable[[], Any]]:
    """Return what each instruction does. What is not here is refused: persistent ids, extensions, old forms."""
    actions = {**_value_actions(reader), **_container_actions(reader), **_other_actions(reader)}
    return {instruction[0]: action for instruction, action in actions.items()}


def _value_actions(reader: PickleReader) -> dict[bytes, Callable[[], Any]]:
    """Numbers, texts and bytes."""
    source, push = reader.source, reader.push
    take, number, text, integer = source.take, source.number, source.text, source.integer
    return {
        b"N": lambda: push(None),
        b"\x88": lambda: push(True),
        b"\x89": lambda: push(False),
        b"K": lambda: push(number("<B")),
        b"M": lambda: push(number("<H")),
        b"J": lambda: push(number("<i")),
        b"\x8a": lambda: push(integer(number("<B"))),
        b"\x8b": lambda: push(integer(number("<I"))),
        b"G": lambda: push(number(">d")),
        b"\x8c": lambda: push(text(number("<B"))),
        b"X": lambda: push(text(number("<I"))),
        b"\x8d": lambda: push(text(number("<Q"))),
        b"C": lambda: push(take(number("<B"))),
        b"B": lambda: push(take(number("<I"))),
        b"\x8e": lambda: push(take(number("<Q"))),
        b"\x96": lambda: push(take(number("<Q"))),
    }


def _container_actions(reader: PickleReader) -> dict[bytes, Callable[[], Any]]:
    """Lists, tuples, dicts and sets."""
    push, pop_items = reader.push, reader.pop_items
    return {
        b"(": lambda: push(_MARK),
        b"]": lambda: push([]),
        b"}": lambda: push({}),
        b"\x8f": lambda: push(set()),
        b")": lambda: push(()),
        b"\x85": lambda: push(reader.last(1)),
        b"\x86": lambda: push(reader.last(2)),
        b"\x87": lambda: push(reader.last(3)),
        b"t": lambda: push(tuple(pop_items())),
        b"\x91": lambda: push(key_set(pop_items())),
        b"a": lambda: reader.extend(list(reader.last(1))),
        b"e": lambda: reader.extend(pop_items()),
        b"s": lambda: reader.set_items(list(reader.last(2))),
        b"u": lambda: reader.set_items(pop_items()),
        b"\x90": lambda: reader.add_items(pop_items()),
    }


def _other_actions(reader: PickleReader) -> dict[bytes, Callable[[], Any]]:
    """References, names and calls; beginning and end."""
    source = reader.source
    number = source.number
    return {
        b"\x80": lambda: _check_protocol(number("<B")),
        b"\x95": lambda: number("<Q"),  # the length of a frame, for readers of streams
        b".": lambda: _DONE,
        b"0": reader.pop,
        b"q": lambda: reader.remember(number("<B")),
        b"r": lambda: reader.remember(number("<I")),
        b"\x94": reader.remember,
        b"h": lambda: reader.recall(number("<B")),
        b"j": lambda: reader.recall(number("<I")),
        b"c": lambda: reader.find((source.line(), source.line())),
        b"\x93": lambda: reader.find(reader.last(2)),
        b"R": reader.call,
        b"b": reader.build,
    }


def _check_protocol(protocol: int) -> None:
    if not 2 <= protocol <= 5:
        raise RefusedError(f"protocol {protocol} (save it again with protocol 4)")
