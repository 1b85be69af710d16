"""The only SQL of the bot: every change of a purge is one transaction, saved over the version
that it was made from, with its audit row and its messages.

    commit   a decision: purge, ask, audit and posts, or nothing at all (False: somebody was first)
    jobs     what is due, and who works on it (bot/store/jobs.py)
    looks    what the CDN is to be asked about (bot/store/looks.py)
    known    what all replicas know of the world outside (bot/store/known.py)
    beside   what other purges have to do with one (bot/store/beside.py)
    census   how much there is to do (bot/store/census.py)
    history  what was purged, for those who ask (bot/store/history.py)
    audit    the trail of it all: sealed and pruned (bot/store/audit_log.py)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    case,
    func,
    insert,
    select,
    text,
    update,
)

from bot import metrics, tracing
from bot.core.ask import Ask
from bot.core.audit import AuditEntry
from bot.core.post import Post, PostKind, Route
from bot.core.purge import Purge, State
from bot.store import rows, tables
from bot.store.audit_log import AuditLog
from bot.store.beside import Beside, is_sent_alike
from bot.store.census import Census
from bot.store.clock import DatabaseClock
from bot.store.due import lane_of
from bot.store.engine import Database, insert_for
from bot.store.history import History
from bot.store.jobs import CARDS, Jobs
from bot.store.known import Known
from bot.store.looks import STATUS_RATE, Looks
from bot.store.pace import Pace
from bot.store.rates import Rate


@dataclass(frozen=True, slots=True)
class Change:
    """One decision, to be saved whole or not at all.

    `purge` with `new=True` is inserted; else it replaces the row whose version is one less and,
    where `holder` is given, whose lease is still this holder's.
    `keep_lease` leaves the row with its holder, who has more to do with it.
    `new_ask` is written down, due at `ask_due_at` or answered already; `answered` is the trigger
    ID of a waiting ask.  `card_reply` is the response URL of a press on the card, and its time:
    where the bot is no member it is the only way to replace the card.
    `other` is a second purge that changes with it, over the version that is one less.
    `alone_since`: only if the same was not sent by another since then.  `wakes_followers`: the
    purges that were joined to this one are due now.  `quiet`: the card says what it said before.
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
    other: Purge | None = None
    alone_since: datetime | None = None
    wakes_followers: bool = False
    quiet: bool = False


SENDS_PER_S = 50.0
"""The CDN documents so many calls a second for the operations beside the one that we use."""


# Put together once: a purge has fifty columns, and to name each of them anew for every commit takes
# longer than the database does.
_OVER = update(tables.purges).where(
    tables.purges.c.id == bindparam("was_id"), tables.purges.c.version == bindparam("was_version")
)
_OVER_OURS = _OVER.where(tables.purges.c.lease_holder == bindparam("held_by"))
_POST = insert(tables.posts).inline()
_at = bindparam("at", type_=tables.Utc)
_SHOW_CARDS = (
    update(tables.posts)
    .where(tables.posts.c.purge_id == bindparam("purge"), tables.posts.c.kind.in_(CARDS))
    .values(
        wanted_version=bindparam("wanted"),
        due_at=case((tables.posts.c.next_edit_at > _at, tables.posts.c.next_edit_at), else_=_at),
    )
)


class _Beaten(Exception):
    """Rolls the transaction back."""


