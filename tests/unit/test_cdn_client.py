"""The client against a small server of our own, which answers whatever a test wants."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.cdn.error_codes import CdnError, CdnRefused
from bot.cdn.responses import Submitted
from bot.core.purge.tracking import Task, TaskState
from tests.support.loopback_servers import OK, REQUEST_ID, answer, gateway
from tests.support.permits import permit


def gist(value: object) -> str:
    """A short name for a test's answer."""
    return f"{value[9:12]!r} {value[-30:]!r}" if isinstance(value, bytes) else str(value)


@contextmanager
def client_of(url: str, **settings: Any) -> Iterator[CdnClient]:
    keys = static("access-key-id", "access-key-secret", "security-token")
    client = CdnClient(url, keys, **settings)
    try:
        yield client
    finally:
        client.close()


def purge(client: CdnClient, tag: str = "tag1") -> Submitted:
    return client.refresh_by_tag(permit("www.example.com", [tag], force=False))


def outcome(url: str) -> str:
    """What a purge comes to: its task ID, or the code of an error kind."""
    with client_of(url) as client:
        try:
            return purge(client).task_id
        except CdnError as error:
            return error.info.code


# --- what is sent ---


def test_a_purge_is_one_post_with_all_that_the_cdn_needs_in_its_query() -> None:
    with gateway(answer()) as cdn, client_of(cdn.url) as client:
        found = client.refresh_by_tag(
            permit("www.example.com", ["tag1", "a b+c", "标签*~"], force=True)
        )
    assert found == Submitted("17772470184", REQUEST_ID)
    assert cdn.params == [
        {"DomainName": "www.example.com", "CacheTag": "tag1,a b+c,标签*~", "Force": "true"}
    ]
    (request,) = cdn.requests
    assert request.startswith("POST /?CacheTag=tag1%2Ca%20b%2Bc%2C")
    headers = dict(line.split(": ", 1) for line in request.lower().splitlines()[1:])
    assert headers["content-length"] == "0"
    assert "content-type" not in headers
    assert headers["host"] == cdn.url.removeprefix("http://")
    assert headers["accept"] == "application/json"
    assert headers["user-agent"] == "purgebot"
    assert headers["x-acs-action"] == "refreshobjectcachebycachetag"
    assert headers["x-acs-version"] == "2018-05-10"


def test_a_plain_purge_says_so_in_lower_case() -> None:
    with gateway(answer()) as cdn, client_of(cdn.url) as client:
        purge(client)
    assert cdn.params[0]["Force"] == "false"


def test_each_attempt_is_signed_anew() -> None:
    with gateway(answer()) as cdn, client_of(cdn.url) as client:
        for _ in range(3):
            purge(client)
    nonces = [re.findall(r"signature-nonce: (\w+)", request)[0] for request in cdn.requests]
    assert len(set(nonces)) == 3


def test_threads_share_one_client() -> None:
    tags = [f"tag{n}" for n in range(40)]
    with (
        gateway(answer()) as cdn,
        client_of(cdn.url, pool_size=4) as client,
        ThreadPoolExecutor(4) as threads,
    ):
        found = list(threads.map(partial(purge, client), tags))
    assert found == [Submitted("17772470184", REQUEST_ID)] * 40
    assert sorted(params["CacheTag"] for params in cdn.params) == sorted(tags)
    assert cdn.listener.connections <= 4


def test_a_cookie_that_was_set_does_not_come_back() -> None:
    with gateway(answer(200, OK, "Set-Cookie: a=b")) as cdn, client_of(cdn.url) as client:
        for _ in range(2):
            purge(client)
    assert "ookie" not in cdn.requests[1]


# --- what comes back ---


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (answer(200, {"RefreshTaskId": "1,2"}), "1,2"),
        (answer(200, OK | {"RefreshTaskId": ""}), "cdn-unreadable-answer"),
        (answer(200, OK | {"RefreshTaskId": None}), "cdn-unreadable-answer"),
        (answer(200, OK | {"RefreshTaskId": 17772470184}), "cdn-unreadable-answer"),
        (answer(200, OK | {"RefreshTaskId": "<!channel>"}), "cdn-unreadable-answer"),
        (answer(200, {"RequestId": REQUEST_ID}), "cdn-unreadable-answer"),
        (answer(200, [OK]), "cdn-unreadable-answer"),
        (answer(200, None), "cdn-unreadable-answer"),
        (answer(200, b""), "cdn-unreadable-answer"),
        (answer(200, b"<html>It works!</html>"), "cdn-unreadable-answer"),
        (answer(200, b"\xff\xfe"), "cdn-unreadable-answer"),
        (answer(200, b"[" * 100_000), "cdn-unreadable-answer"),
        (answer(200, OK | {"padding": "x" * 1024 * 1024}), "cdn-unreadable-answer"),
        (answer(202), "cdn-unreadable-answer"),
        (answer(201), "cdn-unreadable-answer"),
        (answer(303, OK, "Location: /other"), "cdn-unreadable-answer"),
        (answer(500, b""), "cdn-server-error"),
        (answer(502, b"<html>Bad Gateway</html>"), "cdn-server-error"),
        (answer(503, {"Code": "ServiceUnavailable"}), "cdn-server-error"),
        (answer(500, OK), "cdn-server-error"),
        (answer(400, OK), "cdn-turned-down"),
        (answer(403, b"<html>Forbidden</html>"), "cdn-turned-down"),
        (answer(414, b""), "cdn-too-much"),
        (answer(400, {"Code": "QuotaExceeded.Refresh"}), "cdn-quota"),
        (answer(200, {"Code": "TooMany.Refresh"}), "cdn-queue-full"),
        (answer(302, OK, "Location: http://127.0.0.1:1/"), "cdn-wrong-endpoint"),
        (answer(307, b"", "Location: http://[bad"), "cdn-wrong-endpoint"),
    ],
    ids=gist,
)
def test_only_http_200_with_a_task_id_is_success(reply: bytes, found: str) -> None:
    with gateway(reply) as cdn:
        assert outcome(cdn.url) == found
    assert len(cdn.requests) == 1


