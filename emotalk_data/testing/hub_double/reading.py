"""Routes that only look: repositories, trees, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from emotalk_data.testing.hub_double.calls import Call
from emotalk_data.testing.hub_double.card import card_data
from emotalk_data.testing.hub_double.objects import StoredFile, git_id
from emotalk_data.testing.hub_double.refusals import (
    Answer,
    entry_not_found,
    gated,
    json_answer,
    refused,
    write_forbidden,
)
from emotalk_data.testing.hub_double.repositories import Commit, RepoState
from emotalk_data.testing.hub_double.server import Routes

__all__ = ["READING", "info_of"]

_PAGE = 1000
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def whoami(call: Call) -> Answer:
    """`GET /api/whoami-v2`."""
    account = call.signed_in()
    orgs = [{"type": "org", "name": name, "fullname": name} for name in account.organisations]
    token = {"displayName": "double", "role": account.role}
    auth = {"type": "access_token", "accessToken": token}
    told = {"type": "user", "id": account.name, "name": account.name, "fullname": account.name}
    return json_answer({**told, "orgs": orgs, "auth": auth})


def info_of(call: Call, repo: RepoState, commit: Commit, *, has_sizes: bool) -> dict[str, Any]:
    """Return what the Hub tells of a repository."""
    siblings: list[dict[str, Any]] = []
    for path, file in sorted(commit.contents.items()):
        siblings.append({"rfilename": path})
        if has_sizes:
            siblings[-1] |= {"size": file.num_bytes, "blobId": file.blob_id}
        if has_sizes and file.is_lfs:
            pointer = len(file.pointer)
            siblings[-1]["lfs"] = {"sha256": file.sha256, "size": file.num_bytes, "pointerSize": pointer}
    card = commit.contents.get("README.md")
    data = card_data(call.hub.objects.path(card.sha256)) if card else {}
    return {
        "_id": git_id("repo", repo.repo_id.encode())[:24],
        "id": repo.repo_id,
        "author": repo.repo_id.partition("/")[0],
        "sha": commit.oid,
        "createdAt": repo.commits[0].date_text,
        "lastModified": commit.date_text,
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "tags": [f"license:{data['license']}"] if "license" in data else [],
        "downloads": 0,
        "likes": 0,
        "cardData": data,
        "siblings": siblings,
        "usedStorage": sum(file.num_bytes for file in commit.contents.values()),
    }


def info(call: Call, repo: str, revision: str = "main") -> Answer:
    """`GET /api/datasets/{repo}` and `…/revision/{revision}`."""
    state = call.repo(repo)
    commit = call.commit(state, revision)
    return json_answer(info_of(call, state, commit, has_sizes=call.is_asked("blobs")))


def auth_check(call: Call, repo: str, write: str) -> Answer:
    """`GET …/auth-check` and `…/auth-check/write`."""
    state, account = call.repo(repo), call.account()
    if not state.gives_files_to(account):
        raise gated(repo, has_token=call.has_token)
    if write and not state.is_writable_by(account):
        raise write_forbidden()
    return json_answer({})


def refs(call: Call, repo: str) -> Answer:
    """`GET …/refs`."""
    state = call.repo(repo)
    told: dict[str, Any] = {"converts": [], "branches": [], "tags": []}
    for kind, folder, table in (("branches", "heads", state.branches), ("tags", "tags", state.tags)):
        told[kind] = [
            {"name": name, "ref": f"refs/{folder}/{name}", "targetCommit": oid} for name, oid in table.items()
        ]
    if call.is_asked("include_prs"):
        told["pullRequests"] = [
            {"name": ref.removeprefix("refs/"), "ref": ref, "targetCommit": oid}
            for ref, oid in state.pull_requests.items()
        ]
    return json_answer(told)


def commits(call: Call, repo: str, revision: str) -> Answer:
    """`GET …/commits/{revision}`, newest first."""
    state = call.repo(repo)
    told = [
        {
            "id": each.oid,
            "title": each.title,
            "message": each.description,
            "authors": [{"user": each.author}],
            "date": each.date_text,
        }
        for each in state.history(call.commit(state, revision).oid)
    ]
    return json_answer(told)


def xet_hash(call: Call, file: StoredFile, commit: Commit) -> str:
    """Return what Xet calls a large file; all of its commit are looked up at once."""
    assert call.hub.xet is not None  # noqa: S101  # asked for before
    large = (each.sha256 for each in commit.contents.values() if each.is_lfs)
    return call.hub.xet.hashes_of(large)[file.sha256]


def entry(call: Call, path: str, file: StoredFile, commit: Commit, *, is_expanded: bool) -> dict[str, Any]:
    """Return what the Hub tells of a file in a listing."""
    told: dict[str, Any] = {"type": "file", "oid": file.blob_id, "size": file.num_bytes, "path": path}
    if file.is_lfs:
        told["lfs"] = {"oid": file.sha256, "size": file.num_bytes, "pointerSize": len(file.pointer)}
        if call.hub.xet is not None:
            told["xetHash"] = xet_hash(call, file, commit)
    if is_expanded:
        told["lastCommit"] = {"id": commit.oid, "title": commit.title, "date": commit.date_text}
    return told


def folders_of(commit: Commit) -> dict[str, dict[str, Any]]:
    """Return each folder of a commit as the Hub tells of it in a listing."""
    folders: dict[str, str] = {}
    for path, file in sorted(commit.contents.items()):
        above = path
        while "/" in above:
            above = above.rpartition("/")[0]
            folders[above] = folders.get(above, "") + f"{path} {file.etag}\n"
    return {
        path: {"type": "directory", "oid": git_id("tree", text.encode()), "size": 0, "path": path}
        for path, text in folders.items()
    }


def tree(call: Call, repo: str, revision: str, path: str = "") -> Answer:
    """`GET …/tree/{revision}[/{path}]`: files and folders, a page at a time."""
    state = call.repo(repo)
    commit = call.commit(state, revision)
    is_deep, is_expanded = call.is_asked("recursive"), call.is_asked("expand")
    path = path.strip("/")
    folders = folders_of(commit)
    if path and path not in folders:
        raise entry_not_found(path)
    found = list(folders.values())
    for name, file in commit.contents.items():
        found.append(entry(call, name, file, commit, is_expanded=is_expanded))
    prefix = f"{path}/" if path else ""
    inside = [
        each
        for each in sorted(found, key=lambda one: str(one["path"]))
        if each["path"].startswith(prefix) and (is_deep or "/" not in each["path"][len(prefix) :])
    ]
    start, page = int(call.query("cursor") or 0), int(call.query("limit") or call.hub.page_size or _PAGE)
    headers = {}
    if start + page < len(inside):
        names = ("recursive", "expand", "limit")
        kept = "".join(f"&{name}={call.query(name)}" for name in names if call.query(name) is not None)
        url = f"{call.hub.endpoint}{quote(call.request.path)}?cursor={start + page}{kept}"
        headers["Link"] = f'<{url}>; rel="next"'
    return json_answer(inside[start : start + page], headers=headers)


def paths_info(call: Call, repo: str, revision: str) -> Answer:
    """`POST …/paths-info/{revision}`: what is there of the paths asked for."""
    state = call.repo(repo)
    commit = call.commit(state, revision)
    body = call.body.read()
    asked: Mapping[str, list[str]] = parse_qs(body.decode())
    folders = folders_of(commit)
    is_expanded = asked.get("expand", [""])[-1].lower() == "true"
    told = []
    for path in asked.get("paths", []):
        if path in folders:
            told.append(folders[path])
        elif path in commit.contents:
            told.append(entry(call, path, commit.contents[path], commit, is_expanded=is_expanded))
    return json_answer(told)


def resolve(call: Call, repo: str, revision: str, path: str) -> Answer:
    """`GET|HEAD /datasets/{repo}/resolve/{revision}/{path}`: small files at once, large ones by a redirect."""
    commit = call.readable(repo, revision)
    file = commit.contents.get(path)
    if file is None:
        raise entry_not_found(path, commit.oid)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
    if not file.is_lfs:
        return stretch(call, file, headers)
    headers |= {"X-Linked-Size": str(file.num_bytes), "X-Linked-ETag": f'"{file.sha256}"'}
    if call.hub.xet is not None:
        route = f"{call.hub.endpoint}/api/datasets/{repo}/xet-read-token/{commit.oid}"
        headers |= {
            "X-Xet-Hash": xet_hash(call, file, commit),
            "X-Xet-Refresh-Route": route,
            "Link": f'<{route}>; rel="xet-auth"',
        }
    place = f"/cdn/datasets/{repo}/resolve/{commit.oid}/{quote(path)}"
    headers["Location"] = f"{call.hub.cdn}{place}?sha256={file.sha256}&signature={call.hub.signature}"
    return Answer(302, headers, f"Found. Redirecting to {headers['Location']}".encode())


def cdn(call: Call, path: str) -> Answer:  # noqa: ARG001  # the path is for readers of the log
    """`GET|HEAD /cdn/…`: the bytes of a large file, to whoever has a signed link."""
    sha256 = call.query("sha256") or ""
    if call.query("signature") != call.hub.signature or not call.hub.objects.has(sha256):
        raise refused(403, "Access denied")
    file = call.hub.objects.describe(sha256, is_lfs=True)
    return stretch(call, file, {"ETag": f'"{sha256}"', "Accept-Ranges": "bytes"})


def stretch(call: Call, file: StoredFile, headers: dict[str, str]) -> Answer:
    """Return a file, or what the header `Range` asks of it."""
    headers = {"Content-Type": "application/octet-stream", **headers}
    path, size = call.hub.objects.path(file.sha256), file.num_bytes
    match = _RANGE.fullmatch((call.request.range or "").replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return Answer(200, headers, file=path, num_file_bytes=size)
    if match[1]:
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
    else:
        first, last = max(0, size - int(match[2])), size - 1
    if first > last:
        return Answer(416, {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Answer(206, headers, file=path, first_byte=first, num_file_bytes=last - first + 1)


_API = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
READING: Routes = {
    ("GET", r"/api/whoami-v2"): whoami,
    ("GET", _API): info,
    ("GET", _API + r"/revision/(?P<revision>[^/]+)"): info,
    ("GET", _API + r"/auth-check(?P<write>/write)?"): auth_check,
    ("GET", _API + r"/refs"): refs,
    ("GET", _API + r"/commits/(?P<revision>[^/]+)"): commits,
    ("GET", _API + r"/tree/(?P<revision>[^/]+)"): tree,
    ("GET", _API + r"/tree/(?P<revision>[^/]+)/(?P<path>.*)"): tree,
    ("POST", _API + r"/paths-info/(?P<revision>[^/]+)"): paths_info,
    ("GET HEAD", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"): resolve,
    ("GET HEAD", r"/cdn/(?P<path>.+)"): cdn,
}
