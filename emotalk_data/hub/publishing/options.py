"""What was asked for, checked before anything is read, staged or sent."""

from __future__ import annotations

import re
from typing import Final, Literal

from emotalk_data.errors import OptionError, quote

__all__ = ["Gate", "check_gate", "check_repo_id", "check_tag"]

Gate = Literal["manual", "auto", False]
"""Who is let in to a public repository: whom its owner lets in; whoever accepts the terms; everybody."""

_GATES: Final = ("manual", "auto", False)
_NAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_REPO_ID: Final = re.compile(rf"{_NAME}/{_NAME}")
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


def check_repo_id(repo_id: object) -> str:
    """Return the name of a repository, which must have its owner before the slash.

    Raises:
        OptionError: it has none, or is no name.
    """
    is_name = isinstance(repo_id, str) and len(repo_id) <= 96 and _REPO_ID.fullmatch(repo_id)
    if not isinstance(repo_id, str) or not is_name or "--" in repo_id or ".." in repo_id:
        raise OptionError(
            f"repo_id is {quote(repo_id)}; expected OWNER/NAME with letters, digits, '-', '_' and '.', such "
            f"as 'lab/emotalk-hubert'. OWNER is your account, or an organisation of yours."
        )
    return repo_id


def check_gate(gated: object) -> Gate:
    """Return a gate.

    Raises:
        OptionError: it is none.
    """
    for gate in _GATES:
        if gated is gate or (isinstance(gated, str) and gated == gate):
            return gate
    raise OptionError(
        f"gated is {quote(gated)}; expected 'manual' (you let each one in), 'auto' (whoever accepts the "
        f"terms) or False (no gate)."
    )


def check_tag(tag: object) -> str | None:
    """Return a tag, or None where none was given.

    Raises:
        OptionError: it is no name for a tag.
    """
    if tag is None:
        return None
    if isinstance(tag, str) and _TAG.fullmatch(tag) and ".." not in tag and tag not in ("main", "HEAD"):
        return tag
    raise OptionError(
        f"tag is {quote(tag)}; expected letters, digits, '.', '-', '_' and '+', such as 'v1'; or None for a "
        f"tag that is made from the content."
    )
