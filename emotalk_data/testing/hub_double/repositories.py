"""The repositories of a double: commits, refs, settings and who may see them."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from emotalk_data.testing.hub_double.objects import Objects, StoredFile

__all__ = ["Account", "Commit", "Gated", "RepoState", "Role"]

Role = Literal["write", "read", "expired"]
Gated = Literal["auto", "manual", False]

_OID = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class Account:
    """Who a token belongs to, and what the token may do."""

    name: str
    token: str = field(repr=False)
    role: Role = "write"
    organisations: tuple[str, ...] = ()

    def owns(self, repo_id: str) -> bool:
        """Whether a repository lies below this account or one of its organisations."""
        return repo_id.partition("/")[0] in (self.name, *self.organisations)


@dataclass(frozen=True)
class Commit:
    """One commit.

    Attributes:
        oid: its id, 40 hex digits.
        title: first line of its message.
        description: the rest of its message.
        parent: the commit before it; None for the first.
        author: whose token made it.
        date: when.
        contents: each path of the tree after it.
    """

    oid: str
    title: str
    description: str
    parent: str | None
    author: str
    date: datetime
    contents: Mapping[str, StoredFile] = field(repr=False)

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of its tree, sorted."""
        return tuple(sorted(self.contents))

    @property
    def date_text(self) -> str:
        """The date as the Hub writes it."""
        return self.date.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class RepoState:
    """One repository. Tests look into it; the server changes it, always under `lock`.

    Attributes:
        repo_id: namespace and name.
        private: whether others can see it at all.
        gated: whether others have to be let in before they get files.
        let_in: accounts that have been.
        commits: every commit there ever was, oldest first.
        branches: branch -> commit.
        tags: tag -> commit.
        pull_requests: ref such as `refs/pr/1` -> commit.
        settings_history: what each change of settings asked for, oldest first.
        lock: held while anything of it changes.
    """

    def __init__(
        self,
        repo_id: str,
        objects: Objects,
        *,
        private: bool = False,
        gated: Gated = False,
        let_in: Collection[str] = (),
    ) -> None:
        self.repo_id = repo_id
        self.private = private
        self.gated: Gated = gated
        self.let_in = set(let_in)
        self.commits: list[Commit] = []
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.pull_requests: dict[str, str] = {}
        self.settings_history: list[dict[str, object]] = []
        self.lock = threading.RLock()
        self._objects = objects

    def __repr__(self) -> str:
        state = "private" if self.private else "public"
        return f"<RepoState {self.repo_id}, {state}, gated {self.gated}, {len(self.commits)} commits>"

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Return the bytes of each file of a revision."""
        contents = self.commit_of(revision).contents
        return {path: self._objects.path(contents[path].sha256).read_bytes() for path in sorted(contents)}

    def commit_of(self, revision: str) -> Commit:
        """Return the commit that a branch, tag, ref or (shortened) commit id names.

        Raises:
            KeyError: it names none.
        """
        oid = self.find(revision)
        if oid is None:
            raise KeyError(f"{self.repo_id} has no revision {revision}")
        return next(commit for commit in self.commits if commit.oid == oid)

    def find(self, revision: str) -> str | None:
        """Return the id of the commit that a revision names; None where it names none."""
        short = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        for refs, name in ((self.branches, short), (self.tags, short), (self.pull_requests, revision)):
            if name in refs:
                return refs[name]
        if _OID.fullmatch(revision):
            return next((commit.oid for commit in self.commits if commit.oid.startswith(revision)), None)
        return None

    def refs_of(self, revision: str) -> dict[str, str] | None:
        """Return the table in which a commit to `revision` moves a ref: branches and pull requests only."""
        if revision in self.branches:
            return self.branches
        return self.pull_requests if revision in self.pull_requests else None

    def history(self, oid: str) -> list[Commit]:
        """Return a commit and those before it, newest first."""
        by_oid = {commit.oid: commit for commit in self.commits}
        found, at = [], by_oid.get(oid)
        while at is not None:
            found.append(at)
            at = by_oid.get(at.parent or "")
        return found

    def add_commit(
        self,
        change: Callable[[dict[str, StoredFile]], None],
        *,
        title: str,
        author: str,
        parent: str | None,
        description: str = "",
    ) -> Commit:
        """Make a commit on top of `parent`. No ref moves yet, so nobody sees it.

        Args:
            change: changes the tree of the parent in place; what it raises is passed on and nothing is made.
            title: first line of the message.
            author: whose token makes it.
            parent: the commit before it; None for the first.
            description: the rest of the message.
        """
        contents = dict(self.commit_of(parent).contents) if parent else {}
        change(contents)
        tree = [(path, contents[path].etag) for path in sorted(contents)]
        told = [title, description, parent, author, len(self.commits), self.repo_id, tree]
        oid = hashlib.sha1(json.dumps(told).encode(), usedforsecurity=False).hexdigest()
        now = datetime.now(UTC)
        commit = Commit(oid, title, description, parent, author, now, MappingProxyType(contents))
        self.commits.append(commit)
        return commit

    def is_visible_to(self, account: Account | None) -> bool:
        """Whether someone may know that it exists."""
        return not self.private or (account is not None and account.owns(self.repo_id))

    def gives_files_to(self, account: Account | None) -> bool:
        """Whether someone may have its files, once they may know of it."""
        if not self.gated:
            return True
        return account is not None and (account.name in self.let_in or account.owns(self.repo_id))

    def is_writable_by(self, account: Account | None) -> bool:
        """Whether someone may change it."""
        return account is not None and account.role == "write" and account.owns(self.repo_id)
