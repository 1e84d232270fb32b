"""One dataset repository on the Hub, asked through `hub_call`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from emotalk_data.errors import HubNotFoundError, PublishRefusedError, quote
from emotalk_data.hub.publishing.options import Gate
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME, Visibility
from emotalk_data.hub_client.calling import hub_api, hub_call
from emotalk_data.hub_client.token import Token

__all__ = ["REPO_TYPE", "RemoteFile", "Repository", "Seen", "page_of", "text_of", "visibility_of"]

REPO_TYPE: Final = "dataset"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a repository was when it was looked at.

    Attributes:
        is_private: nobody but its owners can read it.
        gate: who is let in, where it is not private.
        head: the last commit of its main branch; None where there is none yet.
    """

    is_private: bool
    gate: Gate
    head: str | None

    @property
    def visibility(self) -> Visibility:
        """Who can read it."""
        return visibility_of(is_private=self.is_private, gate=self.gate)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the Hub tells of it.

    Attributes:
        size_bytes: its length.
        sha256: of a large file; None for a small one.
        blob_id: of a small file, the name that git gives to its content; of a large one, that of its pointer.
    """

    size_bytes: int
    sha256: str | None
    blob_id: str


def visibility_of(*, is_private: bool, gate: Gate) -> Visibility:
    """Return who can read a repository with these settings."""
    if is_private:
        return "private"
    return "gated" if gate else "public"


def text_of(content: bytes, name: str, where: str) -> str:
    """Return the text of a file.

    Args:
        content: its bytes.
        name: its path.
        where: the repository, and the commit if it is an older one.

    Raises:
        PublishRefusedError: it is no UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"{error.reason} at byte {error.start:,}"
    raise PublishRefusedError(
        f"{quote(name)} of {where} is no UTF-8 ({reason}), so nobody can say what it tells. Nothing was "
        f"sent. Save it as UTF-8, or remove it, and run the same command again.",
        path=name,
    )


def page_of(repo_id: str) -> str:
    """Return the address of its page."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/datasets/{repo_id}"


class Repository:
    """A dataset repository, and the token that is used with it.

    Methods that begin with `ask_` are for the inside of `call`: they ask once, and raise what the client
    raises.

    Args:
        repo_id: its name.
        token: that may be None, to read what everybody may read.
    """

    def __init__(self, repo_id: str, token: Token | None) -> None:
        self.repo_id = repo_id
        self.token = token
        self.api = hub_api(token)

    def __repr__(self) -> str:
        return f"Repository({self.repo_id!r})"

    def call(
        self,
        what: str,
        call: Callable[[], T],
        *,
        revision: str | None = None,
        attempts: int = 5,
        retry_conflicts: bool = False,
    ) -> T:
        """Return what `call` returns; see `hub_call`.

        Raises:
            HubError: one of its kinds.
        """
        return hub_call(
            what,
            call,
            token=self.token,
            repo_id=self.repo_id,
            revision=revision,
            attempts=attempts,
            retry_conflicts=retry_conflicts,
        )

    def look(self, *, attempts: int = 5) -> Seen | None:
        """Return what is there; None where there is nothing that this token may see.

        Raises:
            HubError: the Hub cannot be asked.
        """
        try:
            return self.call(f"look at {self.repo_id}", self.ask_seen, attempts=attempts)
        except HubNotFoundError:
            return None

    def files(self, revision: str) -> dict[str, RemoteFile]:
        """Return all files of a commit.

        Raises:
            HubError: the Hub cannot be asked.
        """
        return self.call(
            f"list the files of {self.repo_id}", lambda: self.ask_files(revision), revision=revision
        )

    def ask_seen(self) -> Seen:
        """Return what is there."""
        info = self.api.dataset_info(self.repo_id)
        gate: Gate = info.gated if info.gated in ("manual", "auto") else False
        return Seen(bool(info.private), gate, info.sha)

    def ask_files(self, revision: str | None) -> dict[str, RemoteFile]:
        """Return all files of a commit; none where there is no commit."""
        if revision is None:
            return {}
        entries = self.api.list_repo_tree(
            self.repo_id, repo_type=REPO_TYPE, revision=revision, recursive=True
        )
        return {entry.path: _remote_file(entry) for entry in entries if hasattr(entry, "blob_id")}

    def ask_texts(
        self, revision: str | None, remote: Mapping[str, RemoteFile], place: Path
    ) -> tuple[str | None, str | None]:
        """Return the texts of card and Croissant at a commit, their line ends as they are; None where none is.

        Args:
            revision: the commit; None where there is none yet.
            remote: its files.
            place: a folder of ours, instead of the user's cache.

        Raises:
            PublishRefusedError: one is no UTF-8, so what its owner wrote could not be kept.
        """
        card, croissant = (
            text_of(self.ask_content(revision, name, place), name, self.repo_id)
            if revision is not None and name in remote
            else None
            for name in (CARD_NAME, CROISSANT_NAME)
        )
        return card, croissant

    def ask_content(self, revision: str, name: str, place: Path) -> bytes:
        """Return the bytes of a small file at a commit.

        Args:
            revision: the commit.
            name: of the file.
            place: a folder of ours, instead of the user's cache.
        """
        path = self.api.hf_hub_download(
            self.repo_id, name, repo_type=REPO_TYPE, revision=revision, cache_dir=place
        )
        return Path(path).read_bytes()

    def ask_tags(self) -> dict[str, str]:
        """Return the commit of each tag."""
        refs = self.api.list_repo_refs(self.repo_id, repo_type=REPO_TYPE)
        return {tag.name: tag.target_commit for tag in refs.tags}

    def ask_refs(self) -> dict[str, str]:
        """Return the commit of each branch, tag and pull request, by its full name, such as refs/heads/main."""
        refs = self.api.list_repo_refs(self.repo_id, repo_type=REPO_TYPE, include_pull_requests=True)
        # Not `refs.converts`: the Hub's own copies of what the main branch has, in another layout.
        listed = [*refs.branches, *refs.tags, *(refs.pull_requests or ())]
        return {ref.ref: ref.target_commit for ref in listed}

    def create(self) -> None:
        """Make it, private; one that is there is left as it is.

        Raises:
            HubError: it cannot be made.
        """
        self.call(
            f"create the repository {self.repo_id}",
            lambda: self.api.create_repo(self.repo_id, repo_type=REPO_TYPE, private=True, exist_ok=True),
        )

    def change(self, what: str, **settings: Any) -> None:
        """Change settings: `gated`, `private`.

        Raises:
            HubError: they cannot be changed.
        """
        self.call(what, lambda: self.api.update_repo_settings(self.repo_id, repo_type=REPO_TYPE, **settings))


def _remote_file(entry: Any) -> RemoteFile:
    sha256 = None if entry.lfs is None else entry.lfs.sha256
    return RemoteFile(entry.size if entry.lfs is None else entry.lfs.size, sha256, entry.blob_id)
