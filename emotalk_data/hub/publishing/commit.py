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
from typing import Final

from emotalk_data.errors import PublishError
from emotalk_data.hub.publishing.fingerprints import StagedFile
from emotalk_data.hub.publishing.repository import REPO_TYPE, RemoteFile, Repository, Seen
from emotalk_data.hub.staged import CARD_NAME, Visibility
from emotalk_data.schemas.feature_shard import DATA_FOLDER

__all__ = ["Committed", "Differences", "commit_once", "differences", "is_same", "other_configs"]

_SHARD: Final = re.compile(r"[^/]+-[0-9]{5}-of-[0-9]{5}\.parquet")
_OUR_FILES: Final = frozenset({"plan.json", "features.json", "splits.json", "emotalk-build.json"})

WriteTexts = Callable[[str | None], Mapping[str, StagedFile]]
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
        files: all files as they were staged for it.
        others: configs that lie there too, and were not among what was published.
    """

    commit: str
    is_new: bool
    sent: tuple[StagedFile, ...]
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
    stale = tuple(path for path in sorted(remote) if path not in files and _is_ours(path, configs))
    return Differences(new, stale)


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
) -> Committed:
    """Make one commit of all that differs from what is there; none where nothing does.

    Each attempt looks again, so one whose answer was lost finds its own commit, and one that another
    publisher was faster than is made on top of theirs, with the card merged anew.

    Args:
        repository: that is there.
        write_texts: writes card and Croissant for the card that is there.
        configs: names of what is published.
        judged_for: who may read it: if that is no more so, nothing is sent.
        place: a folder for what the client downloads.
        before: called with what is there before anything is sent; raises if it must not be.
        message: of the commit.

    Raises:
        PublishError: the repository has another visibility than the guard judged for.
        HubError: it cannot be written to.
    """
    has_sent: list[tuple[StagedFile, ...]] = []

    def attempt() -> Committed:
        seen = repository.ask_seen()
        _check_visibility(repository.repo_id, seen, judged_for)
        remote = repository.ask_files(seen.head)
        card = repository.ask_card(seen.head, place) if seen.head and CARD_NAME in remote else None
        files = write_texts(card)
        found = differences(files, remote, configs)
        if not found and seen.head:
            sent = has_sent[-1] if has_sent else ()
            return Committed(seen.head, bool(has_sent), sent, files, other_configs(remote, configs))
        before(seen, remote)
        has_sent.append(found.new)
        commit = _send(repository, found, seen.head, message)
        return Committed(commit, True, found.new, files, other_configs(remote, configs))

    return repository.call(f"publish to {repository.repo_id}", attempt, retry_conflicts=True)


def _send(repository: Repository, found: Differences, head: str | None, message: str) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    made = repository.api.create_commit(
        repository.repo_id,
        [
            *(CommitOperationDelete(path_in_repo=path, is_folder=False) for path in found.stale),
            *(CommitOperationAdd(path_in_repo=one.path, path_or_fileobj=one.file) for one in found.new),
        ],
        commit_message=message,
        repo_type=REPO_TYPE,
        parent_commit=head,  # else a commit of someone else in between would be undone without a word
    )
    return str(made.oid)


def _check_visibility(repo_id: str, seen: Seen, judged_for: Visibility) -> None:
    order: tuple[Visibility, ...] = ("private", "gated", "public")
    if order.index(seen.visibility) > order.index(judged_for):
        raise PublishError(
            f"{repo_id} is {seen.visibility} now, and what is staged was judged for a repository that is "
            f"{judged_for}. Nothing was uploaded. Publish again."
        )


def _is_ours(path: str, configs: Collection[str]) -> bool:
    """Say whether a path is one that publishing these configs writes; files of the owner beside them are not."""
    config, _, rest = path.partition("/")
    if config not in configs or not rest:
        return False
    folder, _, name = rest.partition("/")
    return rest in _OUR_FILES or (folder == DATA_FOLDER and _SHARD.fullmatch(name) is not None)
