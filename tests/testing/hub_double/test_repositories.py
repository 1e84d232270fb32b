"""Repositories as a whole: making them, settings, refs, listings."""

from __future__ import annotations

import base64
import datetime

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.hub_double_fixtures import OnHub

from .conftest import Ask


def test_a_repository_is_made_once(lab: OnHub, api: HfApi) -> None:
    url = api.create_repo("lab/x", repo_type="dataset", exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="You already created this dataset repo") as error:
        api.create_repo("lab/x", repo_type="dataset")

    assert error.value.response.status_code == 409
    assert (url.repo_id, url.repo_type, str(url)) == (
        "lab/x",
        "dataset",
        f"{lab.hub.endpoint}/datasets/lab/x",
    )
    state = lab.hub.repo("lab/x")
    assert (state.private, [commit.title for commit in state.commits]) == (True, ["initial commit"])
    assert list(state.files()) == [".gitattributes"]


def test_settings_change_and_their_history_stays(lab: OnHub, api: HfApi) -> None:
    api.update_repo_settings("lab/x", gated="manual", repo_type="dataset")
    api.update_repo_settings("lab/x", private=False, repo_type="dataset")

    info = api.dataset_info("lab/x")
    assert (info.gated, info.private) == ("manual", False)
    assert lab.hub.repo("lab/x").settings_history == [{"gated": "manual"}, {"visibility": "public"}]


def test_a_deleted_repository_is_gone(lab: OnHub, api: HfApi) -> None:
    api.delete_repo("lab/x", repo_type="dataset")

    assert not api.repo_exists("lab/x", repo_type="dataset")
    api.delete_repo("lab/x", repo_type="dataset", missing_ok=True)


def test_tags_and_branches_name_commits(lab: OnHub, api: HfApi) -> None:
    first = lab.hub.repo("lab/x").branches["main"]
    api.create_tag("lab/x", tag="v1", repo_type="dataset")
    second = lab.hub.commit("lab/x", {"a.txt": b"a"})
    api.create_branch("lab/x", branch="next", revision="v1", repo_type="dataset")

    refs = api.list_repo_refs("lab/x", repo_type="dataset")
    assert {ref.ref: ref.target_commit for ref in [*refs.branches, *refs.tags]} == {
        "refs/heads/main": second,
        "refs/heads/next": first,
        "refs/tags/v1": first,
    }
    assert [api.dataset_info("lab/x", revision=each).sha for each in ("v1", "next", second[:8])] == [
        first,
        first,
        second,
    ]
    with pytest.raises(HfHubHTTPError) as error:
        api.create_tag("lab/x", tag="v1", repo_type="dataset")
    assert error.value.response.status_code == 409
    api.create_tag("lab/x", tag="v1", repo_type="dataset", exist_ok=True)
    assert lab.hub.repo("lab/x").tags == {"v1": first}, "a tag that is there never moves"
    api.delete_tag("lab/x", tag="v1", repo_type="dataset")
    assert not api.revision_exists("lab/x", "v1", repo_type="dataset")


def test_a_commit_to_a_branch_leaves_the_others(lab: OnHub, api: HfApi) -> None:
    api.create_branch("lab/x", branch="next", repo_type="dataset")
    api.upload_file(
        path_or_fileobj=b"a", path_in_repo="a.txt", repo_id="lab/x", repo_type="dataset", revision="next"
    )

    assert "a.txt" in lab.hub.repo("lab/x").files("next")
    assert "a.txt" not in lab.hub.repo("lab/x").files()


def test_a_pull_request_has_a_ref_of_its_own(lab: OnHub, api: HfApi) -> None:
    made = api.upload_file(
        path_or_fileobj=b"a", path_in_repo="a.txt", repo_id="lab/x", repo_type="dataset", create_pr=True
    )

    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    assert "a.txt" in lab.hub.repo("lab/x").files("refs/pr/1")
    assert "a.txt" not in lab.hub.repo("lab/x").files()
    refs = api.list_repo_refs("lab/x", repo_type="dataset", include_pull_requests=True)
    assert [ref.ref for ref in refs.pull_requests or []] == ["refs/pr/1"]


