"""`kill -9` at random moments: nothing accepted is lost, nothing is submitted twice.

The bot runs as a process of its own, under a load of plain and forced purges and of presses; it
is killed again and again, and started again over what it left.  Then everything that Slack saw
acknowledged is compared with the database, the CDN and the cards.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from sqlalchemy import select

from bot.core.purge import ENDS, Purge, State
from bot.playground.town import Town, town
from bot.store import rows, tables
from bot.store.audit_verify import verify
from bot.store.store import Store
from tests.talk import APPROVE, DENY, buttons

KILLS = 50
CHANNEL = "C0WEB"


@dataclass
class Load:
    """People who type and press without pause, and what Slack told them was received."""

    place: Town
    stop: threading.Event = field(default_factory=threading.Event)
    commands: set[str] = field(default_factory=set)
    presses: set[str] = field(default_factory=set)

    def type_commands(self, name: str) -> None:
        dice = random.Random(name)
        for number in range(100_000):
            if self.stop.wait(dice.uniform(0.0, 0.06)):
                return
            tag = f"{name}-{number}"
            force = " --force" if dice.random() < 0.4 else ""
            answer = self.place.says("U0ANA", f"/purge www.example.com {tag}{force}", CHANNEL)
            if answer["outcome"] == "acked":
                self.commands.add(tag)

    def press_buttons(self, person: str) -> None:
        dice = random.Random(person)
        while not self.stop.wait(0.1):
            waiting = [message for message in self.place.sees(person, CHANNEL) if buttons(message)]
            for message in dice.sample(waiting, min(3, len(waiting))):
                self._press(person, message, dice)

    def _press(self, person: str, message: dict[str, Any], dice: random.Random) -> None:
        action = APPROVE if dice.random() < 0.8 else DENY
        try:
            answer = self.place.presses(person, action, message, CHANNEL)
        except requests.HTTPError:
            return  # the card lost its buttons while the finger was on its way
        if answer["outcome"] == "acked":
            self.presses.add(message["metadata"]["event_payload"]["purge_id"])


def start_bot(place: Town) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        env=os.environ | place.variables(),
        stderr=subprocess.DEVNULL,
    )


def wait_until_connected(place: Town) -> None:
    for _ in range(400):
        if place.get("slack/state", {"as": "U0SAM"})["connections"] > 0:
            return
        threading.Event().wait(0.02)
    pytest.fail("the bot did not come back")


@pytest.mark.timeout(1200)
def test_kill_9_at_random_moments_loses_nothing_and_submits_nothing_twice(
    database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(20)
    with town(database_url=database_url, with_bot=False) as place:
        place.post("slack/settings", {"limits": {"on": False}})
        place.post(
            "cdn/settings",
            {"per_minute": 10**6, "per_day": 10**6, "queue_size": 10**6, "rates": {}},
        )
        load = Load(place)
        people = [
            threading.Thread(target=load.type_commands, args=(f"{place.mode}{n}",))
            for n in range(2)
        ] + [
            threading.Thread(target=load.press_buttons, args=(person,))
            for person in ("U0KIM", "U0SAM")
        ]
        for thread in people:
            thread.start()
        for _ in range(KILLS):
            process = start_bot(place)
            wait_until_connected(place)
            threading.Event().wait(dice.uniform(0.0, 1.0))
            process.kill()
            process.wait()
        load.stop.set()
        for thread in people:
            thread.join()
        place.start_bot()
        place.waits(minutes=2)  # the leases of the dead run out
        purges = all_purges(place)
        check_nothing_lost(place, load, purges)
        with capfd.disabled():
            states = Counter(purge.state.value for purge in purges)
            print(
                f"\n{database_url.split(':', 1)[0]}: {KILLS} kills, {len(load.commands)} commands and "
                f"{len(load.presses)} presses acknowledged, 0 lost, 0 sent twice; "
                + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            )


def all_purges(place: Town) -> list[Purge]:
    assert place.bot is not None
    store: Store = place.bot.store
    return [rows.row_to_purge(row) for row in store.read(select(tables.purges))]


def check_nothing_lost(place: Town, load: Load, purges: list[Purge]) -> None:
    by_tag = Counter(purge.tags[0] for purge in purges)
    lost = load.commands - by_tag.keys()
    assert not lost, f"acknowledged, but not in the database: {lost}"
    assert max(by_tag.values()) == 1

    sent = Counter(request["params"]["CacheTag"] for request in place.purges_sent())
    assert max(sent.values()) == 1, f"sent twice: {[tag for tag, n in sent.items() if n > 1]}"
    for purge in purges:
        assert purge.state in ENDS | {State.WAITING}, f"{purge.id} is stuck in {purge.state}"
        if purge.state is State.SUBMITTED:
            assert sent[purge.tags[0]] == 1
        if purge.state not in {State.SUBMITTED, State.UNKNOWN}:
            assert sent[purge.tags[0]] == 0, f"{purge.id} was sent, but is {purge.state}"

    assert place.bot is not None
    assert verify(place.bot.store.engine).fault is None, "a chain of the audit trail is broken"
    waiting = {purge.id for purge in purges if purge.state is State.WAITING}
    assert not load.presses & waiting, "a press was acknowledged, but did not count"
    check_cards(place, purges)


def check_cards(place: Town, purges: list[Purge]) -> None:
    cards = Counter(
        message["metadata"]["event_payload"]["purge_id"]
        for message in place.sees("U0SAM", CHANNEL)
        if message.get("metadata")
    )
    assert cards == Counter({purge.id: 1 for purge in purges}), (
        "a card is missing or was made twice"
    )
