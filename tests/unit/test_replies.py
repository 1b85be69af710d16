"""An answer to a press that could not be taken is sent until Slack has taken it, or refused it."""

from __future__ import annotations

import socket

import pytest

from bot.slack.message import Message
from handlers.replies import MOST_KEPT, Replies
from tests.support.loopback_servers import answer, gateway, hang_up, hear_then, listening
from tests.support.proxies import forget_proxies
from tests.support.waiting import poll

TOLD = Message("Nothing was changed.", ())
FAULTS = {
    "fault": answer(500, b"oops"),
    "limit": answer(429, b"", "Retry-After: 1"),
    "error": answer(200, {"ok": False, "error": "internal_error"}),
}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_slack_does_not_take_now_it_is_told_again_until_it_does(fault: str) -> None:
    replies = Replies()
    with gateway(FAULTS[fault], FAULTS[fault], answer(200, b"ok")) as slack:
        replies.send(f"{slack.url}/response/1", TOLD)
        poll(lambda: replies.retry() == 0 and len(slack.requests) == 3)
        replies.close()
        assert replies.retry() == 0
    assert len(slack.requests) == 3


def test_it_is_told_again_without_being_reminded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.replies.RETRY_S", 0.01)
    replies = Replies()
    with gateway(FAULTS["fault"], answer(200, b"ok")) as slack:
        replies.send(f"{slack.url}/response/1", TOLD)
        poll(lambda: len(slack.requests) == 2)
        replies.close()


def test_what_slack_refuses_for_good_is_left() -> None:
    replies = Replies()
    with gateway(answer(404, b"used_url")) as slack:
        replies.send(f"{slack.url}/response/1", TOLD)
        replies.close()
    assert replies.retry() == 0
    assert len(slack.requests) == 1


def test_what_broke_off_may_not_have_arrived() -> None:
    replies = Replies()
    with listening(hear_then(hang_up)) as slack:
        replies.send(f"http://127.0.0.1:{slack.port}/response/1", TOLD)
        replies.close()
    assert replies.retry() == 1


def test_no_more_is_kept_than_fits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    replies = Replies()
    for _ in range(MOST_KEPT + 3):
        replies.send(f"http://127.0.0.1:{port}/response/1", TOLD)
    replies.close()
    assert replies.retry() == MOST_KEPT
