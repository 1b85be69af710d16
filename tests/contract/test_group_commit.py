"""Writes to SQLite that wait at the same time share one commit, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bot.store.database.engine import Database
from bot.store.database.writers import StoreUnavailable
from bot.store.migrations import migrate
from bot.store.store import Store
from tests.support.taking_over import Taker, ready
from tests.support.waiting import poll

Job = Callable[[Connection], Any]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/x.db")
    opened.write(lambda connection: connection.execute(text("CREATE TABLE t (x UNIQUE)")))
    yield opened
    opened.close()


def together(database: Database, *writes: Callable[[], Any]) -> list[Future[Any]]:
    """Have all wait for the writer, which has another to do first, and give what they come to."""
    writer: Any = database._writer
    busy, go_on = threading.Event(), threading.Event()

    def first(_: Connection) -> None:
        busy.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(len(writes) + 1) as pool:
        pool.submit(database.write, first)
        assert busy.wait(20)
        waiting = []
        for number, write in enumerate(writes, 1):
            waiting.append(pool.submit(write))
            poll(lambda number=number: writer._jobs.qsize() == number)  # type: ignore[misc]
        go_on.set()
    return waiting


def puts(value: int) -> Job:
    put = text("INSERT INTO t VALUES (:value)")
    return lambda connection: connection.execute(put, {"value": value}).rowcount


def written(database: Database, *jobs: Job) -> list[Future[Any]]:
    return together(database, *(partial(database.write, job) for job in jobs))


def stored(database: Database) -> list[int]:
    with database.engine.connect() as connection:
        return list(connection.execute(text("SELECT x FROM t ORDER BY x")).scalars())


def test_each_is_saved_once(database: Database) -> None:
    found = written(database, puts(1), puts(2), puts(3))
    assert [each.result() for each in found] == [1, 1, 1]
    assert stored(database) == [1, 2, 3]


def test_one_that_raises_undoes_itself_alone(database: Database) -> None:
    def fails(connection: Connection) -> None:
        puts(2)(connection)
        raise ValueError("on purpose")

    one, two, three = written(database, puts(1), fails, puts(3))
    assert (one.result(), three.result()) == (1, 1)
    with pytest.raises(ValueError, match="on purpose"):
        two.result()
    assert stored(database) == [1, 3]


def test_one_that_the_database_refuses_undoes_itself_alone(database: Database) -> None:
    one, two, three = written(database, puts(1), puts(1), puts(3))
    assert (one.result(), three.result()) == (1, 1)
    with pytest.raises(StoreUnavailable):
        two.result()
    assert stored(database) == [1, 3]


def test_one_that_ends_the_transaction_takes_the_others_with_it_and_says_so(
    database: Database,
) -> None:
    def ends(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")
        raise ValueError("on purpose")

    one, two, three = written(database, puts(1), ends, puts(3))
    for each in (one, two, three):
        with pytest.raises((StoreUnavailable, ValueError)):
            each.result()
    assert stored(database) == []
    assert database.write(puts(4)) == 1
    assert stored(database) == [4]


def test_a_connection_that_is_lost_during_a_write_leaves_no_lock(database: Database) -> None:
    """Its cursors live on in the error, and with them, in SQLite, a connection that was closed."""

    def loses_it(connection: Connection) -> None:
        puts(2)(connection)
        connection.exec_driver_sql("PRAGMA query_only = ON")
        puts(3)(connection)

    lost = written(database, puts(1), loses_it)
    assert all(isinstance(each.exception(), StoreUnavailable) for each in lost)
    assert database.write(puts(4)) == 1
    assert stored(database) == [4]


def test_a_file_that_can_be_written_again_is_at_the_second_try(database: Database) -> None:
    """Readers that opened it while it was read-only can never write, and leave their connections."""
    readers = [database.engine.connect() for _ in range(5)]
    for reader in readers:
        reader.exec_driver_sql("PRAGMA query_only = ON")
        reader.close()
    database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))
    with pytest.raises(StoreUnavailable):
        database.write(puts(1))
    assert database.write(puts(2)) == 1
    assert stored(database) == [2]


def test_a_request_that_is_run_again_makes_the_rate_no_greater(tmp_path: Path) -> None:
    """Tokens are taken two at once, and the transaction that took them is rolled back."""
    store, taker = Store(f"sqlite:///{tmp_path}/x.db", sends_per_s=20), Taker()
    migrate(store.engine)
    store.jobs.handover = taker
    database = store._database

    def fails(_: Connection) -> None:
        raise ValueError("on purpose")

    for number in range(25):
        taker.room = 1
        begun = partial(store.apply, ready(f"P{number}"))
        saved, _ = together(database, begun, partial(database.write, fails))
        assert saved.result()
    store.close()
    assert len(taker.given) <= 20
