"""What the HTTP door says of requests that it refused: enough to put it right, and no more than that."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.health.ingress import FRESH_FOR_S, TELL_EVERY_S, Ingress, Refusal

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_800_000_000
BODY = "command=%2Fpurge&text=sesame"


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(clock: Clock) -> Ingress:
    return Ingress(SECRET, lambda: NOW, clock)


Lines = Callable[[], list[Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Give a function that reads what was logged since it was last asked."""
    with capture_logs() as caught:

        def read() -> list[Any]:
            found = list(caught)
            caught.clear()
            return found

        yield read


def signed(secret: str = SECRET, at: int = NOW, body: str = BODY) -> dict[str, str]:
    mac = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": str(at), "x-slack-signature": f"v0={mac}"}


def verify(door: Ingress, headers: dict[str, str]) -> Refusal | None:
    why = door.verify(BODY, headers)
    if why is not None:
        door.refused(why)
    return why


def test_slacks_own_example_is_let_in() -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack/"""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        "96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    door = Ingress(SECRET, lambda: 1531420618)
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    assert door.verify(body, headers) is None
    assert door.verify(body + "x", headers) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (signed(), None),
        (signed(at=NOW - FRESH_FOR_S), None),
        (signed(at=NOW + FRESH_FOR_S), None),
        (signed(at=NOW - FRESH_FOR_S - 1), Refusal.CLOCK),
        (signed(at=NOW + FRESH_FOR_S + 1), Refusal.CLOCK),
        (signed("another app's"), Refusal.SIGNATURE),
        (signed("another app's", at=1), Refusal.SIGNATURE),
        ({}, Refusal.UNSIGNED),
        (signed() | {"x-slack-signature": ""}, Refusal.UNSIGNED),
        (signed() | {"x-slack-signature": "v0=é"}, Refusal.UNSIGNED),
        (signed() | {"x-slack-request-timestamp": "now"}, Refusal.UNSIGNED),
        (signed() | {"x-slack-request-timestamp": "-1"}, Refusal.UNSIGNED),
        (signed() | {"x-slack-request-timestamp": "٣"}, Refusal.UNSIGNED),
        (signed() | {"x-slack-request-timestamp": "9" * 5000}, Refusal.UNSIGNED),
    ],
)
def test_a_refusal_tells_secret_and_clock_apart(
    door: Ingress, headers: dict[str, str], why: Refusal | None
) -> None:
    assert verify(door, headers) is why


# What is said of the secret


def test_a_door_at_which_nobody_knocked_is_good(door: Ingress) -> None:
    assert door.signatures == (True, "no signed request has come yet")


def test_where_nothing_was_ever_signed_right_the_secret_is_named(door: Ingress) -> None:
    for _ in range(3):
        verify(door, signed("another app's"))
    good, said = door.signatures
    assert not good
    assert "none of 3 requests was signed with SLACK_SIGNING_SECRET" in said


def test_whoever_signs_nothing_says_nothing_of_the_secret(door: Ingress) -> None:
    verify(door, {})
    assert door.signatures[0]


def test_once_something_was_signed_right_nobody_can_say_otherwise(door: Ingress) -> None:
    verify(door, signed("another app's"))
    verify(door, signed())
    assert door.signatures == (True, "requests are signed with SLACK_SIGNING_SECRET")
    for _ in range(100):
        verify(door, signed("another app's"))
    assert door.signatures[0]


@pytest.mark.parametrize(("off_s", "side"), [(400, "behind"), (-400, "ahead of")])
def test_a_clock_that_is_off_is_named_until_it_is_right(
    door: Ingress, off_s: int, side: str
) -> None:
    verify(door, signed(at=NOW + off_s))
    good, said = door.signatures
    assert not good
    assert f"this machine's clock is 400 s {side} Slack's" in said
    verify(door, signed())
    assert door.signatures[0]


# What is logged


def test_the_first_refusal_is_logged_at_once_with_what_to_do(door: Ingress, lines: Lines) -> None:
    verify(door, signed("another app's"))
    (line,) = lines()
    assert (line["event"], line["log_level"]) == ("http-refused", "warning")
    assert line["counts"] == {"signature": 1}
    assert "SLACK_SIGNING_SECRET" in line["remedy"]


def test_a_clock_that_is_off_is_logged_by_how_much(door: Ingress, lines: Lines) -> None:
    verify(door, signed(at=NOW - 1000))
    (line,) = lines()
    assert line["counts"] == {"clock": 1}
    assert "1000 s ahead of Slack's" in line["clock"]


def test_strangers_are_no_warning(door: Ingress, lines: Lines) -> None:
    door.refused(404)
    assert lines() == []
    door.tell()
    (line,) = lines()
    assert (line["log_level"], line["counts"]) == ("info", {"not-found": 1})


def test_strangers_do_not_keep_back_what_is_to_be_put_right(door: Ingress, lines: Lines) -> None:
    door.refused(404)
    verify(door, signed("another app's"))
    (line,) = lines()
    assert line["counts"] == {"not-found": 1, "signature": 1}
    assert "SLACK_SIGNING_SECRET" in line["remedy"]


def test_what_was_not_told_is_told_at_the_end(door: Ingress, lines: Lines) -> None:
    verify(door, signed("another app's"))
    verify(door, signed("another app's"))
    assert len(lines()) == 1
    door.tell(last=True)
    (line,) = lines()
    assert line["counts"] == {"signature": 1}
    door.tell(last=True)
    assert lines() == []


def test_whatever_comes_makes_one_line_a_minute_with_all_counts(
    door: Ingress, clock: Clock, lines: Lines
) -> None:
    for number in range(1000):
        clock.now_s = number * TELL_EVERY_S / 1000
        verify(door, signed("another app's") if number % 2 else {})
        door.tell()
    assert len(lines()) == 1
    clock.now_s = TELL_EVERY_S
    door.tell()
    (line,) = lines()
    assert line["counts"] == {"signature": 500, "unsigned": 499}
    clock.now_s *= 3
    door.tell()
    assert lines() == []


def test_connections_closed_to_make_room_are_one_line_a_minute(
    door: Ingress, clock: Clock, lines: Lines
) -> None:
    for _ in range(1000):
        door.refused(Refusal.CROWDED)
    (line,) = lines()
    assert line["log_level"] == "warning"
    assert "load balancer" in line["remedy"]
    clock.now_s = TELL_EVERY_S
    door.tell()
    (line,) = lines()
    assert line["counts"] == {"crowded": 999}


def test_the_log_holds_nothing_of_what_was_sent(door: Ingress, lines: Lines) -> None:
    verify(door, signed("sesame") | {"sesame": "sesame"})
    assert "sesame" not in json.dumps(lines())
