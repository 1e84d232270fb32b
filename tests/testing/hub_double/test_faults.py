"""What goes wrong on purpose: which requests are hit, and what a client sees."""

from __future__ import annotations

import http.client
import threading
import time

import httpx2
import pytest
from huggingface_hub import HfApi, get_session
from huggingface_hub.errors import HfHubHTTPError

from emotalk_data.testing.hub_double import Fault, HubDouble
from tests.hub_double_fixtures import OnHub

from .conftest import LAB, Ask

WHO = "/api/whoami-v2"


def test_a_status_comes_instead_of_what_was_asked(lab: OnHub, ask: Ask) -> None:
    lab.hub.faults.append(
        Fault(
            method="POST",
            path="create$",
            status=503,
            headers={"Retry-After": "7", "X-More": "a"},
            body=b"later",
        )
    )

    first = ask("POST", "/api/repos/create", b'{"name": "x", "type": "dataset"}')
    made = lab.hub.find_repo("lab/x")
    second = ask("POST", "/api/repos/create", b'{"name": "x", "type": "dataset"}')

    assert (first.status, first.body, first.headers["Retry-After"], first.headers["X-More"]) == (
        503,
        b"later",
        "7",
        "a",
    )
    assert made is None
    assert second.status == 200


def test_a_fault_hits_as_often_and_as_late_as_it_says(lab: OnHub, ask: Ask) -> None:
    fault = Fault(path="who", status=500, skip=1, times=2)
    always = Fault(path="who", method="PUT", status=418, times=None)
    lab.hub.faults += [fault, always]

    assert [ask("GET", WHO).status for _ in range(5)] == [200, 500, 500, 200, 200]
    assert [ask("PUT", WHO).status for _ in range(3)] == [418, 418, 418]
    assert (fault.num_hits, always.num_hits) == (2, 3)


def test_a_fault_can_go_by_the_query_and_only_count(lab: OnHub, ask: Ask) -> None:
    lab.hub.add_repo("lab/x")
    counts = Fault(path=r"\?.*blobs=true", times=None)
    lab.hub.faults.append(counts)

    assert ask("GET", "/api/datasets/lab/x?blobs=true").status == 200
    assert ask("GET", "/api/datasets/lab/x").status == 200
    assert counts.num_hits == 1


def test_the_client_tries_again_after_a_status(lab: OnHub) -> None:
    lab.hub.add_repo("lab/x", {"a.txt": b"a"})
    lab.hurry()
    lab.hub.faults += [Fault(path="/tree/", status=503), Fault(path="/tree/", status=429)]

    files = HfApi().list_repo_files("lab/x", repo_type="dataset")

    assert "a.txt" in files
    assert [request.status for request in lab.hub.requests if "/tree/" in request.path] == [503, 429, 200]


def test_a_lost_answer_is_lost_after_the_deed(lab: OnHub) -> None:
    lab.hub.faults.append(Fault(path="/api/repos/create", cut_after=0))

    with pytest.raises(httpx2.RemoteProtocolError):
        HfApi().create_repo("lab/x", repo_type="dataset")
    with pytest.raises(HfHubHTTPError) as error:
        HfApi().create_repo("lab/x", repo_type="dataset")

    assert error.value.response.status_code == 409
    assert [request.status for request in lab.hub.requests] == [0, 409]


def test_an_answer_is_cut_where_it_says(lab: OnHub) -> None:
    lab.hub.faults.append(Fault(path=WHO, cut_after=10))

    with pytest.raises(httpx2.RemoteProtocolError, match="received 10 bytes"):
        get_session().get(lab.hub.endpoint + WHO, headers={"Authorization": f"Bearer {LAB}"})
    assert HfApi().whoami()["name"] == "lab"


def test_an_answer_that_is_shorter_is_not_cut_and_not_counted(lab: OnHub, ask: Ask) -> None:
    lab.hub.add_repo("lab/x", {"a.tar": b"x" * 1000})
    fault = Fault(path=r"a\.tar", cut_after=500)
    lab.hub.faults.append(fault)

    assert ask("HEAD", "/datasets/lab/x/resolve/main/a.tar").status == 302
    link = ask("GET", "/datasets/lab/x/resolve/main/a.tar").headers["Location"]
    assert fault.num_hits == 0
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask("GET", link.removeprefix(lab.hub.cdn), token=None)
    assert (len(cut.value.partial), fault.num_hits) == (500, 1)


def test_a_silent_server_keeps_a_client_waiting_until_its_own_limit(lab: OnHub) -> None:
    lab.hub.faults.append(Fault(path=WHO, hang_seconds=3600))

    with pytest.raises(httpx2.ReadTimeout):
        get_session().get(lab.hub.endpoint + WHO, timeout=0.2)


def test_a_server_that_falls_silent_has_sent_what_it_says(lab: OnHub) -> None:
    lab.hub.faults.append(Fault(path=WHO, hang_seconds=3600, cut_after=10))
    headers = {"Authorization": f"Bearer {LAB}"}

    with get_session().stream("GET", lab.hub.endpoint + WHO, timeout=0.3, headers=headers) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b'{"type": "'
        with pytest.raises(httpx2.ReadTimeout):
            next(pieces)


def test_a_double_that_ends_lets_nobody_hang() -> None:
    ended: list[BaseException] = []
    with HubDouble() as hub:
        hub.faults.append(Fault(hang_seconds=3600))

        def ask_and_wait() -> None:
            try:
                httpx2.get(hub.endpoint + WHO, timeout=60, trust_env=False)
            except httpx2.HTTPError as error:
                ended.append(error)

        waiting = threading.Thread(target=ask_and_wait)
        waiting.start()
        while not hub.requests:
            time.sleep(0.01)
    waiting.join(timeout=30)

    assert not waiting.is_alive()
    assert hub.errors == []


def test_the_record_says_who_asked_for_what(lab: OnHub, ask: Ask) -> None:
    ask("GET", "/api/datasets/lab%2Fno?a=1", token=None)
    ask("POST", "/api/validate-yaml", b'{"content": ""}')

    first, second = lab.hub.requests
    assert (first.method, first.path, first.query, first.account, first.status) == (
        "GET",
        "/api/datasets/lab/no",
        "a=1",
        None,
        404,
    )
    assert (second.account, second.status, second.num_body_bytes) == ("lab", 200, 15)
    assert second.num_sent_bytes == len(b'{"errors": [], "warnings": []}')
