"""One request as the routes see it: who asks, for what, with which body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from emotalk_data.testing.hub_double.faults import Request
from emotalk_data.testing.hub_double.objects import CHUNK_BYTES
from emotalk_data.testing.hub_double.refusals import (
    bad_credentials,
    gated,
    refused,
    repo_not_found,
    revision_not_found,
    write_forbidden,
)
from emotalk_data.testing.hub_double.repositories import Account, Commit, RepoState

if TYPE_CHECKING:
    from emotalk_data.testing.hub_double.double import HubDouble

__all__ = ["Body", "BrokenBodyError", "Call"]


class BrokenBodyError(Exception):
    """The client went away in the middle of its body."""


class Body:
    """The body of a request, read as it comes, with `Content-Length` or in chunks."""

    def __init__(self, file: BufferedIOBase, headers: Message, request: Request) -> None:
        self._file = file
        self._request = request
        self._is_chunked = "chunked" in (headers.get("Transfer-Encoding") or "").lower()
        self._left = 0 if self._is_chunked else int(headers.get("Content-Length") or 0)
        self._is_done = not self._is_chunked and self._left == 0

    def chunks(self, num_bytes: int | None = None) -> Iterator[bytes]:
        """Yield what is still to come, or the next so many bytes of it.

        Raises:
            BrokenBodyError: the connection ended before the body did.
        """
        until = float("inf") if num_bytes is None else self._request.num_body_bytes + num_bytes
        while not self._is_done and self._request.num_body_bytes < until:
            if self._left == 0:
                self._next_chunk()
                continue
            wanted = min(CHUNK_BYTES, self._left, until - self._request.num_body_bytes)
            piece = self._file.read(int(wanted))
            if not piece:
                raise BrokenBodyError
            self._left -= len(piece)
            self._request.num_body_bytes += len(piece)
            if self._left == 0:
                self._end_chunk()
            yield piece

    def _next_chunk(self) -> None:
        line = self._file.readline(1024)
        if not line.endswith(b"\n"):
            raise BrokenBodyError
        self._left = int(line.split(b";")[0], 16)
        if self._left == 0:
            self._file.readline(1024)  # no trailers come from these clients: the empty line
            self._is_done = True

    def _end_chunk(self) -> None:
        if self._is_chunked:
            self._file.readline(8)
        else:
            self._is_done = True

    def read(self) -> bytes:
        """Return all of it. Only for what is small: JSON, forms, commits."""
        return b"".join(self.chunks())

    def is_longer_than(self, num_bytes: int) -> bool:
        """Whether more is to come than so many bytes; of one in chunks nobody knows, and it counts as longer."""
        return self._is_chunked or self._left > num_bytes

    def take(self, num_bytes: int) -> None:
        """Read so many bytes and throw them away."""
        for _ in self.chunks(num_bytes):
            pass

    def drain(self) -> None:
        """Read the rest and throw it away."""
        for _ in self.chunks():
            pass


@dataclass(frozen=True)
class Call:
    """What a route is given."""

    hub: HubDouble
    request: Request
    headers: Message
    body: Body

    @property
    def has_token(self) -> bool:
        """Whether a token came along."""
        return self.headers.get("Authorization") is not None

    def account(self) -> Account | None:
        """Return whose token came along; None without one.

        Raises:
            RefusedError: the token is unknown or has expired.
        """
        if not self.has_token:
            return None
        account = self.hub.account_of(self.headers)
        if account is None:
            raise bad_credentials()
        if account.role == "expired":
            raise bad_credentials(account.name)
        return account

    def signed_in(self) -> Account:
        """Return whose token came along.

        Raises:
            RefusedError: none did, or it is no good.
        """
        account = self.account()
        if account is None:
            raise refused(401, "Invalid username or password.")
        return account

    def repo(self, repo_id: str) -> RepoState:
        """Return a repository that the caller may know of.

        Raises:
            RefusedError: there is none, or it is private and not the caller's.
        """
        account = self.account()
        repo = self.hub.find_repo(repo_id)
        if repo is None or not repo.is_visible_to(account):
            raise repo_not_found(has_token=account is not None)
        return repo

    def writable(self, repo_id: str) -> RepoState:
        """Return a repository that the caller may change.

        Raises:
            RefusedError: there is none, or the caller may not change it.
        """
        repo = self.repo(repo_id)
        if not repo.is_writable_by(self.signed_in()):
            raise write_forbidden()
        return repo

    def commit(self, repo: RepoState, revision: str) -> Commit:
        """Return the commit of a revision.

        Raises:
            RefusedError: there is none.
        """
        oid = repo.find(revision)
        if oid is None:
            raise revision_not_found(revision)
        return repo.commit_of(oid)

    def readable(self, repo_id: str, revision: str) -> Commit:
        """Return the commit of a revision whose files the caller may have.

        Raises:
            RefusedError: there is none, or the caller has not been let in.
        """
        repo = self.repo(repo_id)
        if not repo.gives_files_to(self.account()):
            raise gated(repo_id, has_token=self.has_token)
        return self.commit(repo, revision)

    def query(self, name: str) -> str | None:
        """Return a value of the query; None without it."""
        return parse_qs(self.request.query, keep_blank_values=True).get(name, [None])[-1]

    def is_asked(self, name: str) -> bool:
        """Whether a switch of the query is on."""
        return (self.query(name) or "").lower() in ("1", "true")

    def json(self) -> dict[str, Any]:
        """Return the body, which has to be a JSON object.

        Raises:
            RefusedError: it is not.
        """
        try:
            value = json.loads(self.body.read() or b"{}")
        except ValueError:
            raise refused(400, "Invalid JSON") from None
        if not isinstance(value, dict):
            raise refused(400, "Expected an object")
        return value
