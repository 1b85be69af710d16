"""What all replicas know of the world outside, each thing under a name.

Whoever learns something new writes it over the version that it has read, so that of several who
learn it at the same moment one is first; the others see that it is known.  The messages that
tell of it are written in the same transaction: whoever is first tells, and nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, text, update

from bot.core.message import Post
from bot.store.database.engine import Database, insert_if_new
from bot.store.database.statements import Prepared
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from bot.store.schema.tables import known

_ENTRY = Prepared(select(known).where(known.c.name == bindparam("name")))


@dataclass(frozen=True, slots=True)
class SharedEntry:
    """`value` is a JSON object; version 0 means that nothing is known."""

    name: str
    value: dict[str, Any]
    at: datetime | None = None
    version: int = 0


class SharedState:
    """The facts of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> SharedEntry:
        """Give what is known.  Raises: StoreUnavailable."""
        for found in self._database.rows(_ENTRY, name=name):
            return SharedEntry(name, found.value, found.at, found.version)
        return SharedEntry(name, {})

    def put(
        self, before: SharedEntry, value: dict[str, Any], now: datetime, told: tuple[Post, ...] = ()
    ) -> bool:
        """Write it over what was known before, and with it the messages that are `told` of it.

        False: somebody was first, theirs counts, and nothing is told.
        Raises: StoreUnavailable.
        """

        def job(connection: Connection) -> bool:
            row = {"value": value, "at": now, "version": before.version + 1}
            if before.version == 0:
                new = insert_if_new(connection.dialect.name, known, "name").returning(text("1"))
                first = connection.execute(new.values(name=before.name, **row)).first() is not None
            else:
                same = (known.c.name == before.name) & (known.c.version == before.version)
                first = connection.execute(update(known).where(same).values(row)).rowcount == 1
            if first and told:
                connection.execute(
                    insert(tables.posts), [rows.new_post(post, now) for post in told]
                )
            return first

        return self._database.write(job)
