"""What somebody who owns the database can do to it, and what `audit verify` then says.

Each change is made in a transaction that is rolled back: one trail serves many tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import Connection, Insert, text

from bot.store.audit.verify import Finding, verify, verify_on
from bot.store.store import Store
from tests.support.audit_trail import open_store, unguarded
from tests.support.databases import Postgresql, Sqlite


@contextmanager
def new_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give an empty database of the kind that is the parameter, for a fixture that outlives a test."""
    databases: Sqlite | Postgresql = request.getfixturevalue(request.param)
    with databases.copy() as url, closing(open_store(url)) as store:
        yield store


def fault_after(store: Store, *changes: str | Insert) -> Finding | None:
    """Give what is wrong once somebody has done this, past the triggers that refuse it."""
    assert verify(store.engine).finding is None
    with store.engine.execution_options(writing=True).begin() as connection:
        with unguarded(connection):
            _change(connection, changes)
        return _fault(connection)


def fault_openly_after(store: Store, *changes: str | Insert) -> Finding | None:
    """Give what is wrong once somebody has done this; the triggers are left as they are then."""
    assert verify(store.engine).finding is None
    with store.engine.execution_options(writing=True).begin() as connection:
        _change(connection, changes)
        return _fault(connection)


def _change(connection: Connection, changes: tuple[str | Insert, ...]) -> None:
    for change in changes:
        statement = text(change) if isinstance(change, str) else change
        assert connection.execute(statement).rowcount != 0, change


def _fault(connection: Connection) -> Finding | None:
    fault = verify_on(connection).finding
    connection.rollback()
    return fault


def place_after(store: Store, *changes: str | Insert) -> str | None:
    """Give the place that is named once somebody has done this."""
    fault = fault_after(store, *changes)
    return fault.place.partition(", entries")[0] if fault else None


def altering(columns: str, where: str, table: str = "audit") -> str:
    return f"UPDATE {table} SET {columns} WHERE {where}"  # noqa: S608  (ours)
