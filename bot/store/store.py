"""The only SQL of the bot: every change of a purge is one transaction, saved over the version
that it was made from, with its audit row and its messages.

    commit   a decision: purge, ask, audit and posts, or nothing at all (False: somebody was first)
    claim    due rows for one worker, under a lease; on PostgreSQL nobody else sees them meanwhile
    beat     leases of a living worker are renewed; those of a dead one run out
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    case,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot.core.ask import Ask
from bot.core.audit import AuditEntry
from bot.core.errors import STORE_AWAY
from bot.core.post import Post, PostKind, Route
from bot.core.purge import Purge
from bot.store import rows, tables
from bot.store.engine import StoreUnavailable, open_database

LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Change:
    """One decision, to be saved whole or not at all.

    `purge` with `new=True` is inserted; else it replaces the row whose version is one less and,
    where `holder` is given, whose lease is still this holder's.
    `keep_lease` leaves the row with its holder, who has more to do with it.
    `new_ask` is written down, due at `ask_due_at` or answered already; `answered` is the trigger
    ID of a waiting ask.  `card_reply` is the response URL of a press on the card, and its time:
    where the bot is no member it is the only way to replace the card.
    """

    purge: Purge | None = None
    new: bool = False
    due_at: datetime | None = None
    holder: str | None = None
    keep_lease: bool = False
    lease_until: datetime | None = None
    new_ask: Ask | None = None
    ask_due_at: datetime | None = None
    answered: str | None = None
    audit: tuple[AuditEntry, ...] = ()
    posts: tuple[Post, ...] = ()
    posts_due_at: datetime | None = None
    card_reply: tuple[str, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this worker holds: what it is, and how often a step on it has failed."""

    value: Purge | Ask | Post
    attempts: int


class _Beaten(Exception):  # noqa: N818  (not an error: somebody else was first)
    """Rolls the transaction back."""


