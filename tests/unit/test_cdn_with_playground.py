"""The real client against the pretend CDN, which checks signatures by its own code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.cdn.error_codes import CdnError, CdnInDoubt, CdnRefused
from bot.cdn.responses import Submitted
from bot.core.purge.tracking import TaskState
from bot.simulators.cdn import CdnSim
from bot.simulators.serving import serving
from tests.support.permits import permit


class Town:
    """The pretend CDN with its controls."""

    def __init__(self, sim: CdnSim, controls: str) -> None:
        self.sim = sim
        self.key = (sim.access_key_id, sim.access_key_secret)
        self._controls = controls

    def control(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, f"{self._controls}/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "state")["tasks"])

    def client(self, *key: str, **settings: Any) -> closing[CdnClient]:
        return closing(CdnClient(self.sim.base_url, static(*(key or self.key)), **settings))

    def purge(self, *key: str, **settings: Any) -> Submitted | CdnError:
        with self.client(*key, **settings) as client:
            try:
                return client.refresh_by_tag(permit("www.example.com", ["home"], force=False))
            except CdnError as error:
                return error


@pytest.fixture(scope="module")
def running() -> Iterator[Town]:
    sim = CdnSim()
    with serving({"cdn": sim.api, "controls": sim.control}) as urls:
        sim.base_url = urls["cdn"]
        yield Town(sim, urls["controls"])


@pytest.fixture
def town(running: Town) -> Town:
    running.control("POST", "reset")
    return running


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize(
    "tags", [["home"], ["a", "b"], ["a b+c", "标签*~", "50%", "x=y&z", "?/#", "é"]], ids=repr
)
def test_a_purge_arrives_as_it_was_asked_for(town: Town, tags: list[str], force: bool) -> None:
    with town.client() as client:
        found = client.refresh_by_tag(permit("www.example.com", tags, force=force))
    (task,) = town.tasks
    assert (task["id"], task["domain"], task["tags"], task["force"]) == (
        found.task_id,
        "www.example.com",
        tags,
        force,
    )
    assert found.request_id is not None


def test_temporary_credentials_are_taken(town: Town) -> None:
    issued = town.sim.issue_token()
    assert issued.token is not None
    assert isinstance(town.purge(issued.id, issued.secret, issued.token), Submitted)


def test_a_task_is_followed_until_it_is_done(town: Town) -> None:
    with town.client() as client:
        task_id = client.refresh_by_tag(permit("www.example.com", ["home"], force=False)).task_id
        (under_way,) = client.describe_tasks_by_id([task_id])
        town.control("POST", f"tasks/{task_id}", {"status": "Complete", "process": "100%"})
        (done,) = client.describe_tasks_by_id([task_id])
    assert (under_way.id, under_way.state) == (task_id, TaskState.RUNNING)
    assert (done.id, done.state, done.percent) == (task_id, TaskState.DONE, 100)


def test_quota_and_domains_are_read(town: Town) -> None:
    with town.client() as client:
        quota, domains = client.describe_quota(), client.describe_domains()
    assert "url_quota" in quota
    assert "www.example.com" in domains.page
    assert domains.total == len(domains.page)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (("LTAI-NOBODY", "secret"), "cdn-key-refused"),
        ((None, "wrong-secret"), "cdn-signature-refused"),
        ((None, None, "made-up-token"), "cdn-token-refused"),
    ],
)
def test_wrong_keys_are_told_apart(town: Town, key: tuple[str | None, ...], kind: str) -> None:
    filled = [given or right for given, right in zip(key, (*town.key, ""), strict=False)]
    found = town.purge(*filled)
    assert isinstance(found, CdnRefused)
    assert found.info.code == kind
    assert [secret for secret in filled if secret in f"{found!r}{found.info}"] == []


def test_a_clock_that_is_wrong_is_named(town: Town) -> None:
    found = town.purge(clock=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    assert isinstance(found, CdnRefused)
    assert found.info.code == "cdn-clock-wrong"


def test_a_nonce_that_comes_again_is_in_doubt(town: Town) -> None:
    assert isinstance(town.purge(nonce=lambda: "the-same"), Submitted)
    found = town.purge(nonce=lambda: "the-same")
    assert isinstance(found, CdnInDoubt)
    assert found.info.code == "cdn-seen-before"


TROUBLES: dict[str, tuple[dict[str, object], str]] = {
    "drop_before": ({}, "cdn-no-answer"),
    "lose_answer": ({}, "cdn-no-answer"),
    "slow_answer": ({"seconds": 30}, "cdn-no-answer"),
    "no_task_id": ({}, "cdn-unreadable-answer"),
    "garbage": ({}, "cdn-unreadable-answer"),
    "redirect": ({}, "cdn-wrong-endpoint"),
    "http": ({"status": 502, "executed": True}, "cdn-server-error"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_purge_that_was_carried_out_is_never_called_refused(town: Town, trouble: str) -> None:
    settings, kind = TROUBLES[trouble]
    town.control("POST", "faults", {"kind": trouble, **settings})
    found = town.purge(timeout_s=(5.0, 0.3 if trouble == "slow_answer" else 5.0))
    assert isinstance(found, CdnError)
    assert found.info.code == kind
    assert isinstance(found, CdnInDoubt) or not town.tasks


def test_every_error_that_the_pretend_cdn_knows_is_known(town: Town) -> None:
    codes = [entry["code"] for entry in town.control("GET", "catalogue")]
    unknown = []
    for code in codes:
        town.control("POST", "wait", {"seconds": 1})  # not to be throttled for real
        town.control("POST", "faults", {"kind": "error", "code": code})
        found = town.purge()
        assert isinstance(found, CdnError)
        assert found.vendor_code == code
        assert found.request_id is not None
        if found.info.code == "cdn-unknown-error":
            unknown.append(code)
    assert unknown == ["DomainNameOverLimit"]
