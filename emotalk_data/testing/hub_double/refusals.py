"""Answers, and the refusals of the Hub in its words: the client turns their status and headers into errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotalk_data.testing.hub_double.objects import CHUNK_BYTES

__all__ = [
    "Answer",
    "RefusedError",
    "bad_credentials",
    "entry_not_found",
    "gated",
    "json_answer",
    "no_right_to_create",
    "refused",
    "repo_not_found",
    "revision_not_found",
    "write_forbidden",
]


@dataclass(slots=True)
class Answer:
    """What is sent back: bytes, or a stretch of a file."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None
    first_byte: int = 0
    num_file_bytes: int = 0

    @property
    def num_bytes(self) -> int:
        """Size of its body."""
        return self.num_file_bytes if self.file is not None else len(self.body)

    def chunks(self) -> Iterator[bytes]:
        """Yield its body, a piece at a time."""
        if self.file is None:
            if self.body:
                yield self.body
            return
        left = self.num_file_bytes
        with self.file.open("rb") as file:
            file.seek(self.first_byte)
            while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk


class RefusedError(Exception):
    """A request that is refused, with the answer that says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body[:200]!r}")
        self.answer = answer


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a value as JSON."""
    body = json.dumps(value, ensure_ascii=False, default=str).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)


def refused(status: int, message: str, code: str | None = None, **more: object) -> RefusedError:
    """Return a refusal in the Hub's form: the message in a header and in the body, a code in a header.

    Args:
        status: of the answer.
        message: what is told.
        code: `RepoNotFound`, `RevisionNotFound`, `EntryNotFound` or `GatedRepo`: the client goes by it.
        more: further fields of the body.
    """
    one_line = " ".join(message.split()).encode("ascii", "replace").decode()  # what a header can hold
    headers = {"X-Error-Message": one_line}
    if code is not None:
        headers["X-Error-Code"] = code
    return RefusedError(json_answer({"error": message, **more}, status, headers))


def repo_not_found(*, has_token: bool) -> RefusedError:
    """The answer for a repository that is not there, or that the caller may not know of: the same for both."""
    if has_token:
        return refused(404, "Repository not found", "RepoNotFound")
    return refused(401, "Invalid username or password.", "RepoNotFound")


def revision_not_found(revision: str) -> RefusedError:
    """The answer for a branch, tag or commit that is not there."""
    return refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_not_found(path: str, commit: str | None = None) -> RefusedError:
    """The answer for a file or folder that is not there; with a commit the client remembers that."""
    error = refused(404, f"Entry not found: {path}" if commit is None else "Entry not found", "EntryNotFound")
    if commit is not None:
        error.answer.headers["X-Repo-Commit"] = commit
    return error


def gated(repo_id: str, *, has_token: bool) -> RefusedError:
    """The answer for a gated repository and someone who has not been let in."""
    if has_token:
        return refused(
            403,
            f"Access to dataset {repo_id} is restricted and you are not in the authorized list. "
            f"Visit https://huggingface.co/datasets/{repo_id} to ask for access.",
            "GatedRepo",
        )
    return refused(
        401,
        f"Access to dataset {repo_id} is restricted. You must have access to it and be authenticated to "
        "access it. Please log in.",
        "GatedRepo",
    )


def bad_credentials(token_name: str | None = None) -> RefusedError:
    """The answer for a token that is unknown, or that has expired."""
    error = refused(401, "Invalid credentials in Authorization header")
    if token_name is not None:
        error.answer.body = json.dumps({"error": f'User Access Token "{token_name}" is expired'}).encode()
    return error


def write_forbidden() -> RefusedError:
    """The answer for a token that may read and wants to write."""
    return refused(403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request")


def no_right_to_create(namespace: str) -> RefusedError:
    """The answer for a new repository below a name that is not the caller's."""
    return refused(403, f'You don\'t have the rights to create a dataset under the namespace "{namespace}"')
