"""The probe of whether the database accepts writes: insert a row and delete it again.

A query is not enough: a standby answers queries, and so does a server whose disk is full.  On
PostgreSQL another session may have locked a single table, or the row of a rate, and forgotten it;
so the probe takes the locks that decisions take.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, insert, inspect, select, text

from bot.core.errors import ErrorInfo
from bot.core.setup_errors import DATABASE_NOT_WRITABLE
from bot.store.database.engine import Database, info_of
from bot.store.database.writers import StoreUnavailable
from bot.store.schema.tables import JOBS, audit, known, known_tags, metadata, rates

WRITTEN = (*JOBS.values(), audit, known, known_tags, rates)
"""The tables that decisions write."""
SMALL, LARGE = 16, 64 * 1024
"""How many random bytes are written, each as two characters.

On a full disk a small row may still fit into the space that the database has allocated.  So after a
write that failed because the disk was full, the probe is large.
"""

_LOCK = text(f"LOCK TABLE {', '.join(table.name for table in WRITTEN)} IN ROW EXCLUSIVE MODE")
_RATES = select(rates.c.name).order_by(rates.c.name).with_for_update()


def write_error(database: Database, now: datetime) -> ErrorInfo | None:
    """Return the reason why the database cannot be written, or None if it can.

    Raises: StoreUnavailable if the database failed for any other reason.
    """
    was_full = database.is_full
    try:
        database.write(lambda connection: _write(connection, was_full, now))
    except StoreUnavailable as error:
        info = info_of(error.__cause__)
        if info.kind is DATABASE_NOT_WRITABLE:
            return info
        raise
    if was_full:
        database.is_full = False
    database.outage.is_over()
    return None


def look_whether_back(database: Database, now: datetime) -> None:
    """Probe a database that failed, so that the log says when it is back.

    Raises: StoreUnavailable if it is still away.
    """
    if database.outage.goes_on:
        write_error(database, now)


def _write(connection: Connection, was_full: bool, now: datetime) -> None:
    if connection.dialect.name == "postgresql":
        # No decision waits for these locks: those of two writes do not conflict.
        connection.execute(_LOCK)
        connection.execute(_RATES).all()
    # A unique name, so that no replica waits for the lock of another replica's row.
    name = f"probe-{secrets.token_hex(8)}"
    value = {"of no meaning": secrets.token_hex(LARGE if was_full else SMALL)}
    connection.execute(insert(known), {"name": name, "value": value, "at": now, "version": 1})
    connection.execute(delete(known).where(known.c.name == name))


def missing_rights(connection: Connection) -> list[str]:
    """Return what this user may not do in the database, as `INSERT into purges`.

    Where there are no tables yet, the right to make them is looked at.  SQLite has no users.
    """
    if connection.dialect.name == "sqlite":
        return []
    there = set(inspect(connection).get_table_names())
    if not there & set(metadata.tables):
        may_create = connection.execute(
            text("SELECT has_schema_privilege(current_schema(), 'CREATE')")
        ).scalar_one()
        return [] if may_create else ["CREATE tables in its schema"]
    asked = text("SELECT has_table_privilege(quote_ident(:name), :right)")
    return [
        f"{right} {preposition} {name}"
        for name in sorted(there & set(metadata.tables))
        for right, preposition in (("SELECT", "from"), ("INSERT", "into"), ("UPDATE", "of"))
        if not connection.execute(asked, {"name": name, "right": right}).scalar_one()
    ]
