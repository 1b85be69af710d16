"""Two bots side by side, one over few rows and one over many, in one run on each database.

Both run as processes of their own in towns of their own, and are clicked in turn: what else the
machine does meets both.  PostgreSQL is looked for at TEST_DATABASE_URL, else on this machine.

    fill              a database, as if its bot had lived through it
    side              a bot that has started over it
    rest, click       what is measured of both
    beside            both beside each other, and whether that is as it should be
    on_each_database  what is compared, on SQLite and on PostgreSQL
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import psycopg
from psycopg.sql import SQL, Identifier

from bench.measures import cpu_s, memory_mib
from bench.report import POSTGRES, Table, against, percentile, postgresql
from bot.core.decisions.transition import Transition
from bot.demo.town import Town, town
from bot.simulators.cdn.account import SeenRequest
from bot.simulators.slack.workspace.model import Message
from bot.store.migrations import migrate
from bot.store.store import Store
from tests.support.messages import APPROVE
from tests.support.processes import UNLIMITED
from tests.support.purgebot import Running, command, environment, listening

FEW = 10
WARMING = 5
"""Clicks that do not count: the first ones open connections and ask Slack who people are."""
REST_S = 0.05
PATIENCE_S = 30.0
CHANNEL = "C0WEB"

MEMORY = "memory, MiB"
CPU = "idle CPU, % of a core"
CLICK = "click"
ACKNOWLEDGED = "acknowledged"

Figures = defaultdict[str, list[float]]
"""What was measured of one side, over all rounds, by name."""
NewDatabase = Callable[[], AbstractContextManager[str]]
"""Gives the URL of an empty database, for as long as it is wanted."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: rows on the side of the many, how old the oldest is, rounds, rest, and
    clicks in a round.
    """

    many: int
    oldest: timedelta
    rounds: int
    idle_s: float
    clicks: int


WHOLE = Extent(many=10_000, oldest=timedelta(minutes=6), rounds=1, idle_s=20, clicks=300)
QUICK = Extent(many=50, oldest=timedelta(seconds=10), rounds=1, idle_s=1, clicks=5)


def wait_until(
    holds: Callable[[], bool], patience_s: float = PATIENCE_S, every_s: float = 0.005
) -> None:
    """Look every few milliseconds, unless told otherwise: most is looked at in this process."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(every_s)  # to look without a rest would take the CPU that is measured


# What is there


def fill(url: str, changes: Iterable[Transition]) -> None:
    """Make a database hold these changes, and our tables in the first place."""
    store = Store(url)
    migrate(store.engine)
    made = list(changes)  # first, or the making keeps the writers waiting for Python's lock
    with ThreadPoolExecutor(16) as writers:
        saved = writers.map(store.apply, made)
        assert all(saved), "every one of them is new"
    store.audit.keep(
        datetime.now(UTC), None
    )  # sealed, as by a bot that lived through these requests
    if not store.is_sqlite:  # as the server does by itself, some time after
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    store.close()


# What is measured


@dataclass(frozen=True, slots=True)
class Side:
    """A town, the bot that serves it, and what is written down about the two."""

    place: Town
    bot: Running
    figures: Figures

    @property
    def messages(self) -> list[Message]:
        # Looked at in memory: to ask over HTTP would keep the simulators busy meanwhile.
        return self.place.slack.workspace.messages[CHANNEL]

    def cards(self) -> list[Message]:
        return [seen for seen in self.messages if seen.metadata]

    def asked(self, action: str) -> list[SeenRequest]:
        """Give every request of an action that the CDN has seen."""
        return [seen for seen in tuple(self.place.cdn.account.requests) if seen.action == action]

    def cpu_s(self) -> float:
        return cpu_s(self.bot.process.pid)

    def memory_mib(self) -> float:
        return memory_mib(self.bot.process.pid)

    def request(self, tag: str) -> None:
        """Ask for a forced purge, and wait until its card is up."""
        before = len(self.cards())
        self.place.says("U0ANA", f"/purge www.example.com {tag} --force", CHANNEL)
        wait_until(lambda: len(self.cards()) > before)

    def click(self, card: Message) -> float:
        """Approve, give how long the acknowledgement took, and wait until the CDN has it."""
        before = len(self.asked("RefreshObjectCacheByCacheTag"))
        began = time.perf_counter()
        self.place.presses("U0SAM", APPROVE, {"ts": card.ts}, CHANNEL)
        took = time.perf_counter() - began
        wait_until(lambda: len(self.asked("RefreshObjectCacheByCacheTag")) > before)
        time.sleep(REST_S)  # so that the next click meets a bot at rest
        return took

    def clicks(self) -> list[tuple[float, float]]:
        """Give when Slack sent each click, and when the CDN had the request, by their own logs."""
        sent = self.place.get("slack/deliveries")["deliveries"]
        clicks = [row["at"] for row in sent if row["kind"] == "interactive"]
        arrivals = [seen["at"] for seen in self.place.purges_sent()]
        return list(zip(clicks, arrivals, strict=True))


