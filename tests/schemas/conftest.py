from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Put = Callable[[dict[str, Any], tuple[int | str, ...], Any], dict[str, Any]]


@pytest.fixture(scope="session")
def put() -> Put:
    """Returns a copy of a document in which one place holds another value."""

    def put(document: dict[str, Any], steps: tuple[int | str, ...], value: Any) -> dict[str, Any]:
        return _put(document, steps, value)  # type: ignore[no-any-return]  # the document is an object

    return put


def _put(node: Any, steps: tuple[int | str, ...], value: Any) -> Any:
    if not steps:
        return value
    first, rest = steps[0], steps[1:]
    if isinstance(node, list):
        return [_put(item, rest, value) if index == first else item for index, item in enumerate(node)]
    return {**node, first: _put(node[first], rest, value)}
