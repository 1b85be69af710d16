"""A storm of commands with `kill -9` in it: nothing acknowledged is lost, nothing is sent twice.

The other tests here load a bot as a busy day does.  This one first measures how many commands a second
it carries out, and then has four fifths of that leave at a steady rate, over signed HTTP, while the
bot is killed and started again over what it left.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from bench.load import command
from bot.config.settings import Mode
from bot.core.purge.purge import ENDS
from bot.demo.town import Town, town
from tests.stress.scale import Counted, scaled
from tests.support.postgres_servers import pgbouncer
from tests.support.processes import (
    all_purges,
    check_one_card_each,
    check_sent,
    check_trail,
    let_all_end,
    lift_limits,
)
from tests.support.purgebot import Running, running
from tests.support.waiting import poll

KILLS = scaled(sample=4, full=12)
MEASURED_S = scaled(sample=1, full=3)
TYPISTS = 16
SHARE = 0.8
NOWHERE = "http://127.0.0.1:9/"


@dataclass
class Storm:
    """People who type without pause, and what they were told was received."""

    place: Town
    folder: Path
    address: tuple[str, int] = ("", 0)
    acknowledged: set[str] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)

    def bot(self) -> AbstractContextManager[Running]:
        return running(self.folder, self.place.variables())

    def meets(self, bot: Running) -> None:
        """Have them speak to this bot from now on."""
        host, _, port = bot.until("listening")["address"].rpartition(":")
        self.address = host, int(port)

    def type(self, name: str, every_s: float) -> None:
        """Send a command every so often, but not before the one before was received, or lost."""
        line: socket.socket | None = None
        due = time.monotonic()
        for number in count():
            due += every_s
            if self.stop.wait(max(0.0, due - time.monotonic())):
                break
            try:
                line = line or socket.create_connection(self.address, 10)
                line.sendall(command(self.place.slack.signing_secret, name, number, NOWHERE))
                answer = line.recv(65_536).lower()
            except OSError:
                answer = b""
            if answer.startswith(b"http/1.1 200 ") and b"content-length: 0\r\n" in answer:
                self.acknowledged.add(f"{name}-{number}")
            elif line is not None:
                line.close()
                line = None
        if line is not None:
            line.close()

    def carried_out(self) -> int:
        seen = tuple(self.place.cdn.account.requests)
        return sum(each.action == "RefreshObjectCacheByCacheTag" for each in seen)


@pytest.fixture
def reached_at(database_url: str, pool_mode: str | None) -> Iterator[str]:
    """Give the URL at which bots reach the database: through PgBouncer, or its own."""
    if pool_mode is None:
        yield database_url
        return
    with pgbouncer(database_url, pool_mode=pool_mode) as through:
        yield through


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("database_url", "pool_mode"),
    [("sqlite", None), ("postgresql", None), ("postgresql", "transaction")],
    ids=["sqlite", "postgresql", "PgBouncer"],
    indirect=["database_url"],
)
def test_a_storm_with_kills_loses_nothing_and_sends_nothing_twice(
    reached_at: str, request: pytest.FixtureRequest, tmp_path: Path, record_property: Counted
) -> None:
    dice = random.Random(80)
    with town(database_url=reached_at, mode=Mode.HTTP, with_bot=False) as place:
        lift_limits(place)
        place.settings |= {
            "PURGEBOT_HTTP_BIND": "127.0.0.1:0",
            "PURGEBOT_SENDS_PER_SECOND": "10000",
        }
        storm = Storm(place, tmp_path)
        per_s = measured(storm)
        rage(storm, SHARE * per_s, dice)
        place.start_bot()
        let_all_end(place)
        left = len(all_purges(place)) + 1
        while 0 < (now := len(unended(place))) < left:  # the more there are, the longer it takes
            left = now
            place.waits(seconds=30)
        purges = all_purges(place)
        by_tag = Counter(purge.tags[0] for purge in purges)
        lost = storm.acknowledged - by_tag.keys()
        assert not lost, f"acknowledged, but not in the database: {lost}"
        assert max(by_tag.values()) == 1
        stuck = unended(place)
        assert not stuck, f"these came to no end: {stuck}"
        check_sent(place, purges)
        check_trail(place)
        check_one_card_each(place, purges)
        states = Counter(purge.state.value for purge in purges)
        record_property(
            "counts",
            f"{request.node.callspec.id}: {SHARE * per_s:.0f} commands a second, {KILLS} kills, "
            f"{len(storm.acknowledged)} acknowledged, 0 lost, 0 sent twice; "
            + ", ".join(f"{each} {state}" for state, each in sorted(states.items())),
        )


def unended(place: Town) -> list[str]:
    return [f"{each.id} is {each.state}" for each in all_purges(place) if each.state not in ENDS]


def measured(storm: Storm) -> float:
    """Give how many commands a second are carried out, ten at a time."""
    with storm.bot() as bot, ThreadPoolExecutor() as people:
        storm.meets(bot)
        began = time.monotonic()
        typing = [people.submit(storm.type, f"measured{n}", 0.0) for n in range(10)]
        threading.Event().wait(MEASURED_S)
        storm.stop.set()
        for each in typing:
            each.result()
        poll(lambda: storm.carried_out() >= len(storm.acknowledged))
        took_s = time.monotonic() - began
    storm.stop.clear()
    return len(storm.acknowledged) / took_s


def rage(storm: Storm, per_s: float, dice: random.Random) -> None:
    """Let commands leave at this rate, and bots be killed."""
    with ThreadPoolExecutor(TYPISTS) as people:
        typing: list[Future[None]] = []
        for _ in range(KILLS):
            with storm.bot() as bot:
                storm.meets(bot)
                typing = typing or [
                    people.submit(storm.type, f"storm{n}", TYPISTS / per_s) for n in range(TYPISTS)
                ]
                threading.Event().wait(dice.uniform(0.2, 2.0))
                bot.process.kill()
        storm.stop.set()
        for each in typing:
            each.result()
