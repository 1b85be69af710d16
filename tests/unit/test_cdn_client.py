"""The client against a small server of our own, which answers whatever a test wants."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.cdn.answers import Domain, Domains, Quota, Submitted, Task, TaskState
from bot.cdn.client import CdnClient
from bot.cdn.credentials import static
from bot.cdn.faults import CdnError, CdnRefused

REQUEST_ID = "2E5AD83F-BD7B-462E-8319-2E30E305519A"
OK = {"RequestId": REQUEST_ID, "RefreshTaskId": "17772470184"}


def answer(status: int = 200, body: object = OK, *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(data)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + data


def gist(value: object) -> str:
    """A short name for a test's answer."""
    return f"{value[9:12]!r} {value[-30:]!r}" if isinstance(value, bytes) else str(value)


class Gateway:
    """Notes each request, and gives the answers in turn; the last one again and again."""

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        self.answers = answers
        self.requests: list[str] = []
        self.connections = 0
        self.url = ""

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        with connection.makefile("rb") as lines:
            while head := b"".join(iter(lines.readline, b"\r\n")).decode():
                self.requests.append(head)
                connection.sendall(self.answers[min(len(self.requests), len(self.answers)) - 1])

    @property
    def params(self) -> list[dict[str, str]]:
        targets = (urlsplit(request.split(" ")[1]) for request in self.requests)
        return [dict(parse_qsl(target.query, keep_blank_values=True)) for target in targets]


@contextmanager
def gateway(*answers: bytes) -> Iterator[Gateway]:
    place = Gateway(answers)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            place.serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that breaks off is no news here."""

    with Server(("127.0.0.1", 0), Handler) as server:
        place.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield place
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def client_of(url: str, **settings: Any) -> Iterator[CdnClient]:
    keys = static("access-key-id", "access-key-secret", "security-token")
    client = CdnClient(url, keys, **settings)
    try:
        yield client
    finally:
        client.close()


def purge(client: CdnClient, tag: str = "tag1") -> Submitted:
    return client.refresh_by_tag("www.example.com", [tag], force=False)


def outcome(url: str) -> str:
    """What a purge comes to: its task ID, or the code of an error kind."""
    with client_of(url) as client:
        try:
            return purge(client).task_id
        except CdnError as error:
            return error.problem.code


# --- what is sent ---


def test_a_purge_is_one_post_with_all_that_the_cdn_needs_in_its_query() -> None:
    with gateway(answer()) as cdn, client_of(cdn.url, user_agent="purgebot/1.0") as client:
        found = client.refresh_by_tag("www.example.com", ["tag1", "a b+c", "标签*~"], force=True)
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
    assert headers["user-agent"] == "purgebot/1.0"
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
    assert cdn.connections <= 4


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


TASKS = [
    {"TaskId": "1", "Status": "Complete", "Process": "100%", "Description": "Internal Error"},
    {"TaskId": "2", "Status": "Refreshing", "Process": "40%"},
    {"TaskId": "3", "Status": "Pending", "Process": ""},
    {"TaskId": "4", "Status": "Failed", "Process": "0%"},
    {"TaskId": "5", "Status": "Timeout"},
    {"TaskId": "6", "Status": "Canceled"},
    {"TaskId": "7", "Status": "<!channel>", "Process": "half"},
    {"TaskId": 8},
    "nonsense",
]


def test_tasks_are_told_by_their_state() -> None:
    body = {"TotalCount": 9, "Tasks": TASKS}
    with gateway(answer(200, body)) as cdn, client_of(cdn.url) as client:
        tasks = client.describe_tasks_by_id(["1"])
    assert [(task.id, task.state, task.percent) for task in tasks] == [
        ("1", TaskState.DONE, 100),
        ("2", TaskState.RUNNING, 40),
        ("3", TaskState.RUNNING, None),
        ("4", TaskState.FAILED, 0),
        ("5", TaskState.FAILED, None),
        ("6", TaskState.FAILED, None),
        ("7", TaskState.RUNNING, None),
        ("", TaskState.RUNNING, None),
        ("", TaskState.RUNNING, None),
    ]


def test_tasks_are_asked_for_ten_at_a_time_and_once_each() -> None:
    ids = [f"{n:02}" for n in range(24)]
    with gateway(answer(200, {"Tasks": [{"TaskId": "1"}]})) as cdn, client_of(cdn.url) as client:
        tasks = client.describe_tasks_by_id(["00,01", *ids])
    asked = [params["TaskId"].split(",") for params in cdn.params]
    assert asked == [ids[:10], ids[10:20], ids[20:]]
    assert tasks == [Task("1", "", None)] * 3


def test_the_quota_is_read_from_its_strings_and_what_is_missing_stays_unknown() -> None:
    body = {"UrlQuota": "10000", "UrlRemain": "9", "DirQuota": "many", "RegexQuota": 20}
    with gateway(answer(200, body)) as cdn, client_of(cdn.url) as client:
        assert client.describe_quota() == Quota(10000, 9, None, None, 20, None)


def test_domains_are_read_page_by_page() -> None:
    rows = [{"DomainName": "www.example.com", "DomainStatus": "online"}, {"DomainName": "a b"}]
    body = {"Domains": {"PageData": rows}, "TotalCount": 2}
    with gateway(answer(200, body)) as cdn, client_of(cdn.url) as client:
        found = client.describe_domains(page=3, page_size=2)
    assert found == Domains((Domain("www.example.com", "online"), Domain("", "")), 2)
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
    assert refused.value.problem.code == kind
