"""What a function of the caller's is made of, as a digest: its source, and what is bound to it."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import PurePath
from types import CellType, CodeType
from typing import Any, Final, TypeAlias

import numpy as np

__all__ = ["Function", "source_digest", "unwrapped"]

Function: TypeAlias = Callable[[Any], Any]

_SIMPLE: Final = (bool, int, float, complex, str, bytes)


def source_digest(function: Function) -> str | None:
    """Return 32 hex digits of a function's source and what is bound to it; None where neither is known."""
    source, bound = _source(unwrapped(function)), _bound(function)
    if source is None and not bound:  # it was typed at a prompt, or is not Python
        return None
    text = "\0".join([source or "", *(_texts(bound, {}) if bound else ())])
    return blake2b(text.encode(), digest_size=16).hexdigest()


def unwrapped(function: Function) -> Any:
    """Return the function itself that partials and decorators are around."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(function)


def _source(inner: Any) -> str | None:
    has_own = inspect.isroutine(inner) or inspect.isclass(inner) or inspect.iscode(inner)
    try:
        return inspect.getsource(inner if has_own else type(inner))
    except (OSError, TypeError):
        return None


def _bound(function: Any) -> list[Any]:
    """Return what is bound to a function and to what it wraps, as a partial or a decorator; nothing empty."""
    if isinstance(function, functools.partial):
        given = (function.args, dict(sorted(function.keywords.items())))
        return [*filter(None, given), *_bound(function.func)]
    code, inner, found = getattr(function, "__code__", None), getattr(function, "__wrapped__", None), []
    if isinstance(code, CodeType):
        cells = zip(code.co_freevars, function.__closure__ or (), strict=False)
        # A cell that is not filled yet equals an empty one.
        closure = {name: cell.cell_contents for name, cell in cells if cell != CellType()}
        decorator = _source(code) if closure and inner is not None else None
        found = [closure, decorator, function.__defaults__, function.__kwdefaults__, _globals(function)]
    return [*filter(None, found), *(() if inner is None else _bound(inner))]


def _globals(function: Any) -> dict[str, Any]:
    """Return the simple globals that a function reads, and does not set."""
    codes = [function.__code__]
    for code in codes:  # and those of functions that are written in it
        codes += filter(inspect.iscode, code.co_consts)
    steps = {(step.opname, step.argval) for code in codes for step in dis.get_instructions(code)}
    read = sorted(name for step, name in steps if step == "LOAD_GLOBAL" and not name.startswith("__"))
    found = {name: function.__globals__.get(name) for name in read if ("STORE_GLOBAL", name) not in steps}
    return {name: value for name, value in found.items() if isinstance(value, (*_SIMPLE, tuple))}


def _texts(value: Any, seen: dict[int, Any]) -> Iterator[str]:
    """Yield texts of a value that are the same in every process; of an object the name of its type alone."""
    parts: Iterable[Any] = ()
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        yield f"{value.dtype} {value.shape} {blake2b(value.tobytes()).hexdigest()}"
    elif isinstance(value, _SIMPLE):
        kind = next(kind for kind in _SIMPLE if isinstance(value, kind))
        yield kind.__repr__(value)  # not a subclass's own
    elif isinstance(value, PurePath):
        yield repr(str(value))
    elif isinstance(value, set | frozenset):  # without an order, so that no item is known from another
        parts = sorted("\0".join(_texts(item, dict(seen))) for item in value)
    elif isinstance(value, tuple):
        parts = value
    elif not (isinstance(value, list | dict | functools.partial) or inspect.isroutine(value)):
        yield _full_name(value)
    elif id(value) in seen:
        yield f"seen {list(seen).index(id(value))}"
    else:
        seen[id(value)] = value  # kept, so that nothing else gets its id
        if isinstance(value, list | dict):
            parts = value if isinstance(value, list) else value.items()
        else:
            inner = unwrapped(value)
            parts = [_source(inner) or _full_name(inner), *_bound(value)]
    yield f"{type(value).__name__} of"
    for part in parts:
        yield from _texts(part, seen)
    yield "end"


def _full_name(value: Any) -> str:
    named = value if isinstance(getattr(value, "__name__", None), str) else type(value)
    return f"{getattr(named, '__module__', None)}.{getattr(named, '__qualname__', named.__name__)}"
