"""A database that is there and takes no writes: told within seconds, logged once, and got over.

A neighbour holds a lock and is idle, the disk is full, the file can only be read.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy import event
from structlog.testing import capture_logs

from bot.demo.town import Town
from bot.store.database.writers import StoreUnavailable
from tests.support.database_outage import away, locked
from tests.support.messages import cards, whispers, words
from tests.support.prometheus_scrape import bot_of
from tests.support.purgebot import running
from tests.support.readiness import GOOD, NOT_WRITABLE, comes_to_say, said_of_database
from tests.support.waiting import poll, until

pytestmark = pytest.mark.deadlines
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
Trouble = Callable[[Town], AbstractContextManager[None]]


def idle(statement: str) -> Trouble:
    """Give a neighbour that runs this in a transaction of PostgreSQL, and then does nothing."""

    @contextmanager
    def trouble(place: Town) -> Iterator[None]:
        with psycopg.connect(place.database_url) as neighbour:
            neighbour.execute(statement)
            yield

    return trouble


@contextmanager
def read_only(place: Town) -> Iterator[None]:
    store = bot_of(place).store

    def run(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    event.listen(store.engine, "connect", run)
    store.engine.dispose()  # what was opened before could still write
    with suppress(StoreUnavailable):  # of the worker's, that shared the commit, and was refused
        store._database.write(lambda used: used.exec_driver_sql("PRAGMA query_only = ON"))
    yield
    event.remove(store.engine, "connect", run)


def each(name: str, database: str, trouble: Trouble) -> Any:
    return pytest.param(database, trouble, id=name)


TROUBLES = pytest.mark.parametrize(
    ("database_url", "trouble"),
    [
        each("locked file", "sqlite", lambda place: locked(place.database_url)),
        each("read-only file", "sqlite", read_only),
        each("shut server", "postgresql", lambda place: away(place.database_url)),
        each("purges locked", "postgresql", idle("LOCK TABLE purges IN EXCLUSIVE MODE")),
        each("audit locked", "postgresql", idle("LOCK TABLE audit IN SHARE MODE")),
        each("posts locked", "postgresql", idle("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")),
        each("rates locked", "postgresql", idle("SELECT * FROM rates FOR UPDATE")),
    ],
    indirect=["database_url"],
)


def events(logged: list[Any], name: str) -> list[Any]:
    return [line for line in logged if line["event"] == name]


@TROUBLES
def test_it_is_told_and_logged_once_and_got_over(live_place: Town, trouble: Trouble) -> None:
    place = live_place
    store = bot_of(place).store
    place.says("U0ANA", "/purge www.example.com first")
    place.settle()  # and there are rates
    bot_of(place).worker.start()
    comes_to_say(place, GOOD)
    with capture_logs() as logged:
        with trouble(place):
            poll(lambda: said_of_database(place) != GOOD)
            poll(lambda: store._database.outage.goes_on)
            for number in range(2):  # each try fails anew
                place.says("U0ANA", f"/purge www.example.com lost-{number}")
            refused = sum("store-away" in told for told in whispers(place))
        poll(lambda: not store._database.outage.goes_on)
        comes_to_say(place, GOOD)
    assert len(events(logged, "store-away")) == len(events(logged, "store-back")) == 1
    place.says("U0ANA", "/purge www.example.com banner")
    until(place, lambda: "banner" in str(place.purges_sent()))
    until(place, lambda: "Task `" in words(cards(place)[-1]))  # and it may go on at once
    taken = [sent for sent in place.purges_sent() if "lost" in str(sent["params"])]
    assert len(taken) + refused == 2


@SQLITE
def test_a_read_only_file_is_called_that(live_place: Town) -> None:
    with read_only(live_place):
        comes_to_say(live_place, NOT_WRITABLE)
    comes_to_say(live_place, GOOD)


def test_a_file_that_may_not_grow_is_told_by_the_process_and_got_over(
    site: Town, tmp_path: Path
) -> None:
    """As where the disk is full or a quota is used up: SQLite gets no byte more."""
    status = {"PURGEBOT_STATUS_BIND": "127.0.0.1:0", "PURGEBOT_REQUESTS_PER_MINUTE": "0"}
    with running(tmp_path, site.variables() | status) as bot:
        url = f"http://{bot.until('status-listening')['address']}/readyz"
        bot.until("started")

        def says_of_database() -> str:
            said = requests.get(url, timeout=60).json()
            return str(said["checks"]["database"]["reason"])

        poll(lambda: says_of_database() == GOOD)
        folder = tmp_path / "data"
        largest = max(file.stat().st_size for file in folder.iterdir())
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (largest, most))
        number = 0
        while says_of_database() != NOT_WRITABLE:
            number += 1
            assert number < 500, "it always finds room"
            site.says("U0ANA", f"/purge www.example.com page-{number}")
        assert bot.until("store-away")["reason"] == "database-not-writable"
        assert "store-away" in whispers(site)[-1]
        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (most, most))
        poll(lambda: says_of_database() == GOOD)
        bot.until("store-back")
        site.says("U0ANA", "/purge www.example.com afterwards")
        until(site, lambda: "afterwards" in str(site.purges_sent()))
        bot.end()
    assert sum('"event": "store-away"' in line for line in bot.said) == 1
