"""`kill -9` at random moments: nothing accepted is lost, nothing is submitted twice.

The bot runs as a process of its own, under a load of plain and forced purges and of presses; it
is killed again and again, and started again over what it left.  Then everything that Slack saw
acknowledged is compared with the database, the CDN and the cards.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from bot.core.purge.purge import ENDS, Purge, State
from bot.demo.town import Town, town
from tests.stress.scale import Counted, scaled
from tests.support.messages import APPROVE, DENY, buttons
from tests.support.processes import (
    all_purges,
    approvals_pressed,
    card_of,
    check_one_card_each,
    check_presses,
    check_sent,
    check_trail,
    let_all_end,
    lift_limits,
    start_bot,
    unapproved,
    wait_until_connected,
)

KILLS = scaled(sample=10, full=50)
CHANNEL = "C0WEB"


@dataclass
class Load:
    """People who type and press without pause, and what Slack told them was received."""

    place: Town
    stop: threading.Event = field(default_factory=threading.Event)
    commands: set[str] = field(default_factory=set)
    presses: set[str] = field(default_factory=set)
    approvals: set[str] = field(default_factory=set)

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
            self.presses.add(answer["trigger_id"])
            if action == APPROVE:  # Deny alone decides nothing: it opens a form
                self.approvals.add(card_of(message))


@pytest.mark.timeout(1200)
def test_kill_9_at_random_moments_loses_nothing_and_submits_nothing_twice(
    database_url: str, record_property: Counted
) -> None:
    dice = random.Random(20)
    with town(database_url=database_url, with_bot=False) as place:
        lift_limits(place)
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
        let_all_end(place)
        purges = all_purges(place)
        check_nothing_lost(place, load, purges)
        states = Counter(purge.state.value for purge in purges)
        record_property(
            "counts",
            f"{database_url.split(':', 1)[0]}: {KILLS} kills, {len(load.commands)} commands and "
            f"{len(load.presses)} presses acknowledged, 0 lost, 0 sent twice, "
            f"0 unapproved; "
            + ", ".join(f"{count} {state}" for state, count in sorted(states.items())),
        )


def check_nothing_lost(place: Town, load: Load, purges: list[Purge]) -> None:
    by_tag = Counter(purge.tags[0] for purge in purges)
    lost = load.commands - by_tag.keys()
    assert not lost, f"acknowledged, but not in the database: {lost}"
    assert max(by_tag.values()) == 1
    for purge in purges:
        assert purge.state in ENDS | {State.WAITING}, f"{purge.id} is stuck in {purge.state}"
    check_sent(place, purges)
    assert not unapproved(purges, place.purges_sent(), approvals_pressed(place))
    check_trail(place)
    check_presses(place, load.presses)
    waiting = {purge.id for purge in purges if purge.state is State.WAITING}
    assert not load.approvals & waiting, "a yes was acknowledged, but did not count"
    check_one_card_each(place, purges)
