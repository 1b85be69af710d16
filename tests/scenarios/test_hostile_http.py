"""What is not Slack's gets a 4xx: Bolt parses before it verifies, and fails on what it cannot read.

More of it, and in greater numbers: tests/scenarios/test_attack.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import MAX_BODY_BYTES
from bot.config.settings import Mode
from bot.demo.town import town
from bot.simulators.slack.events.http_mode import http_body
from bot.slack.socket_mode import acknowledgement
from bot.store.schema import tables
from handlers.transport import dispatch
from tests.support.http_door import Door, http_door


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
    assert shut_door.send_signed("a" * MAX_BODY_BYTES).status_code == 400
    assert shut_door.send_signed("a" * (MAX_BODY_BYTES + 1)).status_code == 413


# Shapes in which Bolt takes no interest before it fails on them

PRESS = {
    "type": "block_actions",
    "trigger_id": "1.2.3",
    "team": {"id": "T0TOWN"},
    "user": {"id": "U0SAM", "team_id": "T0TOWN"},
    "channel": {"id": "C0WEB"},
    "actions": [{"action_id": "purge:approve", "value": "P0123456789ABC"}],
}
ODD: dict[str, dict[str, Any]] = {
    "no actions": PRESS | {"actions": []},
    "nothing for actions": PRESS | {"actions": None},
    "a number for an action": PRESS | {"actions": [1]},
    "no trigger ID": {name: each for name, each in PRESS.items() if name != "trigger_id"},
    "a word for a form": {"type": "view_submission", "view": "x"},
    "authorizations that are no list": PRESS | {"authorizations": {"a": 1}, "actions": "x"},
    "a value that is too long": PRESS | {"actions": [{"action_id": "a", "value": "x" * 200_000}]},
}


@pytest.mark.parametrize("payload", ODD.values(), ids=ODD)
def test_signed_payloads_of_another_shape_are_bad_requests(
    shut_door: Door, payload: dict[str, Any]
) -> None:
    assert shut_door.deliver("interactive", payload).status_code == 400


@pytest.mark.parametrize("payload", ODD.values(), ids=ODD)
def test_through_a_socket_they_get_no_answer(shut_door: Door, payload: dict[str, Any]) -> None:
    assert shut_door.place.bot is not None
    envelope = {"envelope_id": "e", "type": "interactive", "payload": payload}
    response = dispatch(shut_door.place.bot.app, payload)
    assert acknowledgement(envelope, response) is None


@pytest.mark.parametrize("payload", [None, 5, "x", [], [1]], ids=str)
def test_an_envelope_with_nothing_readable_in_it_gets_no_answer(
    shut_door: Door, payload: Any
) -> None:
    assert shut_door.place.bot is not None
    envelope = {"envelope_id": "e", "type": "interactive", "payload": payload}
    response = dispatch(shut_door.place.bot.app, payload)
    assert acknowledgement(envelope, response) is None


def test_a_command_that_cannot_be_read_is_told_so_and_not_kept(shut_door: Door) -> None:
    command = {"command": "/purge", "text": "quota", "user_id": "U0ANA", "channel_id": "C0WEB"}
    answer = shut_door.deliver("slash_commands", command | {"trigger_id": "x" * 256})
    assert answer.status_code == 200
    assert answer.json()["response_type"] == "ephemeral"
    assert "could not read what Slack sent me" in answer.json()["text"]
    assert shut_door.place.bot is not None
    assert list(shut_door.place.bot.store.read(select(tables.asks))) == []


def test_an_unsigned_header_changes_nothing(shut_door: Door) -> None:
    """Bolt has headers of its own, which no signature covers."""
    body, _ = http_body("interactive", PRESS | {"trigger_id": "4.5.6"})
    lazy = {"x-slack-bolt-lazy-only": "1", "x-slack-bolt-lazy-function-name": "listener"}
    assert shut_door.send(body, shut_door.sign(body) | lazy).status_code == 200
