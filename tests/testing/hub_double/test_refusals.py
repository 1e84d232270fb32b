"""Each refusal reaches the caller as the client's own exception."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub_double_fixtures import OnHub

from .conftest import EXPIRED, LAB, OTHER, READER

FILES = {"a.txt": b"text", "a.tar": b"tar"}


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return int(error.value.response.status_code)


@pytest.mark.parametrize(("token", "status"), [(False, 401), (OTHER, 404)])
def test_a_private_repository_is_not_there_for_others(lab: OnHub, token: str | bool, status: int) -> None:
    lab.hub.add_repo("lab/x", FILES, private=True)

    with pytest.raises(RepositoryNotFoundError) as info:
        HfApi().dataset_info("lab/x", token=token)
    with pytest.raises(RepositoryNotFoundError) as download:
        hf_hub_download("lab/x", "a.txt", repo_type="dataset", token=token)
    with pytest.raises(RepositoryNotFoundError) as missing:
        HfApi().dataset_info("lab/none", token=token)

    assert {status_of(info), status_of(download), status_of(missing)} == {status}
    assert str(info.value).replace("lab/x", "lab/none") == str(missing.value), "its existence shows"


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [(False, 401, "Please log in"), (OTHER, 403, "you are not in the authorized list. Visit https://")],
)
def test_a_gated_repository_shows_its_list_and_keeps_its_files(
    lab: OnHub, token: str | bool, status: int, message: str
) -> None:
    lab.hub.add_repo("lab/x", FILES, gated="manual")

    info = HfApi().dataset_info("lab/x", token=token)
    with pytest.raises(GatedRepoError, match=message) as download:
        hf_hub_download("lab/x", "a.tar", repo_type="dataset", token=token)
    with pytest.raises(GatedRepoError):
        HfApi().auth_check("lab/x", repo_type="dataset", token=token)
    with pytest.raises((GatedRepoError, PermissionError, FileNotFoundError)):
        HfFileSystem(token=token).read_bytes("datasets/lab/x/a.txt")

    assert info.gated == "manual"
    assert status_of(download) == status
    HfApi().auth_check("lab/x", repo_type="dataset", token=LAB, write=True)


def test_whoever_is_let_in_gets_the_files_of_a_gated_repository(lab: OnHub) -> None:
    lab.hub.add_repo("lab/x", FILES, gated="auto", let_in=["other"])

    assert HfFileSystem(token=OTHER).read_bytes("datasets/lab/x/a.tar") == b"tar"


@pytest.mark.parametrize(("token", "told"), [("hf_strange", "Invalid credentials"), (EXPIRED, "is expired")])
def test_a_token_that_is_no_good_is_refused_everywhere(lab: OnHub, token: str, told: str) -> None:
    lab.hub.add_repo("lab/x", FILES)

    with pytest.raises(HfHubHTTPError, match=told) as info:
        HfApi().dataset_info("lab/x", token=token)
    with pytest.raises(HfHubHTTPError, match="Invalid user token") as who:
        HfApi().whoami(token)

    assert (status_of(info), status_of(who)) == (401, 401)
    assert lab.hub.requests[-1].account == ("?" if told == "Invalid credentials" else "lab")


def test_a_wrong_revision_and_a_wrong_path_are_told_apart(lab: OnHub) -> None:
    lab.hub.add_repo("lab/x", FILES)
    api = HfApi()

    with pytest.raises(RevisionNotFoundError):
        hf_hub_download("lab/x", "a.txt", repo_type="dataset", revision="v9")
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info("lab/x", revision="v9")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("lab/x", "none.txt", repo_type="dataset")
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree("lab/x", "none", repo_type="dataset"))

    assert not api.file_exists("lab/x", "none.txt", repo_type="dataset")
    assert not api.revision_exists("lab/x", "v9", repo_type="dataset")
    assert not api.repo_exists("lab/none", repo_type="dataset")


@pytest.mark.parametrize("token", [READER, OTHER])
def test_whoever_may_not_write_changes_nothing(lab: OnHub, token: str) -> None:
    oid = lab.hub.add_repo("lab/x", FILES)
    api = HfApi(token=token)
    state = lab.hub.repo("lab/x")

    for change in (
        lambda: api.upload_file(
            path_or_fileobj=b"new", path_in_repo="a.txt", repo_id="lab/x", repo_type="dataset"
        ),
        lambda: api.update_repo_settings("lab/x", private=True, repo_type="dataset"),
        lambda: api.create_tag("lab/x", tag="v1", repo_type="dataset"),
        lambda: api.delete_repo("lab/x", repo_type="dataset"),
        lambda: api.create_repo("lab/y", repo_type="dataset"),
        lambda: api.auth_check("lab/x", repo_type="dataset", write=True),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            change()
        assert status_of(error) == 403

    assert (state.branches, state.tags, state.settings_history, state.private) == (
        {"main": oid},
        {},
        [],
        False,
    )
    assert lab.hub.find_repo("lab/y") is None


def test_the_owner_of_an_organisation_creates_below_it(lab: OnHub) -> None:
    api = HfApi()

    api.create_repo("institute/x", repo_type="dataset", private=True)
    with pytest.raises(HfHubHTTPError, match='under the namespace "elsewhere"'):
        api.create_repo("elsewhere/x", repo_type="dataset")

    assert [each["name"] for each in api.whoami()["orgs"]] == ["institute"]
    assert lab.hub.repo("institute/x").private
