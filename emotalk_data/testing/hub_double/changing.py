"""Routes that change a repository as a whole: making it, its settings, its refs."""

from __future__ import annotations

from emotalk_data.testing.hub_double.calls import Call
from emotalk_data.testing.hub_double.card import faults_of
from emotalk_data.testing.hub_double.refusals import Answer, json_answer, no_right_to_create, refused
from emotalk_data.testing.hub_double.server import Routes

__all__ = ["CHANGING"]


def create(call: Call) -> Answer:
    """`POST /api/repos/create`."""
    account, asked = call.signed_in(), call.json()
    namespace = asked.get("organization") or account.name
    repo_id = f"{namespace}/{asked.get('name')}"
    if asked.get("type") != "dataset":
        raise refused(400, "The double holds datasets only")
    if account.role != "write" or not account.owns(repo_id):
        raise no_right_to_create(namespace)
    url = f"{call.hub.endpoint}/datasets/{repo_id}"
    is_private = asked.get("visibility") == "private" or asked.get("private") is True
    if not call.hub.create_repo(repo_id, author=account.name, private=is_private):
        raise refused(409, "You already created this dataset repo", url=url)
    return json_answer({"url": url, "name": repo_id, "id": repo_id})


def delete(call: Call) -> Answer:
    """`DELETE /api/repos/delete`."""
    account, asked = call.signed_in(), call.json()
    repo_id = f"{asked.get('organization') or account.name}/{asked.get('name')}"
    call.writable(repo_id)
    call.hub.delete_repo(repo_id)
    return json_answer({})


def settings(call: Call, repo: str) -> Answer:
    """`PUT …/settings`: visibility and gating."""
    state, asked = call.writable(repo), call.json()
    if asked.get("gated", False) not in ("auto", "manual", False):
        raise refused(400, 'Invalid value for "gated"')
    with state.lock:
        state.settings_history.append(asked)
        state.gated = asked.get("gated", state.gated)
        if "visibility" in asked or "private" in asked:
            state.private = asked.get("visibility") == "private" or asked.get("private") is True
    return json_answer({"private": state.private, "gated": state.gated})


def make_tag(call: Call, repo: str, revision: str) -> Answer:
    """`POST …/tag/{revision}`."""
    state, asked = call.writable(repo), call.json()
    commit = call.commit(state, revision)
    with state.lock:
        if asked["tag"] in state.tags:
            raise refused(409, f"Tag {asked['tag']} already exists")
        state.tags[asked["tag"]] = commit.oid
    return json_answer({})


def make_branch(call: Call, repo: str, name: str) -> Answer:
    """`POST …/branch/{name}`."""
    state, asked = call.writable(repo), call.json()
    commit = call.commit(state, asked.get("startingPoint", "main"))
    with state.lock:
        if name in state.branches:
            raise refused(409, f"Reference {name} already exists")
        state.branches[name] = commit.oid
    return json_answer({})


def drop_ref(call: Call, repo: str, kind: str, name: str) -> Answer:
    """`DELETE …/tag/{name}` and `…/branch/{name}`."""
    state = call.writable(repo)
    table = state.tags if kind == "tag" else state.branches
    if kind == "branch" and name == "main":
        raise refused(403, "Cannot delete the default branch")
    with state.lock:
        if table.pop(name, None) is None:
            raise refused(404, f"Reference {name} doesn't exist", "RevisionNotFound")
    return json_answer({})


def validate_yaml(call: Call) -> Answer:
    """`POST /api/validate-yaml`: the header of a README."""
    faults = faults_of(str(call.json().get("content", "")))
    told = {"errors": [{"message": fault} for fault in faults], "warnings": []}
    return json_answer(told, 400 if faults else 200)


_API = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
CHANGING: Routes = {
    ("POST", r"/api/repos/create"): create,
    ("DELETE", r"/api/repos/delete"): delete,
    ("POST", r"/api/validate-yaml"): validate_yaml,
    ("PUT", _API + r"/settings"): settings,
    ("POST", _API + r"/tag/(?P<revision>[^/]+)"): make_tag,
    ("POST", _API + r"/branch/(?P<name>[^/]+)"): make_branch,
    ("DELETE", _API + r"/(?P<kind>tag|branch)/(?P<name>[^/]+)"): drop_ref,
}
