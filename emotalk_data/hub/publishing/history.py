"""Whether something that the guard has not seen would become readable too: older commits, other branches, tags.

Making a repository public makes all of its history public: older rows, and older texts too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from emotalk_data.errors import PublishRefusedError, quote
from emotalk_data.hub.guard.folder_check import scan_card_text, scan_croissant_text, scan_plain_text
from emotalk_data.hub.guard.text_scan import Finding
from emotalk_data.hub.publishing.repository import REPO_TYPE, RemoteFile, Repository, text_of
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME

__all__ = ["TEXT_NAMES", "check_history"]


class _Text(NamedTuple):
    """How a text is judged.

    Attributes:
        scan: what looks it through.
        max_bytes: a longer one is not even downloaded.
    """

    scan: Callable[[str], Finding | None]
    max_bytes: int


_TEXTS: Final[Mapping[str, _Text]] = {
    CARD_NAME: _Text(scan_card_text, 4 << 20),
    CROISSANT_NAME: _Text(scan_croissant_text, 32 << 20),
    ".gitattributes": _Text(scan_plain_text, 64 << 10),
}
TEXT_NAMES: Final = frozenset(_TEXTS)
"""What lies beside the configs; no rows, so the guard judges them as texts."""


def check_history(
    repository: Repository,
    head: str,
    judged: Mapping[str, RemoteFile],
    judge_commit: Callable[[str, Mapping[str, RemoteFile]], None],
    place: Path,
) -> dict[str, str]:
    """Make sure that whatever can be reached may be read too: the texts of the last commit, and all before it.

    Args:
        repository: about to be made public.
        head: the commit whose configs were judged.
        judged: its files.
        judge_commit: judges another commit, of which some content is not known; raises PublishRefusedError.
        place: a folder for texts that are downloaded.

    Returns:
        the commit of each branch, tag and pull request: what they led to is what was judged.

    Raises:
        PublishRefusedError: a commit holds what may not be shared, or what the guard does not know.
        HubError: the Hub cannot be asked.
    """
    name = repository.repo_id
    refs = repository.call(f"list the branches of {name}", repository.ask_refs)
    known = {_content(one) for path, one in judged.items() if path not in TEXT_NAMES}
    known_texts: set[tuple[str, tuple[int, str]]] = set()
    for commit in repository.call(f"list the commits of {name}", lambda: _commits(repository, refs.values())):
        files = judged if commit == head else repository.files(commit)
        for path in sorted(TEXT_NAMES & files.keys()):
            text = path, _content(files[path])
            if text not in known_texts:
                _check_text(repository, commit, path, files[path], place)
                known_texts.add(text)
        unknown = [
            path for path, one in files.items() if path not in TEXT_NAMES and _content(one) not in known
        ]
        if not unknown:
            continue
        try:
            judge_commit(commit, files)
        except PublishRefusedError as error:
            raise _refused(name, commit, unknown[0], f"{str(error)[:150]}…") from error
        known |= {_content(one) for path, one in files.items() if path not in TEXT_NAMES}
    return refs


def _check_text(repository: Repository, commit: str, path: str, file: RemoteFile, place: Path) -> None:
    """Look a text through.

    Raises:
        PublishRefusedError: it tells what it may not.
        HubError: it cannot be downloaded.
    """
    repo_id, judging = repository.repo_id, _TEXTS[path]
    if file.size_bytes > judging.max_bytes:
        raise _refused(repo_id, commit, path, f"it has more than {judging.max_bytes:,} bytes.")
    content = repository.call(
        f"download {path}", lambda: repository.ask_content(commit, path, place), revision=commit
    )
    found = judging.scan(text_of(content, path, f"{repo_id} at commit {commit[:12]}"))
    if found is not None:
        raise _refused(repo_id, commit, path, f"{found.reason}.")


def _refused(repo_id: str, commit: str, path: str, reason: str) -> PublishRefusedError:
    return PublishRefusedError(
        f"{repo_id} holds in its history, at commit {commit[:12]}, {quote(path, 60)}, which would become "
        f"public too: {reason} Publish into a new repository; or correct the last commit, remove tags and "
        f"other branches, and squash the history: HfApi().super_squash_history({repo_id!r}, "
        f"repo_type='dataset').",
        path=path,
    )


def _commits(repository: Repository, tips: Iterable[str]) -> list[str]:
    """Return all commits that these lead to."""
    found: dict[str, None] = {}
    for tip in dict.fromkeys(tips):
        if tip not in found:
            commits = repository.api.list_repo_commits(repository.repo_id, repo_type=REPO_TYPE, revision=tip)
            found |= dict.fromkeys([tip, *(commit.commit_id for commit in commits)])
    return list(found)


def _content(file: RemoteFile) -> tuple[int, str]:
    return file.size_bytes, file.sha256 or file.blob_id
