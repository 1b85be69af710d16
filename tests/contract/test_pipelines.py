"""Statements of PostgreSQL that are sent together: each is run in order, or none is, and it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    literal_column,
    text,
)
from sqlalchemy import insert as insert_into
from sqlalchemy import select as select_from
from sqlalchemy import update as change

from bot.store.database import kept, session
from bot.store.database.engine import Database
from bot.store.database.statements import Prepared
from bot.store.database.writers import StoreUnavailable
from tests.support.databases import Postgresql

things = Table(
    "things", MetaData(), Column("id", Integer, primary_key=True), Column("name", String)
)
PUT = Prepared(insert_into(things).inline())
NAME = Prepared(
    change(things).where(things.c.id == bindparam("which")).returning(things.c.id, things.c.name)
)
LAST_DIGIT = Prepared(
    select_from(things.c.id).where(things.c.id % literal_column("10") == bindparam("digit"))
)
FIND = Prepared(select_from(things.c.name).where(things.c.name.like(bindparam("like"))))


@pytest.fixture
def database(postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Give a database whose sessions are never checked again, so that chance decides nothing."""
    monkeypatch.setattr(kept, "LOOK_EVERY_S", 1e9)
    with postgresql.copy() as url, closing(Database(url)) as opened:
        opened.write(things.create)
        yield opened


def names(database: Database) -> list[str]:
    return sorted(row.name for row in database.rows(FIND, like="%"))


def put(connection: Connection, number: int, name: str) -> None:
    PUT.start(connection, {"id": number, "name": name})


def test_results_are_those_of_each_statement(database: Database) -> None:
    def job(connection: Connection) -> tuple[int, list[str], int]:
        put(connection, 1, "one")
        nothing = NAME.start(connection, {"which": 7, "name": "seven"})
        renamed = NAME.start(connection, {"which": 1, "name": "100 % $1 'first'"})
        put(connection, 2, "zwei")
        return nothing.count(), [row.name for row in renamed.rows()], renamed.count()

    assert database.write(job, pipelined=True) == (0, ["100 % $1 'first'"], 1)
    assert names(database) == ["100 % $1 'first'", "zwei"]


def test_a_percent_sign_is_one(database: Database) -> None:
    def job(connection: Connection) -> None:
        for number in (7, 17, 18):
            put(connection, number, "x")

    database.write(job)
    assert sorted(row.id for row in database.rows(LAST_DIGIT, digit=7)) == [7, 17]


@pytest.mark.parametrize("asks", [True, False], ids=["result asked for", "at the end"])
def test_one_that_fails_takes_all_with_it(database: Database, asks: bool) -> None:
    def job(connection: Connection) -> None:
        put(connection, 1, "one")
        put(connection, 1, "one again")
        after = NAME.start(connection, {"which": 1, "name": "never"})
        if asks:
            after.count()

    with pytest.raises(StoreUnavailable) as refused:
        database.write(job, pipelined=True)
    error: Any = refused.value.__cause__
    assert isinstance(error.orig, UniqueViolation)
    assert names(database) == []
    database.write(lambda connection: put(connection, 1, "one"), pipelined=True)
    assert names(database) == ["one"]


def test_a_job_that_raises_leaves_nothing_behind(database: Database) -> None:
    def job(connection: Connection) -> None:
        put(connection, 1, "one")
        assert NAME.run(connection, {"which": 1, "name": "two"}) == 1
        raise ValueError("on purpose")

    for pipelined in (True, False):
        with pytest.raises(ValueError, match="on purpose"):
            database.write(job, pipelined=pipelined)
        assert names(database) == []


def test_an_error_that_a_job_passes_over_is_no_commit(database: Database) -> None:
    def job(connection: Connection) -> None:
        put(connection, 1, "one")
        with suppress(Exception):
            put(connection, 1, "one again")  # the server rolls back at the COMMIT

    with pytest.raises(StoreUnavailable):
        database.write(job)
    assert names(database) == []


@pytest.mark.parametrize("pipelined", [True, False], ids=["together", "one by one"])
def test_what_the_server_has_forgotten_is_prepared_again(
    database: Database, pipelined: bool
) -> None:
    database.write(lambda connection: put(connection, 1, "one"), pipelined=pipelined)
    assert names(database) == ["one"]
    for _ in range(2):  # those that read and those that write
        database.write(lambda connection: connection.execute(text("DISCARD PLANS")))
        database.write(lambda connection: connection.execute(text("DEALLOCATE ALL")))
        with database._readers.connection() as (reading, _):
            reading.execute(text("DEALLOCATE ALL"))
    database.write(lambda connection: put(connection, 2, "two"), pipelined=pipelined)
    assert names(database) == ["one", "two"]


def test_a_statement_whose_columns_have_changed_is_prepared_again(database: Database) -> None:
    database.write(lambda connection: put(connection, 1, "one"))
    assert names(database) == ["one"]
    database.write(
        lambda connection: connection.execute(text("ALTER TABLE things ALTER name TYPE text"))
    )
    assert names(database) == ["one"]


def test_beyond_a_number_statements_are_not_prepared(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MOST_PREPARED", 1)
    prepared = text("SELECT count(*) FROM pg_prepared_statements")

    def job(connection: Connection) -> int:
        put(connection, 1, "one")
        assert NAME.run(connection, {"which": 1, "name": "two"}) == 1
        put(connection, 2, "three")
        found: int = connection.execute(prepared).scalar_one()
        return found

    assert database.write(job) == 1
    assert names(database) == ["three", "two"]


def test_a_pipeline_may_hold_more_than_fits_into_the_network(database: Database) -> None:
    """Neither side waits for ever until the other has read what it sent."""
    long = "x" * 20_000

    def job(connection: Connection) -> int:
        for number in range(300):
            put(connection, number, long)
        renamed = [
            NAME.start(connection, {"which": number, "name": f"{long}{number}"})
            for number in range(300)
        ]
        return sum(len(each.rows()) for each in renamed)

    assert database.write(job, pipelined=True) == 300
    assert len(names(database)) == 300
