"""The removal of old purges, with their messages, and of old presses and questions.

A purge is removed as a whole, some time after its end.  What its trail says stays, as long as the
audit's own retention keeps it, and one more entry of its chain records the removal: so the trail
still verifies, and a row that somebody else deleted is still found.

Rows are removed a few at a time, each time in a transaction of its own, so nobody waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select

from bot.core.audit import REMOVED, RETENTION, AuditEntry
from bot.store.audit.log import AuditLog
from bot.store.database.engine import Database
from bot.store.schema.tables import asks, posts, purges

log = structlog.get_logger("purgebot.retention")

BATCH = 100
"""How many purges one transaction removes.  Each takes an entry in its chain."""
PAGE = 1_000
"""How many rows of the other tables are looked through at once."""


class Retention:
    """Removes old rows of one database."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit
        self._done: datetime | None = None
        """Before which moment nothing is left to remove, so that one look a day is enough."""

    def keep(self, now: datetime, retention_days: int) -> None:
        """Remove what ended more than `retention_days` whole days ago.  0: nothing, ever.

        Raises: StoreUnavailable.  The next call continues.
        """
        if not retention_days:
            return
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        before = midnight - timedelta(days=retention_days)
        if before == self._done:
            return
        while removed := self.remove_purges(before, now):
            log.info("purges-removed", purges=removed)
        for table in (asks, posts):
            if removed := self._remove_old(table, before):
                log.info("rows-removed", table=table.name, rows=removed)
        self._done = before

    def remove_purges(self, before: datetime, now: datetime) -> int:
        """Remove up to BATCH purges that ended before a moment, and return how many it were.

        One that is still worked on, or of which something is still to be told, is left.
        Raises: StoreUnavailable.
        """
        told_later = exists().where(posts.c.purge_id == purges.c.id, posts.c.due_at.is_not(None))
        ended = and_(
            purges.c.requested_at < before,
            purges.c.settled_at < before,  # only what has come to its end has one
            purges.c.due_at.is_(None),
            ~told_later,
        )
        old = select(purges.c.id).where(ended).order_by(purges.c.requested_at).limit(BATCH)
        ids = [row.id for row in self._database.read(old)]
        if not ids:
            return 0
        detail = {"before": before.isoformat()}

        def job(connection: Connection) -> int:
            self._audit.take_turn(connection, RETENTION)  # only one replica removes at a time
            # Rows before chains, in the order of a decision: the other way round is a deadlock.
            gone = delete(purges).where(purges.c.id.in_(ids), ended).returning(purges.c.id)
            removed = sorted(row.id for row in connection.execute(gone))
            connection.execute(delete(posts).where(posts.c.purge_id.in_(removed)))
            entries = [AuditEntry(each, now, REMOVED, detail=detail) for each in removed]
            self._audit.append(connection, entries)
            return len(removed)

        return self._database.write(job)

    def _remove_old(self, table: Table, before: datetime) -> int:
        """Remove presses and questions, or the posts that belong to no purge, from before a moment.

        No index finds them by their age, so the table is looked through in pages of its key.
        """
        return sum(self._remove_page(table, keys, before) for keys in self._pages(table))

    def _pages(self, table: Table) -> Iterator[list[Any]]:
        (key,) = table.primary_key
        page = select(key).order_by(key).limit(PAGE)
        keys = [row[0] for row in self._database.read(page)]
        while keys:
            yield keys
            keys = [row[0] for row in self._database.read(page.where(key > keys[-1]))]

    def _remove_page(self, table: Table, keys: list[Any], before: datetime) -> int:
        (key,) = table.primary_key
        # Between, not a list: PAGE values are more than some statements may have.
        old: list[ColumnElement[bool]] = [
            key.between(keys[0], keys[-1]),
            table.c.due_at.is_(None),
        ]
        if table is asks:
            old.append(asks.c.at < before)
        else:
            of_a_purge = exists().where(purges.c.id == posts.c.purge_id)
            old += [posts.c.response_url_at < before, or_(posts.c.purge_id.is_(None), ~of_a_purge)]
        if self._database.read(select(key).where(*old).limit(1)).first() is None:
            return 0
        return self._database.write(
            lambda connection: connection.execute(delete(table).where(*old)).rowcount
        )
