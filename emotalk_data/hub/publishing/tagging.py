"""A name for the commit. It stands for the data, and it never moves."""

from __future__ import annotations

from collections.abc import Mapping

from emotalk_data.errors import OptionError, PublishError, quote
from emotalk_data.hub.publishing.commit import is_same
from emotalk_data.hub.publishing.fingerprints import StagedFile
from emotalk_data.hub.publishing.repository import REPO_TYPE, Repository
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME

__all__ = ["set_tag", "tagged_commit"]


def tagged_commit(
    repository: Repository, tag: str, files: Mapping[str, StagedFile], *, head: str | None, is_changing: bool
) -> str | None:
    """Return the commit that has the tag already; None where none has it. Asks once, as inside of `call`.

    A tag may stay behind the last commit where only the card has changed since: its data are the same.

    Args:
        repository: that is there.
        tag: the name.
        files: what is published.
        head: the last commit.
        is_changing: another commit is to come.

    Raises:
        OptionError: it stands for other data.
    """
    commit = repository.ask_tags().get(tag)
    if commit is None or (commit == head and not is_changing):
        return commit
    remote = repository.ask_files(commit)
    data = [one for path, one in files.items() if path not in (CARD_NAME, CROISSANT_NAME)]
    others = [one.path for one in data if not is_same(one, remote.get(one.path))]
    if others:
        raise OptionError(
            f"the tag {quote(tag)} of {repository.repo_id} stands for other data, at commit {commit[:12]}: "
            f"{quote(others[0])} differs. Tags are never moved: give another one, or none."
        )
    return commit


def set_tag(
    repository: Repository, tag: str, commit: str, files: Mapping[str, StagedFile]
) -> tuple[str, bool]:
    """Set the tag, unless it is there for the same data.

    Returns:
        the commit that has it, and whether it was set now.

    Raises:
        OptionError: as `tagged_commit`.
        PublishError: the Hub has not set it.
        HubError: the Hub cannot be asked.
    """
    has_tried: list[bool] = []

    def attempt() -> str:
        there = tagged_commit(repository, tag, files, head=commit, is_changing=False)
        if there is None:
            has_tried.append(True)
            repository.api.create_tag(repository.repo_id, tag=tag, revision=commit, repo_type=REPO_TYPE)
            there = repository.ask_tags().get(tag)
        return there or ""

    there = repository.call(f"tag {repository.repo_id}", attempt, revision=commit, retry_conflicts=True)
    if not there:
        raise PublishError(f"the Hub took the tag {quote(tag)} of {repository.repo_id} and does not list it.")
    return there, bool(has_tried)
