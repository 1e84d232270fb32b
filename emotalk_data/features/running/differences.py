"""Where two specs differ, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emotalk_data.errors import quote

__all__ = ["spec_differences"]

_MAX_SHOWN = 4


def spec_differences(there: Mapping[str, Any], here: Mapping[str, Any], *, prefix: str = "") -> list[str]:
    """Say where two specs, as dicts, differ: `params.sampling_rate is 16000 there and 8000 here`.

    At most four of them: a message has 500 characters.
    """
    found: list[str] = []
    for name in {**there, **here}:
        one, other = there.get(name), here.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += spec_differences(one, other, prefix=f"{prefix}{name}.")
        elif one != other:
            shown = ["not given" if value is None else quote(value) for value in (one, other)]
            found.append(f"{prefix}{name} is {shown[0]} there and {shown[1]} here")
    return found[:_MAX_SHOWN]
