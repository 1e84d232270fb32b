"""EmotionTalk from the Hub: with the user's token, into the Hub's own cache, read in place."""

from __future__ import annotations

import logging
from typing import Final

from emotalk_data.builder.releases import what_was_tried
from emotalk_data.download.places import REPO_ID, emotalk_folder, pin, pinned_commit
from emotalk_data.download.plan import Plan, gigabytes, plan_emotalk
from emotalk_data.errors import CacheWriteError, HubError, quote
from emotalk_data.hub_client.token import Token, find_token
from emotalk_data.schemas.labels import Modality

__all__ = ["check_download", "fetch", "fetch_emotalk", "plan_download"]

_log: Final = logging.getLogger(__name__)

_BY_HAND: Final = f"By hand: `hf download {REPO_ID} --repo-type dataset --local-dir DIR`, then data_dir=DIR."
_WITHOUT: Final = "To try without: `emotalk sample emotalk DIR`."
_MAX_CHARS: Final = 500


def fetch_emotalk(
    *,
    modalities: tuple[Modality, ...] | None = None,
    revision: str | None = None,
    token: bool | Token | None = None,
) -> str:
    """Return the folder of the release, once what was asked for is there; nothing is asked when it is.

    Args:
        modalities: only the archives of these; all if omitted.
        revision: branch, tag or commit; the one that was fetched first if omitted.
        token: as `find_token` takes it; a text is hidden before it comes here.

    Raises:
        HubError: one of its kinds; says what else was tried, and the way by hand.
        CacheWriteError: no room, or no permission.
    """
    failure: HubError
    try:
        plan = plan_emotalk(modalities, revision, token)
        _fetch(plan, token, is_moving=False)
        return str(plan.folder)
    except HubError as error:
        failure = error
    raise _with_ways(failure, _BY_HAND, f"Tried before: {what_was_tried('emotalk')}.", _WITHOUT)


def plan_download(
    modalities: tuple[Modality, ...] | None, revision: str | None, token: bool | Token | None
) -> Plan:
    """Return what `fetch` would do, for the command.

    Raises:
        HubError: one of its kinds; says the way by hand.
    """
    failure: HubError
    try:
        return plan_emotalk(modalities, revision, token)
    except HubError as error:
        failure = error
    raise _with_ways(failure, _BY_HAND, _WITHOUT)


def check_download(plan: Plan, token: bool | Token | None) -> None:
    """Find out whether a plan could be carried out: room, and access. Fetches nothing.

    Raises:
        HubError: one of its kinds; says the way by hand.
        CacheWriteError: no room.
    """
    plan.check_room()
    failure: HubError
    try:
        if plan.missing:
            from emotalk_data.download.transfer import check_access

            check_access(plan, find_token(token))
        return
    except HubError as error:
        failure = error
    raise type(failure)(f"{failure} {_BY_HAND}")


def fetch(plan: Plan, token: bool | Token | None) -> None:
    """Do what a plan says, and keep its commit from now on.

    Raises:
        HubError: one of its kinds; says the way by hand.
        CacheWriteError: no room, or no permission.
    """
    failure: HubError
    try:
        _fetch(plan, token, is_moving=True)
        return
    except HubError as error:
        failure = error
    raise _with_ways(failure, _BY_HAND, _WITHOUT)


def _fetch(plan: Plan, token: bool | Token | None, *, is_moving: bool) -> None:
    if plan.missing:
        from emotalk_data.download.transfer import check_access, fetch_files

        found = find_token(token)
        check_access(plan, found)
        plan.check_room()
        if not is_moving:  # the command has shown a table
            _tell(plan)
        # Before the first byte: a download that is killed then goes on with the same commit.
        if pinned_commit() is None:
            _pin(plan.commit)
        fetch_files(plan, found)
    if is_moving or plan.revision is None:
        _pin(plan.commit)


def _with_ways(failure: HubError, *ways: str) -> HubError:
    """Return the error with what else may be done, as far as a message is long: the first ways first."""
    text = str(failure)
    for way in ways:
        if len(text) + len(way) < _MAX_CHARS:
            text = f"{text} {way}"
    return type(failure)(text)


def _tell(plan: Plan) -> None:
    _log.warning(
        "downloading %d file%s, %s, of %s at %s to %s (%s free). Stopped, it goes on where it stopped.",
        len(plan.missing),
        "" if len(plan.missing) == 1 else "s",
        gigabytes(plan.num_bytes),
        REPO_ID,
        plan.commit[:10],
        emotalk_folder().parent,
        gigabytes(plan.free_bytes()),
    )


def _pin(commit: str) -> None:
    try:
        pin(commit)
    except OSError as error:
        if pinned_commit() == commit:  # a cache that is mounted for reading only
            return
        where = quote(str(emotalk_folder()), 160)
        raise CacheWriteError(
            f"cannot write {where}: {error.strerror}. Set HF_HOME to a place of yours."
        ) from error