def test_a_redirect_is_not_followed_even_to_where_somebody_answers() -> None:
    with (
        gateway(answer()) as elsewhere,
        gateway(answer(307, b"", f"Location: {elsewhere.url}/")) as cdn,
    ):
        assert outcome(cdn.url) == "cdn-wrong-endpoint"
    assert elsewhere.requests == []


def test_a_refusal_carries_what_the_card_and_the_retry_need() -> None:
    body = {"Code": "Throttling.User", "RequestId": REQUEST_ID, "Message": "for access-key-secret"}
    with (
        gateway(answer(400, body, "x-acs-retry-after: 2500")) as cdn,
        client_of(cdn.url) as client,
        pytest.raises(CdnRefused) as refused,
    ):
        purge(client)
    found = refused.value
    assert (found.vendor_code, found.request_id) == ("Throttling.User", REQUEST_ID)
    assert (found.retry_after_s, found.retryable) == (2.5, True)


# --- questions ---


def test_tasks_are_asked_for_ten_at_a_time_and_once_each() -> None:
    ids = [f"{n:02}" for n in range(24)]
    with gateway(answer(200, {"Tasks": [{"TaskId": "1"}]})) as cdn, client_of(cdn.url) as client:
        tasks = client.describe_tasks_by_id(["00,01", *ids])
    asked = [params["TaskId"].split(",") for params in cdn.params]
    assert asked == [ids[:10], ids[10:20], ids[20:]]
    assert tasks == [Task("1", TaskState.RUNNING, None)] * 3


def test_domains_are_asked_for_page_by_page() -> None:
    body = {"Domains": {"PageData": []}, "TotalCount": 2}
    with gateway(answer(200, body)) as cdn, client_of(cdn.url) as client:
        assert client.describe_domains(page=3, page_size=2).total == 2
    assert cdn.params == [{"PageNumber": "3", "PageSize": "2"}]


QUESTIONS: dict[str, Callable[[CdnClient], object]] = {
    "tasks": lambda client: client.describe_tasks_by_id(["1"]),
    "quota": CdnClient.describe_quota,
    "domains": CdnClient.describe_domains,
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(200, {}), "cdn-not-answering"),
        (answer(200, {"Tasks": {}, "Domains": [], "UrlQuota": "x"}), "cdn-not-answering"),
        (answer(502, b"<html>"), "cdn-not-answering"),
        (answer(500, {"Code": "InternalError"}), "cdn-not-answering"),
        (b"nonsense\r\n\r\n", "cdn-not-answering"),
        (answer(403, {"Code": "Forbidden.RAM"}), "cdn-no-permission"),
    ],
    ids=gist,
)
def test_a_question_leaves_nothing_in_doubt(question: str, reply: bytes, kind: str) -> None:
    with gateway(reply) as cdn, client_of(cdn.url) as client, pytest.raises(CdnRefused) as refused:
        QUESTIONS[question](client)
    assert refused.value.info.code == kind


# --- where it may be sent ---


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://cdn.aliyuncs.com",
        "https://cdn.aliyuncs.com/",
        "https://cdn.aliyuncs.com:8443",
        "http://127.0.0.1:9000",
        "http://127.8.9.1",
        "http://localhost:9000",
        "http://[::1]:9000",
    ],
)
def test_https_anywhere_and_http_on_this_machine_are_safe(endpoint: str) -> None:
    CdnClient(endpoint, static("id", "secret")).close()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://cdn.aliyuncs.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://[2001:db8::1]",
        "http://me@127.0.0.1",
        "http://127.0.0.1@cdn.example",
        "https://me:proxy-password@cdn.example",
        "https://cdn.example/path",
        "https://cdn.example?query",
        "https://cdn.example#part",
        "https://cdn.example:port",
        "https://cdn example",
        "https://[bad",
        "ftp://127.0.0.1",
        "cdn.aliyuncs.com",
        "https://",
        "",
    ],
)
def test_any_other_address_is_refused_before_a_key_is_used(endpoint: str) -> None:
    with pytest.raises(CdnRefused, match="cdn-endpoint-unsafe") as refused:
        CdnClient(endpoint, static("id", "secret"))
    assert "proxy-password" not in "".join(traceback.format_exception_only(refused.value))
