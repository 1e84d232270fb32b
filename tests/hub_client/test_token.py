from __future__ import annotations

import copy
import pickle

import pytest

from emotalk_data.errors import HubLoginError, OptionError
from emotalk_data.hub_client.token import Token, find_token, hide_token, without_tokens
from tests.hub_double_fixtures import OnHub

CANARY = "hf_canaryCANARYcanary0123456789"


def test_a_token_shows_itself_only_when_it_is_asked_to() -> None:
    token = Token(f" {CANARY}\n")
    assert token.reveal() == CANARY
    for text in (repr(token), str(token), f"{token}", f"{[token]}", f"{token!r:>10}"):
        assert CANARY not in text
        assert "<token>" in text
    with pytest.raises(TypeError, match="__dict__"):
        vars(token)


def test_a_token_is_not_pickled_or_copied() -> None:
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="a token is not pickled or copied") as error:
            take(Token(CANARY))
        assert CANARY not in str(error.value)


def test_a_token_is_found_where_the_client_keeps_it(on_hub: OnHub) -> None:
    assert find_token(None) is None
    with pytest.raises(HubLoginError, match=r"token=True, and there is no token.*hf auth login"):
        find_token(True)
    (on_hub.home / "token").write_text("hf_storedstoredstored\n")
    for given in (None, True):
        found = find_token(given)
        assert found is not None
        assert found.reveal() == "hf_storedstoredstored"
    on_hub.sign_in(CANARY)
    found = find_token(None)
    assert found is not None
    assert found.reveal() == CANARY
    assert find_token(False) is None
    assert find_token(found) is found


def test_a_user_who_forbids_it_is_not_signed_in_unasked(
    on_hub: OnHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_hub.sign_in(CANARY)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    assert find_token(None) is None
    assert find_token(True) is not None


@pytest.mark.parametrize("text", ["", "  ", f"{CANARY}\nX-Header: 1", f"{CANARY} {CANARY}", f"{CANARY}密"])
def test_what_cannot_be_a_token_is_refused_without_being_shown(text: str, on_hub: OnHub) -> None:
    with pytest.raises(HubLoginError, match="characters that no token has") as error:
        find_token(text)
    assert CANARY not in str(error.value)
    if text.strip():
        (on_hub.home / "token").write_text(text, encoding="utf-8")
        if "\n" not in text:  # the client itself takes line ends out
            with pytest.raises(HubLoginError, match="characters that no token has") as error:
                find_token(None)
            assert CANARY not in str(error.value)


def test_another_value_is_no_token() -> None:
    with pytest.raises(OptionError, match="token is a value of type int; expected a token"):
        find_token(7)  # type: ignore[arg-type]  # what a user might do


def test_only_text_is_hidden() -> None:
    assert isinstance(hide_token(CANARY), Token)
    assert [hide_token(value) for value in (None, True, False)] == [None, True, False]


def test_tokens_are_taken_out_of_text() -> None:
    text = f"Bearer {CANARY} and oidc-1234 and hf_another1234 and hf_hub"
    assert (
        without_tokens(text, Token("oidc-1234"), None) == "Bearer <token> and <token> and <token> and hf_hub"
    )
