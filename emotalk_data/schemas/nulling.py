"""Validate an object, and put null where a value cannot be taken.

A row is worth keeping when one of its values is not: that value becomes null, and is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

__all__ = ["json_path", "validate_or_null"]

Model = TypeVar("Model", bound=BaseModel)

_MAX_ROUNDS: Final = 20


def json_path(steps: tuple[int | str, ...]) -> str:
    """Write a place in a document: `("data", 2, "emotion")` is `data[2].emotion`."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def validate_or_null(
    model: type[Model],
    document: dict[str, Any],
    on_error: Callable[[tuple[int | str, ...], ErrorDetails], None],
) -> Model:
    """Validate `document`; set every value that fails to None and call `on_error` for each.

    An item of a list that is not the object it should be becomes an empty one, so that the others keep their
    places.

    Args:
        model: a model whose every field may be None.
        document: parsed JSON; it is not changed.
        on_error: called with the path of the value and Pydantic's details (the value itself is in `input`).
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
    nulled: set[tuple[int | str, ...]] = set()
    for _ in range(_MAX_ROUNDS):
        for detail in details:
            steps = detail["loc"]
            if steps not in nulled:
                on_error(steps, detail)
            while steps in nulled and len(steps) > 1:
                steps = steps[:-1]  # null is not allowed there: what holds it becomes null
            nulled.add(steps)
            is_item = isinstance(steps[-1], int) and detail["type"] == "model_type"
            document = _put(document, steps, {} if is_item else None)
        try:
            return model.model_validate(document)
        except ValidationError as error:
            details = error.errors(include_url=False)
    raise RuntimeError(f"{model.__name__} has a field that may not be None: {details[0]['loc']}")


def _put(node: Any, steps: tuple[int | str, ...], value: Any) -> Any:
    """Return `node` with another value at one place; only what holds that place is copied."""
    if not steps:
        return value
    if node is None:  # set in the same round
        return None
    node = node.copy()
    node[steps[0]] = _put(node[steps[0]], steps[1:], value)
    return node
