"""Troubles that the CDN makes on demand, and what becomes of the purge."""

from __future__ import annotations

import logging
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from bot.simulators.cdn.catalogue import CATALOGUE
from tests.simulators.cdn_sim import PURGE, Cdn


def trouble(cdn: Cdn, kind: str, **rest: object) -> None:
    cdn.control("POST", "faults", {"kind": kind, **rest})


def tasks(cdn: Cdn) -> int:
    return len(cdn.control("GET", "state")["tasks"])


def last_request(cdn: Cdn) -> dict[str, Any]:
    return cdn.seen()[-1]


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_error_of_the_catalogue_can_be_had_once(cdn: Cdn, code: str) -> None:
    entry = CATALOGUE[code]
    trouble(cdn, "error", code=code)
    answer = cdn.call()
    assert (answer.status_code, answer.json()["Code"]) == (entry.status, code)
    assert answer.json()["Message"].startswith(entry.texts[0])
    assert (last_request(cdn)["outcome"], tasks(cdn)) == (code, 0)
    assert cdn.code() == "none"


def test_an_error_can_come_from_a_cdn_that_has_done_what_it_was_asked(cdn: Cdn) -> None:
    trouble(cdn, "error", code="InternalError", executed=True)
    answer = cdn.call()
    assert (answer.status_code, answer.json()["Code"]) == (500, "InternalError")
    assert "RefreshTaskId" not in answer.json()
    seen = last_request(cdn)
    assert (seen["outcome"], seen["task_id"] is not None, tasks(cdn)) == ("InternalError", True, 1)


@pytest.mark.parametrize(
    ("code", "denied"),
    [("Forbidden.RAM", True), ("NoPermission", True), ("InvalidDomain.NotFound", False)],
)
def test_only_permission_errors_say_what_was_denied(cdn: Cdn, code: str, denied: bool) -> None:
    trouble(cdn, "error", code=code)
    assert ("AccessDeniedDetail" in cdn.call().json()) is denied


def test_an_error_can_have_other_words_and_a_time_to_wait(cdn: Cdn) -> None:
    trouble(cdn, "error", code="Throttling", message="Slow down.", retry_after_ms=1500)
    answer = cdn.call()
    assert answer.json()["Message"] == "Slow down."
    assert answer.headers["x-acs-retry-after"] == "1500"


def test_a_demanded_signature_error_echoes_the_request_like_a_true_one(cdn: Cdn) -> None:
    key = cdn.sim.issue_token()
    trouble(cdn, "error", code="SignatureDoesNotMatch")
    assert f"x-acs-security-token:{key.token}" in cdn.call(key=key).json()["Message"]


@pytest.mark.parametrize(
    ("kind", "outcome", "executed"), [("drop_before", "dropped", 0), ("lose_answer", "lost", 1)]
)
def test_a_broken_connection_leaves_the_caller_in_doubt(
    cdn: Cdn, caplog: pytest.LogCaptureFixture, kind: str, outcome: str, executed: int
) -> None:
    trouble(cdn, kind)
    with pytest.raises(requests.ConnectionError), caplog.at_level(logging.DEBUG):
        cdn.call()
    assert tasks(cdn) == executed
    seen = last_request(cdn)
    assert (seen["outcome"], seen["task_id"] is not None) == (outcome, bool(executed))
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]
    assert cdn.code() == "none"


def test_a_request_that_never_arrived_has_not_used_its_nonce(cdn: Cdn) -> None:
    trouble(cdn, "drop_before")
    request = cdn.prepare(PURGE, {"DomainName": "www.example.com", "CacheTag": "home"})
    with pytest.raises(requests.ConnectionError):
        cdn.session.send(request)
    assert cdn.session.send(request).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "executed"),
    [
        ({"kind": "http"}, 502, "text/html", 0),
        ({"kind": "http", "status": 504, "executed": True}, 504, "text/html", 1),
        ({"kind": "garbage"}, 200, "application/json", 1),
    ],
    ids=str,
)
def test_an_answer_may_be_no_answer(
    cdn: Cdn, fault: dict[str, Any], status: int, content_type: str, executed: int
) -> None:
    trouble(cdn, **fault)
    answer = cdn.call()
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(content_type)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert (tasks(cdn), last_request(cdn)["outcome"]) == (executed, fault["kind"])


def test_a_success_may_lack_its_task_id(cdn: Cdn) -> None:
    trouble(cdn, "no_task_id")
    answer = cdn.call()
    assert (answer.status_code, set(answer.json())) == (200, {"RequestId"})
    assert (tasks(cdn), last_request(cdn)["outcome"]) == (1, "no_task_id")


@pytest.mark.parametrize("executed", [False, True])
def test_a_redirect_points_elsewhere(cdn: Cdn, executed: bool) -> None:
    there = "http://127.0.0.1:9/there"
    trouble(cdn, "redirect", status=307, location=there, executed=executed)
    answer = cdn.call()
    assert (answer.status_code, answer.headers["location"]) == (307, there)
    assert tasks(cdn) == int(executed)


@pytest.mark.parametrize(("kind", "executed"), [("delay", 0), ("slow_answer", 1)])
def test_a_caller_who_gives_up_waiting_has_purged_all_the_same(
    cdn: Cdn, kind: str, executed: int
) -> None:
    trouble(cdn, kind, seconds=60)
    request = cdn.prepare(PURGE, {"DomainName": "www.example.com", "CacheTag": "home"})
    host = cdn.sim.base_url.removeprefix("http://")
    with closing(cdn.changes()) as changes, closing(HTTPConnection(host)) as caller:
        next(changes)
        caller.request("POST", request.path_url, headers=dict(request.headers))
        next(changes)
        assert (tasks(cdn), last_request(cdn)["outcome"]) == (executed, "ok" if executed else "")
    cdn.wait_until(lambda: last_request(cdn)["outcome"] == "ok")
    assert tasks(cdn) == 1


@pytest.mark.parametrize("kind", ["delay", "slow_answer"])
def test_a_patient_caller_is_answered(cdn: Cdn, kind: str) -> None:
    trouble(cdn, kind, seconds=0.01)
    assert cdn.code() == "none"


def test_faults_wait_for_their_action_and_come_in_order(cdn: Cdn) -> None:
    trouble(cdn, "error", code="ServiceUnavailable", action="DescribeRefreshQuota")
    trouble(cdn, "error", code="ServiceBusy", times=2)
    trouble(cdn, "error", code="SystemUpgrading")
    codes = [cdn.code() for _ in range(4)]
    assert codes == ["ServiceBusy", "ServiceBusy", "SystemUpgrading", "none"]
    assert cdn.code(action="DescribeRefreshQuota") == "ServiceUnavailable"


def test_a_fault_without_a_count_lasts_until_it_is_cleared(cdn: Cdn) -> None:
    trouble(cdn, "error", code="InternalError", times=None)
    assert {cdn.code() for _ in range(3)} == {"InternalError"}
    cdn.control("DELETE", "faults")
    assert cdn.code() == "none"


def test_a_caller_without_proof_learns_nothing_else(cdn: Cdn) -> None:
    trouble(cdn, "error", code="ServiceBusy")
    assert cdn.code(headers={"x-acs-date": "now"}) == "InvalidTimeStamp.Format"
