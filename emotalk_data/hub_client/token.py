"""A token that shows itself nowhere: not in a log, a traceback with locals, a pickle or an error."""

from __future__ import annotations

import re
from typing import Final, NoReturn, final

from emotalk_data.errors import HubLoginError, OptionError

__all__ = ["HOW_TO_LOG_IN", "Token", "find_token", "hide_token", "without_tokens"]

HOW_TO_LOG_IN: Final = (
    "Make a token at huggingface.co/settings/tokens, then run `hf auth login` or set HF_TOKEN"
)

_SHOWN: Final = "<token>"
_ANY_TOKEN: Final = re.compile(r"hf_[A-Za-z0-9]{8,}")


@final
class Token:
    """A Hub token. `repr` and `str` hide it, it has no `__dict__`, and it cannot be copied or pickled."""

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        # A closure and no attribute: what prints the attributes of objects prints a function.
        text = text.strip()

        def reveal() -> str:
            return text

        self._reveal = reveal

    def reveal(self) -> str:
        """Return the token itself. Give it to the client at once, and keep it in no variable."""
        return self._reveal()

    def __repr__(self) -> str:
        return _SHOWN

    __str__ = __repr__

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a token is not pickled or copied: find it again with find_token(None)")


def hide_token(token: bool | str | Token | None) -> bool | Token | None:
    """Return a token that was given as text as a `Token`, and anything else as it is; nothing is looked up."""
    return Token(token) if isinstance(token, str) else token


def find_token(token: bool | str | Token | None) -> Token | None:
    """Return the token to use. A caller replaces its own variable by the result at once.

    Args:
        token: the token itself; None for the one of HF_TOKEN or of `hf auth login`, if there is one; True where
            there must be one; False for none.

    Raises:
        HubLoginError: True, and there is none; or one that cannot be a token.
        OptionError: neither of these.
    """
    if token is None or token is True:
        found = _stored_token(is_asked=token is True)
        if found is None and token is True:
            raise HubLoginError(f"token=True, and there is no token. {HOW_TO_LOG_IN}.")
        return found
    if token is False:
        return None
    token = hide_token(token)
    if isinstance(token, Token):
        if not _is_possible(token.reveal()):
            raise HubLoginError(
                f"token is empty or has characters that no token has; expected one like hf_…. {HOW_TO_LOG_IN}."
            )
        return token
    kind, token = type(token).__name__, None
    raise OptionError(f"token is a value of type {kind}; expected a token (text), True, False or None.")


def without_tokens(text: str, *tokens: Token | None) -> str:
    """Return text with these tokens, and whatever else looks like one, replaced by `<token>`."""
    for token in tokens:
        if token is not None:
            text = text.replace(token.reveal(), _SHOWN)
    return _ANY_TOKEN.sub(_SHOWN, text)


def _stored_token(*, is_asked: bool) -> Token | None:
    """Return the token of HF_TOKEN or of the stored login."""
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN and not is_asked:
        return None
    reason = ""
    try:
        found = Token(get_token() or "")
    except Exception as error:  # an exchange of tokens that a CI service asked for, say
        reason = without_tokens(f"{type(error).__name__}: {error}")
    if reason:  # outside of the block above: what the client had in hand is then gone
        raise HubLoginError(f"the stored login cannot be used: {reason} {HOW_TO_LOG_IN}.")
    if not found.reveal():
        return None
    if not _is_possible(found.reveal()):
        raise HubLoginError(
            f"the token of HF_TOKEN or of the stored login has characters that no token has. {HOW_TO_LOG_IN}."
        )
    return found


def _is_possible(text: str) -> bool:
    # It becomes the header of a request: a line end in it would be another header.
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
