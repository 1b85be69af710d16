"""Chaos: what may befall replicas, their database and their links to Slack, and what must hold then.

kill      kill -9; it is started again
pause     SIGSTOP for longer than a lease lasts
restart   of the database, in good order or as in a crash
break     a link is cut or goes dead, or Slack wants others
"""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import select

from bot.core.purge.purge import Purge
from bot.demo.town import Town
from bot.store.queue.owner import LEASE
from bot.store.schema import tables
from tests.support.faults import IMAGES, People
from tests.support.messages import whispers
from tests.support.postgres_servers import Server
from tests.support.processes import all_purges, start_bot, store_of
from tests.support.tcp_relay import Relay
from tests.support.waiting import poll

REPLICAS = 3
OUT_FOR_S = LEASE.total_seconds() + 3
A_MINUTE_S = 60.0
NOT_TAKEN = ("store-away", "store-slow")
"""What people are told whose command or press could not be written down."""


@dataclass
class Chaos:
    """Lets things happen; `moments` are when replicas may have been unable to write down anything."""

    place: Town
    server: Server
    relay: Relay
    dice: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    moments: list[float] = field(default_factory=list)
    replicas: list[subprocess.Popen[bytes]] = field(default_factory=list)
    paused: dict[subprocess.Popen[bytes], float] = field(default_factory=dict)
    cut_off_since: float | None = None

    def begin(self) -> None:
        self.replicas = [self.start(number) for number in range(REPLICAS)]
        poll(lambda: self.connections() >= REPLICAS)

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """Start a replica; the first has its database at the other end of the relay."""
        through = {"PURGEBOT_DATABASE_URL": self.relay.url} if number == 0 else {}
        return start_bot(self.place, **through)

    def connections(self) -> int:
        return int(self.place.get("slack/state", {"as": "U0DEL"})["connections"])

    def reign(self, seconds: float) -> None:
        """Let something happen every other second; one is out of the world from the beginning."""
        ends_at = time.monotonic() + seconds
        self.dice.choice((self.pause, self.cut_off))()
        happenings = [self.kill] * 4 + [self.restart] * 2 + [self.break_links] * 5
        happenings += [self.pause, self.cut_off]
        while time.monotonic() < ends_at:
            self.dice.choice(happenings)()
            self.tend()
            threading.Event().wait(self.dice.uniform(0.5, 3.0))

    def tend(self) -> None:
        """Wake who was paused for long enough, and start again who is not there."""
        for replica, until in list(self.paused.items()):
            if time.monotonic() > until:
                self.wake(replica)
        if self.cut_off_since and time.monotonic() > self.cut_off_since + OUT_FOR_S:
            self.mend()
        for number, replica in enumerate(self.replicas):
            if replica.poll() is not None:  # it was killed, or could not start just then
                self.replicas[number] = self.start(number)
                self.counts["starts"] += 1

    def kill(self) -> None:
        awake = [each for each in self.replicas if each not in self.paused]
        self.end(self.dice.choice(awake))
        self.counts["kills"] += 1

    def end(self, replica: subprocess.Popen[bytes]) -> None:
        replica.kill()
        replica.wait()
        self.happened()

    def pause(self) -> None:
        """Pause one, if all are in the world; two go on."""
        if self.all_are_there():
            replica = self.dice.choice(self.replicas)
            replica.send_signal(signal.SIGSTOP)
            self.happened()
            self.paused[replica] = time.monotonic() + OUT_FOR_S
            self.counts["pauses"] += 1

    def cut_off(self) -> None:
        """Cut one off, likewise."""
        if self.all_are_there():
            self.cut_off_since = time.monotonic()
            self.relay.cut()
            self.counts["cuts from the database"] += 1

    def all_are_there(self) -> bool:
        return not self.paused and self.cut_off_since is None

    def mend(self) -> None:
        self.relay.mend()
        if self.cut_off_since is not None:
            self.was_away(self.cut_off_since)
        self.cut_off_since = None

    def wake(self, replica: subprocess.Popen[bytes]) -> None:
        del self.paused[replica]
        replica.send_signal(signal.SIGCONT)
        self.happened()

    def restart(self) -> None:
        began = time.monotonic()
        self.server.restart(self.dice.choice(("fast", "immediate")))
        self.was_away(began)
        self.counts["database restarts"] += 1

    def break_links(self) -> None:
        wish = self.dice.choice(
            (
                {"action": "cut", "most": self.dice.randint(1, 3)},
                {"action": "freeze", "most": 1},
                {"action": "disconnect", "reason": "refresh_requested"},
                {"action": "disconnect", "reason": "warning", "drop": True},
            )
        )
        self.place.post("slack/sockets", wish)
        self.counts["broken links"] += 1

    def happened(self) -> None:
        self.moments.append(self.place.now().timestamp())

    def was_away(self, since: float) -> None:
        """Remember that a database was away all the time since then, by the monotonic clock."""
        began = self.place.now().timestamp() - (time.monotonic() - since)
        self.moments += [began + second for second in range(int(time.monotonic() - since) + 1)]
        self.happened()

    def cease(self) -> None:
        """One replica dies for good, the others are awake; within a minute they do its work too."""
        for replica in list(self.paused):
            self.wake(replica)
        self.mend()
        self.tend()
        poll(lambda: self.connections() >= REPLICAS)
        self.end(self.replicas.pop())
        poll(self.nothing_is_late, within_s=A_MINUTE_S)

    def nothing_is_late(self) -> bool:
        """Whether nothing was due more than five seconds ago."""
        late = " UNION ALL ".join(
            f"SELECT count(*) FROM {table} WHERE due_at < now() - interval '5 seconds'"  # noqa: S608
            for table in tables.JOBS
        )
        with psycopg.connect(self.server.url) as connection:
            return all(count == 0 for (count,) in connection.execute(late))

    def stop(self) -> None:
        """End them all."""
        for replica in self.replicas:
            replica.kill()
            replica.wait()


# What must hold; each gives what is not so


def check_accepted(place: Town, people: People, chaos: Chaos) -> Iterator[str]:
    """What was acknowledged is there, or the person was told that it is not."""
    purges = {purge.trigger_id for purge in all_purges(place)}
    lost = people.commands - purges
    told = told_that_not_taken(place, "U0ANA") + told_that_not_taken(place, "U0SAM")
    if len(lost) > told:
        yield f"{len(lost)} commands were acknowledged and are not there, {told} were told so"
    asks = {row.trigger_id: row.due_at for row in store_of(place).read(select(tables.asks))}
    lost = people.presses - asks.keys()
    told = sum(told_that_not_taken(place, person) for person in ("U0KIM", "U0ANA", "U0SAM"))
    if len(lost) > told + chaos.counts["kills"]:  # whoever is killed does not tell it any more
        yield f"{len(lost)} presses were acknowledged and are not there, {told} were told so"
    yield from (f"press {which} was never answered" for which, due in asks.items() if due)


def told_that_not_taken(place: Town, person: str) -> int:
    return sum(any(code in said for code in NOT_TAKEN) for said in whispers(place, person))


def check_quorum(purges: dict[str, Purge]) -> Iterator[str]:
    """A forced purge was sent only if somebody else approved it, where somebody must."""
    for purge in purges.values():
        others = {yes.user_id for yes in purge.approvals} - {purge.user_id}
        if purge.force and purge.attempt and purge.domain != IMAGES and not others:
            yield f"{purge.id} was sent without approval"
