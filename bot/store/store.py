"""The only SQL of the bot: every change of a purge is one transaction, saved over the version
that it was made from, with its audit row and its messages.

Begin at `Store.apply`; what else a store does is in its parts (`jobs`, `history`, `audit` …), each
a module of this package.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog
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

from bot.core.audit import AuditEntry
from bot.core.decisions.transition import Transition
from bot.core.message import Post, PostKind, Route
from bot.core.purge.purge import Event, Purge, State
from bot.store.audit.log import AuditLog
from bot.store.change import CardReply, Change, InteractionAnswered, NewInteraction, NewPosts
from bot.store.database.clock import DatabaseClock, steady_s
from bot.store.database.engine import Database, StoreUnavailable, insert_if_new
from bot.store.database.probe import write_error
from bot.store.queue.due import JobKind
from bot.store.queue.leases import CARDS, Jobs
from bot.store.queue.owner import LEASE
from bot.store.queue.polling import STATUS_RATE, TaskPolling
from bot.store.queue.stats import QueueStats
from bot.store.queue.throttle import Rate, Throttle
from bot.store.reads.history import History
from bot.store.reads.known_tags import Tags
from bot.store.reads.related import RelatedPurges, is_sent_alike
from bot.store.reads.shared_state import SharedState
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from bot.store.schema.lanes import lane_of
from bot.telemetry import metrics, tracing

log = structlog.get_logger("purgebot.workflow")

TRY_EVERY_S = 0.25
"""How often a decision is saved anew while the database is away."""
SENDS_PER_S = 50.0
"""The CDN documents so many calls a second for the operations beside the one that we use."""


# Put together once: a purge has fifty columns, and to name each of them anew for every commit takes
# longer than the database does.
_purges, _posts, _asks = tables.purges.c, tables.posts.c, tables.asks.c
_OVER = update(tables.purges).where(
    _purges.id == bindparam("was_id"), _purges.version == bindparam("was_version")
)
_OVER_OURS = _OVER.where(_purges.lease_holder == bindparam("held_by"))
_POST = insert(tables.posts).inline()
_ANSWERED = (
    update(tables.asks)
    .where(_asks.trigger_id == bindparam("answered"), _asks.due_at.is_not(None))
    .values(due_at=None, **tables.NO_LEASE)
)
_at = bindparam("at", type_=tables.Utc)
_SHOW_CARDS = (
    update(tables.posts)
    .where(_posts.purge_id == bindparam("purge"), _posts.kind.in_(CARDS))
    .values(
        wanted_version=bindparam("wanted"),
        due_at=case((_posts.next_edit_at > _at, _posts.next_edit_at), else_=_at),
    )
)
_WAKE_FOLLOWERS = (
    update(tables.purges)
    .where(
        _purges.joined_to == bindparam("leader"),
        _purges.state.in_([State.JOINED.value, State.QUEUED.value]),
    )
    .values(due_at=_at)
)
_CARD_REPLY = (
    update(tables.posts)
    .where(
        _posts.purge_id == bindparam("purge"),
        # Only cards take these routes; said here, the index over cards finds it.
        _posts.kind == PostKind.CARD.value,
        _posts.route.in_([Route.RESPONSE.value, Route.REPLACE.value]),
    )
    .values(
        route=Route.REPLACE.value,
        response_url=bindparam("url"),
        response_url_at=_at,
        response_uses=0,
    )
)


class _Conflict(Exception):
    """Somebody was first: rolls the transaction back."""


class Store:
    """Everything that is remembered; safe to use from many threads."""

    def __init__(self, url: str, sends_per_s: float = SENDS_PER_S) -> None:
        self._database = Database(url)
        send_rate = Rate("cdn-send", sends_per_s, burst=max(1.0, sends_per_s))
        pace = Throttle({JobKind.SEND: send_rate, JobKind.POLL: STATUS_RATE})
        self.jobs = Jobs(self._database, pace)
        self.task_polling = TaskPolling(self._database, pace)
        self.audit = AuditLog(self._database)
        self.shared_state = SharedState(self._database)
        self.tags = Tags(self._database)
        self.history = History(self._database)
        self.related_purges = RelatedPurges(self._database)
        self.queue_stats = QueueStats(self._database)
        self.write_error = partial(write_error, self._database)
        self.engine = self._database.engine
        self.wake: Callable[[], None] = lambda: None
        """Called when something was saved, and may be due."""
        self._once = {
            table: insert_if_new(self.engine.dialect.name, table, "trigger_id").returning(text("1"))
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

    def apply(self, *changes: Change, owner: str | None = None, patience_s: float = 0.0) -> bool:
        """Save a decision, whole or not at all.  False: somebody was first, and nothing was saved.

        A purge that is not new is saved over the version that its transition was made from and,
        where `owner` is given, only while that one has its lease.  While the database is away it
        is tried again for `patience_s` seconds, which harms nobody: where it was saved after all,
        or somebody has taken the purge over, the version or the lease is not the same.
        Raises: StoreUnavailable.
        """
        give_up_at = steady_s() + patience_s
        while True:
            try:
                saved = self._apply(changes, owner)
                break
            except StoreUnavailable:
                if steady_s() >= give_up_at:
                    raise
                time.sleep(TRY_EVERY_S)
        for purge in (change.purge for change in changes if isinstance(change, Transition)):
            if saved:
                _log_step(purge)
            elif owner is not None:
                log.warning("step-lost", purge=purge.id, state=purge.state.value)
        if saved:
            self.wake()
        return saved

    def _apply(self, changes: Sequence[Change], owner: str | None) -> bool:
        begun: Purge | None = None
        entries: list[AuditEntry] = []
        for change in changes:
            match change:
                case AuditEntry():
                    entries.append(change)
                case Transition():
                    entries += change.audit
                    begun = begun or (change.purge if change.is_new else None)
        posts = [row for change in changes for row in _posts_of(change)]

        def job(connection: Connection) -> None:
            for change in changes:
                self._save(connection, change, owner)
            self.audit.append(connection, entries, begins=begun.id if begun else None)
            if posts:
                connection.execute(_POST, posts)

        try:
            self._database.write(job)
        except _Conflict:
            return False
        metrics.recorded(entries)
        tracing.recorded(begun, entries)
        return True

    def _save(self, connection: Connection, change: Change, owner: str | None) -> None:
        match change:
            case NewInteraction(interaction, due_at):
                row = rows.interaction_to_row(interaction) | {"due_at": due_at, "attempts": 0}
                self._insert_once(connection, tables.asks, row)
            case InteractionAnswered(trigger_id):
                if connection.execute(_ANSWERED, {"answered": trigger_id}).rowcount != 1:
                    raise _Conflict
            case Transition():
                self._save_transition(connection, change, owner)
            case CardReply(purge_id, url, at):
                connection.execute(_CARD_REPLY, {"purge": purge_id, "url": url, "at": at})
            case _:
                pass  # audit entries and messages come last, in the order of the changes

    def _save_transition(
        self, connection: Connection, change: Transition, owner: str | None
    ) -> None:
        purge = change.purge
        if change.alone_since is not None:
            self._be_alone(connection, purge, change.alone_since)
        row = rows.purge_to_row(purge)
        if change.is_new or change.reschedules:
            row |= {"due_at": change.due_at, "attempts": 0}
            row |= {"target": purge.target, "lane": lane_of(purge.state)}
        if change.is_new:
            self._insert_once(connection, tables.purges, row)
            return
        if change.event is Event.SEND:  # whoever wrote the intent has more to do with it
            assert purge.sent_at is not None, "an intent has its time"
            row |= {"lease_until": purge.sent_at + LEASE}
        elif change.reschedules:
            row |= tables.NO_LEASE
        was: dict[str, Any] = {"was_id": purge.id, "was_version": purge.version - 1}
        over = _OVER
        if owner is not None:
            over = _OVER_OURS
            was |= {"held_by": owner}
        if connection.execute(over, row | was).rowcount != 1:
            raise _Conflict
        if change.changes_cards and change.messages_due_at is not None:
            at = change.messages_due_at
            connection.execute(_SHOW_CARDS, {"purge": purge.id, "wanted": purge.version, "at": at})
        if change.wakes_followers:
            connection.execute(
                _WAKE_FOLLOWERS, {"leader": purge.id, "at": purge.notified_at or purge.settled_at}
            )
        self.tags.learn(connection, ((purge.domain, tag) for tag in change.learns))

    def _be_alone(self, connection: Connection, purge: Purge, since: datetime) -> None:
        """Make sure that nobody else sends the same at this moment, or did since then."""
        if not self.is_sqlite:  # there only one writes at a time
            key = int(purge.target[:15], 16)
            connection.execute(select(func.pg_advisory_xact_lock(key)))
        if is_sent_alike(connection, purge, since):
            raise _Conflict

    def _insert_once(self, connection: Connection, table: Table, row: dict[str, Any]) -> None:
        """Insert; a conflict where a row has the same trigger ID already."""
        if connection.execute(self._once[table], row).first() is None:
            raise _Conflict

    # Questions

    def purge(self, purge_id: str) -> Purge | None:
        """Give a purge.  Raises: StoreUnavailable, FromNewer (a newer version changed it)."""
        found = self.read(select(tables.purges).where(_purges.id == purge_id)).first()
        return rows.row_to_purge(found) if found else None

    def purge_id_of(self, trigger_id: str) -> str | None:
        """Give the ID of the purge that came of a command.  Raises: StoreUnavailable."""
        found = self.read(select(_purges.id).where(_purges.trigger_id == trigger_id)).first()
        return found.id if found else None

    def has_interaction(self, trigger_id: str, *, answered: bool) -> bool:
        """Whether an interaction was written down; with `answered`, whether it also has its answer."""
        question = select(_asks.trigger_id).where(_asks.trigger_id == trigger_id)
        if answered:
            question = question.where(_asks.due_at.is_(None))
        return self.read(question).first() is not None

    def card(self, purge_id: str, kind: PostKind = PostKind.CARD) -> Post | None:
        """Give the card of a purge, or the one that stands where people are called to decide."""
        which = (_posts.purge_id == purge_id, _posts.kind == kind.value)
        found = self.read(select(tables.posts).where(*which)).first()
        return rows.row_to_post(found) if found else None


def _posts_of(change: Change) -> list[dict[str, Any]]:
    match change:
        case Transition(messages=posts, messages_due_at=due_at) | NewPosts(posts, due_at):
            return [rows.new_post(post, due_at) for post in posts]
        case _:
            return []


def _log_step(purge: Purge) -> None:
    log.info(
        "purge",
        state=purge.state.value,
        purge=purge.id,
        domain=purge.domain,
        force=purge.force,
        user=purge.user_id,
        task_id=purge.task_id,
        request_id=purge.request_id,
        error=purge.failure.code if purge.failure else None,
    )
