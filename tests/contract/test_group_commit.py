"""Writes to SQLite that wait at the same time share one commit, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bot.store.database.engine import Database
from bot.store.database.writers import StoreUnavailable
from tests.support.waiting import poll

Job = Callable[[Connection], Any]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/x.db")
    opened.write(lambda connection: connection.execute(text("CREATE TABLE t (x UNIQUE)")))
    yield opened
    opened.close()


def together(database: Database, *jobs: Job) -> list[Future[Any]]:
    """Have all jobs wait for the writer, which has another to do first, and give what they come to."""
    writer: Any = database._writer
    busy, go_on = threading.Event(), threading.Event()

    def first(_: Connection) -> None:
        busy.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(len(jobs) + 1) as pool:
        pool.submit(database.write, first)
        assert busy.wait(20)
        waiting = []
        for number, job in enumerate(jobs, 1):
            waiting.append(pool.submit(database.write, job))
            poll(lambda number=number: writer._jobs.qsize() == number)  # type: ignore[misc]
        go_on.set()
    return waiting


def puts(value: int) -> Job:
    put = text("INSERT INTO t VALUES (:value)")
    return lambda connection: connection.execute(put, {"value": value}).rowcount


def stored(database: Database) -> list[int]:
    with database.engine.connect() as connection:
        return list(connection.execute(text("SELECT x FROM t ORDER BY x")).scalars())


def test_each_is_saved_once(database: Database) -> None:
    found = together(database, puts(1), puts(2), puts(3))
    assert [each.result() for each in found] == [1, 1, 1]
    assert stored(database) == [1, 2, 3]


def test_one_that_raises_undoes_itself_alone(database: Database) -> None:
    def fails(connection: Connection) -> None:
        puts(2)(connection)
        raise ValueError("on purpose")

    one, two, three = together(database, puts(1), fails, puts(3))
    assert (one.result(), three.result()) == (1, 1)
    with pytest.raises(ValueError, match="on purpose"):
        two.result()
    assert stored(database) == [1, 3]


def test_one_that_the_database_refuses_undoes_itself_alone(database: Database) -> None:
    one, two, three = together(database, puts(1), puts(1), puts(3))
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

    one, two, three = together(database, puts(1), ends, puts(3))
    for each in (one, two, three):
        with pytest.raises((StoreUnavailable, ValueError)):
            each.result()
    assert stored(database) == []
    assert database.write(puts(4)) == 1
    assert stored(database) == [4]
