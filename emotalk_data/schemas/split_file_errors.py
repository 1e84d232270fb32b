"""What is wrong with a split file, with the JSON path of the value."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from emotalk_data.errors import SchemaError, printable, quote

__all__ = ["in_file", "schema_error", "wrong_value"]

_OF_LATER: Final = ("extra_forbidden", "literal_error")


def wrong_value(json_path: str, what: str, expected: str) -> SchemaError:
    """Return an error that says what is at a place, and what should be there."""
    subject = f"{json_path} {what}" if json_path else f"it {what}"
    return SchemaError(f"{subject}; expected {expected}.", json_path=json_path)


def schema_error(error: ValidationError) -> SchemaError:
    """Turn Pydantic's first complaint into ours, with the JSON path of the value."""
    first = error.errors(include_url=False)[0]
    is_name = first["loc"][-1:] == ("[key]",)
    path = ""
    for step in first["loc"][:-2] if is_name else first["loc"]:
        path += f"[{step}]" if isinstance(step, int) else f".{printable(str(step))}" if path else str(step)
    ours = first.get("ctx", {}).get("error")
    if isinstance(ours, SchemaError):  # of a part, which knows its own paths
        return SchemaError(f"{path}.{ours.message}", json_path=f"{path}.{ours.json_path}") if path else ours
    if is_name and first["type"] == "string_pattern_mismatch":
        expected = "names of letters, digits and _, a letter first, 40 characters at most"
        return wrong_value(path, f"has the name {quote(first['input'])}", expected)
    if first["type"] == "missing":
        return wrong_value(path, "is missing", "a value there")
    hint = " If a later version wrote the file, update emotalk_data." if first["type"] in _OF_LATER else ""
    return SchemaError(f"{path} is {quote(first['input'])}: {first['msg']}.{hint}", json_path=path)


def in_file(error: SchemaError, file: str) -> SchemaError:
    """Return the same error with the name of the file."""
    return SchemaError(f"{file}: {error.message}", path=file, json_path=error.json_path)
