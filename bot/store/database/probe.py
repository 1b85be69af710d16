"""Whether the database takes writes: something is written to it and taken away again.

A question alone would not tell: a standby answers, and so does a server whose disk is full.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, insert

from bot.core.errors import ErrorInfo
from bot.core.setup_errors import DATABASE_NOT_WRITABLE
from bot.store.database.engine import Database, StoreUnavailable, info_of
from bot.store.schema.tables import known

SMALL, LARGE = 16, 64 * 1024
"""How many random bytes are written, two characters each.  What is small may find room on a full disk,
within what the database has there already: after a write that did not, one that is large has to.
"""


def write_error(database: Database, now: datetime) -> ErrorInfo | None:
    """Give what is wrong where nothing can be written; None: it can.

    Raises: StoreUnavailable, where the database does not answer at all.
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
    return None


def _write(connection: Connection, was_full: bool, now: datetime) -> None:
    # Under a name of its own: no replica waits for another's row.
    name = f"probe-{secrets.token_hex(8)}"
    value = {"of no meaning": secrets.token_hex(LARGE if was_full else SMALL)}
    connection.execute(insert(known), {"name": name, "value": value, "at": now, "version": 1})
    connection.execute(delete(known).where(known.c.name == name))