class Store:
    """Everything that is remembered; safe to use from many threads."""

    def __init__(self, url: str) -> None:
        self.engine, self._writer = open_database(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        self._writer.close()
        self.engine.dispose()

    # Decisions

    def commit(self, change: Change) -> bool:
        """Save a decision.  False: somebody was first, and nothing was saved.

        Raises: StoreUnavailable.
        """

        def job(connection: Connection) -> None:
            self._save_ask(connection, change)
            self._save_purge(connection, change)
            if change.audit:
                connection.execute(
                    insert(tables.audit), [rows.entry_to_row(entry) for entry in change.audit]
                )
            for post in change.posts:
                connection.execute(
                    insert(tables.posts).values(
                        **rows.post_to_row(post), due_at=change.posts_due_at, attempts=0
                    )
                )

        try:
            self._writer.run(job)
        except _Beaten:
            return False
        return True

    def _save_ask(self, connection: Connection, change: Change) -> None:
        if change.new_ask is not None:
            row = rows.ask_to_row(change.new_ask) | {"due_at": change.ask_due_at, "attempts": 0}
            self._insert_once(connection, self._insert(tables.asks).values(row), "trigger_id")
        if change.answered is not None:
            done = connection.execute(
                update(tables.asks)
                .where(
                    tables.asks.c.trigger_id == change.answered, tables.asks.c.due_at.is_not(None)
                )
                .values(due_at=None, lease_until=None, lease_holder=None)
            )
            if done.rowcount != 1:
                raise _Beaten

    def _save_purge(self, connection: Connection, change: Change) -> None:
        purge = change.purge
        if purge is None:
            return
        row = rows.purge_to_row(purge) | {"due_at": change.due_at, "attempts": 0}
        if change.new:
            self._insert_once(connection, self._insert(tables.purges).values(row), "trigger_id")
            return
        was = [tables.purges.c.id == purge.id, tables.purges.c.version == purge.version - 1]
        if change.holder is not None:
            was.append(tables.purges.c.lease_holder == change.holder)
        if not change.keep_lease:
            row |= {"lease_until": None, "lease_holder": None}
        elif change.lease_until is not None:
            row |= {"lease_until": change.lease_until}
        if connection.execute(update(tables.purges).where(*was).values(row)).rowcount != 1:
            raise _Beaten
        connection.execute(
            update(tables.posts)
            .where(tables.posts.c.purge_id == purge.id, tables.posts.c.kind == PostKind.CARD.value)
            .values(wanted_version=purge.version, due_at=change.posts_due_at)
        )
        if change.card_reply is not None:
            url, at = change.card_reply
            connection.execute(
                update(tables.posts)
                .where(
                    tables.posts.c.purge_id == purge.id,
                    tables.posts.c.route.in_([Route.RESPONSE.value, Route.REPLACE.value]),
                )
                .values(
                    route=Route.REPLACE.value, response_url=url, response_url_at=at, response_uses=0
                )
            )

    def _insert(self, table: Any) -> Any:
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    @staticmethod
    def _insert_once(connection: Connection, statement: Any, key: str) -> None:
        """Insert, or be beaten by the row that has the same key already."""
        once = statement.on_conflict_do_nothing(index_elements=[key]).returning(text("1"))
        if connection.execute(once).first() is None:
            raise _Beaten

    # Work

    def claim(self, job: str, now: datetime, holder: str, limit: int) -> list[Claimed]:
        """Take up to `limit` due rows of the table `job` for LEASE; the oldest first."""
        table = tables.JOBS[job]
        due = _due(table, now)
        if self.read(select(_key(table)).where(due).limit(1)).first() is None:
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
        return [Claimed(to_value(row), row.attempts) for row in self._writer.run(take)]

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

        self._writer.run(job)

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

        return self._writer.run(job)

    def beat(self, holder: str, now: datetime) -> None:
        """Renew every lease of `holder`."""

        def job(connection: Connection) -> None:
            for table in tables.JOBS.values():
                connection.execute(
                    update(table)
                    .where(table.c.lease_holder == holder)
                    .values(lease_until=now + LEASE)
                )

        self._writer.run(job)

    def free_all_leases(self) -> None:
        """Forget all leases: right only where no other process can be at work (SQLite)."""

        def job(connection: Connection) -> None:
            for table in tables.JOBS.values():
                connection.execute(
                    update(table)
                    .where(table.c.lease_holder.is_not(None))
                    .values(lease_until=None, lease_holder=None)
                )

        self._writer.run(job)

    def next_due(self) -> datetime | None:
        """When the next step of any kind that nobody works on is due, or None."""
        moments = []
        for table in tables.JOBS.values():
            soonest = self.read(
                select(table.c.due_at)
                .where(table.c.due_at.is_not(None), table.c.lease_until.is_(None))
                .order_by(table.c.due_at)
                .limit(1)
            ).scalar_one_or_none()
            if soonest is not None:
                moments.append(soonest)
        return min(moments, default=None)

    # Questions

    def purge(self, purge_id: str) -> Purge | None:
        found = self.read(select(tables.purges).where(tables.purges.c.id == purge_id)).first()
        return rows.row_to_purge(found) if found else None

    def has_ask(self, trigger_id: str, *, answered: bool) -> bool:
        """Whether an ask was written down; with `answered`, whether it also has its answer."""
        asks = tables.asks.c
        question = select(asks.trigger_id).where(asks.trigger_id == trigger_id)
        if answered:
            question = question.where(asks.due_at.is_(None))
        return self.read(question).first() is not None

    def card(self, purge_id: str) -> Post | None:
        found = self.read(
            select(tables.posts).where(
                tables.posts.c.purge_id == purge_id, tables.posts.c.kind == PostKind.CARD.value
            )
        ).first()
        return rows.row_to_post(found) if found else None

    def audit_of(self, purge_id: str) -> list[AuditEntry]:
        found = self.read(
            select(tables.audit)
            .where(tables.audit.c.purge_id == purge_id)
            .order_by(tables.audit.c.id)
        )
        return [
            AuditEntry(**{name: getattr(row, name) for name in AuditEntry.__slots__})
            for row in found
        ]

    def read(self, question: Select[Any]) -> Any:
        """Answer a question from what is committed.  Raises: StoreUnavailable."""
        try:
            with self.engine.connect() as connection:
                return connection.execute(question).freeze()()
        except SQLAlchemyError as error:
            raise StoreUnavailable(STORE_AWAY) from error


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
