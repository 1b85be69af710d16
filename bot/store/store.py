"""The only SQL of the bot: every change of a purge is one transaction, saved over the version
that it was made from, with its audit row and its messages.

Begin at `Store.apply`; what else a store does is in its parts (`jobs`, `history`, `audit` …), each
a module of this package.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    Connection,
    Table,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
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
from bot.store.database.statements import Prepared, one_of
from bot.store.handing_over import FIRST_SHOWN, HandingOver
from bot.store.queue.due import JobKind
from bot.store.queue.leases import CARDS, Jobs
from bot.store.queue.owner import LEASE, Claimed
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
_BEFORE = update(tables.purges).where(
    _purges.id == bindparam("was_id"), _purges.version == bindparam("was_version")
)
_OVER = Prepared(_BEFORE)
_OVER_OURS = Prepared(_BEFORE.where(_purges.lease_holder == bindparam("held_by")))
_POST = Prepared(insert(tables.posts).inline())
_ANSWERED = Prepared(
    update(tables.asks)
    .where(_asks.trigger_id == bindparam("answered"), _asks.due_at.is_not(None))
    .values(due_at=None, **tables.NO_LEASE)
)
_at = bindparam("at", type_=tables.Utc)
_TAKE_TURNS = Prepared(
    select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)).label("turn"))
)
_PURGE = Prepared(select(tables.purges).where(_purges.id == bindparam("which")))
_CARD = Prepared(
    select(tables.posts).where(
        _posts.purge_id == bindparam("purge"), _posts.kind == bindparam("sort")
    )
)
_TAKE_CARD = Prepared(
    update(tables.posts)
    .where(
        _posts.purge_id == bindparam("purge"),
        one_of(_posts.kind, [PostKind.CARD]),
        _posts.route.is_(None),
        _posts.trying_since.is_(None),
        or_(_posts.lease_until.is_(None), _posts.lease_until < _at),
    )
    .values(trying_since=_at)
    .returning(*tables.posts.c)
)
_SHOW_CARDS = Prepared(
    update(tables.posts)
    .where(_posts.purge_id == bindparam("purge"), one_of(_posts.kind, CARDS))
    .values(
        wanted_version=bindparam("wanted"),
        due_at=case((_posts.next_edit_at > _at, _posts.next_edit_at), else_=_at),
    )
)
_WAKE_FOLLOWERS = Prepared(
    update(tables.purges)
    .where(
        _purges.joined_to == bindparam("leader"),
        one_of(_purges.state, [State.JOINED, State.QUEUED]),
    )
    .values(due_at=_at)
)
_CARD_REPLY = Prepared(
    update(tables.posts)
    .where(
        _posts.purge_id == bindparam("purge"),
        # Only cards take these routes; said here, the index over cards finds it.
        one_of(_posts.kind, [PostKind.CARD]),
        one_of(_posts.route, [Route.RESPONSE, Route.REPLACE]),
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
        self._pace = pace = Throttle({JobKind.SEND: send_rate, JobKind.POLL: STATUS_RATE})
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
        self._once = {
            table: Prepared(insert_if_new(self.engine.dialect.name, table, "trigger_id"))
            for table in (tables.purges, tables.asks)
        }
        self.is_sqlite = self._database.is_sqlite
        self.close = self._database.close
        self.read = self._database.read
        self.reading = self._database.reading

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
        handing = HandingOver(self.jobs.handover, changes)
        try:
            while True:
                try:
                    saved = self._apply(changes, owner, handing)
                    break
                except StoreUnavailable:
                    if steady_s() >= give_up_at:
                        raise
                    time.sleep(TRY_EVERY_S)
        except BaseException:
            handing.done(saved=False)
            raise
        for purge in (change.purge for change in changes if isinstance(change, Transition)):
            if saved:
                _log_step(purge)
            elif owner is not None:
                log.warning("step-lost", purge=purge.id, state=purge.state.value)
        if saved and handing.step is not None:
            self.jobs.take(handing.step.value)
        handing.done(saved=saved)
        return saved

    def _apply(self, changes: Sequence[Change], owner: str | None, handing: HandingOver) -> bool:
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
            handing.begin()
            for change in changes:
                self._save(connection, change, owner, handing)
            self.audit.append(connection, entries, begins=begun.id if begun else None)
            _POST.run_many(connection, posts)

        try:
            self._database.write(job)
        except _Conflict:
            return False
        metrics.recorded(entries)
        tracing.recorded(begun, entries)
        return True

    def _save(
        self, connection: Connection, change: Change, owner: str | None, handing: HandingOver
    ) -> None:
        match change:
            case NewInteraction(interaction, due_at):
                row = rows.interaction_to_row(interaction) | {"due_at": due_at, "attempts": 0}
                if due_at is not None:
                    row |= handing.lease(change, interaction, due_at)
                self._insert_once(connection, tables.asks, row)
            case InteractionAnswered(trigger_id):
                if _ANSWERED.run(connection, {"answered": trigger_id}) != 1:
                    raise _Conflict
            case Transition():
                self._save_transition(connection, change, owner, handing)
            case CardReply(purge_id, url, at):
                _CARD_REPLY.run(connection, {"purge": purge_id, "url": url, "at": at})
            case NewPosts(posts, due_at):  # they are written last
                handing.due += [due_at] if posts else []
            case _:
                pass  # audit entries come last as well, in the order of the changes

    def _save_transition(
        self,
        connection: Connection,
        change: Transition,
        owner: str | None,
        handing: HandingOver,
    ) -> None:
        purge = change.purge
        if change.alone_since is not None:
            self._be_alone(connection, purge, change.alone_since)
        row = self._row_of(connection, change, handing)
        if change.messages and change.messages_due_at is not None:
            handing.due.append(change.messages_due_at)
        if change.is_new:
            self._insert_once(connection, tables.purges, row)
            return
        was: dict[str, Any] = {"was_id": purge.id, "was_version": purge.version - 1}
        over = _OVER
        if owner is not None:
            over = _OVER_OURS
            was |= {"held_by": owner}
        if over.run(connection, row | was) != 1:
            raise _Conflict
        if change.changes_cards and change.messages_due_at is not None:
            self._show_cards(connection, change, change.messages_due_at, handing)
        if change.wakes_followers:
            over_at = purge.notified_at or purge.settled_at or purge.requested_at
            if _WAKE_FOLLOWERS.run(connection, {"leader": purge.id, "at": over_at}):
                handing.due.append(over_at)
        self.tags.learn(connection, ((purge.domain, tag) for tag in change.learns))

    def _row_of(
        self, connection: Connection, change: Transition, handing: HandingOver
    ) -> dict[str, Any]:
        purge, due_at = change.purge, change.due_at
        row = rows.purge_to_row(purge)
        if not (change.is_new or change.reschedules):
            return row
        row |= {"due_at": due_at, "attempts": 0}
        row |= {"target": purge.target, "lane": lane_of(purge.state)}
        if change.event is Event.SEND:  # whoever wrote the intent has more to do with it
            assert purge.sent_at is not None, "an intent has its time"
            return row | {"lease_until": purge.sent_at + LEASE}
        if due_at is None:
            return row | tables.NO_LEASE
        if handing.hands_over(change) and purge.state is State.READY:
            handing.allowed = self._pace.take_one(connection, JobKind.SEND, due_at)
        return row | handing.lease(change, purge, due_at)

    def _show_cards(
        self, connection: Connection, change: Transition, at: datetime, handing: HandingOver
    ) -> None:
        """Have the cards of a purge shown anew; one that was never posted may be handed over.

        Its row says already that it is being tried: whoever finds it after a crash looks for it.
        """
        purge = change.purge
        _SHOW_CARDS.run(connection, {"purge": purge.id, "wanted": purge.version, "at": at})
        if handing.hands_over(change) and change.event in FIRST_SHOWN:
            values = {"purge": purge.id, "at": at, **handing.lease_from(at)}
            for found in _TAKE_CARD.rows(connection, values):
                post = replace(rows.row_to_post(found), trying_since=None)
                handing.step = Claimed(post, found.attempts, at, shows=purge)
        if handing.step is None or handing.step.value is purge:
            handing.due.append(at)

    def _be_alone(self, connection: Connection, purge: Purge, since: datetime) -> None:
        """Make sure that nobody else sends the same at this moment, or did since then."""
        if not self.is_sqlite:  # there only one writes at a time
            key = int(purge.target[:15], 16)
            _TAKE_TURNS.rows(connection, {"key": key})
        if is_sent_alike(connection, purge, since):
            raise _Conflict

    def _insert_once(self, connection: Connection, table: Table, row: dict[str, Any]) -> None:
        """Insert; a conflict where a row has the same trigger ID already."""
        if self._once[table].run(connection, row) != 1:
            raise _Conflict

    # Questions

    def purge(self, purge_id: str) -> Purge | None:
        """Give a purge.  Raises: StoreUnavailable, FromNewer (a newer version changed it)."""
        found = self._database.rows(_PURGE, which=purge_id)
        return rows.row_to_purge(found[0]) if found else None

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
        found = self._database.rows(_CARD, purge=purge_id, sort=kind.value)
        return rows.row_to_post(found[0]) if found else None


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
