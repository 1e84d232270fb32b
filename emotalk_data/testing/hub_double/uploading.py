"""Routes by which files come: what is wanted, the bytes by LFS or Xet, the commit."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

from emotalk_data.testing.hub_double.calls import Call
from emotalk_data.testing.hub_double.card import faults_of
from emotalk_data.testing.hub_double.objects import StoredFile, WrongObjectError
from emotalk_data.testing.hub_double.refusals import (
    Answer,
    entry_not_found,
    json_answer,
    refused,
    write_forbidden,
)
from emotalk_data.testing.hub_double.repositories import Account, Commit, RepoState
from emotalk_data.testing.hub_double.server import Routes

__all__ = ["UPLOADING", "is_large"]

_LARGE_BYTES = 10 * 1024 * 1024
_TOKEN_SECONDS = 3600
_STALE = "A commit has happened since. Please refresh and try again."

Tree = dict[str, StoredFile]


def is_large(path: str, num_bytes: int, sample: bytes, attributes: str) -> bool:
    """Whether a file is stored as a large one: by `.gitattributes`, by its size, or because it is binary."""
    name = path.rpartition("/")[2]
    for line in attributes.splitlines():
        pattern, _, rest = line.partition(" ")
        if "filter=lfs" in rest.split() and (fnmatch(name, pattern) or fnmatch(path, pattern)):
            return True
    return num_bytes > _LARGE_BYTES or b"\0" in sample


def attributes_of(call: Call, commit: Commit) -> str:
    """Return the `.gitattributes` of a commit."""
    file = commit.contents.get(".gitattributes")
    return call.hub.objects.path(file.sha256).read_text(encoding="utf-8") if file else ""


def contributor(call: Call, repo: str) -> tuple[RepoState, Account]:
    """Return a repository and who may add to it, by a commit or by a pull request.

    Raises:
        RefusedError: the caller may not.
    """
    state, account = call.repo(repo), call.signed_in()
    if not state.is_writable_by(account) and not call.is_asked("create_pr"):
        raise write_forbidden()
    return state, account


def preupload(call: Call, repo: str, revision: str) -> Answer:
    """`POST …/preupload/{revision}`: how each file is to come, and what is there already."""
    state, _ = contributor(call, repo)
    commit = call.commit(state, revision)
    asked, attributes = call.json(), attributes_of(call, commit)
    ignored = [line.strip() for line in asked.get("gitIgnore", "").splitlines()]
    told = []
    for each in asked.get("files", []):
        path, there = each["path"], commit.contents.get(each["path"])
        sample = base64.b64decode(each.get("sample", ""))
        mode = "lfs" if is_large(path, each["size"], sample, attributes) else "regular"
        is_ignored = any(line and not line.startswith("#") and fnmatch(path, line) for line in ignored)
        answer = {"path": path, "uploadMode": mode, "shouldIgnore": is_ignored}
        told.append(answer | ({"oid": there.etag} if there else {}))
    return json_answer({"files": told, "commitOid": commit.oid})


def xet_token(call: Call, repo: str, kind: str, revision: str) -> Answer:
    """`GET …/xet-write-token/{revision}` and `…/xet-read-token/{revision}`: the address of a store."""
    if call.hub.xet is None:
        raise refused(404, "This double takes large files by LFS: set HF_HUB_DISABLE_XET=1")
    if kind == "write":
        contributor(call, repo)
        store = call.hub.xet.to_write(call.headers.get("X-Xet-Session-Id") or "")
    else:
        contents = call.readable(repo, revision).contents.values()
        store = call.hub.xet.to_read(file.sha256 for file in contents if file.is_lfs)
    until = int(time.time()) + _TOKEN_SECONDS
    told = {"accessToken": call.hub.signature, "exp": until, "casUrl": store}
    headers = {
        "X-Xet-Access-Token": call.hub.signature,
        "X-Xet-Token-Expiration": str(until),
        "X-Xet-Cas-Url": store,
    }
    return json_answer(told, headers=headers)


def lfs_batch(call: Call, repo: str) -> Answer:
    """`POST /datasets/{repo}.git/info/lfs/objects/batch`: where to send what is not there yet."""
    call.writable(repo)
    asked = call.json()
    told = []
    for each in asked.get("objects", []):
        answer: dict[str, Any] = {"oid": each["oid"], "size": each["size"], "authenticated": True}
        if not call.hub.objects.has(each["oid"]):
            upload = f"{call.hub.cdn}/lfs/{each['oid']}?signature={call.hub.signature}"
            verify = f"{call.hub.endpoint}/datasets/{repo}.git/info/lfs/verify"
            answer["actions"] = {"upload": {"href": upload, "header": {}}, "verify": {"href": verify}}
        told.append(answer)
    return json_answer({"transfer": "basic", "objects": told})


def lfs_upload(call: Call, sha256: str) -> Answer:
    """`PUT /lfs/{sha256}`: the bytes of a large file, from whoever has a signed link."""
    if call.query("signature") != call.hub.signature:
        raise refused(403, "Access denied")
    try:
        call.hub.objects.take_in(call.body.chunks(), sha256)
    except WrongObjectError as error:
        raise refused(400, f"XAmzContentSHA256Mismatch: {error}") from None
    return Answer(200, {"ETag": f'"{sha256}"'})


def lfs_verify(call: Call, repo: str) -> Answer:
    """`POST /datasets/{repo}.git/info/lfs/verify`: whether it arrived."""
    call.writable(repo)
    asked = call.json()
    if not call.hub.objects.has(asked["oid"]):
        raise refused(404, "Object does not exist")
    return json_answer({})


def commit(call: Call, repo: str, revision: str) -> Answer:
    """`POST …/commit/{revision}`: all of it, or nothing."""
    state, account = contributor(call, repo)
    call.commit(state, revision)  # before anything is read: the revision may be wrong
    header, changes = read_changes(call, call.body.read())
    with state.lock:
        head = call.commit(state, revision)
        if header.get("parentCommit") not in (None, head.oid):
            raise refused(412, _STALE)
        refs = state.pull_requests if call.is_asked("create_pr") else state.refs_of(revision)
        if refs is None:
            raise refused(403, f"Cannot commit to {revision}: it is no branch")

        def change(tree: Tree) -> None:
            for each in changes:
                each(tree)

        made = state.add_commit(
            change,
            title=header.get("summary", ""),
            description=header.get("description", ""),
            author=account.name,
            parent=head.oid,
        )
        name = f"refs/pr/{len(refs) + 1}" if call.is_asked("create_pr") else revision
        refs[name] = made.oid
    page = f"{call.hub.endpoint}/datasets/{repo}"
    told = {
        "success": True,
        "commitOid": made.oid,
        "commitUrl": f"{page}/commit/{made.oid}",
        "hookOutput": "",
    }
    if call.is_asked("create_pr"):
        told["pullRequestUrl"] = f"{page}/discussions/{name.rpartition('/')[2]}"
    return json_answer(told)


def read_changes(call: Call, body: bytes) -> tuple[dict[str, Any], list[Callable[[Tree], None]]]:
    """Return the header of a commit's lines and what each other line changes.

    Raises:
        RefusedError: a line is not as it has to be.
    """
    try:
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        changes = [read_change(call, line["key"], line["value"]) for line in lines if line["key"] != "header"]
    except (ValueError, KeyError, TypeError, StopIteration, binascii.Error) as error:
        raise refused(400, f"Invalid commit: {error!r}") from None
    return header, changes


def read_change(call: Call, key: str, value: dict[str, Any]) -> Callable[[Tree], None]:
    """Return what one line of a commit changes in a tree."""
    path, objects = value["path"], call.hub.objects
    if key == "file":
        content = base64.b64decode(value["content"], validate=True)
        if path == "README.md" and (faults := faults_of(content.decode(errors="replace"))):
            raise refused(400, "Invalid metadata in README.md: " + " ".join(faults))
        file = objects.describe(objects.put(content)[0], is_lfs=False)
        return lambda tree: tree.update({path: file})
    if key == "lfsFile":
        if call.hub.xet is not None:
            call.hub.xet.bring(value["oid"])
        if not objects.has(value["oid"]):
            raise refused(400, f"LFS pointer pointed to a file that does not exist: {path}")
        file = objects.describe(value["oid"], is_lfs=True)
        return lambda tree: tree.update({path: file})
    if key == "deletedFile":
        return lambda tree: _delete_file(tree, path)
    if key == "deletedFolder":
        return lambda tree: _delete_folder(tree, path)
    raise ValueError(f"unknown key {key}")


def _delete_file(tree: Tree, path: str) -> None:
    if tree.pop(path, None) is None:
        error = entry_not_found(path)
        error.answer = refused(404, f"A file with this name doesn't exist: {path}", "EntryNotFound").answer
        raise error


def _delete_folder(tree: Tree, path: str) -> None:
    inside = [name for name in tree if name.startswith(path.rstrip("/") + "/")]
    if not inside:
        raise entry_not_found(path)
    for name in inside:
        del tree[name]


_API = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
_GIT = r"/datasets/(?P<repo>[^/]+/[^/]+)\.git"
UPLOADING: Routes = {
    ("POST", _API + r"/preupload/(?P<revision>[^/]+)"): preupload,
    ("GET", _API + r"/xet-(?P<kind>read|write)-token/(?P<revision>[^/]+)"): xet_token,
    ("POST", _API + r"/commit/(?P<revision>[^/]+)"): commit,
    ("POST", _GIT + r"/info/lfs/objects/batch"): lfs_batch,
    ("POST", _GIT + r"/info/lfs/verify"): lfs_verify,
    ("PUT", r"/lfs/(?P<sha256>[0-9a-f]{64})"): lfs_upload,
}
