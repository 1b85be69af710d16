"""Facts about the outside world that all replicas share, each under a name.

A replica saves a new value only over the version that it has read.  So if several replicas learn a
fact at the same time, only the first one saves it.  The messages about the fact are saved in the
same transaction, so people get them once.
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
    """A shared fact.  `value` is a JSON object; version 0 means that no value is stored."""

    name: str
    value: dict[str, Any]
    at: datetime | None = None
    version: int = 0


class SharedState:
    """The shared facts of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> SharedEntry:
        """Return the entry with this name.  Raises: StoreUnavailable."""
        for found in self._database.rows(_ENTRY, name=name):
            return SharedEntry(name, found.value, found.at, found.version)
        return SharedEntry(name, {})

    def put(
        self, before: SharedEntry, value: dict[str, Any], now: datetime, told: tuple[Post, ...] = ()
    ) -> bool:
        """Replace the entry `before` by a new value, and save the messages `told` with it.

        Return False if another replica was first.  Then nothing was saved.
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
