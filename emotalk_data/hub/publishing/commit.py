"""All that differs, in one commit on top of the one that was looked at: a reader sees the old set or the new one.

Not `upload_folder`: with hf_xet installed it makes a commit of every 250 files or five minutes, and splits a
commit that fails, so that its half stays visible. `create_commit` uploads the same objects the same way, and
commits once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emotalk_data.errors import CacheCorruptError, PublishError, quote
from emotalk_data.hub.publishing.fingerprints import StagedFile
from emotalk_data.hub.publishing.repository import REPO_TYPE, RemoteFile, Repository, Seen
from emotalk_data.hub.staged import Visibility
from emotalk_data.schemas.feature_shard import DATA_FOLDER

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd

__all__ = [
    "Committed",
    "Differences",
    "commit_once",
    "differences",
    "is_ours",
    "is_same",
    "is_wider",
    "other_configs",
]

_SHARD: Final = re.compile(r"[^/]+-[0-9]{5}-of-[0-9]{5}\.parquet")
_OUR_FILES: Final = frozenset({"plan.json", "features.json", "splits.json", "emotalk-build.json"})
_SHARD_SUFFIX: Final = ".parquet"

WriteTexts = Callable[[str | None, str | None], Mapping[str, StagedFile]]
"""Takes the card that is there, if any; writes card and Croissant; returns all files as they are staged now."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What has to change in the repository.

    Attributes:
        new: files that are not there, or are others there.
        stale: paths of ours that are no more in what is published.
    """

    new: tuple[StagedFile, ...]
    stale: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.stale)


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a commit.

    Attributes:
        commit: its id; the one that was there, if nothing differed.
        is_new: it was made by this run.
        sent: the files that it changed.
        removed: paths of ours that were there, and are no more in what is published.
        files: all files as they were staged for it.
        others: configs that lie there too, and were not among what was published.
    """

    commit: str
    is_new: bool
    sent: tuple[StagedFile, ...]
    removed: tuple[str, ...]
    files: Mapping[str, StagedFile]
    others: tuple[str, ...]


def is_same(staged: StagedFile, remote: RemoteFile | None) -> bool:
    """Say whether the Hub has this very file."""
    if remote is None or remote.size_bytes != staged.size_bytes:
        return False
    if remote.sha256 is not None:
        return remote.sha256 == staged.sha256
    return remote.blob_id == staged.blob_id


def differences(
    files: Mapping[str, StagedFile], remote: Mapping[str, RemoteFile], configs: Collection[str]
) -> Differences:
    """Return what differs. Of what is only there, nothing but files that we write to these configs is stale."""
    new = tuple(one for path, one in sorted(files.items()) if not is_same(one, remote.get(path)))
    stale = tuple(path for path in sorted(remote) if path not in files and is_ours(path, configs))
    return Differences(new, stale)


def is_ours(path: str, configs: Collection[str]) -> bool:
    """Say whether a path is one that publishing these configs writes; files of the owner beside them are not."""
    config, _, rest = path.partition("/")
    if config not in configs or not rest:
        return False
    folder, _, name = rest.partition("/")
    return rest in _OUR_FILES or (folder == DATA_FOLDER and _SHARD.fullmatch(name) is not None)


def is_wider(visibility: Visibility, judged_for: Visibility) -> bool:
    """Say whether more people can read something than it was judged for."""
    order: tuple[Visibility, ...] = ("private", "gated", "public")
    return order.index(visibility) > order.index(judged_for)


def other_configs(paths: Iterable[str], configs: Collection[str]) -> tuple[str, ...]:
    """Return the folders with shards that are not of these configs."""
    parts = (path.split("/") for path in paths)
    folders = {one[0] for one in parts if len(one) == 3 and one[1] == DATA_FOLDER}
    return tuple(sorted(folders - set(configs)))


