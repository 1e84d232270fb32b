"""What lies on the Hub is what was sent: each path, its size and its digest."""

from __future__ import annotations

from collections.abc import Mapping

from emotalk_data.errors import PublishError, quote
from emotalk_data.hub.publishing.commit import is_same
from emotalk_data.hub.publishing.fingerprints import StagedFile
from emotalk_data.hub.publishing.repository import RemoteFile, Repository

__all__ = ["verify"]


def verify(repository: Repository, commit: str, files: Mapping[str, StagedFile]) -> None:
    """Compare all files with those of a commit.

    Raises:
        PublishError: one is missing, or has another content.
        HubError: the Hub cannot be asked.
    """
    remote = repository.files(commit)
    wrong = [path for path, one in files.items() if not is_same(one, remote.get(path))]
    if wrong:
        first = wrong[0]
        raise PublishError(
            f"{repository.repo_id} does not hold what was sent: at commit {commit[:12]}, {quote(first)} "
            f"{_how(files[first], remote.get(first))}"
            f"{f', and {len(wrong) - 1} more files differ' if len(wrong) > 1 else ''}. No tag was set. Look "
            f"at its .gitignore and .gitattributes, if it has some of your own, and publish again.",
            path=first,
        )


def _how(staged: StagedFile, remote: RemoteFile | None) -> str:
    if remote is None:
        return "is missing"
    if remote.size_bytes != staged.size_bytes:
        return f"has {remote.size_bytes:,} bytes of {staged.size_bytes:,}"
    return f"has the digest {(remote.sha256 or remote.blob_id)[:12]}…, not that of what was staged"