@pytest.mark.parametrize("page_size", [None, 1, 2, 4])
def test_a_tree_lists_files_and_folders_over_pages(lab: OnHub, api: HfApi, page_size: int | None) -> None:
    lab.hub.commit("lab/x", {"a b/ü.txt": b"text", "a b/deep/x.tar": b"tar", "z.txt": b""})
    lab.hub.page_size = page_size

    found = list(api.list_repo_tree("lab/x", recursive=True, expand=True, repo_type="dataset"))
    flat = list(api.list_repo_tree("lab/x", "a b", repo_type="dataset"))

    names = [".gitattributes", "a b", "a b/deep", "a b/deep/x.tar", "a b/ü.txt", "z.txt"]
    assert [each.path for each in found] == names
    assert [each.path for each in flat] == ["a b/deep", "a b/ü.txt"]
    assert [each.path for each in found if isinstance(each, RepoFolder)] == ["a b", "a b/deep"]
    large = [each for each in found if isinstance(each, RepoFile) and each.lfs is not None]
    assert [(each.path, each.size) for each in large] == [("a b/deep/x.tar", 3)]


def test_what_is_told_of_paths_is_what_git_and_lfs_would_say(lab: OnHub, api: HfApi) -> None:
    lab.hub.commit("lab/x", {"a.txt": b"text\n", "data/x.tar": b"tar"})

    told = {
        each.path: each
        for each in api.get_paths_info("lab/x", ["a.txt", "data", "data/x.tar", "none"], repo_type="dataset")
    }

    assert set(told) == {"a.txt", "data", "data/x.tar"}
    text, tar = told["a.txt"], told["data/x.tar"]
    assert isinstance(text, RepoFile)
    assert isinstance(tar, RepoFile)
    assert tar.lfs is not None
    assert text.blob_id == "8e27be7d6154a1f68ea9160ef0e18691d20560dc", "as `git hash-object` says"
    assert tar.lfs.sha256 == "90aebae315675cbf04612de4f7d5874850f48e0b8dd82becbeaa47ca93f5ebfb"
    assert tar.lfs.pointer_size == len(lab.hub.repo("lab/x").commit_of("main").contents["data/x.tar"].pointer)


def test_history_is_told_newest_first(lab: OnHub, api: HfApi) -> None:
    lab.hub.commit("lab/x", {"a.txt": b"a"}, title="first")
    lab.hub.commit("lab/x", {"a.txt": None}, title="second")

    history = api.list_repo_commits("lab/x", repo_type="dataset")

    assert [commit.title for commit in history] == ["second", "first", "initial commit"]
    assert all(commit.created_at.tzinfo == datetime.UTC for commit in history)
    assert [commit.parent for commit in lab.hub.repo("lab/x").commits[1:]] == [
        commit.commit_id for commit in reversed(history[1:])
    ]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("license: cc-by-nc", '"license" must be one of'),
        ("license: [", "could not be parsed"),
        ("- a", "must be an object"),
        ("configs: none", '"configs" must be'),
    ],
)
def test_a_card_with_a_wrong_header_is_refused(
    lab: OnHub, api: HfApi, ask: Ask, header: str, told: str
) -> None:
    text = f"---\n{header}\n---\n# A set\n"
    with pytest.raises(ValueError, match=told):
        api.upload_file(
            path_or_fileobj=text.encode(), path_in_repo="README.md", repo_id="lab/x", repo_type="dataset"
        )

    lines = [
        '{"key": "header", "value": {"summary": "past the check"}}',
        '{"key": "file", "value": {"path": "README.md", "encoding": "base64", "content": "%s"}}',
    ]
    body = "\n".join(lines) % base64.b64encode(text.encode()).decode()
    assert ask("POST", "/api/datasets/lab/x/commit/main", body.encode()).status == 400
    assert "README.md" not in lab.hub.repo("lab/x").files()


def test_a_card_tells_its_header(lab: OnHub, api: HfApi) -> None:
    lab.hub.commit("lab/x", {"README.md": b"---\nlicense: cc-by-4.0\nday: 2026-01-02\n---\n# A set\n"})

    info = api.dataset_info("lab/x")

    assert info.card_data is not None
    assert (info.card_data.license, info.tags) == ("cc-by-4.0", ["license:cc-by-4.0"])


def test_gating_is_one_of_three(lab: OnHub, api: HfApi, ask: Ask) -> None:
    answer = ask("PUT", "/api/datasets/lab/x/settings", b'{"gated": "perhaps"}')

    assert answer.status == 400
    assert lab.hub.repo("lab/x").gated is False


def test_models_are_refused(lab: OnHub) -> None:
    with pytest.raises(BadRequestError, match="datasets only"):
        HfApi().create_repo("lab/m")
