"""Signed HTTP: the same bot behind a request URL instead of a socket."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from bot.config.settings import Mode
from bot.demo.town import Town
from bot.simulators.slack.events.http_mode import http_body
from bot.simulators.slack.events.signing import signed_headers
from bot.web.server import SLACK_PATH, web_app
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.http_door import Door, http_door
from tests.support.messages import APPROVE, DENY, cards, only_card, whispers, words

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def door(open_town: OpenTown) -> Iterator[Door]:
    with http_door(open_town(mode=Mode.HTTP)) as door:
        yield door


def test_a_purge_travels_over_http_alone(door: Door) -> None:
    place = door.place
    assert place.get("slack/state", {"as": "U0ANA"})["connections"] == 0
    assert place.says("U0ANA", "/purge www.example.com hero")["outcome"] == "acked"
    place.settle()
    (sent,) = place.purges_sent()
    assert sent["task_id"] in words(only_card(place))


@SQLITE
@pytest.mark.parametrize(
    ("button", "sent", "says"),
    [(APPROVE, 1, "Approved by <@U0SAM>"), (DENY, 0, "Denied by <@U0SAM>")],
    ids=["approve", "deny"],
)
def test_a_press_travels_over_http(door: Door, button: str, sent: int, says: str) -> None:
    card = Person(door.place, "U0ANA").purges("www.example.com hero --force")
    assert door.place.presses("U0SAM", button, card)["outcome"] == "acked"
    door.place.settle()
    door.place.sends_form("U0SAM", "the match is on")
    door.place.settle()
    assert len(door.place.purges_sent()) == sent
    assert says in words(only_card(door.place))


@SQLITE
def test_a_mistake_is_explained_in_the_answer_itself(door: Door) -> None:
    door.place.says("U0ANA", "/purge www.example.com hero --froce")
    assert "Did you mean" in whispers(door.place)[-1]
    assert cards(door.place) == []


# A signature is good for five minutes, and for one purge.


def replay(door: Door, body: str, age_s: float = 0) -> int:
    headers = signed_headers(door.place.slack.signing_secret, body, time.time() - age_s)
    return door.send(body, dict(headers)).status_code


def test_a_command_replayed_with_its_own_signature_counts_once(door: Door) -> None:
    door.place.says("U0ANA", "/purge help")
    command = door.last("slash_commands")
    command |= {"text": "www.example.com hero", "trigger_id": "1.2.3"}
    body, _ = http_body("slash_commands", command)
    headers = door.sign(body)
    assert [door.send(body, headers).status_code for _ in range(3)] == [200] * 3
    door.place.settle()
    assert len(door.place.purges_sent()) == len(cards(door.place)) == 1


def test_a_press_replayed_with_its_own_signature_counts_once(door: Door) -> None:
    place = door.place
    place.presses("U0SAM", APPROVE, Person(place, "U0ANA").purges("www.example.com hero --force"))
    body, _ = http_body("interactive", door.last("interactive"))
    headers = door.sign(body)
    place.settle()
    assert [door.send(body, headers).status_code for _ in range(2)] == [200] * 2
    place.settle()
    assert len(place.purges_sent()) == 1
    assert whispers(place, "U0SAM") == []


def test_a_command_replayed_after_a_restart_counts_once(open_town: OpenTown) -> None:
    place = open_town(mode=Mode.HTTP)
    with http_door(place) as door:
        Person(place, "U0ANA").types("/purge www.example.com hero")
        command = door.last("slash_commands")
    place.stop_bot()
    place.start_bot()
    with http_door(place) as door:
        assert door.deliver("slash_commands", command).status_code == 200
    place.settle()
    assert len(place.purges_sent()) == len(cards(place)) == 1


@SQLITE
@pytest.mark.parametrize(
    ("age_s", "status"),
    [(290, 200), (310, 401), (-290, 200), (-310, 401)],
    ids=["nearly old", "old", "clock behind", "clock far behind"],
)
def test_a_signature_ends_after_five_minutes(door: Door, age_s: float, status: int) -> None:
    door.place.says("U0ANA", "/purge help")
    body, _ = http_body("slash_commands", door.last("slash_commands"))
    assert replay(door, body, age_s) == status


# What is no request of Slack's


@SQLITE
def test_other_paths_and_verbs_are_refused(door: Door) -> None:
    def status(verb: str, path: str) -> int:
        return requests.request(verb, door.url + path, timeout=60).status_code

    assert status("GET", SLACK_PATH) == 405
    assert status("PUT", SLACK_PATH) == 405
    assert status("POST", "/") == 404
    assert status("POST", "/healthz") == 405


def arriving(place: Town, messages: Iterator[dict[str, Any]]) -> int:
    """Give the status with which the bot answers a request that arrives in these pieces."""
    assert place.bot is not None
    app = web_app(place.bot)
    scope = {"type": "http", "method": "POST", "path": SLACK_PATH, "headers": []}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    async def call() -> None:
        await app(scope, receive, send)

    with ThreadPoolExecutor(1) as pool:  # the browser tests keep a loop running in this thread
        pool.submit(asyncio.run, call()).result()
    return int(sent[0]["status"])


@SQLITE
def test_an_endless_body_is_not_read_to_its_end(open_town: OpenTown) -> None:
    place = open_town(mode=Mode.HTTP)
    piece = {"type": "http.request", "body": b"a" * 65_536, "more_body": True}
    rest = itertools.repeat(piece, 100)
    assert arriving(place, rest) == 413
    assert len(list(rest)) > 80


@SQLITE
def test_a_caller_who_hangs_up_in_the_middle_of_a_body_is_no_fault(open_town: OpenTown) -> None:
    place = open_town(mode=Mode.HTTP)
    piece = {"type": "http.request", "body": b"text=", "more_body": True}
    assert arriving(place, iter([piece, {"type": "http.disconnect"}])) == 400


# Who watches (the rest is in test_status.py)


@SQLITE
def test_healthz_lives_and_readyz_says_why_not(door: Door) -> None:
    assert requests.get(f"{door.url}/healthz", timeout=60).status_code == 200
    told = requests.get(f"{door.url}/readyz", timeout=60)
    assert told.status_code == 503
    assert told.json()["checks"]["engine"]["reason"] == "the worker has not started"
