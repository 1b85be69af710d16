"""What is due, and who works on it: claims under a lease, and what becomes of them.

claim      due rows for one worker; on PostgreSQL nobody else sees them meanwhile
put_back   a step failed: due again later
save_post  where a message went
beat       the leases of a living worker are renewed; those of a dead one run out
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, case, or_, select, update

from bot.core.ask import Ask
from bot.core.post import Post, PostKind
from bot.core.purge import Purge
from bot.store import rows, tables
from bot.store.engine import Database

LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this worker holds: what it is, and how often a step on it has failed."""

    value: Purge | Ask | Post
    attempts: int


class Holder:
    """Whoever holds leases: one process, and when it last renewed them."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._renewed = time.monotonic()

    def renewed(self) -> None:
        self._renewed = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether its leases can still be its own: a process may be paused without knowing it."""
        return time.monotonic() - self._renewed <= LEASE.total_seconds() / 2


class Jobs:
    """The work that is due, for one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, job: str, now: datetime, holder: str, limit: int) -> list[Claimed]:
        """Take up to `limit` due rows of the table `job` for LEASE; the oldest first."""
        table = tables.JOBS[job]
        due = _due(table, now)
        if self._database.read(select(_key(table)).where(due).limit(1)).first() is None:
            return []  # a look costs less than a turn at writing

        def take(connection: Connection) -> list[Any]:
            key = _key(table)
            found = connection.execute(
                select(table)
                .where(due)
                .order_by(table.c.due_at)
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).all()
            if found:
                connection.execute(
                    update(table)
                    .where(key.in_([getattr(row, key.name) for row in found]))
                    .values(lease_until=now + LEASE, lease_holder=holder)
                )
            return list(found)

        to_value: Any = {
            "purges": rows.row_to_purge,
            "asks": rows.row_to_ask,
            "posts": rows.row_to_post,
        }[job]
        return [Claimed(to_value(row), row.attempts) for row in self._database.write(take)]

    def put_back(self, value: Purge | Ask | Post, holder: str, due_at: datetime) -> None:
        """Give up a claimed row for now; it is due again at `due_at`, with one failure more."""
        table, key = _home(value)

        def job(connection: Connection) -> None:
            connection.execute(
                update(table)
                .where(_key(table) == key, table.c.lease_holder == holder)
                .values(
                    due_at=due_at,
                    lease_until=None,
                    lease_holder=None,
                    attempts=table.c.attempts + 1,
                )
            )

        self._database.write(job)

    def save_post(self, post: Post, holder: str, *, done: bool, now: datetime) -> bool:
        """Keep where a post went.  `done` gives the lease back; it is due again at once if the
        purge has moved on meanwhile.  False: the lease was lost, and nothing was saved.
        """
        table = tables.posts
        values = rows.post_to_row(post)
        # Others raise the wanted version and bring a fresh response URL while this worker
        # holds the row: theirs counts.
        for theirs in ("wanted_version", "response_url", "response_url_at"):
            del values[theirs]
        if done:
            behind = and_(
                table.c.kind == PostKind.CARD.value, table.c.wanted_version > post.shown_version
            )
            values |= {
                "due_at": case((behind, now), else_=None),
                "lease_until": None,
                "lease_holder": None,
                "attempts": 0,
            }

        def job(connection: Connection) -> bool:
            held = and_(table.c.id == post.id, table.c.lease_holder == holder)
            return connection.execute(update(table).where(held).values(values)).rowcount == 1

        return self._database.write(job)

    def beat(self, holder: str, now: datetime) -> None:
        """Renew every lease of `holder`."""

        def job(connection: Connection) -> None:
            for table in tables.JOBS.values():
                connection.execute(
                    update(table)
                    .where(table.c.lease_holder == holder)
                    .values(lease_until=now + LEASE)
                )

        self._database.write(job)

    def free_all_leases(self) -> None:
        """Forget all leases: right only where no other process can be at work (SQLite)."""

        def job(connection: Connection) -> None:
            for table in tables.JOBS.values():
                connection.execute(
                    update(table)
                    .where(table.c.lease_holder.is_not(None))
                    .values(lease_until=None, lease_holder=None)
                )

        self._database.write(job)

    def next_due(self) -> datetime | None:
        """When the next step of any kind that nobody works on is due, or None."""
        moments = []
        for table in tables.JOBS.values():
            soonest = self._database.read(
                select(table.c.due_at)
                .where(table.c.due_at.is_not(None), table.c.lease_until.is_(None))
                .order_by(table.c.due_at)
                .limit(1)
            ).scalar_one_or_none()
            if soonest is not None:
                moments.append(soonest)
        return min(moments, default=None)


def _due(table: Table, now: datetime) -> ColumnElement[bool]:
    free = or_(table.c.lease_until.is_(None), table.c.lease_until < now)
    return and_(table.c.due_at <= now, free)


def _key(table: Table) -> Column[Any]:
    (key,) = table.primary_key.columns
    return key


def _home(value: Purge | Ask | Post) -> tuple[Table, Any]:
    """The table in which a value lives, and its key there."""
    match value:
        case Purge():
            return tables.purges, value.id
        case Ask():
            return tables.asks, value.trigger_id
        case Post():
            return tables.posts, value.id
