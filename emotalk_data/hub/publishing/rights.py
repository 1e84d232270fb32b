"""Whether the token may write to the repository: asked before staging, which may take minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emotalk_data.errors import HubLoginError, HubOfflineError, printable, quote
from emotalk_data.hub.publishing.repository import Repository
from emotalk_data.hub_client.token import HOW_TO_LOG_IN

__all__ = ["check_may_write"]

_TOKENS_PAGE: Final = "huggingface.co/settings/tokens"
_WRITING: Final = frozenset({"repo.write", "repo.content.write"})


def check_may_write(repository: Repository) -> None:
    """Make sure that the token may write to where the repository is, as far as the Hub says it beforehand.

    Raises:
        HubLoginError: there is no token, it may read only, or the owner is someone else.
        HubOfflineError: HF_HUB_OFFLINE is set.
        HubError: the Hub cannot be asked.
    """
    from huggingface_hub import constants

    repo_id = repository.repo_id
    if constants.HF_HUB_OFFLINE:
        raise HubOfflineError(
            f"cannot publish {repo_id}: HF_HUB_OFFLINE is set, and this needs the Hub. Unset it; --dry-run works "
            f"without the Hub."
        )
    if repository.token is None:
        raise HubLoginError(f"cannot publish {repo_id} without a token that may write. {HOW_TO_LOG_IN}.")
    api = repository.api
    account = repository.call("ask whose token this is", lambda: api.whoami())
    problem = _problem(account, repo_id)
    if problem:
        raise HubLoginError(f"cannot publish {repo_id}: {problem}")


def _problem(account: Mapping[str, Any], repo_id: str) -> str | None:
    """Return why this account's token cannot write there; None where nothing says so."""
    owner = repo_id.partition("/")[0]
    name = printable(str(account.get("name")))
    token = _mapping(_mapping(account.get("auth")).get("accessToken"))
    role = token.get("role")
    if role == "read":
        return (
            f"the token of {quote(name)} may only read. Make one of type 'write' at {_TOKENS_PAGE}, then run "
            f"`hf auth login` or set HF_TOKEN."
        )
    organisations = {
        str(one.get("name")): one for one in map(_mapping, account.get("orgs") or ()) if one.get("name")
    }
    if owner != account.get("name") and owner not in organisations:
        known = ", ".join(quote(one, 40) for one in [name, *sorted(organisations)][:6])
        return f"{quote(owner)} is not the token's: it is of {known}. Give OWNER/NAME with one of these."
    if owner != account.get("name") and organisations[owner].get("roleInOrg") == "read":
        return f"{quote(name)} may only read in {quote(owner)}. Ask its administrators for the role 'write'."
    if role == "fineGrained" and not _is_granted(token, owner, repo_id):
        return (
            f"the fine-grained token of {quote(name)} may not write there. Give it write access to the "
            f"repositories of {quote(owner)} at {_TOKENS_PAGE}."
        )
    return None


def _is_granted(token: Mapping[str, Any], owner: str, repo_id: str) -> bool:
    """Say whether a fine-grained token may write; also where it does not say what it may."""
    grants = _mapping(token.get("fineGrained")).get("scoped")
    if not isinstance(grants, list):
        return True
    return any(
        _mapping(grant.get("entity")).get("name") in (owner, repo_id)
        and _WRITING & set(grant.get("permissions") or ())
        for grant in map(_mapping, grants)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
