"""Bots as processes of their own in one town, there to be killed; and what holds however they died.

start_bot, wait_until_connected     `python -m bot run`, once or several times over a database
lift_limits                         neither Slack, nor the CDN, nor the bot says that it is too much
check_…                             what the database, the CDN and Slack must agree on at the end
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from bot.core.purge.purge import Purge, State
from bot.demo.town import Town
from bot.store.audit.verify import verify
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from bot.store.store import Store
from tests.support.messages import APPROVE, cards
from tests.support.waiting import poll

SEES_NOTHING = "U0DEL"
"""Somebody whose account is closed: what they see is quick to tell."""


def start_bot(place: Town, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        env=os.environ | place.variables() | {"OTEL_TRACES_EXPORTER": "none"} | more,
        stderr=subprocess.DEVNULL,
    )


def wait_until_connected(place: Town, bots: int = 1) -> None:
    """Return when as many bots have their socket open."""
    poll(lambda: place.get("slack/state", {"as": SEES_NOTHING})["connections"] >= bots)


class Bots:
    """Several bots over one database, each started again when it was killed."""

    def __init__(self, place: Town, count: int) -> None:
        self.killed_at: list[float] = []
        self._place = place
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._killing: Future[None] | None = None
        self._processes = [start_bot(place) for _ in range(count)]

    def kill_in_turn(self, dice: random.Random) -> None:
        """Kill one after the other from now on; the next is killed when all are back."""
        self._killing = self._pool.submit(self._kill_and_start, dice)

    def _kill_and_start(self, dice: random.Random) -> None:
        while not self._stop.wait(dice.uniform(0.0, 0.8)):
            number = dice.randrange(len(self._processes))
            self._kill(self._processes[number])
            self._processes[number] = start_bot(self._place)
            wait_until_connected(self._place, len(self._processes))

    def end(self) -> None:
        """Kill them all, whatever they are at."""
        self._stop.set()
        self._pool.shutdown()
        for process in self._processes:
            self._kill(process)
        if self._killing is not None:
            self._killing.result()

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        self.killed_at.append(self._place.now().timestamp())

    @property
    def kills(self) -> int:
        return len(self.killed_at)


@contextmanager
def bots_in(place: Town, count: int) -> Iterator[Bots]:
    """Give so many bots as processes; they are dead at the end of the block."""
    bots = Bots(place, count)
    try:
        wait_until_connected(place, count)
        yield bots
    finally:
        bots.end()


UNLIMITED = dict.fromkeys(
    (
        "PURGEBOT_REQUESTS_PER_MINUTE",
        "PURGEBOT_WAITING_PER_PERSON",
        "PURGEBOT_JOINED_PER_PERSON",
        "PURGEBOT_REFUSALS_PER_HOUR",
    ),
    "0",
)
"""For a handful of people who ask for what a town asks for in a day."""


def lift_limits(place: Town) -> None:
    """Let everything be asked for; a bot that is started later knows it."""
    place.settings |= UNLIMITED
    place.post("slack/settings", {"limits": {"on": False}})
    place.post(
        "cdn/settings",
        {"per_minute": 10**6, "per_day": 10**6, "queue_size": 10**6, "rates": {}},
    )


def approvals_pressed(place: Town) -> dict[str, dict[str, float]]:
    """Give who pressed Approve on each purge, and when first, as Slack delivered it."""
    pressed: dict[str, dict[str, float]] = {}
    for row in place.get("slack/deliveries")["deliveries"]:
        payload = row["payload"]
        for action in payload.get("actions") or []:
            if action["action_id"] == APPROVE:
                people = pressed.setdefault(action["value"], {})
                people.setdefault(payload["user"]["id"], float(action["action_ts"]))
    return pressed


def unapproved(
    purges: Iterable[Purge],
    requests: Iterable[dict[str, Any]],
    pressed: dict[str, dict[str, float]],
    exempt: Collection[str] = (),
) -> list[str]:
    """Give what was forced at the CDN though nobody else had pressed Approve on such a request.

    For the domains that are `exempt` the policy asks nobody.
    """
    approved: dict[tuple[str, str], float] = {}
    for purge in purges:
        others = [at for who, at in pressed.get(purge.id, {}).items() if who != purge.user_id]
        if purge.force and others:
            key = (purge.domain, ",".join(purge.tags))
            approved[key] = min(approved.get(key, float("inf")), *others)
    return [
        f"forced without an approval: {sent['params']} at {sent['at']}"
        for sent in requests
        if sent["params"]["Force"] == "true"
        and sent["params"]["DomainName"] not in exempt
        and sent["at"]
        < approved.get((sent["params"]["DomainName"], sent["params"]["CacheTag"]), float("inf"))
    ]


def store_of(place: Town) -> Store:
    assert place.bot is not None, "the processes are dead: one bot is left to look with"
    return place.bot.store


def all_purges(place: Town) -> list[Purge]:
    return [rows.row_to_purge(row) for row in store_of(place).read(select(tables.purges))]


def card_of(message: dict[str, Any]) -> str:
    """Give the ID of the purge whose card this is."""
    return str(message["metadata"]["event_payload"]["purge_id"])


def check_sent(place: Town, purges: Iterable[Purge]) -> None:
    """Each purge has a first tag of its own, and by that it was sent once, or never."""
    sent = Counter(request["params"]["CacheTag"] for request in place.purges_sent())
    twice = [tag for tag, times in sent.items() if times > 1]
    assert not twice, f"sent twice: {twice}"
    for purge in purges:
        if purge.task_id is not None:
            assert sent[purge.tags[0]] == 1, f"{purge.id} was never sent"
        elif purge.state is not State.UNKNOWN:
            assert sent[purge.tags[0]] == 0, f"{purge.id} was sent, but is {purge.state}"


def let_all_end(place: Town) -> None:
    """Let the leases of the dead run out, and the tasks at the CDN come to their ends."""
    place.waits(minutes=2)
    for _ in range(10):
        place.waits(seconds=30)


def check_presses(place: Town, acknowledged: Collection[str]) -> None:
    """Every press that Slack saw received was written down, and has had its answer."""
    due_at = {row.trigger_id: row.due_at for row in store_of(place).read(select(tables.asks))}
    lost = set(acknowledged) - due_at.keys()
    assert not lost, f"presses were acknowledged, but are not in the database: {lost}"
    left = [trigger_id for trigger_id in acknowledged if due_at[trigger_id] is not None]
    assert not left, f"presses were acknowledged, but never answered: {left}"


def check_trail(place: Town) -> None:
    fault = verify(store_of(place).engine).finding
    assert fault is None, f"a chain of the audit trail is broken: {fault}"


def check_one_card_each(place: Town, purges: Iterable[Purge]) -> None:
    shown = Counter(card_of(card) for card in cards(place) if card["metadata"])
    assert shown == Counter({purge.id: 1 for purge in purges}), (
        "a card is missing or was made twice"
    )
