"""The log of a bot to which everything happens: it tells every step and nobody's words.

What people write here, and what must stay secret, holds the word "sesame".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import create_engine

from bot.config.settings import Mode
from bot.demo.town import Town, town
from bot.simulators.slack.events.http_mode import http_body
from tests.support.faults import PURGE
from tests.support.http_door import Door
from tests.support.messages import APPROVE, DENY, cards, whispers, words
from tests.support.processes import card_of
from tests.support.purgebot import Running, running
from tests.support.row_forgery import makes_unreadable
from tests.support.waiting import until


@dataclass
class Log:
    """All that a bot has logged, the town where it was, and what a person was told of a fault."""

    text: str
    place: Town
    reference: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def steps(self, purge: str) -> list[str]:
        """Give the names of the steps of one purge."""
        return [
            line.get("state", line["event"]) for line in self.lines if line.get("purge") == purge
        ]


@pytest.fixture(scope="module", params=Mode)
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    folder = tmp_path_factory.mktemp("log")
    url = f"sqlite:///{folder}/purgebot.sqlite3"
    with town(database_url=url, mode=request.param, with_bot=False) as place:
        variables = place.variables() | {"PURGEBOT_HTTP_BIND": "127.0.0.1:0"}
        with running(folder, variables) as bot:
            bot.until("started")
            reference = live(place, bot)
            assert bot.end() == 0
        yield Log("".join(bot.said), place, reference)


def live(place: Town, bot: Running) -> str:
    """Let everything happen; give the reference of the fault that nobody foresaw."""
    reference = ""
    door = None
    if place.mode is Mode.HTTP:
        door = Door(place, f"http://{bot.until('listening')['address']}")
        place.slack.request_url = f"{door.url}/slack/events"
    say(place, "www.example.com sesame-plain", "Purge sent")
    say(place, "shop.example.com sesame-refused")
    say(place, "www.example.com sesame-mistake --froce")
    say(place, 'www.example.com sesame-denied --force --reason "open sesame"', "waits")
    place.presses("U0ANA", APPROVE, cards(place)[-1])
    place.presses("U0EVE", APPROVE, cards(place)[-1])
    place.presses("U0SAM", DENY, cards(place)[-1])
    until(place, lambda: bool(place.forms("U0SAM")))
    place.sends_form("U0SAM", "sesame is not open")
    until(place, lambda: "Denied" in words(cards(place)[-1]))
    say(place, 'www.example.com sesame-forced --force --reason "open sesame"', "waits")
    place.presses("U0SAM", APPROVE, cards(place)[-1])
    until(place, lambda: "sent: the CDN has taken it" in words(cards(place)[-1]))
    place.breaks(kind="error", code="InvalidDomain.NotFound", action=PURGE, times=1)
    say(place, "www.example.com sesame-failed", "Purge failed")
    place.breaks(kind="lose_answer", action=PURGE, times=1)
    say(place, "www.example.com sesame-unknown", "outcome unknown")
    if door is not None:
        reference = knock(door)
    lock = create_engine(place.database_url)
    with lock.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        say(place, "www.example.com sesame-locked")
        assert "store-away" in whispers(place)[-1]
    lock.dispose()
    return reference


def say(place: Town, text: str, then: str | None = None) -> None:
    """Run a purge and wait until its card, the newest, says something."""
    told = len(whispers(place))
    place.says("U0ANA", f"/purge {text}")
    until(
        place,
        lambda: (
            then in words(cards(place)[-1])
            if then and cards(place)
            else not then and len(whispers(place)) > told
        ),
    )


def knock(door: Door) -> str:
    """Send what no person can: oddities with a good signature, and a bad signature."""
    command = door.last("slash_commands") | {"text": "www.example.com sesame-odd"}
    event = {"type": "event_callback", "team_id": "T0TOWN", "event": {"text": "sesame"}}
    assert door.send_signed(json.dumps(event)).status_code == 404
    shortcut = {"type": "shortcut", "callback_id": "sesame", "team": {"id": "T0TOWN"}}
    assert door.deliver("interactive", shortcut | {"user": {"id": "U0ANA"}}).status_code == 404
    assert door.deliver("slash_commands", command | {"team_id": "T0OTHER"}).status_code == 200
    body, _ = http_body("slash_commands", command)
    assert door.send(body, door.sign(body + "!")).status_code == 401
    assert door.send_signed("payload=sesame").status_code == 400
    (denied,) = [each for each in cards(door.place) if "Denied" in words(each)]
    makes_unreadable(door.place, card_of(denied))
    command |= {"text": f"status {card_of(denied)}", "trigger_id": "1.2.3"}
    told = door.deliver("slash_commands", command).json()["text"]
    return str(told.rpartition(": ")[2].rstrip("."))


def purge_of(log: Log, tag: str) -> str:
    """Give the ID of the purge of a tag, from what the card says."""
    (card,) = [words(card) for card in cards(log.place) if f"`{tag}`" in words(card)]
    return card.rpartition("Purge `")[2].partition("`")[0]


def test_every_line_is_a_json_object_that_begins_with_its_event(log: Log) -> None:
    for line in log.lines:
        assert next(iter(line)) == "event"
        assert {"level", "logger", "timestamp"} <= set(line)
    assert log.lines[0]["event"] != log.lines[-1]["event"] == "stopped"


@pytest.mark.parametrize(
    ("tag", "steps"),
    [
        ("sesame-plain", {"ready", "sending", "submitted"}),
        ("sesame-forced", {"waiting", "approve", "sending", "submitted"}),
        ("sesame-denied", {"waiting", "press-own-request", "press-not-allowed", "deny"}),
        ("sesame-failed", {"ready", "sending", "failed"}),
        ("sesame-unknown", {"ready", "sending", "unknown"}),
    ],
)
def test_every_step_is_told_with_the_id_of_its_purge(log: Log, tag: str, steps: set[str]) -> None:
    assert steps <= set(log.steps(purge_of(log, tag)))


def test_a_submitted_line_holds_what_the_vendor_asks_for(log: Log) -> None:
    sent = log.place.purges_sent()[0]
    (line,) = [
        line
        for line in log.lines
        if line.get("state") == "submitted" and line["purge"] == purge_of(log, "sesame-plain")
    ]
    assert line["task_id"] == sent["task_id"]
    assert line["request_id"]
    assert (line["domain"], line["user"], line["force"]) == ("www.example.com", "U0ANA", False)


def test_mistakes_refusals_and_a_database_that_is_away_are_told(log: Log) -> None:
    answered = {line["error"] for line in log.lines if line["event"] == "answered-with-error"}
    assert {"command-option-misspelt", "store-away"} <= answered
    assert "refused" in {line.get("state") for line in log.lines}


@pytest.mark.parametrize("log", [Mode.HTTP], indirect=True)
def test_a_fault_that_nobody_foresaw_is_found_by_the_reference_that_was_told(log: Log) -> None:
    (line,) = [line for line in log.lines if line["event"] == "listener-failed"]
    assert line["reference"] == log.reference
    assert line["exception"][0]["exc_type"] == "JSONDecodeError"
    assert "other-workspace" in {line["event"] for line in log.lines}


def test_nobody_s_words_are_logged(log: Log) -> None:
    assert [line for line in log.text.splitlines() if "sesame" in line.lower()] == []


def test_no_secret_is_logged(log: Log) -> None:
    slack = log.place.slack
    deliveries = log.place.get("slack/deliveries")["deliveries"]
    payloads = [row["payload"] for row in deliveries]
    urls = {each["response_url"].rpartition("/")[2] for each in payloads if "response_url" in each}
    triggers = {row["payload"]["trigger_id"] for row in deliveries}
    secrets = {
        slack.bot_token,
        slack.app_token,
        slack.signing_secret,
        slack.workspace.verification_token,
        log.place.cdn.access_key_secret,
    }
    assert len(urls) > 8
    assert [secret for secret in secrets | urls | triggers if secret in log.text] == []
