"""A repository is opened: nothing but what was judged becomes readable, or it is closed again."""

from __future__ import annotations

from collections.abc import Mapping

from emotalk_data.errors import PublishError, quote
from emotalk_data.hub.publishing.commit import is_same
from emotalk_data.hub.publishing.history import TEXT_NAMES
from emotalk_data.hub.publishing.options import Gate
from emotalk_data.hub.publishing.repository import RemoteFile, Repository, Seen
from emotalk_data.hub.publishing.sending import Sent

__all__ = ["check_whole", "open_repository"]


def check_whole(repository: Repository, sent: Sent, judged: Mapping[str, RemoteFile]) -> None:
    """Make sure that each file of the commit that is opened was judged: in the head, or as it was sent.

    Raises:
        PublishError: one was not.
    """
    remote = repository.files(sent.commit)
    unknown = [
        path
        for path, file in remote.items()
        if not (path in sent.files and is_same(sent.files[path], file))
        and not (path in TEXT_NAMES and judged.get(path) == file)
    ]
    if unknown:
        raise PublishError(
            f"{repository.repo_id} holds {quote(unknown[0])} since it was judged: it was not opened. "
            f"Run the same command again.",
            path=unknown[0],
        )


def open_repository(repository: Repository, seen: Seen, gate: Gate, judged: Mapping[str, str]) -> bool:
    """Set the gate, then make it public. Returns whether anything was changed.

    Raises:
        PublishError: someone wrote to it meanwhile; it is as private as it was.
    """
    repo_id = repository.repo_id
    _check_unmoved(repository, judged)
    if seen.gate != gate:
        repository.change(f"set the gate of {repo_id}", gated=gate)
    if seen.is_private:
        repository.change(f"make {repo_id} public", private=False)
    try:
        _check_unmoved(repository, judged)
    except BaseException:  # without an answer, or with Ctrl-C, nobody knows either
        if seen.is_private:
            repository.change(f"make {repo_id} private again", private=True)
        if seen.gate != gate:
            repository.change(f"set the gate of {repo_id} back", gated=seen.gate)
        raise
    return seen.is_private or seen.gate != gate


def _check_unmoved(repository: Repository, judged: Mapping[str, str]) -> None:
    """Make sure that all branches, tags and pull requests lead to what was judged, and that there are no others.

    Raises:
        PublishError: one does not.
    """
    now = repository.call(f"list the branches of {repository.repo_id}", repository.ask_refs)
    moved = sorted({name for name, _ in now.items() ^ judged.items()})
    if moved:
        raise PublishError(
            f"someone wrote to {repository.repo_id} while it was being opened ({quote(moved[0])}), and that was "
            f"not judged: who can read it is as it was before. Run the same command again."
        )
