"""Whether something that the guard has not seen would become readable too: older commits, other branches, tags.

Making a repository public makes all of its history public.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from emotalk_data.errors import PublishRefusedError, quote
from emotalk_data.hub.publishing.repository import REPO_TYPE, RemoteFile, Repository
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME

__all__ = ["check_history"]

_TEXTS: Final = frozenset({CARD_NAME, CROISSANT_NAME, ".gitattributes"})


def check_history(
    repository: Repository,
    head: str,
    judged: Mapping[str, RemoteFile],
    judge_commit: Callable[[str, Mapping[str, RemoteFile]], None],
) -> None:
    """Make sure that whatever else can be reached may be read too.

    Args:
        repository: about to be made public.
        head: the commit that was judged.
        judged: its files.
        judge_commit: judges another commit, of which some content is not known; raises PublishRefusedError.

    Raises:
        PublishRefusedError: a commit holds what may not be shared, or what the guard does not know.
        HubError: the Hub cannot be asked.
    """
    known = {_content(one) for one in judged.values()}
    for commit in repository.call(f"list the commits of {repository.repo_id}", lambda: _commits(repository)):
        files = {} if commit == head else repository.files(commit)
        unknown = [path for path, one in files.items() if path not in _TEXTS and _content(one) not in known]
        if not unknown:
            continue
        try:
            judge_commit(commit, files)
        except PublishRefusedError as error:
            name = repository.repo_id
            raise PublishRefusedError(
                f"{name} holds in its history, at commit {commit[:12]}, {quote(unknown[0], 60)}, which would "
                f"become public too: {str(error)[:150]}… Publish into a new repository; or remove tags and other "
                f"branches and squash the history: HfApi().super_squash_history({name!r}, repo_type='dataset').",
                path=unknown[0],
            ) from error
        known |= {_content(one) for one in files.values()}


def _commits(repository: Repository) -> list[str]:
    """Return all commits that a branch, a tag or a pull request leads to."""
    api, repo_id = repository.api, repository.repo_id
    refs = api.list_repo_refs(repo_id, repo_type=REPO_TYPE, include_pull_requests=True)
    # Not `refs.converts`: the Hub's own copies of what the main branch has, in another layout.
    listed = [*refs.branches, *refs.tags, *(refs.pull_requests or ())]
    found: dict[str, None] = {}
    for tip in dict.fromkeys(ref.target_commit for ref in listed):
        if tip not in found:
            commits = api.list_repo_commits(repo_id, repo_type=REPO_TYPE, revision=tip)
            found |= dict.fromkeys([tip, *(commit.commit_id for commit in commits)])
    return list(found)


def _content(file: RemoteFile) -> tuple[int, str]:
    return file.size_bytes, file.sha256 or file.blob_id
