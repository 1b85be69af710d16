"""The only SQL of the bot: every change of a purge is one transaction, saved over the version
that it was made from, with its audit row and its messages.

    commit   a decision: purge, ask, audit and posts, or nothing at all (False: somebody was first)
    jobs     what is due, and who works on it (bot/store/jobs.py)
    audit    the trail of it all: sealed and pruned (bot/store/audit_log.py)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.core.ask import Ask
from bot.core.audit import AuditEntry
from bot.core.post import Post, PostKind, Route
from bot.core.purge import Purge
from bot.store import rows, tables
from bot.store.audit_log import AuditLog
from bot.store.engine import Database
from bot.store.jobs import Jobs


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


class _Beaten(Exception):
    """Rolls the transaction back."""


class Store:
    """Everything that is remembered; safe to use from many threads."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self.jobs = Jobs(self._database)
        self.audit = AuditLog(self._database)
        self.engine = self._database.engine
        self.is_sqlite = self._database.is_sqlite
        self.close = self._database.close
        self.read = self._database.read

    # Decisions

    def commit(self, change: Change) -> bool:
        """Save a decision.  False: somebody was first, and nothing was saved.

        Raises: StoreUnavailable.
        """

        def job(connection: Connection) -> None:
            self._save_ask(connection, change)
            self._save_purge(connection, change)
            self.audit.append(connection, change.audit)
            for post in change.posts:
                connection.execute(
                    insert(tables.posts).values(
                        **rows.post_to_row(post), due_at=change.posts_due_at, attempts=0
                    )
                )

        try:
            self._database.write(job)
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
            .order_by(tables.audit.c.seq)
        )
        return [rows.row_to_link(row).entry for row in found]
