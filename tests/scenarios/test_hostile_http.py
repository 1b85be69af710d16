"""What is not Slack's gets a 4xx: Bolt parses before it verifies, and fails on what it cannot read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.app import MAX_BODY_BYTES
from bot.playground.town import town
from bot.settings import Mode
from tests.door import Door, http_door


@pytest.fixture(scope="module")
def shut_door() -> Iterator[Door]:
    """Give a door that nothing in these tests gets through."""
    with town(mode=Mode.HTTP) as place, http_door(place) as door:
        yield door


BODY = "command=%2Fpurge&text=www.example.com+hero"
NOT_SLACKS = {
    "payload=%7B": "broken JSON",
    "payload=5": "a number",
    "payload=null": "nothing",
    "payload=%5B%5D": "a list",
    "payload=%7B%22team%22%3A5%7D": "a team that is a number",
    "payload=" + "%5B" * 50_000: "JSON too deep",
    "payload=" + "9" * 5_000: "a number too long",
    '{"authorizations": 5}': "an odd event",
}


@pytest.mark.parametrize("body", NOT_SLACKS, ids=NOT_SLACKS.values())
def test_unsigned_bodies_are_refused_unread(shut_door: Door, body: str) -> None:
    assert shut_door.send(body).status_code == 401


@pytest.mark.parametrize("body", NOT_SLACKS, ids=NOT_SLACKS.values())
def test_signed_bodies_that_make_no_sense_are_bad_requests(shut_door: Door, body: str) -> None:
    assert shut_door.send_signed(body).status_code == 400


def test_a_body_that_is_not_utf_8_is_a_bad_request(shut_door: Door) -> None:
    assert shut_door.send(b"text=\xff\xfe").status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"X-Slack-Request-Timestamp": "abc"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Request-Timestamp": "9" * 5_000},
        {"X-Slack-Request-Timestamp": "1531420618"},
        {"X-Slack-Signature": "v0=é".encode()},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": ""},
    ],
    ids=lambda wrong: str(next(iter(wrong.items())))[:50],
)
def test_a_signature_that_cannot_be_right_is_refused(
    shut_door: Door, wrong: dict[str, Any]
) -> None:
    assert shut_door.send(BODY, shut_door.sign(BODY) | wrong).status_code == 401


def test_a_signature_of_another_body_is_refused(shut_door: Door) -> None:
    assert shut_door.send(BODY + "2", shut_door.sign(BODY)).status_code == 401


def test_a_body_as_large_as_slack_might_send_is_read_and_a_larger_one_is_not(
    shut_door: Door,
) -> None:
    assert shut_door.send_signed("a" * MAX_BODY_BYTES).status_code == 200
    assert shut_door.send_signed("a" * (MAX_BODY_BYTES + 1)).status_code == 413
