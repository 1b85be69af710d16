"""The CDN simulator's controls, which the page and other tests use."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from bot.simulators.cdn import CdnSim
from tests.simulators.cdn_sim import NOON, PURGE, Cdn


def refused(cdn: Cdn, path: str, **request: Any) -> str:
    answer = cdn.session.post(f"{cdn.controls}/{path}", timeout=60, **request)
    assert answer.status_code == 400
    return str(answer.json()["error"])


def test_the_state_shows_what_the_page_draws(cdn: Cdn) -> None:
    cdn.purge(CacheTag="home,news", Force="true")
    cdn.now += 11
    state = cdn.control("GET", "state")
    assert set(state) == {"now", "tasks", "quota", "faults", "requests", "resets", "settings"}
    assert state["now"] == NOON + 11
    assert state["tasks"] == [
        {
            "id": "17772470184",
            "domain": "www.example.com",
            "tags": ["home", "news"],
            "force": True,
            "status": "Refreshing",
            "process": "50%",
            "created": "2026-03-04T12:00:00Z",
            "description": "",
        }
    ]
    assert state["requests"] == 1
    assert state["settings"]["knows_tag_tasks"] is True


def test_requests_are_remembered_with_their_outcome(cdn: Cdn) -> None:
    task_id = cdn.call(headers={"x-acs-signature-nonce": "n1"}).json()["RefreshTaskId"]
    cdn.call("DescribeRefreshQuota", {})
    cdn.purge(DomainName="www.example.net")
    first, second, third = cdn.seen()
    assert first["params"] == {"DomainName": "www.example.com", "CacheTag": "home"}
    assert (first["n"], first["nonce"], first["outcome"]) == (1, "n1", "ok")
    assert (first["task_id"], second["task_id"]) == (task_id, None)
    assert third["outcome"] == "InvalidDomain.NotFound"
    assert cdn.control("GET", "requests?since=1")["requests"] == [second, third]
    assert cdn.control("GET", f"requests?since=1&action={PURGE}")["requests"] == [third]


def test_time_can_be_skipped(cdn: Cdn) -> None:
    cdn.call()
    cdn.control("POST", "wait", {"seconds": 20})
    state = cdn.control("GET", "state")
    assert (state["now"], state["tasks"][0]["status"]) == (NOON + 20, "Complete")


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"status": "Complete"}, ("Complete", "100%", "")),
        ({"process": "70%"}, ("Refreshing", "70%", "")),
        (
            {"status": "Failed", "description": "Origin Timeout"},
            ("Failed", "50%", "Origin Timeout"),
        ),
    ],
    ids=str,
)
def test_a_task_can_be_pinned(cdn: Cdn, change: dict[str, str], row: tuple[str, str, str]) -> None:
    task_id = cdn.call().json()["RefreshTaskId"]
    cdn.now += 11
    cdn.control("POST", f"tasks/{task_id}", change)
    cdn.now += 3600
    (shown,) = cdn.call("DescribeRefreshTaskById", {"TaskId": task_id}).json()["Tasks"]
    assert (shown["Status"], shown["Process"], shown["Description"]) == row


def test_a_reset_brings_back_the_first_day(cdn: Cdn) -> None:
    key = cdn.sim.issue_token()
    cdn.set(per_day=5, domains=["a.example"])
    cdn.control("POST", "faults", {"kind": "delay"})
    cdn.control("POST", "wait", {"seconds": 5})
    cdn.call("DescribeRefreshQuota", {}, headers={"x-acs-signature-nonce": "again"})
    cdn.control("POST", "reset")
    state = cdn.control("GET", "state")
    assert (state["now"], state["tasks"], state["faults"], state["requests"]) == (NOON, [], [], 0)
    assert (state["quota"]["per_day"], len(state["settings"]["domains"])) == (1000, 4)
    assert cdn.code(headers={"x-acs-signature-nonce": "again"}) == "none"
    assert cdn.code(key=key) == "InvalidAccessKeyId.NotFound"


def test_settings_may_be_given_at_the_start() -> None:
    assert CdnSim(per_day=7).account.settings.per_day == 7


def test_the_catalogue_lists_codes_with_their_texts(cdn: Cdn) -> None:
    entries = {entry["code"]: entry for entry in cdn.control("GET", "catalogue")}
    assert entries["QuotaExceeded.Refresh"]["status"] == 400
    assert len(entries["QuotaExceeded.Refresh"]["texts"]) == 2


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("faults", {"kind": "earthquake"}, "kind"),
        ("faults", {"kind": "error", "code": "Nope"}, "Nope"),
        ("faults", {"kind": "error"}, "none"),
        ("faults", {"kind": "delay", "times": 0}, "times"),
        ("faults", {"kind": "http", "status": 600}, "status"),
        ("settings", {"per_dya": 1}, "per_dya"),
        ("settings", {"per_day": -1}, "per_day"),
        ("settings", {"per_day": 5, "task_end": "Never"}, "task_end"),
        ("tasks/1", {"status": "Complete"}, "no task 1"),
        ("wait", {"seconds": -1}, "seconds"),
        ("wait", {}, "seconds"),
    ],
    ids=str,
)
def test_a_senseless_order_is_explained_and_changes_nothing(
    cdn: Cdn, path: str, body: dict[str, Any], word: str
) -> None:
    before = cdn.control("GET", "state")
    assert word in refused(cdn, path, json=body)
    assert cdn.control("GET", "state") == before


@pytest.mark.parametrize(
    "request_", [{"data": "{}"}, {"data": {"seconds": 1}}, {"json": [1]}, {"data": b"\xff"}]
)
def test_an_order_must_be_a_json_object(cdn: Cdn, request_: dict[str, Any]) -> None:
    assert "JSON" in refused(cdn, "wait", **request_)


def test_a_text_that_only_claims_to_be_json_is_refused(cdn: Cdn) -> None:
    headers = {"content-type": "application/json"}
    assert "JSON" in refused(cdn, "wait", data="{", headers=headers)


def test_a_number_is_wanted_where_one_is_wanted(cdn: Cdn) -> None:
    answer = cdn.session.get(f"{cdn.controls}/requests?since=x", timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (400, "since must be a whole number.")


def test_a_listener_hears_of_changes(cdn: Cdn) -> None:
    with closing(cdn.changes()) as changes:
        first = next(changes)
        cdn.set(per_day=9)
        assert next(changes) > first


def test_a_listener_hears_of_tasks_that_move_on_with_the_clock(cdn: Cdn) -> None:
    cdn.call()
    with closing(cdn.changes()) as changes:
        assert next(changes) == next(changes)
