"""The file of a missing pattern: a line an utterance, which a person can read and `git diff` can show.

    {
    "format": "emotalk-missing",
    "version": 1,
    "protocol": "fixed_rate",
    "parameters": {"keep_one": true, "modalities": ["text", "audio", "video"], "rate": 0.3},
    "seed": 0,
    "digest": "4c0e…",
    "order": ["text", "audio", "video"],
    "states": {"+": "available", "-": "lost by the protocol", ".": "absent in the data"},
    "utterances": {
    "G00001_01_01_001": "+-+",
    "G00001_01_02_003": "++."
    }
    }

The digest is of what the file says, not of how it is laid out: it stays the same when the file is formatted anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emotalk_data._whole_file import whole_file
from emotalk_data.errors import LimitError, OptionError, SchemaError, quote
from emotalk_data.schemas.strict_json import read_json
from emotalk_data.views.modalities.presence import INPUTS, Input

__all__ = [
    "ABSENT",
    "AVAILABLE",
    "LOST",
    "MAX_SEED",
    "MissingFile",
    "MissingParameters",
    "Protocol",
    "digest_of",
    "read_missing_file",
    "write_missing_file",
]

Protocol = Literal["fixed_rate", "per_modality", "dialogue", "block", "only"]

AVAILABLE, LOST, ABSENT = "+", "-", "."
_STATES: Final = {AVAILABLE: "available", LOST: "lost by the protocol", ABSENT: "absent in the data"}

MAX_SEED: Final = 2**63 - 1
_MAX_BYTES: Final = 64 << 20  # of 19,250 utterances: half a megabyte
_Rate = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class MissingParameters(_Part):
    """What a pattern was made with; None for what its protocol does not have.

    Attributes:
        rate: share of the cells that go missing, 0 to 1.
        rates: the same by modality.
        modalities: those that may go missing, in the order of `INPUTS`.
        block_length: utterances of a block.
        only: the modalities that stay.
        keep_one: no utterance loses the last modality that it has.
    """

    rate: _Rate | None = None
    rates: dict[Input, _Rate] | None = None
    modalities: list[Input] | None = None
    block_length: Annotated[int, Field(ge=1)] | None = None
    only: list[Input] | None = None
    keep_one: bool


class MissingFile(_Part):
    """What is in a file, checked."""

    format: Literal["emotalk-missing"] = "emotalk-missing"
    version: Literal[1] = 1
    protocol: Protocol
    parameters: MissingParameters
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    order: list[Input] = list(INPUTS)
    states: dict[str, str] = _STATES
    utterances: dict[str, Annotated[str, Field(pattern=r"^[-+.]{3}$")]]


def digest_of(protocol: Protocol, parameters: MissingParameters, seed: int, states: dict[str, str]) -> str:
    """Return what names a pattern, 32 hexadecimal digits: of all that its file says.

    Args:
        protocol: its name.
        parameters: what it was made with.
        seed: what it was drawn from.
        states: three signs by utterance id, for text, audio and video.
    """
    said = [1, protocol, parameters.model_dump(mode="json", exclude_none=True), seed, states]
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def write_missing_file(content: MissingFile, path: str | os.PathLike[str]) -> None:
    """Write the file, all of it or nothing.

    Raises:
        OptionError: it cannot be written there.
    """
    _check_path(path)
    try:
        with whole_file(path) as file:
            file.writelines(line.encode("utf-8") for line in _lines(content))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise OptionError(
            f"cannot write the missing pattern {quote(os.fspath(path))}: {reason}. "
            f"Name a file in a folder that you may write to.",
            path=os.fspath(path),
        ) from error


def _check_path(path: object) -> None:
    if not isinstance(path, str | os.PathLike):
        raise OptionError(f"the path of the missing pattern is {quote(path)}; expected the name of a file.")


def _lines(content: MissingFile) -> Iterator[str]:
    head = content.model_dump(mode="json", exclude_none=True)
    states = sorted(head.pop("utterances").items())
    yield "{\n"
    for name, value in head.items():
        yield f'"{name}": {json.dumps(value, sort_keys=name == "parameters")},\n'
    yield '"utterances": {\n'
    yield ",\n".join(f'{json.dumps(key, ensure_ascii=False)}: "{value}"' for key, value in states)
    yield "\n}\n}\n"


def read_missing_file(path: str | os.PathLike[str]) -> MissingFile:
    """Read the file, in whatever way its JSON is laid out, and check its digest.

    Raises:
        OptionError: the file cannot be read.
        LimitError: it is larger than any pattern.
        DecodeError: it is not strict JSON; a key that is there twice included.
        SchemaError: it is no pattern of a version that this one knows, or was changed after it was written.
    """
    _check_path(path)
    name = os.fspath(path)
    document = read_json(_read(name), file=name, max_bytes=_MAX_BYTES)
    _check_version(document, name)
    try:
        content = MissingFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        _refuse(name, f"{where} is {quote(first['input'])}: {first['msg']}")
    if tuple(content.order) != INPUTS or content.states != _STATES:
        _refuse(name, f"order and states are {quote([content.order, content.states], 160)}")
    expected = digest_of(content.protocol, content.parameters, content.seed, content.utterances)
    if content.digest != expected:
        raise SchemaError(
            f"{quote(name)} was changed after it was written: it says digest {content.digest}, and what it "
            f"holds has {expected}. Take the file from where it came, or make the pattern again.",
            path=name,
        )
    return content


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise OptionError(
            f"cannot read the missing pattern {quote(name)}: {reason}. "
            f"Name a file that MissingPattern.save wrote.",
            path=name,
        ) from error
    if len(raw) > _MAX_BYTES:
        raise LimitError(f"{quote(name)} has more than {_MAX_BYTES:,} bytes; no pattern has.", path=name)
    return raw


def _check_version(document: Any, name: str) -> None:
    """Refuse another format, and a later version of ours, before the details are looked at."""
    if not isinstance(document, dict) or document.get("format") != "emotalk-missing":
        _refuse(name, 'it does not say "format": "emotalk-missing"')
    if document.get("version") != 1:
        raise SchemaError(
            f"{quote(name)} is a missing pattern of version {quote(document.get('version'))}; this emotalk_data "
            f"knows version 1. Install the emotalk_data that wrote it.",
            path=name,
        )


def _refuse(name: str, reason: str) -> NoReturn:
    raise SchemaError(
        f"{quote(name)} is not a missing pattern: {reason}. Name a file that MissingPattern.save wrote.",
        path=name,
    )
