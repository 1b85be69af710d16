"""A thousand purges in trouble: at the end each card says what the CDN knows, or that nobody does.

Half of them over SQLite with one bot, half over PostgreSQL with two.  First a storm: troubles at the
CDN and at Slack come and go (tests/support/faults.py), and bots are killed and started again.  Then hours in
which the troubles go on and one bot is left; then days without any until all is settled.  What the
bot says of each is held against what the CDN and Slack know (tests/stress/consistency.py).
"""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.demo.town import Town, town
from tests.stress.consistency import CHECKS, Truth
from tests.stress.scale import Counted, scaled
from tests.support.faults import APPROVALS, Faults, People
from tests.support.policies import write_policy
from tests.support.processes import bots_in, check_trail, lift_limits

PURGES = scaled(sample=120, full=500)
IN_THE_STORM = scaled(sample=90, full=380)
KILLS = scaled(sample=6, full=25)
TYPISTS = 6
ENDLESS = 4
"""So many tasks never come to an end."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database_url", "bots"), [("sqlite", 1), ("postgresql", 2)], indirect=["database_url"]
)
def test_every_card_says_what_the_cdn_knows(
    database_url: str, bots: int, tmp_path: Path, record_property: Counted
) -> None:
    policy = write_policy(tmp_path, APPROVALS)
    dice = random.Random(5)
    with town(database_url=database_url, policy=policy, with_bot=False) as place:
        lift_limits(place)
        faults, people = Faults(place, dice), People(place, random.Random(7))
        killed_at = storm(place, faults, people, bots)
        place.start_bot()
        troubled_hours(place, faults, people)
        fair_days(place, faults)
        truth = Truth.of(place, killed_at)
        untrue = [said for check in CHECKS for said in check(truth)]
        assert not untrue, "\n".join(untrue)
        check_trail(place)
        record_property(
            "counts", f"{database_url.split(':', 1)[0]}, {bots} processes: {truth.counts()}"
        )


# What happens


def storm(place: Town, faults: Faults, people: People, count: int) -> list[float]:
    """Let bots be killed under troubles; give when they were."""
    with bots_in(place, count) as bots, ThreadPoolExecutor() as pool:
        bots.kill_in_turn(random.Random(9))
        at_work = [
            *(pool.submit(people.ask_until, IN_THE_STORM) for _ in range(TYPISTS)),
            pool.submit(people.press_until_stopped),
        ]
        while bots.kills < KILLS:
            faults.change()
            threading.Event().wait(0.25)
        people.stop.set()
        for each in at_work:
            each.result()
    return bots.killed_at


def troubled_hours(place: Town, faults: Faults, people: People) -> None:
    """Let one bot go on; people ask slowly enough that what was lost can be found again."""
    endless = 0
    while people.asked < PURGES:
        faults.change()
        for _ in range(min(4, PURGES - people.asked)):
            people.ask()
        place.settle()
        people.press(most=2)
        place.waits(seconds=people.dice.uniform(2, 40))
        if endless < ENDLESS and never_end(place):
            endless += 1
    for _ in range(10):
        faults.change()
        place.waits(minutes=1)


def never_end(place: Town) -> bool:
    """Stop the newest task that is at work, for ever."""
    at_work = [task for task in place.get("cdn/state")["tasks"] if task["status"] == "Refreshing"]
    if at_work:
        place.post(f"cdn/tasks/{at_work[-1]['id']}", {"status": "Refreshing", "process": "60%"})
    return bool(at_work)


def fair_days(place: Town, faults: Faults) -> None:
    """Let time pass until nothing is left to do."""
    faults.clear()
    for _ in range(5):
        place.waits(minutes=2)
    for hours in (0.5, 0.5, 1, 1, 12, 24, 24, 24, 6):
        place.waits(hours=hours)