def commit_once(
    repository: Repository,
    write_texts: WriteTexts,
    *,
    configs: Collection[str],
    judged_for: Visibility,
    place: Path,
    before: Callable[[Seen, Mapping[str, RemoteFile]], None],
    message: str,
    on_top_of: str | None = None,
) -> Committed:
    """Make one commit of all that differs from what is there; none where nothing does.

    Each attempt looks again, so one whose answer was lost finds its own commit, and one that another
    publisher was faster than is made on top of theirs, with the card merged anew.

    Args:
        repository: that is there.
        write_texts: writes card and Croissant for those that are there.
        configs: names of what is published.
        judged_for: who may read it: if that is no more so, nothing is sent.
        place: a folder for what the client downloads.
        before: called with what is there before anything is sent; raises if it must not be.
        message: of the commit.
        on_top_of: the only commit that may be there, but for one of this run whose answer was lost; any for None.

    Raises:
        PublishError: more people can read the repository than the guard judged for; or it holds another commit.
        CacheCorruptError: a staged file was written to since it was judged.
        HubError: it cannot be written to.
    """
    has_sent: list[Differences] = []

    def attempt() -> Committed:
        seen = repository.ask_seen()
        _check_visibility(repository.repo_id, seen, judged_for)
        if on_top_of is not None and seen.head != on_top_of:
            _check_own(repository, seen.head, on_top_of, message if has_sent else None)
        remote = repository.ask_files(seen.head)
        files = write_texts(*repository.ask_texts(seen.head, remote, place))
        found = differences(files, remote, configs)
        if not found and seen.head:
            commit, found = seen.head, has_sent[-1] if has_sent else found
        else:
            before(seen, remote)
            has_sent.append(found)
            commit = _send(repository, found, seen.head, message)
        others = other_configs(remote, configs)
        return Committed(commit, bool(has_sent), found.new, found.stale, files, others)

    return repository.call(f"publish to {repository.repo_id}", attempt, retry_conflicts=True)


def _send(repository: Repository, found: Differences, head: str | None, message: str) -> str:
    from huggingface_hub import CommitOperationDelete

    times = [_written_at(one) for one in found.new]
    additions = [_addition(one) for one in found.new]
    # Large files first, in a call of their own: what is sent in vain so far is in no commit.
    repository.api.preupload_lfs_files(repository.repo_id, additions, repo_type=REPO_TYPE, free_memory=False)
    for one, time in zip(found.new, times, strict=True):
        if _written_at(one) != time:
            raise _written_to(one)
    made = repository.api.create_commit(
        repository.repo_id,
        [
            *(CommitOperationDelete(path_in_repo=path, is_folder=False) for path in found.stale),
            *additions,
        ],
        commit_message=message,
        repo_type=REPO_TYPE,
        parent_commit=head,  # else a commit of someone else in between would be undone without a word
    )
    return str(made.oid)


def _addition(staged: StagedFile) -> CommitOperationAdd:
    """Return what the client is to send, which is what was judged, byte for byte.

    A shard may be a second name of the user's own file, into which a program of theirs may write at any moment.
    The client reads it for its digest here, and sends it under that digest.

    Raises:
        CacheCorruptError: it is not what was judged.
    """
    from huggingface_hub import CommitOperationAdd

    is_shard = staged.path.endswith(_SHARD_SUFFIX)
    try:
        # What is small goes as bytes: those that are compared are those that are sent.
        made = CommitOperationAdd(staged.path, staged.file if is_shard else staged.file.read_bytes())
    except (OSError, ValueError):  # it is gone
        made = None
    info = None if made is None else made.upload_info
    if made is None or info is None or (info.size, info.sha256.hex()) != (staged.size_bytes, staged.sha256):
        raise _written_to(staged)
    return made


def _written_at(staged: StagedFile) -> int | None:
    """Return when a file was last written to; None where it is gone."""
    try:
        return staged.file.stat().st_mtime_ns
    except OSError:
        return None


def _written_to(staged: StagedFile) -> CacheCorruptError:
    return CacheCorruptError(
        f"{quote(staged.path)} was written to since it was judged; nothing was sent, or it is in no commit. Wait "
        f"for the run that writes it, and publish again.",
        path=str(staged.file),
    )


def _check_own(repository: Repository, head: str | None, judged: str, message: str | None) -> None:
    """Make sure that a commit that was not there before is the one that this run made on top of the judged one.

    Args:
        repository: that is asked.
        head: its last commit.
        judged: the one that was judged.
        message: of the commit that this run has sent; None if it has sent none.

    Raises:
        PublishError: someone else made it.
    """
    if head is not None and message is not None:
        listed = repository.api.list_repo_commits(repository.repo_id, repo_type=REPO_TYPE, revision=head)
        told = [(commit.commit_id, commit.title) for commit in listed[:2]]
        if len(told) == 2 and told[0] == (head, message) and told[1][0] == judged:
            return
    raise PublishError(
        f"someone wrote to {repository.repo_id} since it was judged, at commit {(head or '')[:12]}. Nothing was "
        f"sent, and who can read it is as it was before. Run the same command again."
    )


def _check_visibility(repo_id: str, seen: Seen, judged_for: Visibility) -> None:
    if is_wider(seen.visibility, judged_for):
        raise PublishError(
            f"{repo_id} is {seen.visibility} now, and what is staged was judged for a repository that is "
            f"{judged_for}. Nothing was uploaded. Publish again."
        )