class Store:
    """Everything that is remembered; safe to use from many threads."""

    def __init__(self, url: str, sends_per_s: float = SENDS_PER_S) -> None:
        self._database = Database(url)
        send_rate = Rate("cdn-send", sends_per_s, burst=max(1.0, sends_per_s))
        pace = Pace({"sends": send_rate, "watches": STATUS_RATE})
        self.jobs = Jobs(self._database, pace)
        self.looks = Looks(self._database, pace)
        self.audit = AuditLog(self._database)
        self.known = Known(self._database)
        self.history = History(self._database)
        self.beside = Beside(self._database)
        self.census = Census(self._database)
        self.engine = self._database.engine
        self._once = {
            table: insert_for(self.engine.dialect.name, table)
            .on_conflict_do_nothing(index_elements=["trigger_id"])
            .returning(text("1"))
            for table in (tables.purges, tables.asks)
        }
        self.is_sqlite = self._database.is_sqlite
        self.close = self._database.close
        self.read = self._database.read

    def clock(self) -> DatabaseClock:
        """Give the clock of the database, which all its replicas share; SQLite has none.

        Raises: StoreUnavailable.
        """
        return DatabaseClock(self._database)

    # Decisions

    def commit(self, change: Change) -> bool:
        """Save a decision.  False: somebody was first, and nothing was saved.

        Raises: StoreUnavailable.
        """

        def job(connection: Connection) -> None:
            self._save_ask(connection, change)
            if change.alone_since is not None:
                self._be_alone(connection, change)
            self._save_purge(connection, change)
            if change.other is not None:
                self._save_other(connection, change.other, change.posts_due_at)
            begins = change.purge.id if change.purge is not None and change.new else None
            self.audit.append(connection, change.audit, begins=begins)
            for post in change.posts:
                row = rows.post_to_row(post) | {"due_at": change.posts_due_at, "attempts": 0}
                connection.execute(_POST, row)

        try:
            self._database.write(job)
        except _Beaten:
            return False
        metrics.recorded(change.audit)
        tracing.recorded(change.purge if change.new else None, change.audit)
        return True

    def _save_ask(self, connection: Connection, change: Change) -> None:
        if change.new_ask is not None:
            row = rows.ask_to_row(change.new_ask) | {"due_at": change.ask_due_at, "attempts": 0}
            self._insert_once(connection, tables.asks, row)
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
        row |= {"target": purge.target, "lane": lane_of(purge.state)}
        if change.new:
            self._insert_once(connection, tables.purges, row)
            return
        if not change.keep_lease:
            row |= {"lease_until": None, "lease_holder": None}
        elif change.lease_until is not None:
            row |= {"lease_until": change.lease_until}
        was: dict[str, Any] = {"was_id": purge.id, "was_version": purge.version - 1}
        over = _OVER
        if change.holder is not None:
            over = _OVER_OURS
            was |= {"held_by": change.holder}
        if connection.execute(over, row | was).rowcount != 1:
            raise _Beaten
        if not change.quiet:
            self._card_is_due(connection, purge, change.posts_due_at)
        if change.wakes_followers:
            connection.execute(
                update(tables.purges)
                .where(
                    tables.purges.c.joined_to == purge.id,
                    tables.purges.c.state == State.JOINED.value,
                )
                .values(due_at=purge.told_at or purge.settled_at)
            )
        if change.card_reply is not None:
            url, at = change.card_reply
            connection.execute(
                update(tables.posts)
                .where(
                    tables.posts.c.purge_id == purge.id,
                    # Only cards take these routes; said here, the index over cards finds it.
                    tables.posts.c.kind == PostKind.CARD.value,
                    tables.posts.c.route.in_([Route.RESPONSE.value, Route.REPLACE.value]),
                )
                .values(
                    route=Route.REPLACE.value, response_url=url, response_url_at=at, response_uses=0
                )
            )

    def _save_other(
        self, connection: Connection, purge: Purge, posts_due_at: datetime | None
    ) -> None:
        """Change a purge that nobody works on, over the version that is one less."""
        was = {"was_id": purge.id, "was_version": purge.version - 1}
        if connection.execute(_OVER, rows.purge_to_row(purge) | was).rowcount != 1:
            raise _Beaten
        self._card_is_due(connection, purge, posts_due_at)

    @staticmethod
    def _card_is_due(connection: Connection, purge: Purge, at: datetime | None) -> None:
        """Have the cards of a purge shown anew, each not sooner than it may be edited again."""
        if at is not None:
            connection.execute(_SHOW_CARDS, {"purge": purge.id, "wanted": purge.version, "at": at})

    def _be_alone(self, connection: Connection, change: Change) -> None:
        """Make sure that nobody else sends the same at this moment, or did since `alone_since`."""
        assert change.purge is not None, "only a purge can be alone"
        assert change.alone_since is not None, "there is a time since when"
        if not self.is_sqlite:  # there only one writes at a time
            key = int(change.purge.target[:15], 16)
            connection.execute(select(func.pg_advisory_xact_lock(key)))
        if is_sent_alike(connection, change.purge, change.alone_since):
            raise _Beaten

    def _insert_once(self, connection: Connection, table: Table, row: dict[str, Any]) -> None:
        """Insert, or be beaten by the row that has the same trigger ID already."""
        if connection.execute(self._once[table], row).first() is None:
            raise _Beaten

    # Questions

    def purge(self, purge_id: str) -> Purge | None:
        """Give a purge.  Raises: StoreUnavailable, FromNewer (a newer version changed it)."""
        found = self.read(select(tables.purges).where(tables.purges.c.id == purge_id)).first()
        return rows.row_to_purge(found) if found else None

    def has_ask(self, trigger_id: str, *, answered: bool) -> bool:
        """Whether an ask was written down; with `answered`, whether it also has its answer."""
        asks = tables.asks.c
        question = select(asks.trigger_id).where(asks.trigger_id == trigger_id)
        if answered:
            question = question.where(asks.due_at.is_(None))
        return self.read(question).first() is not None

    def card(self, purge_id: str, kind: PostKind = PostKind.CARD) -> Post | None:
        """Give the card of a purge, or the one that stands where people are called to decide."""
        found = self.read(
            select(tables.posts).where(
                tables.posts.c.purge_id == purge_id, tables.posts.c.kind == kind.value
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
