"""Maintenance of a database that is not in use: import a SQLite file, restore a backup.

The import copies every row to an empty PostgreSQL database, in one transaction.  It verifies the
audit trail before and after, so all checkpoints keep their hashes.  It only reads the file.
It does not copy leases, because no worker has a copied row in progress.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bot.core.errors import BotError, ErrorInfo
from bot.core.purge.purge import UNSENT
from bot.core.setup_errors import (
    MOVE_SOURCE_ALTERED,
    MOVE_SOURCE_OLD,
    MOVE_SOURCE_UNUSABLE,
    MOVE_TARGET_IN_USE,
    SCHEMA_NEW,
    SCHEMA_OLD,
    SCHEMA_TOO_OLD,
)
from bot.store.audit.verify import Verdict, verify_on
from bot.store.database import sqlite
from bot.store.database.engine import or_away
from bot.store.migrations import check_not_ahead, revision_error, take_turn
from bot.store.schema import tables

BATCH = 2_000
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_REPLACED = (tables.rates, tables.known)
"""The tables that the bot fills by itself, before the first request."""
_MOVED = tuple(table for table in tables.metadata.sorted_tables if table is not tables.schema_floor)


def move(file: Path, target: Engine) -> dict[str, int]:
    """Copy every row of a file that is not in use.  Return the numbers of rows, by table name.

    The tables of `target` must exist and be empty.  They are locked: other writers wait.
    Raises: BotError (a kind of `move-…`, or `database-…`).  Then nothing was written.
    """
    with _reading(file) as source:
        verdict = _usable(file, source)
        with or_away(), target.begin() as connection:
            take_turn(connection)
            names = ", ".join(table.name for table in _MOVED)
            connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
            for table in _MOVED:
                _empty(connection, table)
            counts = {table.name: _copy(source, connection, table) for table in _MOVED}
            moved = verify_on(connection)
            if moved != verdict:
                assert moved.finding is not None, "what was counted otherwise has a finding"
                raise _altered(file, moved)
    return counts


@contextmanager
def _reading(file: Path) -> Iterator[Connection]:
    if not file.is_file():
        raise BotError(MOVE_SOURCE_UNUSABLE, file=str(file), cause="there is no such file")
    address = f"{file.absolute().as_uri()}?mode=ro"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, isolation_level=None),
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", sqlite.begin)
    with engine.connect() as connection:
        yield connection


def _usable(file: Path, source: Connection) -> Verdict:
    """Check that the file is Purgebot's, up to date and unaltered, and return its verdict.

    Raises: BotError.
    """
    try:
        info = revision_error(source)
        if info is not None and info.kind is not SCHEMA_NEW:
            raise _other(file, info)
        check_not_ahead(source)  # columns of a newer version would not be copied
        verdict = verify_on(source)
    except DBAPIError as error:
        raise BotError(MOVE_SOURCE_UNUSABLE, file=str(file), cause=str(error.orig)) from None
    if verdict.finding is not None:
        raise _altered(file, verdict)
    return verdict


def _other(file: Path, info: ErrorInfo) -> BotError:
    """Return the error for a file whose tables are not those of this version."""
    if info.kind is SCHEMA_OLD and info.facts["found"] != "none":
        return BotError(MOVE_SOURCE_OLD, **info.facts, file=str(file))
    if info.kind is SCHEMA_TOO_OLD:
        return BotError(info.kind, **info.facts)
    cause = "it holds no tables of Purgebot's"
    return BotError(MOVE_SOURCE_UNUSABLE, file=str(file), cause=cause)


def _altered(file: Path, verdict: Verdict) -> BotError:
    assert verdict.finding is not None, "only what is wrong can be told"
    fault = f"{verdict.finding.place} {verdict.finding.wrong}"
    return BotError(MOVE_SOURCE_ALTERED, file=str(file), fault=fault)


def _empty(connection: Connection, table: Table) -> None:
    """Delete the rows of a table in `_REPLACED`, and check that any other table is empty.

    Raises: BotError (`MOVE_TARGET_IN_USE`).
    """
    if table in _REPLACED:
        connection.execute(delete(table))
    elif rows := connection.execute(select(func.count()).select_from(table)).scalar_one():
        raise BotError(MOVE_TARGET_IN_USE, rows=str(rows), table=table.name)


def _copy(source: Connection, target: Connection, table: Table) -> int:
    lease = tables.NO_LEASE if "lease_until" in table.c else {}
    count = 0
    with source.execute(select(table), execution_options={"yield_per": BATCH}) as found:
        for some in found.mappings().partitions():
            target.execute(insert(table), [dict(row) | lease for row in some])
            count += len(some)
    _count_on(target, table)
    return count


def _count_on(target: Connection, table: Table) -> None:
    """Set the sequences of the primary key so that they continue after the copied rows."""
    for column in table.primary_key:
        question: Any = select(func.pg_get_serial_sequence(table.name, column.name))
        if sequence := target.execute(question).scalar_one():
            highest = select(func.max(column)).scalar_subquery()
            target.execute(
                select(func.setval(sequence, func.coalesce(highest, 1), highest.is_not(None)))
            )


def leave_to_people(engine: Engine) -> int:
    """Make every unsent forced purge long overdue.  Return how many there are.

    Call it after a backup was restored: such a purge may have been sent or cancelled after the
    backup.  The worker sets an overdue purge to `unknown`, and a person decides.
    Raises: BotError (`database-…`).
    """
    unsent = tables.purges.c.state.in_([state.value for state in UNSENT])
    overdue = update(tables.purges).where(tables.purges.c.force, unsent).values(due_at=_LONG_AGO)
    with or_away(), engine.execution_options(writing=True).begin() as connection:
        return connection.execute(overdue).rowcount