@contextmanager
def side(
    url: str, figures: Figures, folder: Path, prepare: Callable[[Town], None] = lambda _: None
) -> Iterator[Side]:
    """Give a bot that has started over this database, in a town with no quotas.

    `prepare` does to the town what has to be done before its bot is there.
    """
    with town(database_url=url, with_bot=False) as place:
        place.settings |= UNLIMITED
        place.post("slack/settings", {"limits": {"on": False}})
        plenty = dict.fromkeys(("per_minute", "per_day", "queue_size"), 10**6)
        # None of what is clicked ends before the measuring does.
        place.post("cdn/settings", {**plenty, "task_seconds": 10**6})
        prepare(place)
        given = environment(folder, place.variables())
        with listening(command("run"), folder, given) as bot:
            bot.until("started")
            measured = Side(place, bot, figures)
            yield measured
            figures[MEMORY].append(measured.memory_mib())
            bot.end()


def rest(sides: Sequence[Side], seconds: float) -> None:
    """Let nobody do anything for a while, and write down what CPU that takes."""
    before = [(each.cpu_s(), time.perf_counter()) for each in sides]
    time.sleep(seconds)  # what is measured is how little happens
    for each, (used_s, at) in zip(sides, before, strict=True):
        spent = (each.cpu_s() - used_s) / (time.perf_counter() - at)
        each.figures[CPU].append(100 * spent)


def click(sides: Sequence[Side], clicks: int) -> None:
    """Ask for forced purges and approve them, one at a time; write down what it takes."""
    first = len(sides[0].cards())
    for number in range(first, first + WARMING + clicks):
        for each in sides:
            each.request(f"clicked-{number}")
    for number in range(first, first + WARMING + clicks):
        for each in sides if number % 2 else reversed(sides):
            took_s = each.click(each.cards()[number])
            if number >= first + WARMING:
                each.figures[ACKNOWLEDGED].append(1000 * took_s)
    for each in sides:
        counted = each.clicks()[first + WARMING :]
        each.figures[CLICK] += [1000 * (there - click) for click, there in counted]


# Where it is measured


def databases(folder: Path) -> list[tuple[str, NewDatabase]]:
    """Give SQLite and, where a server answers, PostgreSQL: name, and a way to a new database."""
    found: list[tuple[str, NewDatabase]] = [
        ("SQLite", lambda: nullcontext(f"sqlite:///{folder}/{secrets.token_hex(6)}"))
    ]
    return [*found, ("PostgreSQL", postgresql_database)] if postgresql() else found


def on_each_database(compare: Callable[[str, NewDatabase, Path], Table]) -> list[Table]:
    """Compare on SQLite and on PostgreSQL, where there is one; `compare` gets its name first."""
    with tempfile.TemporaryDirectory(prefix="purgebot-") as name:
        folder = Path(name)
        return [compare(database, new, folder) for database, new in databases(folder)]


@contextmanager
def postgresql_database() -> Iterator[str]:
    """Give the URL of a database on the server that holds our tables, and nothing in them.

    Raises: psycopg.OperationalError.
    """
    name = f"purgebot_{secrets.token_hex(6)}"
    with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3) as server:
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            url = f"{POSTGRES.rpartition('/')[0]}/{name}"
            fill(url, ())
            yield url
        finally:
            server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


# What is told


def beside(
    database: str, few: Figures, many: Figures, extent: Extent, most: dict[str, float | None]
) -> Table:
    """Put both side by side, with what lies between them, and whether that is as it should be.

    `most` are what else was measured: medians, and the most that they should be of the many.
    """
    table = Table([database, f"{FEW:,}", f"{extent.many:,}", "target"])
    memory = median(few[MEMORY]), median(many[MEMORY])
    table.add(MEMORY, *_two(memory), against(memory[1] - memory[0], 20, " more"))
    for name, limit in most.items():
        medians = median(few[name]), median(many[name])
        table.add(name, *_two(medians), "" if limit is None else against(medians[1], limit))
    for name in (CLICK, ACKNOWLEDGED) if extent.clicks else ():
        for percent in (50, 99):
            pair = percentile(few[name], percent), percentile(many[name], percent)
            table.add(f"{name} p{percent}, ms", *_two(pair), against(pair[1] / pair[0], 1.2, " ×"))
    return table


def _two(pair: tuple[float, float]) -> tuple[str, str]:
    return f"{pair[0]:.2f}", f"{pair[1]:.2f}"
